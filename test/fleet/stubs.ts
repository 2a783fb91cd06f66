/**
 * Gateways that do as a test says: clients' listener and health, nothing else.
 */
import { once } from 'node:events'
import http, { type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Seen {
  readonly name: string
  readonly headers: IncomingHttpHeaders
}

export const answerAll: RequestListener = (_request, response) => response.end('{}')
export const dieOver: RequestListener = (request) => request.socket.destroy()

async function listen(listener: RequestListener): Promise<Server> {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 75_000
  await once(server, 'listening')
  return server
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

export async function startStubs(names: readonly string[]) {
  const state = {
    /** What reached them, in order. */
    seen: [] as Seen[],
    /** What one does with a request, once it has all of it. */
    act: answerAll,
    /** Those that say they are not ready. */
    unready: new Set<string>()
  }
  const servers: Server[] = []
  const places: { port: number; opsPort: number }[] = []
  for (const name of names) {
    const server = await listen((request, response) => {
      state.seen.push({ name, headers: request.headers })
      request.resume().once('end', () => state.act(request, response))
    })
    const ops = await listen((_request, response) => {
      response.writeHead(state.unready.has(name) ? 503 : 200).end()
    })
    servers.push(server, ops)
    places.push({ port: portOf(server), opsPort: portOf(ops) })
  }
  const close = () => {
    for (const server of servers) server.close().closeAllConnections()
  }
  return { state, places, close }
}

export type Stubs = Awaited<ReturnType<typeof startStubs>>
