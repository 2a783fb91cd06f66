/**
 * Who moves: somebody tells it, or a customer is found on another system than the last time.
 */
import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { createListeners } from '../../core/listeners.ts'
import { isPlace, placeBy } from '../../core/location.ts'
import type { Reference } from '../../core/references.ts'
import type { System } from '../../core/words.ts'
import type { Finding } from './lookup.ts'

/** A word about a customer who moves. */
export interface Move {
  readonly iCustomer: number
  readonly state: 'started' | 'finished' | 'failed'
  /** Where the customer goes, or now is; null where nobody has said. */
  readonly to: System | null
  /** When it was told or found, ms since 1970. */
  readonly at: number
  /** Whose word it is: an operator's, a system's event, a lookup's, or that of a fence that nobody has ended. */
  readonly by: 'told' | 'event' | 'found' | 'expired'
}

/** What somebody says of a move: an operator, now, where nothing else is said. */
export type Word = Pick<Move, 'iCustomer' | 'state' | 'to'> & Partial<Pick<Move, 'at' | 'by'>>

export type MoveListener = (move: Move) => void
/** Told of whom another process has written words, which may not have been told here; null: of anybody. */
export type WordsListener = (customers: readonly number[] | null) => void

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
  if (!certain || !isActive || customer === null || !isPlace(at)) return null
  return { customer, at }
}

/** For how long a mark of the last word about a customer is kept: longer than a migration takes. */
const markTtlMs = 7 * 86_400_000

/** Words that are written, and told, at a time. */
const chunk = 500

const moveOf = (word: Word): Move => ({ at: Date.now(), by: 'told', ...word })

/** Of what a system's answer says, and of what was told of an entity: it is the customer's place, and whoever knows it. */
export function createMoves(app: FastifyInstance) {
  const listeners = createListeners<[move: Move]>((err) => app.log.error({ err }, 'a listener of moves failed'))
  /** The last word about each customer, for those who have not heard it. */
  const marks = app.store('moves', { lasting: true })
  // As a size, not as `max`: that would take the memory of all of them at the start.
  const places = new LRUCache<number, Place>({
    maxSize: keptPlaces,
    sizeCalculation: () => 1,
    dispose({ at }) {
      seen[at]--
    }
  })
  /** How many customers have their last place where. */
  const seen: Record<System, number> = { source: 0, target: 0 }

  function notePlace(iCustomer: number, at: System) {
    // What stood there before leaves.
    places.set(iCustomer, { at, since: performance.now() })
    seen[at]++
  }

  const markPrefix = 'customer:'
  const markOf = (iCustomer: number) => `${markPrefix}${iCustomer}`

  function hear(move: Move) {
    const { iCustomer, state, to } = move
    if (state === 'finished' && to !== null) notePlace(iCustomer, to)
    listeners.tell(move)
  }
  marks.onTold((text) => {
    const told = JSON.parse(text) as Move | readonly Move[]
    for (const move of Array.isArray(told) ? (told as readonly Move[]) : [told as Move]) hear(move)
  })

  /** Here, and at the other gateways that share the store. */
  function tell(words: readonly Word[]) {
    const moves = words.map(moveOf)
    for (let at = 0; at < moves.length; at += chunk) {
      const some = moves.slice(at, at + chunk)
      // Never rejects: a store that is away is told later.
      marks.setAll(some.map((move) => ({ key: markOf(move.iCustomer), value: JSON.stringify(move), ttlMs: markTtlMs })))
      marks.tell(JSON.stringify(some))
    }
    for (const move of moves) hear(move)
  }

  /** The last word about a customer, whoever was told it; undefined also where that cannot be read now. */
  async function lastWordOf(iCustomer: number): Promise<Move | undefined> {
    const mark = await marks.get(markOf(iCustomer)).catch(() => undefined)
    return mark === undefined ? undefined : moveOf(JSON.parse(mark) as Word)
  }

  /** By what this gateway knows, else by the mark of who was told: another one, or this one before a restart. */
  async function lastPlaceOf(customer: number): Promise<Place | undefined> {
    const known = places.get(customer)
    if (known !== undefined) return known
    const word = await lastWordOf(customer)
    const at = word === undefined ? null : placeBy(word.state, word.to)
    return at === null ? undefined : { at, since: 0 }
  }

  return {
    onMoved: listeners.add,
    onWordsWritten: (listener: WordsListener) =>
      marks.onChanged((keys) => listener(keys?.map((key) => Number(key.slice(markPrefix.length))) ?? null)),
    seen: seen as Readonly<typeof seen>,

    lastWordOf,

    /** Where this process has last found a customer, or heard that it is. */
    placeOf: (iCustomer: number): Place | undefined => places.get(iCustomer),

    /** Somebody's words. */
    note: tell,

    /** What each gateway finds out for itself: the others are not told. */
    noteHere(words: readonly Word[]) {
      for (const move of words.map(moveOf)) {
        marks.set(markOf(move.iCustomer), JSON.stringify(move), markTtlMs)
        hear(move)
      }
    },

    /** What came of a question that was asked then: a move, where the customer was last known to be elsewhere. */
    async notice(reference: Reference, finding: Finding, askedAt: number) {
      const place = placeIn(reference, finding)
      if (place === null) return
      const { customer, at } = place
      const last = await lastPlaceOf(customer)
      const isElsewhere = last !== undefined && last.at !== at
      // A question that was under way when the other place became known: its answer is the older one.
      if (isElsewhere && askedAt < last.since) return
      notePlace(customer, at)
      if (isElsewhere) tell([{ iCustomer: customer, state: 'finished', to: at, by: 'found' }])
    }
  }
}

export type Moves = ReturnType<typeof createMoves>
