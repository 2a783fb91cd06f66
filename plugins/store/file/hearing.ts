/**
 * How a process hears what others have written to the store's file: it looks whether anybody has, forty times a second,
 * which costs microseconds, and then reads what they have noted.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Hearing } from '../backend.ts'

const lookEveryMs = 25
/** What only this process has noted is passed over long before it is removed, so that it is not missed. */
const readEveryLooks = 40

interface Noted {
  readonly id: number
  readonly origin: string
  readonly purpose: string
  readonly keys: string | null
  readonly text: string | null
}

function pass({ purpose, keys, text }: Noted, hearing: Hearing) {
  if (text !== null) hearing.onTold(purpose, text)
  else hearing.onChanged(purpose, keys === null ? null : (JSON.parse(keys) as string[]))
}

/** Gives what ends it. */
export function createFileHearing(database: DatabaseSync, origin: string, hearing: Hearing): () => void {
  const version = database.prepare('PRAGMA data_version')
  const latest = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")
  const noted = database.prepare('SELECT id, origin, purpose, keys, text FROM changes WHERE id > ? ORDER BY id')
  const latestId = () => Number(latest.get()?.seq ?? 0)
  let seenVersion = version.get()?.data_version
  let seenId = latestId()
  let looks = 0

  /** What is new; undefined while the file is locked, which the next look makes good. */
  function read() {
    try {
      const now = version.get()?.data_version
      if (now === seenVersion && ++looks < readEveryLooks) return undefined
      const newest = latestId()
      const rows = noted.all(seenId) as unknown as Noted[]
      seenVersion = now
      looks = 0
      return { newest, rows }
    } catch {
      return undefined
    }
  }

  function look() {
    const { newest, rows } = read() ?? { newest: seenId, rows: [] }
    // A process that was stopped for longer than notes are kept has missed some, and cannot know which.
    const hasMissed = newest > seenId && rows[0]?.id !== seenId + 1
    seenId = Math.max(newest, rows.at(-1)?.id ?? 0)
    if (hasMissed) hearing.onHears(true)
    for (const row of rows) if (row.origin !== origin) pass(row, hearing)
  }

  const timer = setInterval(look, lookEveryMs).unref()
  return () => clearInterval(timer)
}
