/**
 * What a store that was away has not been told yet: the last word about each key, and purposes that were forgotten.
 */
import type { Backend, Change } from './backend.ts'

/** Writes that may be owed; beyond it the oldest are given up. */
const limit = 50_000
/** Told at a time. */
const chunk = 500

interface Owed {
  readonly purpose: string
  readonly change: Change
  /** When it would have expired, ms since 1970. */
  readonly until: number
}

interface Writing {
  readonly purpose: string
  readonly changes: readonly Change[]
}

const nameOf = (purpose: string, key: string) => `${purpose}\0${key}`

/** What is left of the time that it was to be kept for; null for what has expired meanwhile. */
function stillDue({ change, until }: Owed): Change | null {
  if (change.value === null) return change
  const ttlMs = until - Date.now()
  return ttlMs > 0 ? { ...change, ttlMs } : null
}

export function createOwed(backend: Pick<Backend, 'write' | 'clear'>) {
  const words = new Map<string, Owed>()
  const cleared = new Set<string>()
  /** The write that was begun last, of each key of which one is on its way. */
  const latest = new Map<string, Writing>()

  function add(name: string, purpose: string, change: Change) {
    // The last word comes last.
    words.delete(name)
    words.set(name, { purpose, change, until: change.value === null ? Infinity : Date.now() + change.ttlMs })
    const [oldest] = words.keys()
    if (words.size > limit && oldest !== undefined) words.delete(oldest)
  }

  return {
    /** These are on their way: an older word about them must not come after. */
    begin(purpose: string, changes: readonly Change[]): Writing {
      const writing = { purpose, changes }
      for (const { key } of changes) {
        words.delete(nameOf(purpose, key))
        latest.set(nameOf(purpose, key), writing)
      }
      return writing
    },

    /** What was not written is owed, unless something newer was said of it meanwhile. */
    end(writing: Writing, isWritten: boolean) {
      const { purpose, changes } = writing
      for (const change of changes) {
        const name = nameOf(purpose, change.key)
        if (latest.get(name) !== writing) continue
        latest.delete(name)
        if (!isWritten) add(name, purpose, change)
      }
    },

    /** A purpose is being forgotten: also what is on its way. */
    drop(purpose: string) {
      for (const [name, one] of words) if (one.purpose === purpose) words.delete(name)
      for (const [name, one] of latest) if (one.purpose === purpose) latest.delete(name)
    },

    noteClear(purpose: string) {
      cleared.add(purpose)
    },

    /** What the store will say of a key once it is told: null for nothing, undefined where nothing is owed. */
    of(purpose: string, key: string): Change | null | undefined {
      if (words.size === 0 && cleared.size === 0) return undefined
      const one = words.get(nameOf(purpose, key))
      if (one !== undefined) return stillDue(one)
      return cleared.has(purpose) ? null : undefined
    },

    /** Tells all of it, in its order. Rejects as long as the store is away. */
    async settle() {
      for (const purpose of cleared) {
        await backend.clear(purpose)
        cleared.delete(purpose)
      }
      for (let [first] = words.values(); first !== undefined; [first] = words.values()) {
        const { purpose } = first
        const part = [...words].filter(([, one]) => one.purpose === purpose).slice(0, chunk)
        await backend.write(
          purpose,
          part.flatMap(([, one]) => stillDue(one) ?? [])
        )
        // Only what was not said anew meanwhile.
        for (const [name, one] of part) if (words.get(name) === one) words.delete(name)
      }
    },

    get size() {
      return words.size + cleared.size
    }
  }
}
