/**
 * What one request leaves behind: where it went and why, how it ended, and how much of its time was spent waiting for
 * somebody else. The access line, X-Dispatched-To and metrics read it.
 */
import type { Reason } from './decide.ts'
import type { Trace } from './trace.ts'
import type { System } from './words.ts'

/** One per request, filled as it passes. */
export class Trail {
  readonly startedAt = performance.now()
  readonly trace: Trace
  to: System | 'both' | null = null
  reason: Reason | null = null
  /** The GraphQL operation that it asked for. */
  operation: string | null = null
  /** The fault that the gateway answered with. */
  fault: string | null = null
  /** The answer had begun when the system broke off. */
  isCutOff = false
  /** Its connection became a WebSocket, until whose end it lasts. */
  isWebSocket = false
  /** Until the system's headers were here, ms since the start. */
  answeredAfter: number | null = null
  #waits = 0
  #since = 0
  #waitedMs = 0

  constructor(trace: Trace) {
    this.trace = trace
  }

  /** From here on somebody else has it: a system, or the client with its own body. Waits at the same time count once. */
  beginWait(): void {
    if (this.#waits++ === 0) this.#since = performance.now()
  }

  /** The end of a wait that was begun. One of less than `leastMs` was none, but work of our own. */
  endWait(leastMs = 0): void {
    if (this.#waits === 0 || --this.#waits > 0) return
    const ms = performance.now() - this.#since
    if (ms >= leastMs) this.#waitedMs += ms
  }

  /** Waits for what somebody else must do first. */
  async waitFor<Result>(other: Promise<Result>): Promise<Result> {
    this.beginWait()
    try {
      return await other
    } finally {
      this.endWait()
    }
  }

  /** How long somebody else has had it so far, ms. */
  get elsewhereMs(): number {
    return this.#waits === 0 ? this.#waitedMs : this.#waitedMs + performance.now() - this.#since
  }
}
