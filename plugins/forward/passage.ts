/**
 * One request on its way up, and the answer on its way down: streamed, with back-pressure both ways.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import { type Answer, mayRefuseSession, refusesSession } from '../../core/answer.ts'
import type { Fault } from '../../core/faults.ts'
import { type Client, type HostMapping, requestHeaders, responseHeaders } from '../../core/headers.ts'
import { isRead } from '../../core/methods.ts'
import type { System } from '../../core/words.ts'

/** Where a refused session really lives, and the cookie that says so from now on. */
export interface Recovered {
  readonly to: System
  readonly setCookie: string | null
}

export interface Forwarding {
  readonly to: System
  /** A cookie of the gateway's own for the answer. */
  readonly setCookie: string | null
  /** Asked once, when the system does not know the session; null when that is not to be questioned. */
  readonly recover: (() => Promise<Recovered | null>) | null
}

type Upstream = ReturnType<FastifyInstance['upstream']>
type AnswerHandler = Parameters<Upstream['dispatch']>[1]
type Head = Omit<Answer, 'body'>

/** Largest answer that is held back to see whether it refuses a session. */
const heldBytes = 65_536
/** Answers up to this are no streams. */
const smallBytes = 65_536

/** An IPv4 address that came in over an IPv6 socket, in its own form. */
const plainAddress = (address: string) => (address.startsWith('::ffff:') ? address.slice(7) : address)

const clientOf = (request: FastifyRequest): Client => ({
  addresses:
    request.ips === undefined ? plainAddress(request.ip) : request.ips.toReversed().map(plainAddress).join(', '),
  proto: request.protocol,
  host: request.host
})

export function upstreamRequest(request: FastifyRequest, headers: string[]) {
  return { method: request.method, path: request.target.url, headers, body: request.content }
}

export const headersFor = (request: FastifyRequest) =>
  requestHeaders(request.raw.rawHeaders, request.headers.connection, clientOf(request))

/** Writes the head of a system's answer; throws where Node refuses one of its headers. */
export function writeHead(
  request: FastifyRequest,
  reply: FastifyReply,
  head: Head,
  mapping: HostMapping,
  own: readonly string[]
) {
  const headers = responseHeaders(head.headers, mapping)
  for (const cookie of own) headers.push('set-cookie', cookie)
  if (request.server.debugHeaders && request.trail.to !== null) headers.push('x-dispatched-to', request.trail.to)
  // The system answered before it had the whole body: what is left of it makes the connection useless.
  if (request.content !== null && !request.raw.complete) headers.push('connection', 'close')
  reply.raw.writeHead(head.status, head.statusMessage, headers as string[])
  reply.hijack()
}

export const mappingFor = (request: FastifyRequest, { origin }: Upstream): HostMapping => ({
  origin,
  publicOrigin: `${request.protocol}://${request.host}`
})

/** One request on its way through one upstream, and the answer on its way back. */
export class Passage implements AnswerHandler {
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #upstream: Upstream
  readonly #forwarding: Forwarding
  #controller: Dispatcher.DispatchController | null = null
  #clientLeft = false
  #bytes = 0
  #length = -1
  #held: { head: Head; chunks: Buffer[]; bytes: number } | null = null

  constructor(request: FastifyRequest, reply: FastifyReply, forwarding: Forwarding) {
    this.#request = request
    this.#reply = reply
    this.#forwarding = forwarding
    this.#upstream = request.server.upstream(forwarding.to, request.place.realm)
    request.trail.to = forwarding.to
    reply.raw.on('close', () => this.#onClientClose())
  }

  begin(headers: string[]) {
    this.#upstream.dispatch(upstreamRequest(this.#request, headers), this)
  }

  /** A client that leaves cancels its read; its write is let finish, and the answer is read and dropped. */
  #onClientClose() {
    if (this.#reply.raw.writableFinished) return
    this.#clientLeft = true
    if (isRead(this.#request.method, this.#request.target.route)) this.#controller?.abort(new Error('The client left'))
    else this.#controller?.resume()
  }

  onStart(controller: Dispatcher.DispatchController) {
    this.#controller = controller
    if (this.#clientLeft) controller.abort(new Error('The client left'))
  }

  onHead(_controller: Dispatcher.DispatchController, head: Head) {
    const { trail, target } = this.#request
    trail.answeredAfter = performance.now() - trail.startedAt
    if (this.#forwarding.recover !== null && mayRefuseSession(target.route, head.status)) {
      this.#held = { head, chunks: [], bytes: 0 }
    } else {
      this.#start(head)
    }
  }

  #start(head: Head) {
    if (this.#clientLeft) return
    this.#length = Number(head.headers['content-length'] ?? -1)
    const { setCookie } = this.#forwarding
    const mapping = mappingFor(this.#request, this.#upstream)
    writeHead(this.#request, this.#reply, head, mapping, setCookie === null ? [] : [setCookie])
  }

  onData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    if (this.#held === null) {
      this.#write(controller, chunk)
      return
    }
    this.#held.chunks.push(chunk)
    this.#held.bytes += chunk.length
    if (this.#held.bytes > heldBytes) this.#release(controller)
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#bytes += chunk.length
    if (this.#bytes > smallBytes) this.#request.server.noteStreamed(chunk.length)
    if (this.#clientLeft) return
    // The last byte and the end in one piece: one write to the socket instead of two.
    if (this.#bytes === this.#length) {
      this.#reply.raw.end(chunk)
      return
    }
    if (this.#reply.raw.write(chunk)) return
    controller.pause()
    this.#reply.raw.once('drain', () => controller.resume())
  }

  /** What was held back goes on after all. */
  #release(controller: Dispatcher.DispatchController) {
    const held = this.#held
    if (held === null) return
    this.#held = null
    this.#start(held.head)
    for (const chunk of held.chunks) this.#write(controller, chunk)
  }

  onEnd(controller: Dispatcher.DispatchController) {
    if (this.#held === null) this.#end()
    else this.#judge(controller, this.#held).catch((error: unknown) => this.#fail(error))
  }

  #end() {
    if (!this.#reply.raw.writableEnded) this.#reply.raw.end()
  }

  async #judge(controller: Dispatcher.DispatchController, held: { head: Head; chunks: Buffer[] }) {
    const answer = { ...held.head, body: Buffer.concat(held.chunks) }
    const isRefused = refusesSession(this.#request.target.route, answer)
    const recovered = isRefused ? ((await this.#forwarding.recover?.()) ?? null) : null
    if (recovered === null || this.#clientLeft) {
      this.#release(controller)
      this.#end()
      return
    }
    this.#request.trail.reason = 'asked'
    new Passage(this.#request, this.#reply, { ...recovered, recover: null }).begin(headersFor(this.#request))
  }

  onFault(fault: Fault) {
    this.#fail(fault)
  }

  /** Before the head went out the client gets a fault; after it, only a broken connection tells that the rest is missing. */
  #fail(error: unknown) {
    if (this.#clientLeft) return
    if (this.#reply.raw.headersSent) this.#reply.raw.destroy()
    else this.#reply.send(error)
  }
}
