/**
 * Removes from the store's file what has expired, what a purpose has forgotten as a whole, and notes that everybody has
 * read: a small batch at a time, so that no request waits for it.
 */
import type { DatabaseSync } from 'node:sqlite'

/** A few milliseconds' work. */
const batchRows = 500
const restMs = 1000
/** While there is more: a tenth of the time at most. */
const hurryMs = 25
/** Longer than any process may fall behind and still hear everything. */
const noteMs = 10_000

/** Gives what ends it. */
export function createFileSweep(database: DatabaseSync): () => void {
  const expired = database.prepare(
    `DELETE FROM entries WHERE (space, key) IN
       (SELECT space, key FROM entries WHERE expires_at <= ? ORDER BY expires_at LIMIT ${batchRows})`
  )
  const forgotten = database.prepare(
    `DELETE FROM entries WHERE (space, key) IN (SELECT space, key FROM entries WHERE space = ? LIMIT ${batchRows})`
  )
  const left = database.prepare('SELECT id FROM spaces WHERE purpose IS NULL LIMIT 1')
  const dropSpace = database.prepare('DELETE FROM spaces WHERE id = ?')
  const notes = database.prepare(
    `DELETE FROM changes WHERE id <=
       coalesce((SELECT id - 1 FROM changes WHERE at >= ? ORDER BY id LIMIT 1), (SELECT max(id) FROM changes))`
  )

  function sweepSpace(): boolean {
    const id = left.get()?.id
    if (id === undefined) return false
    if (forgotten.run(id).changes === 0) dropSpace.run(id)
    return true
  }

  /** Whether there may be more. */
  function sweep(): boolean {
    try {
      notes.run(Date.now() - noteMs)
      const isMoreLeft = sweepSpace()
      return Number(expired.run(Date.now()).changes) === batchRows || isMoreLeft
    } catch {
      // Another process writes: it is swept later, by whoever gets to it.
      return false
    }
  }

  let timer = setTimeout(run, restMs).unref()
  function run() {
    timer = setTimeout(run, sweep() ? hurryMs : restMs).unref()
  }
  return () => clearTimeout(timer)
}
