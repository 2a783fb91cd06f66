/**
 * Binds the app to its addresses, and lets go of them without losing a request.
 */
import { once } from 'node:events'
import http, { type IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { isUnclearlyFramed } from '../core/unclear.ts'
import { listenerRealm, upgrade } from '../core/words.ts'
import { createCertificates } from './certificates.ts'
import type { Config } from './config-schema.ts'
import { trackConnections } from './connections.ts'
import { noHttp, refusalFor, refuse } from './refusals.ts'
import { type Limits, lookEveryMs, watchSlowClients } from './slow-clients.ts'
import { strictResponse, strictTransport } from './strict-transport.ts'

type ListenOptions = Config['listen'][number]

/** Longer than balancers keep theirs, so that it is never us who close a connection under a request; ms. */
const keepAliveMs = 75_000

export interface Listeners {
  /** Where each listener is bound, in the order of the config. */
  readonly addresses: readonly { readonly url: string; readonly port: number }[]
  /** From now on each answer is the last of its connection; nothing else changes. */
  sayLast(): void
  /**
   * Leaves new connections to the other workers and tells those that stand that they end: WebSockets at once, the others
   * with their next answer. Waits until they have gone, at most `idleMs`.
   */
  leave(idleMs: number): Promise<void>
  /** Stops accepting, waits until what is in flight is answered, at most `drainMs`, then cuts the rest. */
  close(drainMs: number): Promise<void>
  /** Reads all certificates again; one that cannot be used changes nothing. */
  reloadCertificates(): void
}

/**
 * The answer to a request for a WebSocket, which Node has let go of with its connection. It is as any other, and the last
 * one there, unless somebody takes the connection over: then its close is the connection's.
 */
function responseTo(request: IncomingMessage, head: Buffer, Response: typeof ServerResponse): ServerResponse {
  const { socket } = request
  request[upgrade] = { socket, head }
  socket.on('error', () => socket.destroy())
  const response = new Response(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.destroySoon())
  return response
}

/** A server that does nothing yet; and what reads its certificates again, if it has any. */
function bareServer(
  app: FastifyInstance,
  options: http.ServerOptions & Pick<https.ServerOptions, 'handshakeTimeout'>,
  tls: ListenOptions['tls'],
  path: string
): { readonly server: http.Server | https.Server; readonly reload: (() => void) | null } {
  if (tls === undefined) return { server: http.createServer(options), reload: null }
  const certificates = createCertificates(tls, `${path}.tls`, app.log)
  const server = https.createServer({ ...options, ...certificates.options })
  return { server, reload: certificates.lookAfter(server) }
}

function createServer(app: FastifyInstance, { realm, tls }: ListenOptions, limits: Limits, path: string) {
  const takes = app.hasDecorator('webSockets') ? app.webSockets.takes : () => false
  const strict = strictTransport(tls)
  const Response = strict === null ? ServerResponse : strictResponse(strict)
  const options = {
    ServerResponse: Response,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.head,
    handshakeTimeout: limits.head,
    // A body has its own limit, which an honest upload does not meet however long it takes.
    requestTimeout: 0,
    connectionsCheckingInterval: lookEveryMs(limits.head),
    // Behind an answer that is still owed there can be no other protocol.
    shouldUpgradeCallback: (request: IncomingMessage) => takes(request) && connections.isFree(request.socket)
  }
  const { server, reload } = bareServer(app, options, tls, path)
  // The limit of bytes bounds them. A count would be a second limit, beyond which some releases of Node drop headers
  // silently: a request would be judged by less than a system sees.
  server.maxHeadersCount = 0
  const connections = trackConnections(server, strict === null ? '' : `Strict-Transport-Security: ${strict}\r\n`)
  watchSlowClients(server, connections.connections, limits)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy()
    else refuse(socket, connections.track(socket as Socket), refusalFor(error))
  })
  function receive(request: IncomingMessage, response: ServerResponse) {
    const connection = connections.track(request.socket)
    // What comes behind a request that was refused for its framing may be a part of it.
    if (connection.refusedAt !== 0) return
    if (isUnclearlyFramed(request)) {
      refuse(request.socket, connection, noHttp)
      return
    }
    connections.begin(connection, request.socket, response)
    if (realm !== undefined) request[listenerRealm] = realm
    app.routing(request, response)
  }
  server.on('request', receive)
  server.on('upgrade', (request, _socket, head) => receive(request, responseTo(request, head, Response)))
  return { server, connections, reload }
}

async function bind(server: http.Server | https.Server, { host, port }: ListenOptions): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  return server.address() as AddressInfo
}

async function atMost(done: Promise<unknown>, ms: number) {
  const patience = new AbortController()
  await Promise.race([done, delay(ms, undefined, { signal: patience.signal }).catch(() => {})])
  patience.abort()
}

export async function openListeners(
  app: FastifyInstance,
  { listen, limits }: Pick<Config, 'listen' | 'limits'>
): Promise<Listeners> {
  const servers: ReturnType<typeof createServer>[] = []
  const addresses: { url: string; port: number }[] = []

  function sayLast() {
    for (const { connections } of servers) connections.sayLast()
  }

  function goAway() {
    if (app.hasDecorator('webSockets')) app.webSockets.goAway()
  }

  async function leave(idleMs: number) {
    const closed = Promise.all(servers.map(({ server }) => once(server, 'close')))
    // Not http's own: that cuts connections which are idle, and their clients may be sending already.
    for (const { server } of servers) net.Server.prototype.close.call(server)
    sayLast()
    goAway()
    await atMost(closed, idleMs)
  }

  async function close(drainMs: number) {
    goAway()
    const closed = Promise.all(servers.map(({ server }) => new Promise((resolve) => server.close(resolve))))
    for (const { connections } of servers) connections.letGo()
    await atMost(closed, drainMs)
    for (const { connections } of servers) connections.cut()
    await closed
  }

  try {
    for (const [at, options] of listen.entries()) {
      const one = createServer(app, options, limits, `listen[${at}]`)
      const { port } = await bind(one.server, options)
      servers.push(one)
      const host = options.host.includes(':') ? `[${options.host}]` : options.host
      addresses.push({ url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`, port })
    }
  } catch (error) {
    await close(0)
    throw error
  }
  return {
    addresses,
    sayLast,
    leave,
    close,
    reloadCertificates() {
      const reloads = servers.flatMap(({ reload }) => reload ?? [])
      if (reloads.length === 0) app.log.info('no listener has certificates to read again')
      for (const reload of reloads) reload()
    }
  }
}
