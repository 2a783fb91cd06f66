/**
 * The store in a file, by SQLite: shared by the processes of one machine, and there again after a restart. What others
 * have changed is looked up in the file itself, as soon as SQLite says that somebody has written.
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Backend, Change, Hearing } from '../backend.ts'
import { createFileHearing } from './hearing.ts'
import { openStoreFile } from './opening.ts'
import { createFileSweep } from './sweep.ts'

const pageRows = 500

/** The statements, each prepared once. */
function statementsOf(database: DatabaseSync) {
  const inSpace = 'space = (SELECT id FROM spaces WHERE purpose = ?)'
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    space: database.prepare('SELECT id FROM spaces WHERE purpose = ?'),
    addSpace: database.prepare('INSERT INTO spaces (purpose) VALUES (?)'),
    leaveSpace: database.prepare('UPDATE spaces SET purpose = NULL WHERE purpose = ?'),
    get: database.prepare(`SELECT value, expires_at FROM entries WHERE ${inSpace} AND key = ? AND expires_at > ?`),
    set: database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)'),
    setNew: database.prepare(
      `INSERT INTO entries VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
       SET value = ?3, expires_at = ?4 WHERE expires_at <= ?5`
    ),
    delete: database.prepare('DELETE FROM entries WHERE space = ? AND key = ?'),
    page: database.prepare(
      `SELECT key, value FROM entries WHERE ${inSpace} AND key > ? AND expires_at > ? ORDER BY key LIMIT ${pageRows}`
    ),
    count: database.prepare(
      `INSERT INTO entries VALUES (?1, ?2, '1', ?3 + ?4) ON CONFLICT DO UPDATE
       SET value = CASE WHEN expires_at > ?3 THEN CAST(value AS INTEGER) + 1 ELSE '1' END,
           expires_at = CASE WHEN expires_at > ?3 THEN expires_at ELSE ?3 + ?4 END
       RETURNING value, expires_at`
    ),
    tell: database.prepare('INSERT INTO changes (origin, purpose, keys, text, at) VALUES (?, ?, ?, ?, ?)')
  }
}

type Statements = ReturnType<typeof statementsOf>

/** All of it or nothing. */
function transact<Result>({ begin, commit, rollback }: Statements, work: () => Result): Result {
  begin.run()
  try {
    const result = work()
    commit.run()
    return result
  } catch (error) {
    rollback.run()
    throw error
  }
}

const spaceOf = ({ space, addSpace }: Statements, purpose: string): SQLInputValue =>
  space.get(purpose)?.id ?? addSpace.run(purpose).lastInsertRowid

function apply(statements: Statements, space: SQLInputValue, change: Change, onlyNew: boolean) {
  const now = Date.now()
  if (change.value === null) statements.delete.run(space, change.key)
  else if (onlyNew) statements.setNew.run(space, change.key, change.value, now + Math.ceil(change.ttlMs), now)
  else statements.set.run(space, change.key, change.value, now + Math.ceil(change.ttlMs))
}

interface Opened {
  readonly database: DatabaseSync
  readonly statements: Statements
  /** Ends its timers. */
  stop(): void
}

export function createFileBackend(path: string): Backend {
  const origin = randomUUID()
  let opened: Opened | undefined

  function statementsNow(): Statements {
    if (opened === undefined) throw new Error("the store's file is not open")
    return opened.statements
  }

  const tellOthers = (statements: Statements, purpose: string, keys: readonly string[] | null, text: string | null) =>
    statements.tell.run(origin, purpose, keys === null ? null : JSON.stringify(keys), text, Date.now())

  return {
    isShared: true,
    lostAt: null,
    async open(hearing: Hearing) {
      const database = await openStoreFile(path)
      const stops = [createFileHearing(database, origin, hearing), createFileSweep(database)]
      opened = {
        database,
        statements: statementsOf(database),
        stop() {
          for (const stop of stops) stop()
        }
      }
      hearing.onHears(true)
    },
    async get(purpose, key) {
      const now = Date.now()
      const row = statementsNow().get.get(purpose, key, now)
      return row === undefined ? undefined : { value: String(row.value), restMs: Number(row.expires_at) - now }
    },
    async write(purpose, changes, onlyNew = false) {
      const statements = statementsNow()
      transact(statements, () => {
        const space = spaceOf(statements, purpose)
        for (const change of changes) apply(statements, space, change, onlyNew)
        tellOthers(
          statements,
          purpose,
          changes.map(({ key }) => key),
          null
        )
      })
    },
    async clear(purpose) {
      const statements = statementsNow()
      transact(statements, () => {
        statements.leaveSpace.run(purpose)
        tellOthers(statements, purpose, null, null)
      })
    },
    async *entries(purpose) {
      for (let last = '', isMore = true; isMore; ) {
        const rows = statementsNow().page.all(purpose, last, Date.now())
        for (const { key, value } of rows) yield [String(key), String(value)] as const
        last = String(rows.at(-1)?.key)
        isMore = rows.length === pageRows
      }
    },
    async increment(purpose, key, windowMs) {
      const statements = statementsNow()
      const now = Date.now()
      const row = transact(statements, () =>
        statements.count.get(spaceOf(statements, purpose), key, now, Math.ceil(windowMs))
      )
      return { count: Number(row?.value), restMs: Number(row?.expires_at) - now }
    },
    async tell(purpose, text) {
      tellOthers(statementsNow(), purpose, null, text)
    },
    async close() {
      opened?.stop()
      opened?.database.close()
      opened = undefined
    }
  }
}
