/**
 * What is known of a system: whether it answers, what is under way, and what came of everything that was sent.
 */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Pool } from 'undici'
import { createListeners } from '../../core/listeners.ts'
import type { System } from '../../core/words.ts'
import type { Outcome } from './outcome.ts'
import type { Slots } from './slots.ts'

type Breaker = FastifyInstance['breakers'][System]

export interface SystemState {
  readonly release: string
  /** False once a connection to it failed or a probe was not answered, and while its breaker lets nothing through. */
  readonly reachable: boolean
  /** `off` without circuit-breaker. */
  readonly breaker: Breaker['state'] | 'off'
  /** Requests that are under way. */
  readonly inFlight: number
  /** Requests that wait for their turn. */
  readonly queued: number
  /** Since the start. */
  readonly counts: {
    readonly attempts: Readonly<Record<Outcome, number>>
    readonly retries: number
    /** What was refused without being sent: the breaker was open, or too much was under way. */
    readonly refused: Readonly<Record<'breaker' | 'capacity', number>>
    readonly probes: Readonly<Record<'good' | 'bad', number>>
    readonly transitions: Breaker['transitions']
  }
  /** Of the last answers, from sending to their headers, ms; null before the first. */
  latency(): { readonly p50: number; readonly p99: number } | null
  /** Sockets of all its pools. */
  connections(): { readonly connected: number; readonly free: number; readonly pending: number }
  /** Calls a listener with each answer's time to its headers, ms, for as long as the process runs. */
  onAnswer(listener: (ms: number) => void): void
  /** Calls a listener when `reachable` or `breaker` has changed. What it throws is logged. Returns what ends it. */
  onChange(listener: () => void): () => void
}

/** Answers that the quantiles are taken of. */
const lastAnswers = 1024

const noTransitions = { closed: 0, open: 0, half_open: 0 }

/** The state as those who send keep it. */
export class KeptState implements SystemState {
  readonly release: string
  readonly slots: Slots
  readonly guard: Breaker | null
  readonly pools: Pool[] = []
  readonly counts
  readonly #latencies = new Float64Array(lastAnswers)
  #answered = 0
  readonly #answerListeners: ((ms: number) => void)[] = []
  readonly #listeners
  #answers = true
  /** What the listeners were told last. */
  #told: Pick<SystemState, 'reachable' | 'breaker'>

  constructor(release: string, slots: Slots, guard: Breaker | null, log: FastifyBaseLogger) {
    this.release = release
    this.slots = slots
    this.guard = guard
    this.counts = {
      attempts: { answered: 0, unavailable: 0, no_connection: 0, timeout: 0, reset: 0, broken_off: 0, given_up: 0 },
      retries: 0,
      refused: { breaker: 0, capacity: 0 },
      probes: { good: 0, bad: 0 },
      transitions: guard?.transitions ?? noTransitions
    }
    this.#listeners = createListeners<[]>((err) => log.error({ err }, "a listener of a system's changes failed"))
    this.#told = { reachable: this.reachable, breaker: this.breaker }
    if (guard !== null) guard.onDecided = () => this.#settle()
  }

  /** Whether the last connection stood and the last probe was answered. */
  get answers(): boolean {
    return this.#answers
  }

  set answers(answers: boolean) {
    if (answers === this.#answers) return
    this.#answers = answers
    this.#settle()
  }

  get admits(): boolean {
    return this.guard === null || this.guard.admits
  }

  get reachable(): boolean {
    return this.answers && this.admits
  }

  get breaker() {
    return this.guard?.state ?? ('off' as const)
  }

  get inFlight() {
    return this.slots.taken
  }

  get queued() {
    return this.slots.waiting
  }

  noteAnswer(ms: number) {
    this.answers = true
    this.#latencies[this.#answered++ % lastAnswers] = ms
    for (const listener of this.#answerListeners) listener(ms)
  }

  onAnswer(listener: (ms: number) => void) {
    this.#answerListeners.push(listener)
  }

  onChange(listener: () => void) {
    return this.#listeners.add(listener)
  }

  /** Tells the listeners where there is something to tell: not all that is decided anew is decided otherwise. */
  #settle() {
    const { reachable, breaker } = this
    if (reachable === this.#told.reachable && breaker === this.#told.breaker) return
    this.#told = { reachable, breaker }
    this.#listeners.tell()
  }

  latency() {
    if (this.#answered === 0) return null
    const sorted = this.#latencies.slice(0, Math.min(this.#answered, lastAnswers)).sort()
    const at = (share: number) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] as number
    return { p50: at(0.5), p99: at(0.99) }
  }

  connections() {
    const total = { connected: 0, free: 0, pending: 0 }
    for (const { stats } of this.pools) {
      total.connected += stats.connected
      total.free += stats.free
      total.pending += stats.pending
    }
    return total
  }
}
