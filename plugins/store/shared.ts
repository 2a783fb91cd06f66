/**
 * One purpose's part of a store that other processes share: a front of what this process knows, so that what is in use
 * costs no round trip, kept true by what the others tell.
 */
import { LRUCache } from 'lru-cache'
import type { Backend, Change } from './backend.ts'
import { type Guard, storeAway } from './guard.ts'
import type { Store, StorePolicy } from './index.ts'
import { createMemoryBackend } from './memory.ts'

/** What is known is not asked again for so long: the others tell when it changes, ms. */
const freshMs = 300_000
/** For how long it is known that there is nothing, while the store is away, ms. */
const absenceMs = 3_600_000
/** The same while the others are not heard, for what must not be old, ms. */
const deafMs = 2_000
/** Entries in front, of each purpose: some 60 MB of records. */
const frontLimit = 100_000
/** Written back at a time. */
const chunk = 500

interface Known {
  /** Null: it is known that nothing is kept. */
  readonly value: string | null
  /** By `performance.now()`. */
  readonly readAt: number
  readonly goneAt: number
  /** The hearing during which it came to be known: what was told between two of them was missed. */
  readonly hearing: number
}

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

export function createSharedStore(
  purpose: string,
  { lasting, notesAbsence = false }: StorePolicy,
  backend: Backend,
  guard: Guard
): SharedStore {
  const front = new LRUCache<string, Known>({ maxSize: frontLimit, sizeCalculation: () => 1 })
  const reads = new Map<string, Promise<string | undefined>>()
  const changeListeners: ((keys: readonly string[] | null) => void)[] = []
  const toldListeners: ((text: string) => void)[] = []
  const own = createMemoryBackend(frontLimit)
  let hearing = 0
  let isHearing = false
  let heard = 0
  /** Writes of this process that may not have reached the store: what is read meanwhile may be older than they are. */
  let writing = 0
  let isLost = false

  function keep(key: string, value: string | null, ttlMs: number) {
    const readAt = performance.now()
    front.set(key, { value, readAt, goneAt: readAt + ttlMs, hearing })
  }

  /** What is known and not gone. */
  function known(key: string): Known | undefined {
    const one = front.get(key)
    if (one === undefined || one.goneAt > performance.now()) return one
    front.delete(key)
    return undefined
  }

  function isFresh({ readAt, hearing: then }: Known): boolean {
    const age = performance.now() - readAt
    if (isHearing && guard.isUp) return then === hearing && age < freshMs
    return age < (lasting ? freshMs : deafMs)
  }

  async function read(key: string): Promise<string | undefined> {
    const before = heard
    try {
      const found = await guard.ask('read', () => backend.get(purpose, key))
      if (found === undefined && isLost && lasting) return known(key)?.value ?? undefined
      // What somebody has changed meanwhile may be what was read, or not.
      if (heard !== before || writing > 0) return found?.value
      if (found === undefined && notesAbsence) keep(key, null, absenceMs)
      else if (found === undefined) front.delete(key)
      else keep(key, found.value, found.restMs)
      return found?.value
    } catch (cause) {
      const last = lasting ? known(key) : undefined
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
    const one = known(key)
    if (one !== undefined && isFresh(one)) return one.value ?? undefined
    return reads.get(key) ?? begin(key)
  }

  function tellListeners(keys: readonly string[] | null) {
    for (const listener of changeListeners) listener(keys)
  }

  function note(changes: readonly Change[]) {
    heard++
    for (const change of changes) {
      if (change.value !== null) keep(change.key, change.value, change.ttlMs)
      else if (notesAbsence) keep(change.key, null, absenceMs)
      else front.delete(change.key)
    }
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
          front.delete(key)
          reads.delete(key)
        }
      tellListeners(keys)
    },

    toldBy(text) {
      for (const listener of toldListeners) listener(text)
    },

    hears(now) {
      isHearing = now
      if (!now) return
      // What was told before was missed. What is known stays for when the store is away, but is asked for again.
      hearing++
      heard++
      tellListeners(null)
    },

    lose() {
      isLost = true
    },

    async restore() {
      const now = performance.now()
      const left = (lasting ? [...front.entries()] : []).flatMap(([key, { value, goneAt }]) =>
        value !== null && goneAt > now ? [{ key, value, ttlMs: Math.ceil(goneAt - now) }] : []
      )
      for (let at = 0; at < left.length; at += chunk) {
        await backend.write(purpose, left.slice(at, at + chunk), true)
      }
      isLost = false
    }
  }
}
