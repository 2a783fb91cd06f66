/**
 * One request on its way up, and the answer on its way down: streamed, with back-pressure both ways.
 */
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import { Fault, GivenUp } from '../../core/faults.ts'
import { isReadRequest } from '../../core/methods.ts'
import { accepts } from './accepting.ts'
import type { Forwarding, Way } from './forwarding.ts'
import { cookieHeaders, cutOff, type Head, isEventStream, writeForwarded } from './head.ts'
import { Held } from './held.ts'
import { outgoingRequest } from './outgoing.ts'

type Upstream = ReturnType<FastifyInstance['upstream']>
type AnswerHandler = Parameters<Upstream['dispatch']>[1]
type Watch = ReturnType<FastifyInstance['methodsMissing']['watch']>
/** Answers up to this are no streams. */
const smallBytes = 65_536

/**
 * One request on its way through one upstream, and the answer on its way back. It is one object for all of that: a second
 * one would be one more for each request.
 */
export class Passage implements AnswerHandler {
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #upstream: Upstream
  readonly #forwarding: Forwarding
  #controller: Dispatcher.DispatchController | null = null
  #clientLeft: boolean
  #bytes = 0
  #length = -1
  /** A head that is not written yet. */
  #head: Head | null = null
  #held: Held | null = null
  /** Whoever looks at what it says while it passes. */
  #watch: Watch = null

  constructor(request: FastifyRequest, reply: FastifyReply, forwarding: Forwarding) {
    this.#request = request
    this.#reply = reply
    this.#forwarding = forwarding
    this.#upstream = request.server.upstream(forwarding.to, request.place.realm)
    request.trail.to = forwarding.to
    this.#clientLeft = reply.raw.destroyed
    reply.raw.on('close', () => this.#onClientClose())
  }

  begin() {
    // It left while the systems were asked where this goes: nobody would ever take the answer.
    if (this.#clientLeft) {
      this.#request.ticket?.end()
      return
    }
    const { to, swaps } = this.#forwarding
    if (this.#request.isWebSocket) this.#request.server.webSocketProxy.await(this.#request)
    const asked = outgoingRequest(this.#request, to, swaps)
    this.#request.trail.beginWait()
    const { ticket } = this.#request
    if (ticket !== null) ticket.isSent = true
    try {
      this.#upstream.dispatch(asked, this)
    } catch (error) {
      ticket?.end()
      throw error
    }
  }

  /** A client that leaves cancels its read; its write is let finish, and the answer is read and dropped. */
  #onClientClose() {
    if (this.#reply.raw.writableFinished) return
    this.#clientLeft = true
    if (isReadRequest(this.#request)) this.#controller?.abort(new GivenUp('The client left'))
    else this.#controller?.resume()
  }

  isGone() {
    return this.#clientLeft
  }

  onStart(controller: Dispatcher.DispatchController) {
    this.#controller = controller
    if (this.#clientLeft) controller.abort(new GivenUp('The client left'))
  }

  /**
   * The head waits for the answer's first byte, or its end: when the system breaks off between the two, the client gets a
   * fault. A connection that ends without a byte would have browsers send the request once more, a write too.
   */
  onHead(_controller: Dispatcher.DispatchController, head: Head) {
    const { trail, server, target } = this.#request
    trail.answeredAfter = performance.now() - trail.startedAt
    if (head.status === 500 && server.hasDecorator('methodsMissing')) {
      this.#watch = server.methodsMissing.watch(target.route, this.#forwarding.to, head)
    }
    const most = this.#forwarding.review?.holds(head) ?? 0
    if (most > 0) {
      this.#held = new Held(head, most)
      return
    }
    this.#head = head
    if (!isEventStream(head) || this.#clientLeft) return
    this.#start()
    this.#reply.raw.flushHeaders()
  }

  onUpgrade(head: Head, socket: Duplex) {
    const { trail, server } = this.#request
    trail.answeredAfter = performance.now() - trail.startedAt
    trail.endWait()
    const { to, swaps, setCookie } = this.#forwarding
    if (this.#clientLeft || !accepts(head)) {
      socket.destroy()
      this.#fail(new Fault('bad_gateway', to))
      return
    }
    server.webSocketProxy.open(this.#request, this.#reply, { to, head, socket, swaps, own: cookieHeaders(setCookie) })
  }

  #start() {
    const head = this.#head
    this.#head = null
    if (head === null || this.#clientLeft) return
    this.#length = Number(head.headers['content-length'] ?? -1)
    writeForwarded(this.#request, this.#reply, this.#upstream, this.#forwarding, head)
  }

  onData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#watch?.take(chunk)
    if (this.#held === null) {
      if (this.#head !== null) {
        const { trail } = this.#request
        trail.endWait()
        this.#start()
        trail.beginWait()
      }
      this.#write(controller, chunk)
      return
    }
    if (!this.#held.keep(chunk)) this.#release(controller)
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
    this.#head = held.head
    this.#start()
    for (const chunk of held.chunks) this.#write(controller, chunk)
  }

  onEnd(controller: Dispatcher.DispatchController) {
    this.#request.trail.endWait()
    this.#watch?.end()
    if (this.#held === null) this.#end()
    else this.#judge(controller, this.#held).catch((error: unknown) => this.#fail(error))
  }

  #end() {
    // Before the client has it: whoever sees the answer may take the write for done.
    this.#request.ticket?.end()
    this.#start()
    if (!this.#reply.raw.writableEnded) this.#reply.raw.end()
  }

  async #judge(controller: Dispatcher.DispatchController, held: Held) {
    const { review } = this.#forwarding
    const again = review === null ? null : await this.#request.trail.waitFor(review.judge(held.answer))
    if (again === null || this.#clientLeft) {
      this.#release(controller)
      this.#end()
      return
    }
    this.#goOn(again)
  }

  #goOn(way: Way) {
    const { cookieFor } = this.#forwarding
    new Passage(this.#request, this.#reply, { ...way, review: null, cookieFor }).begin()
  }

  onFault(fault: Fault) {
    this.#request.trail.endWait()
    const { otherwise } = this.#forwarding
    const mayGoOn = !this.#clientLeft && !this.#reply.raw.headersSent && fault.statusCode >= 500
    if (otherwise !== undefined && mayGoOn) this.#goOn(otherwise())
    else this.#fail(fault)
  }

  /** Before the head went out the client gets a fault; after it, only a broken connection tells that the rest is missing. */
  #fail(error: unknown) {
    this.#request.ticket?.end()
    if (this.#clientLeft) return
    if (this.#reply.raw.headersSent) {
      this.#request.trail.isCutOff = true
      cutOff(this.#reply.raw, this.#length !== -1)
    } else this.#reply.send(error)
  }
}
