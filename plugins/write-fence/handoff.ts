/**
 * Who was logged in where its customer is no more: by the last word about the customer, and whose the session is. Only
 * sessions from before that word: a later login proves where the customer is.
 */
import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { placeBy } from '../../core/location.ts'
import type { Asker } from '../../core/own-call.ts'
import type { Credential, System } from '../../core/words.ts'
import type { Owners } from './owners.ts'

interface Place {
  /** Null: no word has told. */
  readonly at: System | null
  readonly since: number
}

type Move = Parameters<Parameters<FastifyInstance['entityLocation']['onMoved']>[0]>[0]

/** Customers whose place is kept ready. */
const keptPlaces = 50_000
/** For how long it is believed that nobody can say whose a session is, ms. */
const unclearMs = 60_000
/** For how long it is known after a restart that customers move: as long as a word about one is. */
const dueMs = 7 * 86_400_000
const dueKey = 'customers-move'

/** Where the customer is by a word; null for one that leaves it open. */
function placeIn({ state, to, by, at: since }: Move): Place | null {
  if (state === 'started' || to === null || by === 'expired') return null
  return { at: placeBy(state, to), since }
}

const nowhere: Place = { at: null, since: 0 }

export function createHandoff(app: FastifyInstance, owners: Owners) {
  const { entityLocation } = app
  const dues = app.store('moving', { lasting: true })
  const places = new LRUCache<number, Place>({ maxSize: keptPlaces, sizeCalculation: () => 1 })
  const unclear = new LRUCache<string, true>({ maxSize: keptPlaces, sizeCalculation: () => 1, ttl: unclearMs })
  let isDue = false
  /** What was read before one of them may be older. */
  let doubts = 0

  entityLocation.onMoved((move) => {
    if (!isDue) {
      isDue = true
      dues.set(dueKey, '1', dueMs)
    }
    const place = placeIn(move)
    if (place !== null) places.set(move.iCustomer, place)
  })
  dues.onChanged((keys) => {
    if (keys === null) recall()
  })
  // Words may have been missed.
  entityLocation.onWordsWritten((customers) => {
    doubts++
    if (customers === null) places.clear()
    for (const iCustomer of customers ?? []) places.delete(iCustomer)
  })

  async function recall() {
    // In doubt it is asked: that costs a question for each session, and no more.
    isDue ||= (await dues.get(dueKey).catch(() => '1')) !== undefined
  }

  async function placeOf(iCustomer: number): Promise<Place> {
    const before = doubts
    const word = await entityLocation.lastWordOf(iCustomer)
    const place = places.get(iCustomer) ?? ((word && placeIn(word)) || nowhere)
    if (doubts === before) places.set(iCustomer, place)
    return place
  }

  const isElsewhere = (place: Place, system: System, since: number) =>
    place.at !== null && place.at !== system && since < place.since

  async function find(credential: Credential, system: System, asker: Asker): Promise<boolean> {
    const owner = await owners.find(credential, system, asker).catch(() => 'unclear' as const)
    if (typeof owner === 'string') {
      unclear.set(credential.value, true)
      return false
    }
    return isElsewhere(await placeOf(owner.iCustomer), system, owner.since)
  }

  return {
    /** Whether anybody is known to move: before that nobody is asked for anything. */
    get isDue(): boolean {
      return isDue
    },

    begin: recall,

    /** Whether the session of this credential was left behind on a system; at once where that is known. */
    hasLeft(credential: Credential, system: System, asker: () => Asker): boolean | Promise<boolean> {
      const owner = owners.atOnce(credential.value)
      const place = owner === undefined ? undefined : places.get(owner.iCustomer)
      if (owner !== undefined && place !== undefined) return isElsewhere(place, system, owner.since)
      if (unclear.has(credential.value)) return false
      return find(credential, system, asker())
    }
  }
}

export type Handoff = ReturnType<typeof createHandoff>
