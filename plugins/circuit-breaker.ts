/**
 * circuit-breaker
 * Adds  `app.breakers`: per system, whether requests may be sent to it now. Each is one opossum circuit, in this process,
 *       told of every request that the upstreams have sent and of every probe, whoever asked for it.
 * Needs nothing; the upstreams ask it before they send, and tell it how it went.
 * Off   plain upstreams with timeouts: a system that is away is asked each time.
 */
import { EventEmitter } from 'node:events'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import Circuit from 'opossum'
import { type Static, Type } from '../core/schema.ts'
import { type System, systemNames } from '../core/words.ts'

export const CircuitBreakerOptions = Type.Object(
  {
    errorThresholdPercentage: Type.Integer({
      minimum: 0,
      maximum: 99,
      default: 50,
      description: 'It opens when more than this share of the requests within the window failed, percent.'
    }),
    window: Type.Integer({ minimum: 100, default: 10_000, description: 'The window, ms.' }),
    volumeThreshold: Type.Integer({
      minimum: 1,
      default: 10,
      description: 'It stays closed until so many requests ended within the window.'
    }),
    resetTimeout: Type.Integer({
      minimum: 1,
      default: 10_000,
      description: 'From its opening to the first trial, ms; until then nothing but probes is sent.'
    })
  },
  { additionalProperties: false }
)
type Options = Static<typeof CircuitBreakerOptions>

export type BreakerState = 'closed' | 'open' | 'half_open'

export interface Breaker {
  /** Whether requests may be sent: it is closed, and the probes do not say that the system is away. */
  readonly admits: boolean
  readonly state: BreakerState
  /** How often it came into each state. */
  readonly transitions: Readonly<Record<BreakerState, number>>
  /** Seconds after which it may admit again, for `Retry-After`. */
  retryAfter(): number
  /** How a request ended. One that was given up tells nothing of the system and is not told. */
  note(failed: boolean): void
  /** How a probe ended: two good ones in a row bring the requests back, two bad ones with no answer between stop them. */
  noteProbe(good: boolean): void
  /** Called when a trial is due: a probe, never a customer's call. */
  onTrial: () => void
  /** Called when it has decided anew: `state` or `admits` may be another than before. */
  onDecided: () => void
}

declare module 'fastify' {
  interface FastifyInstance {
    breakers: Readonly<Record<System, Breaker>>
  }
}

/** Parts of the window: it moves on by one of them at a time. */
const buckets = 10
/** Good probes in a row that bring the requests back, and bad ones that stop them. */
const inARow = 2

/** Later trials come sooner, but a client need not try at each of them. */
const leastRetrySeconds = 5

const failure = new Error('A request failed')

/**
 * A request is told when it has ended, not fired when it begins: so requests under way do not dilute the failures, a
 * client that leaves counts neither way, and the late end of an old request cannot close a circuit that has opened since.
 */
function fail(): Promise<never> {
  throw failure
}

class SystemBreaker implements Breaker {
  admits = true
  onTrial = () => {}
  onDecided = () => {}
  readonly transitions = { closed: 0, open: 0, half_open: 0 }
  readonly #circuit: Circuit<[], never>
  readonly #window = new EventEmitter()
  readonly #resetTimeout: number
  /** When it opened last after it had been closed, ms since 1970. */
  #openedAt = 0
  #isAway = false
  #good = 0
  #bad = 0

  constructor(system: System, options: Options, log: FastifyBaseLogger) {
    this.#resetTimeout = options.resetTimeout
    this.#circuit = new Circuit(fail, {
      name: system,
      timeout: false,
      errorThresholdPercentage: options.errorThresholdPercentage,
      volumeThreshold: options.volumeThreshold,
      resetTimeout: options.resetTimeout,
      rollingCountTimeout: options.window,
      rollingCountBuckets: buckets,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#window
    })
    const became = (state: BreakerState) => {
      this.transitions[state]++
      this.#decide()
      log.warn({ system, breaker: state }, 'the breaker of a system changed')
    }
    this.#circuit.on('open', () => {
      if (this.#openedAt === 0) this.#openedAt = Date.now()
      this.#good = 0
      became('open')
    })
    this.#circuit.on('halfOpen', () => {
      became('half_open')
      this.onTrial()
    })
    this.#circuit.on('close', () => {
      this.#openedAt = 0
      // What failed before it opened would else open it again at the next failure.
      for (let bucket = 0; bucket < buckets; bucket++) this.moveWindow()
      became('closed')
    })
  }

  get state(): BreakerState {
    if (this.#circuit.closed) return 'closed'
    return this.#circuit.halfOpen ? 'half_open' : 'open'
  }

  retryAfter(): number {
    const restMs = this.#openedAt === 0 ? 0 : this.#openedAt + this.#resetTimeout - Date.now()
    return Math.max(Math.ceil(restMs / 1000), leastRetrySeconds)
  }

  note(failed: boolean) {
    if (!failed) this.#bad = 0
    if (!this.#circuit.closed) return
    if (failed) this.#circuit.fire().catch(() => {})
    // All that a success is good for is to be one of those that failures are compared with; opossum counts them by this
    // event. To fire it would cost 5 microseconds.
    else this.#circuit.emit('fire', [])
  }

  noteProbe(good: boolean) {
    this.note(!good)
    this.#good = good ? this.#good + 1 : 0
    this.#bad = good ? 0 : this.#bad + 1
    if (this.#bad >= inARow) this.#isAway = true
    if (this.#good >= inARow) this.#comeBack()
    if (this.state === 'half_open' && !good) this.#circuit.open()
    this.#decide()
  }

  /** Not while it has just opened: a health read may be well where the calls are not. */
  #comeBack() {
    this.#isAway = false
    if (Date.now() - this.#openedAt >= this.#resetTimeout) this.#circuit.close()
  }

  #decide() {
    this.admits = this.#circuit.closed && !this.#isAway
    this.onDecided()
  }

  moveWindow() {
    this.#window.emit('rotate')
  }

  close() {
    this.#circuit.shutdown()
  }
}

async function circuitBreaker(app: FastifyInstance, options: Options) {
  const own = {
    source: new SystemBreaker('source', options, app.log),
    target: new SystemBreaker('target', options, app.log)
  }
  app.decorate('breakers', own)
  const moving = setInterval(() => {
    for (const system of systemNames) own[system].moveWindow()
  }, options.window / buckets).unref()

  app.addHook('onClose', async function closeBreakers() {
    clearInterval(moving)
    for (const system of systemNames) own[system].close()
  })
}

export default fp(circuitBreaker, { name: 'circuit-breaker', fastify: '5.x' })
