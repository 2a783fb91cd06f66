/**
 * One request to one system: its patience, the fault that its end means, and what it tells of the system.
 */
import type { Dispatcher } from 'undici'
import type { Answer } from '../../core/answer.ts'
import { Fault } from '../../core/faults.ts'
import type { HeaderValues } from '../../core/headers.ts'
import type { System } from '../../core/words.ts'

export interface UpstreamRequest {
  readonly method: string
  /** Path and query as they go on the wire. */
  readonly path: string
  /** A flat list of names and values. */
  readonly headers: readonly string[]
  readonly body: Buffer | AsyncIterable<Buffer> | null
  /** From the request's last byte to the answer's headers, ms; the system's `timeouts.headers` otherwise. */
  readonly patienceMs?: number
}

/** Hears how one request goes: head, data and end of an answer, or the fault that ends it at any moment. */
export interface AnswerHandler {
  /** The request has a connection and begins to leave. */
  onStart?(controller: Dispatcher.DispatchController): void
  onHead(controller: Dispatcher.DispatchController, head: Omit<Answer, 'body'>): void
  onData(controller: Dispatcher.DispatchController, chunk: Buffer): void
  onEnd(controller: Dispatcher.DispatchController): void
  onFault(fault: Fault): void
}

export interface SystemState {
  readonly release: string
  /** False once a connection failed, until one succeeds. */
  reachable: boolean
}

/** Seconds after which a client may try an unavailable system again. */
const retryAfterSeconds = 5

const codeOf = (error: Error) => (error as { code?: unknown }).code

/** Why a request was given up here: no headers in time. */
class HeadersTimeout extends Error {
  override readonly name = 'HeadersTimeout'
}

/**
 * Every request passes here, whoever sends it: its patience is timed, its end is turned into a fault, and what it tells of
 * the system is noted. A breaker has its place around it.
 */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #system: System
  readonly #state: SystemState
  readonly #patienceMs: number
  readonly #handler: AnswerHandler
  #controller: Dispatcher.DispatchController | null = null
  #timer: NodeJS.Timeout | undefined
  #isAnswered = false

  constructor(system: System, state: SystemState, patienceMs: number, handler: AnswerHandler) {
    this.#system = system
    this.#state = state
    this.#patienceMs = patienceMs
    this.#handler = handler
  }

  onRequestStart(controller: Dispatcher.DispatchController) {
    this.#controller = controller
    this.#handler.onStart?.(controller)
  }

  /** A long upload is no slow answer: time runs from the last byte on. */
  onRequestSent() {
    // A system may answer, or fail, before it has the whole body.
    if (this.#isAnswered) return
    this.#timer = setTimeout(() => this.#controller?.abort(new HeadersTimeout()), this.#patienceMs)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: HeaderValues,
    statusMessage = ''
  ) {
    if (status < 200) return
    this.#isAnswered = true
    clearTimeout(this.#timer)
    this.#state.reachable = true
    this.#handler.onHead(controller, { status, statusMessage, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#handler.onData(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController) {
    this.#handler.onEnd(controller)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, cause: Error) {
    this.#isAnswered = true
    clearTimeout(this.#timer)
    this.#handler.onFault(this.#faultOf(cause))
  }

  /** Undici starts a request only on a connection that stands: what failed before has provably not left the gateway. */
  #faultOf(cause: Error): Fault {
    if (this.#controller !== null) {
      const isLate = cause instanceof HeadersTimeout || codeOf(cause) === 'UND_ERR_HEADERS_TIMEOUT'
      return new Fault(isLate ? 'system_timeout' : 'bad_gateway', this.#system, { cause })
    }
    if (codeOf(cause) === 'UND_ERR_INVALID_ARG') {
      return new Fault('malformed_request', 'a header or the path has a character that HTTP does not allow', { cause })
    }
    this.#state.reachable = false
    return new Fault('system_unavailable', this.#system, { cause, retryAfter: retryAfterSeconds })
  }
}
