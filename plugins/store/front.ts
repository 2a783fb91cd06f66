/**
 * What this process knows of one purpose's entries, in front of a store that other processes share; and for how long that
 * is believed without looking.
 */
import { LRUCache } from 'lru-cache'
import type { StorePolicy } from './index.ts'

/** What is known is not asked again for so long: the others tell when it changes, ms. */
const freshMs = 300_000
/** For how long it is known that there is nothing, while the store is away, ms. */
const absenceMs = 3_600_000
/** The same while the others are not heard, for what must not be old, ms. */
const deafMs = 2_000
/** Entries in front, of each purpose: some 60 MB of records. */
export const frontLimit = 100_000

interface Known {
  /** Null: it is known that nothing is kept. */
  readonly value: string | null
  /** By `performance.now()`. */
  readonly readAt: number
  readonly goneAt: number
  /** The hearing during which it came to be known: what was told between two of them was missed. */
  readonly hearing: number
}

export function createFront({ lasting, notesAbsence = false }: StorePolicy, guard: { readonly isUp: boolean }) {
  const front = new LRUCache<string, Known>({ maxSize: frontLimit, sizeCalculation: () => 1 })
  let hearing = 0
  let isHearing = false

  return {
    /** What is known and not gone. */
    known(key: string): Known | undefined {
      const one = front.get(key)
      if (one === undefined || one.goneAt > performance.now()) return one
      front.delete(key)
      return undefined
    },

    /** Whether the store need not be asked. */
    isFresh({ readAt, hearing: then }: Known): boolean {
      const age = performance.now() - readAt
      if (isHearing && guard.isUp) return then === hearing && age < freshMs
      return age < (lasting ? freshMs : deafMs)
    },

    /** What the store has, or will have; null: nothing. */
    keep(key: string, value: string | null, ttlMs: number) {
      if (value === null && !notesAbsence) {
        front.delete(key)
        return
      }
      const readAt = performance.now()
      front.set(key, { value, readAt, goneAt: readAt + (value === null ? absenceMs : ttlMs), hearing })
    },

    forget: (key: string) => front.delete(key),
    clear: () => front.clear(),

    /** From now on the others are heard, or not. What is known stays for when the store is away, but is asked for again. */
    hears(now: boolean) {
      isHearing = now
      if (now) hearing++
    },

    /** All that is kept, with the rest of its time. */
    entries() {
      const now = performance.now()
      return [...front.entries()].flatMap(([key, { value, goneAt }]) =>
        value !== null && goneAt > now ? [{ key, value, ttlMs: Math.ceil(goneAt - now) }] : []
      )
    }
  }
}
