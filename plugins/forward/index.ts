/**
 * forward
 * Adds  `app.forward`, which streams a request to a system and its answer back; `app.exchange` and `app.relay`, for the
 *       answers that must be read on the way; `app.proxy`, routes by @fastify/http-proxy that end in `app.dispatchRequest`.
 * Needs way, body, upstreams, streamed-bytes, error-handler, web-sockets; web-socket-proxy for the WebSockets that it takes.
 * Off   never.
 */
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Answer } from '../../core/answer.ts'
import type { Ticket } from '../../core/tickets.ts'
import type { System } from '../../core/words.ts'
import { acceptance, type Telling } from './accepting.ts'
import type { Forwarding, Way } from './forwarding.ts'
import { cookieHeaders, mappingFor, writeHead } from './head.ts'
import { type Opened, openWebSocket } from './opening.ts'
import { indexOfHeader, upstreamRequest } from './outgoing.ts'
import { Passage } from './passage.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a write that fences may have to wait for: it ends when the system has answered, though the client has left. */
    ticket: Ticket | null
  }
  interface FastifyInstance {
    forward(request: FastifyRequest, reply: FastifyReply, forwarding: Forwarding): void
    /** True adds X-Dispatched-To to answers. */
    debugHeaders: boolean
    /** Sends the request and reads the answer whole; rejects with a Fault. */
    exchange(request: FastifyRequest, to: System, swaps?: Way['swaps']): Promise<Answer>
    /** Answers with what a system answered, and cookies of the gateway's own. */
    relay(request: FastifyRequest, reply: FastifyReply, to: System, answer: Answer, setCookies: readonly string[]): void
    /**
     * Asks a system for a WebSocket whose messages will be read on their way: its connection, or the answer that refuses.
     * Rejects with a Fault.
     */
    openWebSocket(
      request: FastifyRequest,
      reply: FastifyReply,
      to: System,
      swaps: Way['swaps']
    ): Promise<Opened | Answer>
    /** The head of the answer that makes a client's connection a WebSocket, as bytes. */
    acceptanceOf(request: FastifyRequest, telling: Telling): Buffer
    /** Routes, given as full paths, that go to `app.dispatchRequest`; hooks of the scope that adds them come before. */
    proxy(routes: readonly string[]): void
  }
}

export type { Opened }

/** Largest answer to a login, a refresh or a logout. */
const exchangeBytes = 1 << 20

async function forward(app: FastifyInstance, { debugHeaders }: { readonly debugHeaders: boolean }) {
  app.decorate('debugHeaders', debugHeaders)
  app.decorateRequest('ticket', null)

  app.decorate('forward', function forwardRequest(request, reply, forwarding) {
    new Passage(request, reply, forwarding).begin()
  })

  app.decorate('exchange', async function exchange(request, to, swaps = null) {
    const asked = upstreamRequest(request, to, swaps)
    // The answer is read here: it must come in a form that can be.
    const encoding = indexOfHeader(asked.headers, 'accept-encoding')
    if (encoding !== -1) asked.headers[encoding + 1] = 'identity'
    request.trail.to = to
    const answer = await request.trail.waitFor(app.upstream(to, request.place.realm).exchange(asked, exchangeBytes))
    request.trail.answeredAfter = performance.now() - request.trail.startedAt
    return answer
  })

  app.decorate('relay', function relay(request, reply, to, answer, setCookies) {
    const mapping = mappingFor(request, app.upstream(to, request.place.realm), false)
    writeHead(request, reply, answer, mapping, cookieHeaders(...setCookies))
    reply.raw.end(answer.body)
  })

  app.decorate('openWebSocket', openWebSocket)
  app.decorate('acceptanceOf', acceptance)

  app.decorate('proxy', function proxy(this: FastifyInstance, routes: readonly string[]) {
    this.register(httpProxy, {
      // Never dialled: the hook below gives each request to its own upstream. It keeps http-proxy from opening a pool.
      upstream: app.upstream('target', 'admin').origin,
      undici: { request: refuseDispatch },
      prefix: '',
      routes: [...routes],
      proxyPayloads: false,
      // A constant: URL-path calls hold passwords with characters that its checks refuse. core/route.ts has judged the path.
      preRewrite: () => '/',
      // http-proxy's own hook before its handler: the handler would come after three URLs are made of that constant,
      // which was measured to cost 4 to 9 of 66 microseconds. What is taken here never gets there.
      preHandler: function takeOver(request: FastifyRequest, reply: FastifyReply, _done: () => void) {
        app.dispatchRequest(request, reply)
      }
    })
  })
}

function refuseDispatch(): never {
  throw new Error('Requests leave through app.upstream, not through reply.from')
}

export default fp(forward, {
  name: 'forward',
  fastify: '5.x',
  dependencies: ['way', 'body', 'upstreams', 'streamed-bytes', 'error-handler', 'web-sockets']
})
