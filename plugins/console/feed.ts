/**
 * The words of moves: the last ones, those that began together as batches until they have ended, and how many have moved.
 * Each gateway and worker hears each word. All of it goes by when a word was told, not by when it was heard, so that whoever
 * has heard the same words has the same feed.
 */
import type { FastifyInstance } from 'fastify'
import type { System } from '../../core/words.ts'

export type Word = Parameters<Parameters<FastifyInstance['entityLocation']['onMoved']>[0]>[0]

/** Words of one kind that follow each other within so many ms are one batch. */
const togetherMs = 100
export const keptEntries = 100
export const keptBatches = 20
/** Customers of batches who are followed until they have ended. */
const keptFollowed = 50_000
/** Customers who have moved, so that the second word of one move does not count. */
const keptMoved = 10_000

export interface FeedEntry {
  /** Ms since 1970. */
  readonly at: number
  /** The customer; of several the first. */
  readonly iCustomer: number
  readonly count: number
  readonly state: Word['state']
  readonly to: System | null
  readonly by: Word['by']
}

export interface Batch {
  readonly id: string
  /** Ms since 1970. */
  readonly at: number
  readonly customers: number
  readonly finished: number
  readonly failed: number
  readonly moving: number
  readonly isOver: boolean
}

type Changing<Value> = { -readonly [Key in keyof Value]: Value[Key] } & { lastAt: number; readonly to: System | null }
type Group = Changing<FeedEntry>
type OpenBatch = Omit<Changing<Batch>, 'isOver'>

/** The last entries, newest first. */
function createEntries() {
  const entries: Group[] = []
  return {
    add({ iCustomer, state, to, at, by }: Word) {
      const last = entries.find((one) => one.state === state && one.to === to && one.by === by)
      if (last !== undefined && Math.abs(at - last.lastAt) <= togetherMs) {
        last.count++
        last.lastAt = Math.max(last.lastAt, at)
        return
      }
      entries.unshift({ at, iCustomer, count: 1, state, to, by, lastAt: at })
      if (entries.length > keptEntries) entries.pop()
    },
    list: (): FeedEntry[] => entries.map(({ lastAt: _, ...entry }) => entry)
  }
}

function createBatches() {
  /** Newest first. */
  const batches: OpenBatch[] = []
  const batchOf = new Map<number, OpenBatch>()

  function drop(batch: OpenBatch) {
    batches.splice(batches.indexOf(batch), 1)
    if (batch.moving === 0) return
    for (const [iCustomer, one] of batchOf) if (one === batch) batchOf.delete(iCustomer)
  }

  function makeRoom() {
    if (batches.length > keptBatches)
      drop(batches.findLast(({ moving }) => moving === 0) ?? (batches.at(-1) as OpenBatch))
    if (batchOf.size > keptFollowed && batches.length > 1)
      drop(batches.findLast(({ moving }) => moving > 0) as OpenBatch)
  }

  return {
    begin({ iCustomer, to, at }: Word) {
      // Told once more.
      if (batchOf.has(iCustomer)) return
      const [newest] = batches
      const isTogether = newest !== undefined && newest.to === to && Math.abs(at - newest.lastAt) <= togetherMs
      const first = { id: `${at}-${iCustomer}`, at, lastAt: at, to, customers: 0, finished: 0, failed: 0, moving: 0 }
      const batch = isTogether ? newest : first
      if (!isTogether) batches.unshift(batch)
      batch.lastAt = Math.max(batch.lastAt, at)
      batch.customers++
      if (batchOf.size > keptFollowed) return
      batch.moving++
      batchOf.set(iCustomer, batch)
      makeRoom()
    },

    /** Whether the customer was followed. */
    end(iCustomer: number, how: 'finished' | 'failed'): boolean {
      const batch = batchOf.get(iCustomer)
      if (batch === undefined) return false
      batchOf.delete(iCustomer)
      batch.moving--
      batch[how]++
      return true
    },

    get moving() {
      return batchOf.size
    },
    list: (): Batch[] => batches.map(({ lastAt: _, to: __, ...batch }) => ({ ...batch, isOver: batch.moving === 0 }))
  }
}

/** Customers who have moved, counted once for each move. */
function createMovedCount() {
  const last = new Map<number, System | null>()
  let count = 0
  return {
    /** `isSure`: this word ends a move that was told to have begun. */
    add(iCustomer: number, to: System | null, isSure: boolean) {
      const before = last.get(iCustomer)
      const isAgain = before !== undefined && (to === null || before === null || before === to)
      if (isAgain && !isSure) return
      count++
      last.delete(iCustomer)
      last.set(iCustomer, to)
      const [oldest] = last.keys()
      if (last.size > keptMoved && oldest !== undefined) last.delete(oldest)
    },
    get count() {
      return count
    }
  }
}

export function createFeed() {
  const entries = createEntries()
  const batches = createBatches()
  const moved = createMovedCount()
  const ended = { failed: 0, expired: 0 }

  return {
    hear(word: Word) {
      const { iCustomer, state, to, by } = word
      entries.add(word)
      if (state === 'started') batches.begin(word)
      else if (state === 'finished') moved.add(iCustomer, to, batches.end(iCustomer, 'finished'))
      else {
        batches.end(iCustomer, 'failed')
        ended[by === 'expired' ? 'expired' : 'failed']++
      }
    },
    entries: entries.list,
    batches: batches.list,
    /** Customers who have begun to move and not ended. */
    get moving() {
      return batches.moving
    },
    get moved() {
      return moved.count
    },
    get failed() {
      return ended.failed
    },
    get expired() {
      return ended.expired
    }
  }
}
