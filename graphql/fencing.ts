/**
 * The mutations of one request before the write fence: whoever puts one up waits for them, and none is made for a
 * customer who is being moved.
 */
import type { FastifyInstance } from 'fastify'
import type { Reference } from '../core/references.ts'
import type { Customers, Ticket } from '../core/tickets.ts'
import type { Trail } from '../core/trail.ts'
import type { Calls } from './calls.ts'

export class Fencing {
  readonly #app: FastifyInstance
  readonly #trail: Trail
  readonly #calls: Calls
  /** Of the mutation that is being made: they are made one after the other. */
  #ticket: Ticket | null = null

  constructor(app: FastifyInstance, trail: Trail, calls: Calls) {
    this.#app = app
    this.#trail = trail
    this.#calls = calls
  }

  /** Before it is decided where a write goes. */
  begin(): void {
    if (this.#app.hasDecorator('writeFence')) this.#ticket = this.#app.writeFence.take()
  }

  end(): void {
    this.#ticket?.end()
    this.#ticket = null
  }

  /** Throws what a write gets that concerns a customer who is being moved. */
  async admit(references: readonly Reference[]): Promise<void> {
    const ticket = this.#ticket
    if (ticket === null) return
    const { writeFence } = this.#app
    const whose = () => this.#whose(references)
    if (writeFence.mayPass(ticket)) {
      ticket.identify = whose
      return
    }
    ticket.concern(await whose())
    writeFence.check(ticket)
  }

  async #whose(references: readonly Reference[]): Promise<Customers> {
    const all = new Set<number>()
    for (const reference of references) {
      const customers = await this.#trail.waitFor(this.#app.entityLocation.whose(reference, this.#calls.locator()))
      if (customers === null) return null
      for (const one of customers) all.add(one)
    }
    return all
  }
}
