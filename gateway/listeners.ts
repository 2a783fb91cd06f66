/**
 * Binds the app to its addresses, and lets go of them without losing a request.
 */
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Fault, renderFault } from '../core/faults.ts'
import { listenerRealm } from '../core/words.ts'
import type { Config } from './config-schema.ts'

type ListenOptions = Config['listen'][number]

/** Longer than balancers keep theirs, so that it is never us who close a connection under a request; ms. */
const keepAliveMs = 75_000
/** A client gets this long for its head, ms. Bodies may take as long as they need. */
const headMs = 60_000

export interface Listeners {
  /** Where each listener is bound, in the order of the config. */
  readonly addresses: readonly { readonly url: string; readonly port: number }[]
  /** Stops accepting, waits until what is in flight is answered, at most `drainMs`, then cuts the rest. */
  close(drainMs: number): Promise<void>
}

/** What is open on one connection: a client may send its next requests before it has its answer (RFC 9112 section 9.3.2). */
interface Connection {
  readonly responses: ServerResponse[]
}

/**
 * Connections of one server, and the answers that each still owes. Nothing but connections comes and goes in the map: a
 * Set of all open answers was measured to keep a third of the young heap alive, by the chain of its outgrown tables.
 */
function trackConnections(server: http.Server | https.Server) {
  const connections = new Map<Socket, Connection>()
  let closing = false
  function track(socket: Socket): Connection {
    const known = connections.get(socket)
    if (known !== undefined) return known
    const connection = { responses: [] }
    connections.set(socket, connection)
    socket.once('close', () => connections.delete(socket))
    return connection
  }
  // A TLS server tells of both the TCP connection and the TLS one; each must be let go.
  server.on('connection', track).on('secureConnection', track)
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const { responses } = track(socket)
    responses.push(response)
    if (closing) response.shouldKeepAlive = false
    response.once('close', () => {
      responses.splice(responses.indexOf(response), 1)
      if (closing && responses.length === 0) socket.destroySoon()
    })
  })
  return {
    /** Idle ones go at once, also those that never sent a request; the others after their last answer. */
    letGo() {
      closing = true
      const busy = [...connections].filter(([, { responses }]) => responses.length > 0)
      // An answer whose head is not out yet says that it is the last.
      for (const response of busy.flatMap(([, { responses }]) => responses)) {
        if (!response.headersSent) response.shouldKeepAlive = false
      }
      for (const socket of connections.keys()) {
        const isBusy = busy.some(
          ([one]) => one === socket || ('encrypted' in one && one.remotePort === socket.remotePort)
        )
        if (!isBusy) socket.destroy()
      }
    },
    cut() {
      for (const socket of connections.keys()) socket.destroy()
    }
  }
}

/** Node's own words for what it refuses before there is a request (RFC 9110 section 15.5). */
const refusals: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout'
}

/** Bytes that are not HTTP get a fault too, and the connection ends. The error quotes the bytes, so it is not logged. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex) {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [contentType, text] = renderFault(new Fault('malformed_request', 'not a valid HTTP request'), 'rest', false)
  const status = refusals[error.code ?? ''] ?? '400 Bad Request'
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: ${contentType}\r\nContent-Length: ${text.length}`
  socket.end(`${head}\r\n\r\n${text}`)
}

function createServer(app: FastifyInstance, { realm, tls }: ListenOptions) {
  const options = { keepAliveTimeout: keepAliveMs, headersTimeout: headMs, requestTimeout: 0 }
  const server =
    tls === undefined
      ? http.createServer(options)
      : https.createServer({
          ...options,
          cert: readFileSync(tls.cert),
          key: readFileSync(tls.key),
          minVersion: 'TLSv1.2'
        })
  const connections = trackConnections(server)
  server.on('clientError', refuseBytes)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (realm !== undefined) request[listenerRealm] = realm
    app.routing(request, response)
  })
  return { server, connections }
}

async function bind(server: http.Server | https.Server, { host, port }: ListenOptions): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  return server.address() as AddressInfo
}

export async function openListeners(app: FastifyInstance, listen: Config['listen']): Promise<Listeners> {
  const servers: ReturnType<typeof createServer>[] = []
  const addresses: { url: string; port: number }[] = []

  async function close(drainMs: number) {
    const closed = Promise.all(servers.map(({ server }) => new Promise((resolve) => server.close(resolve))))
    for (const { connections } of servers) connections.letGo()
    const patience = new AbortController()
    await Promise.race([closed, delay(drainMs, undefined, { signal: patience.signal }).catch(() => {})])
    patience.abort()
    for (const { connections } of servers) connections.cut()
    await closed
  }

  try {
    for (const options of listen) {
      const one = createServer(app, options)
      const { port } = await bind(one.server, options)
      servers.push(one)
      const host = options.host.includes(':') ? `[${options.host}]` : options.host
      addresses.push({ url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`, port })
    }
  } catch (error) {
    await close(0)
    throw error
  }
  return { addresses, close }
}
