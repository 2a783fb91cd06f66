/**
 * What this process has ready of credentials, in front of the store; and what is counted of it.
 */
import { LRUCache } from 'lru-cache'
import type { Home, System } from '../../core/words.ts'
import { type FoundRecord, remainingMs } from './records.ts'

/** How long "neither knows it" is believed. */
const refusalTtlMs = 10_000
/** How long a record is used without looking at the store again; "no record" for a shorter time. */
const frontTtlMs = 60_000
const absenceTtlMs = 2_000
/** Credentials kept: each costs about its own length. */
const frontLimit = 10_000

/** A home, or the session that tells it and the system of one that lives on one alone. */
export interface Ready {
  readonly home: Home | null
  readonly session: string | null
  readonly system: System | 'both'
  readonly refused: boolean
  /** The key of the record that says it; null where none does. */
  readonly key: string | null
  /** A client has come with it since. */
  isUsed: boolean
}

const unknown: Ready = { home: null, session: null, system: 'target', refused: false, key: null, isUsed: false }

export function createReady() {
  /** The credential of each record. */
  const byKey = new Map<string, string>()
  const front = new LRUCache<string, Ready>({
    // As a size, not as `max`: that would take the room of all of them at the start.
    maxSize: frontLimit,
    sizeCalculation: () => 1,
    ttl: frontTtlMs,
    // Looking at the clock once a second is exact enough, and cheaper than once a call.
    ttlResolution: 1000,
    dispose({ key }) {
      if (key !== null) byKey.delete(key)
    }
  })

  return {
    get: (value: string) => front.get(value),
    /** Neither system has known it lately. */
    isRefused: (value: string) => front.get(value)?.refused === true,
    delete: (value: string) => front.delete(value),

    keepRecord(value: string, { key, record }: FoundRecord) {
      const { home: system, session } = record
      const ready: Ready =
        session === undefined
          ? { ...unknown, key, home: { system, by: 'record' } }
          : { ...unknown, key, session, system }
      // A ttl of 0 would be none.
      front.set(value, ready, { ttl: Math.max(Math.min(frontTtlMs, remainingMs(record)), 1) })
      // After the one before it has left, under the same key.
      byKey.set(key, value)
    },

    /** Records have changed: they are read again before they are believed. */
    doubt(keys: readonly string[] | null) {
      for (const key of keys ?? [...byKey.keys()]) {
        const value = byKey.get(key)
        if (value !== undefined) front.delete(value)
      }
    },

    /** What the token itself says; null where it says nothing. Not sure: there may be a record that cannot be read now. */
    keepSigned(value: string, home: Home | null, isSure: boolean) {
      front.set(value, { ...unknown, home }, home === null || !isSure ? { ttl: absenceTtlMs } : {})
    },

    keepRefused(value: string) {
      front.set(value, { ...unknown, refused: true }, { ttl: refusalTtlMs })
    },

    /** A login makes records of all its credentials; the client goes on with one of them. */
    inUse(): Record<System | 'both', number> {
      const count = { source: 0, target: 0, both: 0 }
      for (const { home, session, system, isUsed } of front.values()) {
        if (!isUsed) continue
        if (session !== null) count[system]++
        else if (home !== null) count[home.system]++
      }
      return count
    }
  }
}

export type ReadyCredentials = ReturnType<typeof createReady>

/**
 * How a session's home was found, since the start. remembered: nobody was asked; shared: the question was under way
 * already; the others: what the systems said, `unknown` where one of them could not tell.
 */
export const createCounts = () => ({ remembered: 0, shared: 0, source: 0, target: 0, nowhere: 0, unknown: 0 })

export type Counts = ReturnType<typeof createCounts>
