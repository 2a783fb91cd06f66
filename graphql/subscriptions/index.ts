/**
 * Subscriptions by `graphql-transport-ws`: graphql-ws keeps the protocol's rules; who may connect, what may be asked and
 * what is told of errors is as for any other request.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GraphQLSchema } from 'graphql'
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws'
import { WebSocketServer } from 'ws'
import { Fault } from '../../core/faults.ts'
import { contextIn, refuseTwoAuthorizations } from '../../core/headers.ts'
import { upgrade } from '../../core/words.ts'
import { SystemFailure, Unauthenticated } from '../errors.ts'
import type { Numbers } from '../numbers.ts'
import type { GraphqlSetting } from '../options.ts'
import { createLine, goingAway, type Line, tryAgainLater } from './line.ts'
import { createMoveNews, type MoveNews } from './moves.ts'
import { createReader } from './reader.ts'
import { Visit } from './visit.ts'

/** Until a client must have sent its first message, ms. */
const initWaitMs = 10_000
/** What a message may have beside its query: variables, or a token. */
const besideQueryBytes = 32_768

export interface Parts {
  readonly app: FastifyInstance
  readonly setting: GraphqlSetting
  /** With the resolvers of its fields. */
  readonly schema: GraphQLSchema
  readonly numbers: Numbers
}

interface Client {
  readonly line: Line
  readonly visit: Visit
  readonly moves: MoveNews
}

/** Throws the fault that answers a request which cannot become a connection. */
function refuseHandshake({ headers, raw }: FastifyRequest): void {
  if (!handleProtocols(headers['sec-websocket-protocol'] ?? '')) {
    throw new Fault('malformed_request', 'its WebSocket protocol is not graphql-transport-ws')
  }
  refuseTwoAuthorizations(raw.rawHeaders)
  contextIn(headers)
}

/** Whether a client may stay; one that may not is told why. */
async function admit({ line, visit }: Client, payload: unknown): Promise<boolean> {
  try {
    await visit.begin(payload)
    return true
  } catch (error) {
    if (error instanceof Unauthenticated) line.close(CloseCode.Unauthorized, 'Unauthorized')
    else if (error instanceof SystemFailure || error instanceof Fault) line.close(...tryAgainLater)
    else throw error
    return false
  }
}

function createProtocol(parts: Parts) {
  const { read, told } = createReader(parts)
  return makeServer<Record<string, unknown>, Client>({
    connectionInitWaitTimeout: initWaitMs,
    onConnect: ({ connectionParams, extra }) => admit(extra, connectionParams),
    onSubscribe: ({ subscriptions, extra }, _id, payload) =>
      read(payload, Object.keys(subscriptions).length, extra.moves),
    onNext: (_context, _id, _payload, _args, { data, errors }) =>
      errors && { data: data ?? null, errors: told(errors) },
    onError: (_context, _id, _payload, errors) => told(errors)
  })
}

export function createSubscriptions(parts: Parts) {
  const { app, setting } = parts
  const protocol = createProtocol(parts)
  const maxPayload = setting.limits.queryBytes + besideQueryBytes
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload, handleProtocols })
  sockets.on('wsClientError', function refuse(cause) {
    throw new Fault('malformed_request', 'its WebSocket handshake is not valid', { cause })
  })

  function attend(request: FastifyRequest, reply: FastifyReply, ws: Parameters<typeof createLine>[0]) {
    const line = createLine(ws, request.log, () => {
      visit.end()
      moves.stop()
    })
    const visit = new Visit(app, request, setting, () => line.close(CloseCode.Unauthorized, 'Unauthorized'))
    const mayRead: Visit['mayRead'] = (move) => visit.mayRead(move)
    const moves = createMoveNews({ onMoved: app.entityLocation.onMoved, mayRead, onTooMany: line.giveUp })
    const closed = protocol.opened(line, { line, visit, moves })
    ws.once('close', (code, reason) => closed(code, String(reason)))
    request.trail.operation = 'subscriptions'
    app.webSockets.opened(request, reply, () => line.close(...goingAway))
  }

  /** Makes a connection of a request for one, or throws the fault that answers it. */
  return function open(request: FastifyRequest, reply: FastifyReply): void {
    const { [upgrade]: wanted } = request.raw
    if (wanted === undefined) throw new Error('It is no request for a WebSocket')
    refuseHandshake(request)
    sockets.handleUpgrade(request.raw, wanted.socket, wanted.head, (ws) => attend(request, reply, ws))
    // Also where the client has left meanwhile.
    reply.hijack()
  }
}
