/**
 * Which customers are being moved, and so may not be written to; and which fences have ended while a write was on its way.
 */
import type { System } from './words.ts'

export interface Fence {
  readonly iCustomer: number
  /** Where the customer goes; null where nobody has said. */
  readonly to: System | null
  /** Since when, and until when at the longest, ms since 1970. */
  readonly since: number
  readonly until: number
  /** Tells it from another fence of the same customer, so that a word that comes late ends or raises the one it is about. */
  readonly token: string
}

/** Ends that are kept: a write that was decided before its customer's fence ended must not go where it was decided to. */
const keptEnds = 50_000

/** Seconds after which a client may try again; a move takes seconds to minutes. */
const retryAfterSeconds = 5

/** Keeps the last of many; gives what had to leave for it. */
function keepBounded<Value>(kept: Map<number | string, Value>, key: number | string, value: Value): Value | undefined {
  kept.delete(key)
  kept.set(key, value)
  if (kept.size <= keptEnds) return undefined
  const oldest = kept.entries().next().value
  if (oldest !== undefined) kept.delete(oldest[0])
  return oldest?.[1]
}

export class Fences {
  readonly #up = new Map<number, Fence>()
  /** When the last fence of a customer ended, by `now`. */
  readonly #ended = new Map<number | string, number>()
  /** The end that is kept no more, of the latest. */
  #forgotten = 0
  /** Fences that have ended, by customer and token. */
  readonly #over = new Map<number | string, true>()
  #now = 0

  /** Rises with each fence that ends. */
  get now(): number {
    return this.#now
  }

  get size(): number {
    return this.#up.size
  }

  get(iCustomer: number): Fence | undefined {
    return this.#up.get(iCustomer)
  }

  /** By `since`, the oldest first. */
  list(): Fence[] {
    return [...this.#up.values()].sort((a, b) => a.since - b.since || a.iCustomer - b.iCustomer)
  }

  /** Puts it up, or in the place of the customer's other one; false for one that is over. */
  put(fence: Fence): boolean {
    const { iCustomer, token } = fence
    if (this.#over.has(`${iCustomer} ${token}`)) return false
    const known = this.#up.get(iCustomer)
    if (known !== undefined && known.token !== token) this.#noteOver(known)
    this.#up.set(iCustomer, fence)
    return true
  }

  /** Takes a customer's fence down; gives it, if there was one. */
  end(iCustomer: number): Fence | undefined {
    const fence = this.#up.get(iCustomer)
    if (fence === undefined) return undefined
    this.#up.delete(iCustomer)
    this.#noteOver(fence)
    const forgotten = keepBounded(this.#ended, iCustomer, ++this.#now)
    if (forgotten !== undefined) this.#forgotten = forgotten
    return fence
  }

  /** A fence that has ended must not come up again, even where nobody here has seen it. */
  noteOver(iCustomer: number, token: string): void {
    this.#noteOver({ iCustomer, token })
  }

  #noteOver({ iCustomer, token }: Pick<Fence, 'iCustomer' | 'token'>) {
    keepBounded(this.#over, `${iCustomer} ${token}`, true)
  }

  /** Whether a fence of one of these may have ended since then; null: of anybody. */
  hasEndedSince(then: number, customers: ReadonlySet<number> | null): boolean {
    if (this.#now === then) return false
    if (customers === null || then < this.#forgotten) return true
    for (const iCustomer of customers) if ((this.#ended.get(iCustomer) ?? 0) > then) return true
    return false
  }

  /** Those whose time is over. */
  due(now: number): Fence[] {
    return [...this.#up.values()].filter(({ until }) => until <= now)
  }

  /** When the next one's time is over, ms since 1970; null where there is none. */
  get nextUntil(): number | null {
    let next: number | null = null
    for (const { until } of this.#up.values()) if (next === null || until < next) next = until
    return next
  }
}

/** When a client may try again: soon, and at the latest when the fence is over. */
export const retryAfterOf = (fence: Pick<Fence, 'until'> | undefined, now: number): number =>
  fence === undefined ? 1 : Math.min(Math.max(Math.ceil((fence.until - now) / 1000), 1), retryAfterSeconds)
