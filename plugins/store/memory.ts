/**
 * The store in memory: bounded, expiring, gone with the process. The least recently used entry makes room. There are no
 * others to tell.
 */
import { LRUCache } from 'lru-cache'
import type { Backend, Counted, Hearing } from './backend.ts'

/** Entries per purpose: about 60 MB of credential records. */
const defaultLimit = 200_000

type Entries = LRUCache<string, string>

export function createMemoryBackend(limit = defaultLimit): Backend {
  const purposes = new Map<string, Entries>()

  function entriesOf(purpose: string): Entries {
    const known = purposes.get(purpose)
    if (known !== undefined) return known
    // As a size, not as `max`: that would take the memory of all entries at the start, 5 MB per purpose.
    const made: Entries = new LRUCache({ maxSize: limit, sizeCalculation: () => 1 })
    purposes.set(purpose, made)
    return made
  }

  function counted(entries: Entries, key: string, windowMs: number): Counted {
    const count = Number(entries.get(key) ?? 0) + 1
    // The window that has begun stays as it is.
    entries.set(key, String(count), { ttl: windowMs, noUpdateTTL: true })
    return { count, restMs: Math.min(windowMs, entries.getRemainingTTL(key)) }
  }

  return {
    isShared: false,
    lostAt: null,
    open: async (hearing: Hearing) => hearing.onHears(true),
    async get(purpose, key) {
      const entries = entriesOf(purpose)
      const value = entries.get(key)
      return value === undefined ? undefined : { value, restMs: entries.getRemainingTTL(key) }
    },
    async write(purpose, changes, onlyNew = false) {
      const entries = entriesOf(purpose)
      for (const change of changes) {
        if (change.value === null) entries.delete(change.key)
        else if (onlyNew && entries.has(change.key)) continue
        // To lru-cache no time left means for ever.
        else if (change.ttlMs <= 0) entries.delete(change.key)
        else entries.set(change.key, change.value, { ttl: change.ttlMs })
      }
    },
    async clear(purpose) {
      entriesOf(purpose).clear()
    },
    async *entries(purpose) {
      yield* entriesOf(purpose).entries()
    },
    increment: async (purpose, key, windowMs) => counted(entriesOf(purpose), key, windowMs),
    async tell() {},
    async close() {
      purposes.clear()
    }
  }
}
