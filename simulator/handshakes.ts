/**
 * A request for a WebSocket until it opens or is refused: its journal entry, its credentials, and who may come in.
 */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Answer, faultAnswer } from './answers.ts'
import { ApiFault } from './api-fault.ts'
import { type Exchange, requireMode, sessionOf } from './calls.ts'
import type { JsonObject } from './exact-json.ts'
import { requireWorking } from './methods/call-control.ts'
import type { RealmName } from './realms.ts'
import type { Session } from './sessions.ts'
import type { System } from './system.ts'
import { targetOf } from './wire.ts'

export interface Arrival {
  system: System
  realm: RealmName
  req: IncomingMessage
  socket: Socket
  /** What has come behind the request already. */
  head: Buffer
}

export interface Handshake {
  readonly exchange: Exchange
  readonly socket: Socket
  /** Writes what refuses it. */
  readonly res: ServerResponse
  /** Gives the connection up, with all that has come behind the request. */
  release(): Buffer
}

/** A subprotocol that carries a token: browsers can set no header on a WebSocket. */
const tokenProtocol = /^access_token\.(.+)$/

export const isTokenProtocol = (name: string) => tokenProtocol.test(name)

export function openHandshake({ system, realm, req, socket, head }: Arrival): Handshake {
  const target = targetOf(req.url ?? '/')
  const { service, method } = target
  const request = { realm, httpMethod: req.method ?? '', url: req.url ?? '', rawHeaders: req.rawHeaders }
  const open = system.journal.arrive({ ...request, service, method, write: false })
  open?.bodyEnd()
  const res = new ServerResponse(req)
  res.shouldKeepAlive = false
  res.assignSocket(socket)
  res.once('finish', () => socket.destroySoon())
  open?.settleWith(res)
  const release = watch(socket, head)
  return {
    exchange: { system, realm, req, target, content: { authInfo: authInfoOf(req), ...noContent }, open },
    socket,
    res,
    release() {
      res.detachSocket(socket)
      return release()
    }
  }
}

/** The session that comes in, null for an anonymous page's, or the answer that refuses it. */
export function admit(exchange: Exchange, isPage: boolean): Answer | { session: Session | null } {
  let status = 500
  try {
    if (!isPage) requireMode(exchange.system, null)
    if (!isPage) requireWorking(exchange.system)
    status = 401
    return { session: sessionOf(exchange) }
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error
    if (isPage) return { session: null }
    if (exchange.open !== null) exchange.open.entry.faultcode = error.faultcode
    const answer = faultAnswer(error, status)
    return status === 401 ? answer.with(['WWW-Authenticate', 'Bearer']) : answer
  }
}

const noContent = { params: {}, files: [], text: '' }

/** Behind a bearer token come the query, the subprotocols, and last the cookies, which come by themselves. */
function authInfoOf(req: IncomingMessage): JsonObject {
  const queried = targetOf(req.url ?? '/').query.get('access_token')
  if (queried !== null && queried !== '') return { access_token: queried }
  const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',')
  const token = offered.map((name) => tokenProtocol.exec(name.trim())?.[1]).find(Boolean)
  return token === undefined ? {} : { access_token: token }
}

/** A client that leaves is noticed only by reading; what it sends early is kept for the WebSocket. */
function watch(socket: Socket, head: Buffer): () => Buffer {
  const early = [head]
  const keep = (chunk: Buffer) => early.push(chunk)
  const leave = () => socket.destroy()
  socket.on('data', keep).on('end', leave)
  return function release() {
    socket.pause().off('data', keep).off('end', leave)
    return Buffer.concat(early)
  }
}
