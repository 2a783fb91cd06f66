/**
 * web-sockets
 * Adds  `app.webSockets`: the paths at which a client may have a WebSocket, and those that are open; `request.isWebSocket`.
 *       Everywhere else an Upgrade header changes nothing: such a request is an ordinary one.
 * Needs way, and the listeners, which ask it and give such requests the same way as all others.
 * Off   never.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Upgrade, upgrade } from '../../core/words.ts'
import { takeClient, watchClient } from './waiting-client.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Its client wants a WebSocket, and may have one. */
    readonly isWebSocket: boolean
  }
  interface FastifyInstance {
    webSockets: {
      /** Requests for WebSockets at this path keep their connection to themselves: `upgrade` (core/words.ts) is set on them. */
      take(path: string): void
      /** The same at every path. */
      takeAll(): void
      /** Notices from now on that the client of such a request leaves before it has its answer. */
      watch(request: FastifyRequest): void
      /** The client's connection, with all that has come on it behind the head still to be read. */
      connectionOf(request: FastifyRequest): Upgrade['socket']
      /** Whether a request that has an Upgrade header is one of these. */
      takes(request: IncomingMessage): boolean
      /**
       * A request's connection is a WebSocket from now on. `goAway` ends it, as politely as it can, when the gateway stops:
       * it is called once, here already if that has begun.
       */
      opened(request: FastifyRequest, reply: FastifyReply, goAway: () => void): void
      /** The gateway stops: tells all that are open, and all that will be. */
      goAway(): void
    }
  }
}

/**
 * A request for a WebSocket and nothing else (RFC 6455 section 4.1). With a body it is none: what is behind its head would
 * be taken for frames.
 */
const wantsWebSocket = ({ method, httpVersion, headers }: IncomingMessage) =>
  method === 'GET' &&
  httpVersion === '1.1' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  headers['transfer-encoding'] === undefined &&
  (headers['content-length'] ?? '0') === '0'

async function webSockets(app: FastifyInstance) {
  const paths = new Set<string>()
  const open = new Set<() => void>()
  let takesAll = false
  let isStopping = false

  app.decorateRequest('isWebSocket', {
    getter(this: FastifyRequest) {
      return this.raw[upgrade] !== undefined
    }
  })
  app.decorate('webSockets', {
    take(path) {
      paths.add(path)
    },
    takeAll() {
      takesAll = true
    },
    watch: ({ raw }) => watchClient(raw),
    connectionOf: ({ raw }) => takeClient(raw),
    takes(request) {
      return wantsWebSocket(request) && (takesAll || paths.has((request.url ?? '').split('?', 1).join()))
    },
    opened({ trail }, reply, goAway) {
      reply.hijack()
      reply.raw.statusCode = 101
      trail.isWebSocket = true
      // Whatever it costs until its end is no share of this request's time.
      trail.beginWait()
      if (isStopping) {
        goAway()
        return
      }
      open.add(goAway)
      reply.raw.once('close', () => open.delete(goAway))
    },
    goAway() {
      isStopping = true
      for (const end of open) end()
      open.clear()
    }
  })
}

export default fp(webSockets, { name: 'web-sockets', fastify: '5.x', dependencies: ['way'] })
