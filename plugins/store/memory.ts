/**
 * The memory store: bounded, expiring, gone with the process. The least recently used entry makes room.
 */
import { LRUCache } from 'lru-cache'
import type { Store } from './index.ts'

/** Entries per purpose: about 60 MB of credential records. */
const defaultLimit = 200_000

export function createMemoryStore(limit = defaultLimit): Store {
  // As a size, not as `max`: that would take the memory of all entries at the start, 5 MB per purpose.
  const entries = new LRUCache<string, string>({ maxSize: limit, sizeCalculation: () => 1 })
  return {
    get: async (key) => entries.get(key),
    async set(key, value, ttlMs) {
      entries.set(key, value, { ttl: ttlMs })
    },
    async delete(...keys) {
      for (const key of keys) entries.delete(key)
    },
    async clear() {
      entries.clear()
    },
    async *entries() {
      yield* entries.entries()
    }
  }
}
