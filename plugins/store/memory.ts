/**
 * The memory backend: bounded, expiring, gone with the process. The least recently used entry of a purpose makes room.
 */
import { LRUCache } from 'lru-cache'
import type { Backend } from './backend.ts'

/** Entries per purpose: about 60 MB of credential records. */
const defaultLimit = 200_000

export function createMemoryBackend(limit = defaultLimit): Backend {
  const purposes = new Map<string, LRUCache<string, string>>()

  function entriesOf(purpose: string): LRUCache<string, string> {
    // As a size, not as `max`: that would take the memory of all entries at the start, 5 MB per purpose.
    const entries = purposes.get(purpose) ?? new LRUCache({ maxSize: limit, sizeCalculation: () => 1 })
    purposes.set(purpose, entries)
    return entries
  }

  const restOf = (entries: LRUCache<string, string>, key: string) => Math.max(entries.getRemainingTTL(key), 0)

  return {
    isShared: false,
    lostAt: null,
    async open({ onHears }) {
      onHears(true)
    },
    async get(purpose, key) {
      const entries = entriesOf(purpose)
      const value = entries.get(key)
      return value === undefined ? undefined : { value, restMs: restOf(entries, key) }
    },
    async write(purpose, changes, onlyNew = false) {
      const entries = entriesOf(purpose)
      for (const change of changes) {
        if (change.value === null) entries.delete(change.key)
        else if (!onlyNew || !entries.has(change.key)) entries.set(change.key, change.value, { ttl: change.ttlMs })
      }
    },
    async clear(purpose) {
      entriesOf(purpose).clear()
    },
    async *entries(purpose) {
      yield* entriesOf(purpose).entries()
    },
    async increment(purpose, key, windowMs) {
      const entries = entriesOf(purpose)
      const count = Number(entries.get(key) ?? 0) + 1
      const restMs = count === 1 ? windowMs : restOf(entries, key)
      entries.set(key, String(count), { ttl: Math.max(restMs, 1) })
      return { count, restMs }
    },
    async tell() {},
    async close() {}
  }
}
