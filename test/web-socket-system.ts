/**
 * A system that knows nothing but how to accept a login and a WebSocket: what comes and goes on that are bytes, which tests
 * write and read.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** RFC 6455 section 1.3. */
const acceptKey = (key: string) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

export interface BareSystem {
  readonly url: string
  /** The first connection that is accepted, with the headers of its request. */
  readonly accepted: Promise<[Socket, http.IncomingMessage]>
  /** All of them. */
  readonly sockets: readonly Socket[]
}

/** `more` are header lines of its acceptance, and bytes that come in one piece with it. */
export async function startBareSystem(
  t: Pick<TestContext, 'after'>,
  { lines = [], behind = Buffer.alloc(0) }: { lines?: readonly string[]; behind?: Buffer } = {}
): Promise<BareSystem> {
  const accepted = Promise.withResolvers<[Socket, http.IncomingMessage]>()
  const sockets: Socket[] = []
  const names = Object.fromEntries(
    ['access_token', 'session_id', 'refresh_token'].map((kind) => [kind, randomBytes(16).toString('hex')])
  )
  const server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...names, expires_in: 900 }))
  })
  server.on('upgrade', (request, socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    const key = acceptKey(request.headers['sec-websocket-key'] ?? '')
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: WebSocket', 'Connection: keep-alive, Upgrade']
    socket.write([...head, `Sec-WebSocket-Accept: ${key}`, ...lines, '', ''].join('\r\n'))
    if (behind.length > 0) socket.write(behind)
    accepted.resolve([socket, request])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted: accepted.promise, sockets }
}
