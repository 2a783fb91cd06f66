/**
 * How much a system is given at once. What is more waits for its turn: a few, a short while; then it is refused.
 */

/** One who waits for a turn. */
export interface Waiting {
  /** The turn has come. True: it is used, and will be given back. False: it is of no use any more. */
  onTurn(): boolean
  /** There was no turn in time. */
  onNoTurn(): void
}

interface Place {
  readonly waiting: Waiting
  readonly timer: NodeJS.Timeout
}

export interface SlotLimits {
  readonly inFlight: number
  readonly queue: number
  /** ms. */
  readonly wait: number
}

export class Slots {
  readonly #limits: SlotLimits
  readonly #queue: Place[] = []
  #taken = 0

  constructor(limits: SlotLimits) {
    this.#limits = limits
  }

  get taken() {
    return this.#taken
  }

  get waiting() {
    return this.#queue.length
  }

  /** True: the turn is here, at once. False: `waiting` will hear, in time. */
  take(waiting: Waiting): boolean {
    if (this.#taken < this.#limits.inFlight) {
      this.#taken++
      return true
    }
    if (this.#queue.length >= this.#limits.queue) {
      waiting.onNoTurn()
      return false
    }
    const place: Place = { waiting, timer: setTimeout(() => this.#giveUp(place), this.#limits.wait) }
    this.#queue.push(place)
    return false
  }

  /** Gives a turn back, to the one who waits longest. */
  give() {
    // A loop: with a long queue, each of them giving it to the next would overflow the stack.
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      clearTimeout(next.timer)
      if (next.waiting.onTurn()) return
    }
    this.#taken--
  }

  #giveUp(place: Place) {
    this.#queue.splice(this.#queue.indexOf(place), 1)
    place.waiting.onNoTurn()
  }

  /** Whoever waits is refused; for the end. */
  close() {
    for (const { waiting, timer } of this.#queue.splice(0)) {
      clearTimeout(timer)
      waiting.onNoTurn()
    }
  }
}
