/**
 * Writes that are on their way: each holds a ticket from before it looks at the fences until its system has answered. A
 * fence that goes up waits for the tickets of before that concern its customer, or could.
 */

/** Whom a write concerns; null where that is not known, so that it could be anybody. */
export type Customers = ReadonlySet<number> | null

interface Waiter {
  readonly customers: ReadonlySet<number>
  readonly tickets: Set<Ticket>
  readonly resolve: () => void
}

const concerns = (customers: Customers, wanted: ReadonlySet<number>): boolean => {
  if (customers === null) return true
  for (const one of customers) if (wanted.has(one)) return true
  return false
}

export class Ticket {
  /** `Fences.now` when it was taken: what was decided later saw all that had ended until then. */
  readonly takenAt: number
  /** It is on its way to a system: only that system's answer ends it. */
  isSent = false
  /** Tells whom it concerns, for a write that did not have to know; asked when somebody waits for it for long. */
  identify: (() => Promise<Customers>) | null = null
  readonly #tickets: Set<Ticket>
  readonly #waiters = new Set<Waiter>()
  #customers: Customers = null

  constructor(takenAt: number, tickets: Set<Ticket>) {
    this.takenAt = takenAt
    this.#tickets = tickets
    tickets.add(this)
  }

  get customers(): Customers {
    return this.#customers
  }

  get isOver(): boolean {
    return !this.#tickets.has(this)
  }

  concern(customers: Customers): void {
    this.#customers = customers
    for (const waiter of [...this.#waiters]) if (!concerns(customers, waiter.customers)) this.#release(waiter)
  }

  /** Once is enough, and more do no harm. */
  end(): void {
    if (!this.#tickets.delete(this)) return
    this.identify = null
    for (const waiter of [...this.#waiters]) this.#release(waiter)
  }

  await(waiter: Waiter): void {
    waiter.tickets.add(this)
    this.#waiters.add(waiter)
  }

  #release(waiter: Waiter) {
    this.#waiters.delete(waiter)
    waiter.tickets.delete(this)
    if (waiter.tickets.size === 0) waiter.resolve()
  }
}

/** Until a write that could be anybody's is asked whose it is, ms: most have ended by then. */
const identifyAfterMs = 200

async function identifyAll(tickets: Iterable<Ticket>) {
  for (const ticket of tickets) {
    const { identify } = ticket
    if (ticket.customers !== null || identify === null) continue
    ticket.identify = null
    identify().then(
      (customers) => {
        if (customers !== null && ticket.customers === null) ticket.concern(customers)
      },
      // It stays anybody's.
      () => {}
    )
  }
}

export function createTickets() {
  const tickets = new Set<Ticket>()

  return {
    take: (takenAt: number): Ticket => new Ticket(takenAt, tickets),

    get size(): number {
      return tickets.size
    },

    /** Resolves once no write of before concerns any of these customers. */
    settle(customers: ReadonlySet<number>): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      const waiter: Waiter = { customers, tickets: new Set(), resolve }
      for (const ticket of tickets) if (concerns(ticket.customers, customers)) ticket.await(waiter)
      if (waiter.tickets.size === 0) return Promise.resolve()
      const asking = setTimeout(() => identifyAll([...waiter.tickets]), identifyAfterMs)
      return promise.finally(() => clearTimeout(asking))
    }
  }
}

export type Tickets = ReturnType<typeof createTickets>
