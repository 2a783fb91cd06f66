/**
 * The WebSockets that a system offers: call control's, for a session, and a page's, for anybody. A handshake goes wrong
 * by a fault switch as any other request does.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import { Answer, type HeaderList } from './answers.ts'
import type { SimulatedFault } from './faults.ts'
import { type Arrival, admit, type Handshake, isTokenProtocol, openHandshake } from './handshakes.ts'
import { endsBeforeCall, flushed, replacementOf, resetSocket, sendDespite, wait } from './misbehaviour.ts'
import type { RealmName } from './realms.ts'
import type { Session } from './sessions.ts'
import { answerCommand } from './socket-commands.ts'
import type { SocketReply } from './sockets.ts'
import type { System } from './system.ts'

export interface Upgrades {
  /** Whether a request is for a WebSocket; elsewhere an Upgrade header changes nothing. */
  takes(req: IncomingMessage): boolean
  receive(realm: RealmName, req: IncomingMessage, socket: Socket, head: Buffer): void
  /** Those that are open end with their listeners. */
  end(): void
}

const callControlPath = '/callcontrol/ws'
const portalPath = '/portal/ws'
const callControlProtocol = 'callcontrol.v1'
const maxPayloadBytes = 64 * 1024 * 1024

export function createUpgrades(system: System, log: (line: string) => void): Upgrades {
  const engine = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // However short the message is: a client that offers compression gets it.
    perMessageDeflate: { threshold: 0 },
    maxPayload: maxPayloadBytes,
    handleProtocols: (offered, req) => protocolOf(pathOf(req), [...offered])
  })
  return {
    takes: (req) =>
      req.method === 'GET' &&
      req.headers.upgrade?.toLowerCase() === 'websocket' &&
      [callControlPath, portalPath].includes(pathOf(req)),
    receive(realm, req, socket, head) {
      // A client that resets its connection is the journal's business, as elsewhere.
      socket.on('error', () => {})
      handle(engine, { system, realm, req, socket, head }).catch((error: Error) => {
        log(`${req.method} ${pathOf(req)}: ${error.stack}`)
        socket.destroy()
      })
    },
    end: () => system.sockets.terminateAll()
  }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1).join()
}

/** Call control never chooses the token where there is another choice; a page takes the first that is offered. */
function protocolOf(path: string, offered: readonly string[]): string | false {
  if (path === portalPath) return offered[0] ?? false
  if (offered.includes(callControlProtocol)) return callControlProtocol
  return offered.every(isTokenProtocol) ? (offered[0] ?? false) : false
}

async function handle(engine: WebSocketServer, arrival: Arrival): Promise<void> {
  const { system, realm, req, socket } = arrival
  const handshake = openHandshake(arrival)
  const { exchange, res } = handshake
  const { service, method, path } = exchange.target
  const fault = system.faults.take({ service, method, realm, url: req.url ?? '' })
  if (fault?.kind === 'reset' && fault.at === 'request') return resetSocket(socket)
  if (endsBeforeCall(fault, req)) return
  const admitted = replacementOf(fault) ?? admit(exchange, path === portalPath)
  if (admitted instanceof Answer) return sendDespite(fault, res, admitted)
  await acceptDespite(fault, engine, handshake, admitted.session)
}

async function acceptDespite(
  fault: SimulatedFault | null,
  engine: WebSocketServer,
  handshake: Handshake,
  session: Session | null
): Promise<void> {
  const { socket, res } = handshake
  if (fault?.kind === 'delay') await wait(fault.ms, res)
  if (socket.destroyed) return
  if (fault?.kind === 'reset' && fault.at === 'before-headers') return resetSocket(socket)
  accept(engine, handshake, session, fault?.kind === 'headers' ? fault.headers : [])
  if (fault?.kind !== 'reset' && fault?.kind !== 'half') return
  // It has opened, and then the connection ends without a close frame.
  await flushed(socket)
  if (fault.kind === 'reset') resetSocket(socket)
  else socket.destroy()
}

function accept(engine: WebSocketServer, handshake: Handshake, session: Session | null, extra: HeaderList): void {
  const { exchange, socket, release } = handshake
  const { system, realm, req, open } = exchange
  const addHeaders = (lines: string[]) => lines.push(...extra.map((header) => header.join(': ')))
  // Refused for its version, its key and the like unless it opens.
  let status = 400
  engine.on('headers', addHeaders)
  engine.handleUpgrade(req, socket, release(), (webSocket) => {
    status = 101
    const connection = {
      sessionId: session?.id ?? null,
      realm,
      url: req.url ?? '',
      protocol: 'encrypted' in socket ? 'wss' : 'ws',
      subprotocol: webSocket.protocol,
      extensions: webSocket.extensions,
      rawHeaders: req.rawHeaders,
      get bufferedAmount() {
        return webSocket.bufferedAmount
      }
    } as const
    system.sockets.add(webSocket, connection, replyOf(exchange.target.path, { system, realm, req, session }))
  })
  engine.off('headers', addHeaders)
  socket.resume()
  open?.settle({ status, aborted: false })
}

interface Answerer {
  system: System
  realm: RealmName
  req: IncomingMessage
  session: Session | null
}

function replyOf(path: string, { session, ...source }: Answerer): SocketReply {
  if (path !== callControlPath || session === null) return null
  return (data, isBinary) => answerCommand({ ...source, session }, data, isBinary)
}
