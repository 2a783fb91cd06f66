/**
 * One request on its way to one system: its turn, its patience, one more try where that is safe, and what its end tells of
 * the system. Every request passes here, whoever sends it.
 */
import type { Duplex } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { isUnavailable } from '../../core/answer.ts'
import { type Fault, GivenUp } from '../../core/faults.ts'
import type { HeaderValues } from '../../core/headers.ts'
import type { System } from '../../core/words.ts'
import {
  faultOf,
  HeadersTimeout,
  isFailure,
  isWorthAnother,
  type Outcome,
  outcomeOf,
  refusalFor,
  tellsOfSystem
} from './outcome.ts'
import { OwnWord } from './own-word.ts'
import type { AnswerHandler, UpstreamRequest } from './request.ts'
import type { Waiting } from './slots.ts'
import type { KeptState } from './state.ts'

/** Where requests of one system and realm leave. */
export interface Line {
  readonly system: System
  readonly state: KeptState
  readonly pool: Pool
  readonly headersMs: number
  /** Tries that are about to be made; cancelled at the end. */
  readonly again: Set<NodeJS.Timeout>
}

/** Seconds after which a client may try again where nothing says more. */
const retryAfterSeconds = 5
const whenBusySeconds = 1

/** Before the second try, ms: all requests of a connection that broke would else come back at once. */
const leastPauseMs = 5
const morePauseMs = 20

/** Largest body that is sent again, bytes (contract section 7). */
const resentBytes = 65_536

const nobodyWaits = () => new GivenUp('Nobody waits for the answer')

export class Sending implements Dispatcher.DispatchHandler, Waiting {
  readonly #line: Line
  readonly #request: UpstreamRequest
  readonly #handler: AnswerHandler
  #controller: Dispatcher.DispatchController | null = null
  #timer: NodeJS.Timeout | undefined
  #sentAt = 0
  #isAnswered = false
  #isSecond = false
  /** Of an answer whose body tells whether the system itself speaks; null for all others. */
  #word: OwnWord | null = null

  constructor(line: Line, request: UpstreamRequest, handler: AnswerHandler) {
    this.#line = line
    this.#request = request
    this.#handler = handler
  }

  begin() {
    const { state } = this.#line
    if (!state.admits) this.#refuse('breaker')
    else if (state.slots.take(this)) this.#send()
  }

  onTurn(): boolean {
    if (this.#handler.isGone?.() ?? false) {
      // The turn is not given back but passed on: of many who have left, each would else call the next, too deep.
      this.#note('given_up')
      this.#handler.onFault(faultOf('given_up', this.#line.system, nobodyWaits(), 0))
      return false
    }
    const { admits } = this.#line.state
    if (admits) this.#send()
    else this.#refuse('breaker')
    return admits
  }

  onNoTurn() {
    this.#refuse('capacity')
  }

  #refuse(why: 'breaker' | 'capacity') {
    const { system, state } = this.#line
    state.counts.refused[why]++
    this.#handler.onFault(refusalFor(why, system, why === 'capacity' ? whenBusySeconds : this.#retryAfter()))
  }

  #retryAfter(): number {
    const { guard } = this.#line.state
    return guard === null || guard.admits ? retryAfterSeconds : guard.retryAfter()
  }

  #send() {
    if (this.#handler.isGone?.() ?? false) {
      this.onResponseError(null, nobodyWaits())
      return
    }
    this.#sentAt = performance.now()
    this.#line.pool.dispatch(this.#request as Dispatcher.DispatchOptions, this)
  }

  onRequestStart(controller: Dispatcher.DispatchController) {
    this.#controller = controller
    this.#handler.onStart?.(controller)
  }

  /** A long upload is no slow answer: time runs from the last byte on. */
  onRequestSent() {
    // A system may answer, or fail, before it has the whole body.
    if (this.#isAnswered) return
    const { headersMs } = this.#line
    const patienceMs = Math.min(this.#request.patienceMs ?? headersMs, headersMs)
    this.#timer = setTimeout(() => this.#controller?.abort(new HeadersTimeout()), patienceMs)
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
    this.#line.state.noteAnswer(performance.now() - this.#sentAt)
    const head = { status, statusMessage, headers }
    if (isUnavailable(status)) this.#word = new OwnWord(head)
    this.#handler.onHead(controller, head)
  }

  /** The connection is no longer the pool's, and its request is over. */
  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: HeaderValues,
    socket: Duplex
  ): void {
    this.#isAnswered = true
    clearTimeout(this.#timer)
    // Undici lets go of it whole: what is wrong with it before somebody takes it must not end the process.
    socket.on('error', () => socket.destroy())
    this.#line.state.noteAnswer(performance.now() - this.#sentAt)
    this.#finish('answered')
    if (this.#handler.onUpgrade === undefined) socket.destroy()
    else this.#handler.onUpgrade({ status, statusMessage: '', headers }, socket)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#word?.add(chunk)
    this.#handler.onData(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController) {
    this.#finish((this.#word?.isSpoken() ?? true) ? 'answered' : 'unavailable')
    this.#handler.onEnd(controller)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, cause: Error) {
    clearTimeout(this.#timer)
    const isStarted = this.#controller !== null
    const outcome = outcomeOf(cause, { isStarted, isAnswered: this.#isAnswered })
    const { system, state } = this.#line
    const isMissing = outcome === 'no_connection'
    // Others have found nobody there already: a second try would only cost time.
    const isKnownAway = isMissing && !state.answers
    if (isMissing) state.answers = false
    if (!isKnownAway && this.#mayRepeat(isStarted) && isWorthAnother(cause)) {
      this.#note(outcome)
      this.#repeat(faultOf(outcome, system, cause, this.#retryAfter()))
      return
    }
    this.#isAnswered = true
    this.#finish(outcome)
    this.#handler.onFault(faultOf(outcome, system, cause, this.#retryAfter()))
  }

  /** Once: what provably never left, or a read whose body is there still, before anything of an answer was passed on. */
  #mayRepeat(isStarted: boolean): boolean {
    const { body, isRead = false } = this.#request
    if (this.#isSecond || this.#isAnswered || (body !== null && !Buffer.isBuffer(body))) return false
    return !isStarted || (isRead && (body === null || body.length <= resentBytes))
  }

  #repeat(fault: Fault) {
    const { again, state } = this.#line
    this.#isSecond = true
    this.#controller = null
    const timer = setTimeout(
      () => {
        again.delete(timer)
        if (state.admits) {
          state.counts.retries++
          this.#send()
          return
        }
        state.slots.give()
        this.#handler.onFault(fault)
      },
      leastPauseMs + Math.random() * morePauseMs
    )
    again.add(timer)
  }

  #note(outcome: Outcome) {
    const { state } = this.#line
    state.counts.attempts[outcome]++
    if (state.guard !== null && tellsOfSystem(outcome)) state.guard.note(isFailure(outcome))
  }

  #finish(outcome: Outcome) {
    this.#note(outcome)
    this.#line.state.slots.give()
  }
}
