/**
 * One listener per realm, that can stop and come back on the same ports, and forget TLS when told to.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type RealmName, realmNames } from './realms.ts'
import type { RequestHandler } from './requests.ts'
import type { Upgrades } from './web-sockets.ts'

export interface ListenerTls {
  /** PEM. */
  key: string
  cert: string
  /** PEM; clients must have a certificate that this authority has signed. */
  clientCa?: string
}

export interface ListenersOptions {
  host: string
  /** 0: an ephemeral port per realm. */
  port: number
  tls: ListenerTls | null
}

export interface Listeners {
  readonly urls: Readonly<Record<RealmName, string>>
  /** TLS listeners answer new connections in plain text while this is true. */
  plainText: boolean
  start(): Promise<void>
  stop(): Promise<void>
}

/** How long a port of ours may be taken when we come back: an ephemeral one may be lent to a connection meanwhile, ms. */
const takenMs = 10_000
const tryAgainMs = 20

export async function createListeners(
  options: ListenersOptions,
  handler: RequestHandler,
  upgrades: Upgrades
): Promise<Listeners> {
  const ports: Partial<Record<RealmName, number>> = {}
  const sockets = new Set<Socket>()
  const listeners = { plainText: false }
  let servers: Server[] = []

  async function listen(realm: RealmName, at: number): Promise<Server> {
    const own = ports[realm]
    const port = own ?? (options.port === 0 ? 0 : options.port + at)
    for (const begun = Date.now(); ; await delay(tryAgainMs)) {
      const server = createRealmServer(realm)
      server.listen(port, options.host)
      try {
        await once(server, 'listening')
        ports[realm] = (server.address() as AddressInfo).port
        return server
      } catch (error) {
        const isLent = own !== undefined && (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        if (!isLent || Date.now() - begun > takenMs) throw error
      }
    }
  }

  function createRealmServer(realm: RealmName): Server {
    const common = {
      // A gateway's pool keeps its connections longer than Node's default of five seconds; so does a real system.
      keepAliveTimeout: 65_000,
      requestTimeout: 0,
      shouldUpgradeCallback: upgrades.takes
    }
    const plain = createServer(common)
    const server = options.tls === null ? plain : createTlsServer({ ...common, ...serverOptions(options.tls) })
    for (const one of new Set([plain, server])) {
      one.on('request', (req, res) => handler(realm, req, res))
      one.on('upgrade', (req, socket: Socket, head) => upgrades.receive(realm, req, socket, head))
    }
    if (server !== plain) divertConnections(server, plain)
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    return server
  }

  /** Instead of starting a handshake, a connection can be given to the plain HTTP server. */
  function divertConnections(server: Server, plain: Server): void {
    const handshakes = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (listeners.plainText) plain.emit('connection', socket)
      else for (const handshake of handshakes) handshake.call(server, socket)
    })
  }

  async function start(): Promise<void> {
    if (servers.length > 0) return
    const started = await Promise.allSettled(realmNames.map(listen))
    servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = started.find((one) => one.status === 'rejected')
    if (failed === undefined) return
    await stop()
    throw failed.reason
  }

  async function stop(): Promise<void> {
    const closed = servers.map((server) => once(server, 'close'))
    for (const server of servers) server.close()
    servers = []
    upgrades.end()
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }

  await start()
  const scheme = options.tls === null ? 'http' : 'https'
  const host = options.host === '0.0.0.0' ? '127.0.0.1' : options.host
  const origins = realmNames.map((realm) => [realm, `${scheme}://${host}:${ports[realm]}`])
  const urls = Object.freeze(Object.fromEntries(origins) as Record<RealmName, string>)
  return Object.assign(listeners, { urls, start, stop })
}

const serverOptions = ({ key, cert, clientCa }: ListenerTls) =>
  clientCa === undefined ? { key, cert } : { key, cert, ca: clientCa, requestCert: true, rejectUnauthorized: true }
