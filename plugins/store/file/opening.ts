/**
 * Opens the store's file: made when it is not there, readable for its owner alone, and refused with what to do when it
 * is not ours.
 */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

/** The version of the tables; a file of a newer one belongs to a newer release. */
const version = 1
/** At a start all workers make the tables at once. */
const openingMs = 5000
/** Calls are synchronous: nobody may wait for another process's lock any longer. */
const busyMs = 50
const retryMs = 20
const walBytes = 32 << 20
/** Keys are hashes, so that each write is somewhere else: what is written to the file at once should be many. */
const checkpointPages = 8000
const cacheKilobytes = 16_384

const busy = 5
const notDatabase = 26

/** A purpose's entries stand in a space. Forgetting them all gives the purpose another, and leaves the old to the sweep. */
const tables = `
  CREATE TABLE spaces (id INTEGER PRIMARY KEY AUTOINCREMENT, purpose TEXT UNIQUE);
  CREATE TABLE entries (
    space INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (space, key)
  ) WITHOUT ROWID;
  CREATE INDEX entries_by_expiry ON entries (expires_at);
  CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin TEXT NOT NULL,
    purpose TEXT NOT NULL,
    keys TEXT,
    text TEXT,
    at INTEGER NOT NULL
  );
  PRAGMA user_version = ${version};`

class FileMistake extends Error {}

function errorCode(error: unknown): number | string | undefined {
  const { errcode, code } = error as { errcode?: number; code?: string }
  return errcode ?? code
}

function reasonOf(path: string, error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return `the directory ${dirname(path)} does not exist; create it`
    case 'EISDIR':
      return 'it is a directory; name a file in it'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'it cannot be written; give the user that runs the gateway the right to, in its directory as well'
    case notDatabase:
      return 'it is no database; move it away or name another file'
    default:
      return (error as Error).message
  }
}

function prepare(database: DatabaseSync) {
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${walBytes};
    PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA cache_size = -${cacheKilobytes}`)
  database.exec('BEGIN IMMEDIATE')
  try {
    const found = Number(database.prepare('PRAGMA user_version').get()?.user_version)
    const isEmpty = database.prepare('SELECT 1 FROM sqlite_master').get() === undefined
    if (found === 0 && !isEmpty) throw new FileMistake('it is the database of something else; name another file')
    if (found > version) {
      throw new FileMistake(
        `it is of version ${found}, and this release knows ${version}; take the newer release, or move the file away`
      )
    }
    if (found === 0) database.exec(tables)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
  database.exec(`PRAGMA busy_timeout = ${busyMs}`)
}

/** Rejects with one sentence that names the file and says what to do. */
export async function openStoreFile(path: string): Promise<DatabaseSync> {
  const until = Date.now() + openingMs
  for (;;) {
    let database: DatabaseSync | undefined
    try {
      // SQLite would make it readable for everybody; its companions -wal and -shm are made alike.
      closeSync(openSync(path, 'a', 0o600))
      database = new DatabaseSync(path, { timeout: openingMs })
      prepare(database)
      return database
    } catch (error) {
      database?.close()
      // Two that both change the journal's mode do not wait for each other.
      if (errorCode(error) !== busy || Date.now() > until) {
        const reason = error instanceof FileMistake ? error.message : reasonOf(path, error)
        throw new Error(`The store's file ${path} cannot be used: ${reason}`, { cause: error })
      }
      await delay(retryMs)
    }
  }
}
