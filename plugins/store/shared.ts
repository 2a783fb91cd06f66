/**
 * One purpose's part of a store that other processes share: what is in use costs no round trip, since this process knows
 * it, and is kept true by what the others tell.
 */
import type { Backend, Change } from './backend.ts'
import { createFront, frontLimit } from './front.ts'
import { type Guard, storeAway } from './guard.ts'
import type { Store, StorePolicy } from './index.ts'
import { createMemoryBackend } from './memory.ts'

/** Written back at a time. */
const chunk = 500

export interface SharedStore extends Store {
  /** Other processes have written these; null: any. */
  heardOf(keys: readonly string[] | null): void
  toldBy(text: string): void
  /** From now on the others are heard, or not. */
  hears(now: boolean): void
  /** The store has lost what was kept: until it is restored, what is known here counts. */
  lose(): void
  /** Writes back what this process knows and nobody has any more. */
  restore(): Promise<void>
}

export function createSharedStore(purpose: string, policy: StorePolicy, backend: Backend, guard: Guard): SharedStore {
  const { lasting } = policy
  const front = createFront(policy, guard)
  const reads = new Map<string, Promise<string | undefined>>()
  const changeListeners: ((keys: readonly string[] | null) => void)[] = []
  const toldListeners: ((text: string) => void)[] = []
  const own = createMemoryBackend(frontLimit)
  let heard = 0
  /** Writes of this process that may not have reached the store: what is read meanwhile may be older than they are. */
  let writing = 0
  let isLost = false

  async function read(key: string): Promise<string | undefined> {
    const before = heard
    try {
      const found = await guard.ask('read', () => backend.get(purpose, key))
      if (found === undefined && isLost && lasting) return front.known(key)?.value ?? undefined
      // What somebody has changed meanwhile may be what was read, or not.
      if (heard !== before || writing > 0) return found?.value
      front.keep(key, found?.value ?? null, found?.restMs ?? 0)
      return found?.value
    } catch (cause) {
      const last = lasting ? front.known(key) : undefined
      if (last === undefined) throw storeAway(cause)
      return last.value ?? undefined
    }
  }

  /** Whoever asks the same meanwhile shares the question. */
  function begin(key: string): Promise<string | undefined> {
    const question = read(key).finally(() => {
      if (reads.get(key) === question) reads.delete(key)
    })
    reads.set(key, question)
    return question
  }

  async function get(key: string): Promise<string | undefined> {
    const owed = guard.owedOf(purpose, key)
    if (owed !== undefined) return owed?.value ?? undefined
    const one = front.known(key)
    if (one !== undefined && front.isFresh(one)) return one.value ?? undefined
    return reads.get(key) ?? begin(key)
  }

  function tellListeners(keys: readonly string[] | null) {
    for (const listener of changeListeners) listener(keys)
  }

  function note(changes: readonly Change[]) {
    heard++
    for (const change of changes) front.keep(change.key, change.value, change.value === null ? 0 : change.ttlMs)
  }

  async function write(changes: readonly Change[]) {
    note(changes)
    const gone = changes.filter(({ value }) => value === null).map(({ key }) => key)
    if (gone.length > 0) tellListeners(gone)
    await whileWriting(() => guard.write(purpose, changes))
  }

  async function whileWriting(send: () => Promise<void>) {
    writing++
    try {
      await send()
    } finally {
      writing--
      heard++
    }
  }

  return {
    get,
    set: (key, value, ttlMs) => write([{ key, value, ttlMs }]),
    setAll: (entries) => write(entries),
    async setSurely(entries) {
      await guard.writeSurely(purpose, entries)
      note(entries)
    },
    delete: (...keys) => (keys.length === 0 ? Promise.resolve() : write(keys.map((key) => ({ key, value: null })))),
    async clear() {
      heard++
      front.clear()
      tellListeners(null)
      await whileWriting(() => guard.clear(purpose))
    },
    entries: () => backend.entries(purpose),
    async increment(key, windowMs) {
      try {
        return await guard.ask('count', () => backend.increment(purpose, key, windowMs))
      } catch {
        return own.increment(purpose, key, windowMs)
      }
    },
    onChanged(listener) {
      changeListeners.push(listener)
    },
    tell(text) {
      guard.ask('write', () => backend.tell(purpose, text)).catch(() => {})
    },
    onTold(listener) {
      toldListeners.push(listener)
    },
    get heard() {
      return heard
    },

    heardOf(keys) {
      heard++
      // Nobody joins a question that was under way: its answer may be older.
      if (keys === null) {
        front.clear()
        reads.clear()
      } else
        for (const key of keys) {
          front.forget(key)
          reads.delete(key)
        }
      tellListeners(keys)
    },

    toldBy(text) {
      for (const listener of toldListeners) listener(text)
    },

    hears(now) {
      front.hears(now)
      if (!now) return
      // What was told before was missed.
      heard++
      tellListeners(null)
    },

    lose() {
      isLost = true
    },

    async restore() {
      const left = lasting ? front.entries() : []
      for (let at = 0; at < left.length; at += chunk) {
        await backend.write(purpose, left.slice(at, at + chunk), true)
      }
      isLost = false
    }
  }
}
