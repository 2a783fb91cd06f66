/**
 * Who moves: somebody tells it, or a customer is found on another system than the last time.
 */
import type { FastifyBaseLogger } from 'fastify'
import { LRUCache } from 'lru-cache'
import { createListeners } from '../../core/listeners.ts'
import type { Reference } from '../../core/references.ts'
import type { System } from '../../core/words.ts'
import type { Finding } from './lookup.ts'

/** A word about a customer who moves. */
export interface Move {
  readonly iCustomer: number
  readonly state: 'started' | 'finished' | 'failed'
  /** Where the customer goes, or now is; null where nobody has said. */
  readonly to: System | null
}

export type MoveListener = (move: Move) => void

/** Customers whose last place is kept: it outlives the locations, which expire. */
const keptPlaces = 50_000

interface Place {
  readonly at: System
  /** When that was known, as `performance.now()` tells it. */
  readonly since: number
}

/** The customer whose place a finding tells, and the place; null for a finding that is doubtful, or of what is closed. */
function placeIn({ keys }: Reference, { at, certain, isActive, iCustomer }: Finding) {
  const customer = typeof keys.i_customer === 'number' ? keys.i_customer : iCustomer
  if (!certain || !isActive || customer === null || at === null || at === 'ambiguous') return null
  return { customer, at }
}

export function createMoves(log: FastifyBaseLogger) {
  const listeners = createListeners<[move: Move]>((err) => log.error({ err }, 'a listener of moves failed'))
  // As a size, not as `max`: that would take the memory of all of them at the start.
  const places = new LRUCache<number, Place>({ maxSize: keptPlaces, sizeCalculation: () => 1 })

  return {
    onMoved: listeners.add,

    /** Somebody's word. */
    note(move: Move) {
      const { iCustomer, state, to } = move
      if (state === 'finished' && to !== null) places.set(iCustomer, { at: to, since: performance.now() })
      listeners.tell(move)
    },

    /** What came of a question that was asked then: a move, where the customer was last known to be elsewhere. */
    notice(reference: Reference, finding: Finding, askedAt: number) {
      const place = placeIn(reference, finding)
      if (place === null) return
      const { customer, at } = place
      const last = places.get(customer)
      const isElsewhere = last !== undefined && last.at !== at
      // A question that was under way when the other place became known: its answer is the older one.
      if (isElsewhere && askedAt < last.since) return
      places.set(customer, { at, since: performance.now() })
      if (isElsewhere) listeners.tell({ iCustomer: customer, state: 'finished', to: at })
    }
  }
}

export type Moves = ReturnType<typeof createMoves>
