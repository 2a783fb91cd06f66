/**
 * One purpose's part of a store that is this process's own: its memory is the front.
 */
import type { Backend } from './backend.ts'
import type { Store } from './index.ts'

export function createOwnStore(purpose: string, backend: Backend): Store {
  const listeners: ((keys: readonly string[] | null) => void)[] = []
  function tellListeners(keys: readonly string[] | null) {
    for (const listener of listeners) listener(keys)
  }
  return {
    heard: 0,
    get: async (key) => (await backend.get(purpose, key))?.value,
    set: (key, value, ttlMs) => backend.write(purpose, [{ key, value, ttlMs }]),
    setAll: (entries) => backend.write(purpose, entries),
    setSurely: (entries) => backend.write(purpose, entries),
    async delete(...keys) {
      tellListeners(keys)
      await backend.write(
        purpose,
        keys.map((key) => ({ key, value: null }))
      )
    },
    async clear() {
      tellListeners(null)
      await backend.clear(purpose)
    },
    entries: () => backend.entries(purpose),
    increment: (key, windowMs) => backend.increment(purpose, key, windowMs),
    onChanged(listener) {
      listeners.push(listener)
    },
    tell() {},
    onTold() {}
  }
}
