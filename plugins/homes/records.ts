/**
 * What is remembered of credentials: where their session lives, which kept session it is, and which others it has.
 */
import type { FastifyInstance } from 'fastify'
import type { OpenedSession } from '../../core/answer.ts'
import type { Lives } from '../../core/homes.ts'
import { createSeal, type Secrets } from '../../core/seal.ts'
import type { Credential, System } from '../../core/words.ts'

/** How long a record is kept, at least: longer than clients go without a call, and than any token seen. */
export const recordTtlMs = 2 * 86_400_000

export interface StoredRecord {
  readonly home: System | 'both'
  /** The session's id where the gateway keeps more of it. */
  readonly session?: string
  /** It ends when it ends, however much it is used. */
  readonly endsWithToken?: true
  /** Keys of the session's other credentials. */
  readonly peers: readonly string[]
  /** When it was kept, ms since 1970, and for how long. */
  readonly at: number
  readonly ttlMs: number
}

/** For how long more a record tells where its session lives, ms. */
export const remainingMs = ({ endsWithToken, at, ttlMs }: StoredRecord): number =>
  endsWithToken ? at + ttlMs - Date.now() : ttlMs

/** A record and the key under which it was found. */
export interface FoundRecord {
  readonly key: string
  readonly record: StoredRecord
}

/** One record per credential; keys are keyed hashes. */
export function createRecords(app: FastifyInstance, secret: Secrets) {
  const records = app.store('records', { lasting: true })
  const { keyOf, keysOf } = createSeal(secret)
  const keyFor = ({ value }: Credential) => keyOf('credential', value)
  const keysFor = ({ value }: Credential) => keysOf('credential', value)

  async function find(credential: Credential): Promise<FoundRecord | null> {
    for (const key of keysFor(credential)) {
      const stored = await records.get(key)
      if (stored !== undefined) return { key, record: JSON.parse(stored) as StoredRecord }
    }
    return null
  }

  /** Writes a record for each credential of a session; gives them in the same order, at once. */
  function write({ credentials, lifetimeMs }: OpenedSession, { system, session }: Lives) {
    const keys = credentials.map(keyFor)
    const isPair = session !== undefined && session.halves !== null
    const made = credentials.map(({ kind }, at): StoredRecord => {
      // The source's half may outlive the target's token, which must not open it then: its record ends with the token.
      const endsWithToken = isPair && kind === 'access_token' && lifetimeMs !== null
      return {
        home: system,
        ...(session !== undefined && { session: session.id }),
        ...(endsWithToken && { endsWithToken }),
        peers: keys.toSpliced(at, 1),
        at: Date.now(),
        ttlMs: endsWithToken ? lifetimeMs : Math.max(recordTtlMs, lifetimeMs ?? 0)
      }
    })
    const found = made.map((record, at): FoundRecord => ({ key: keys[at] as string, record }))
    const entries = found.map(({ key, record }) => ({ key, value: JSON.stringify(record), ttlMs: record.ttlMs }))
    return { found, written: records.setAll(entries) }
  }

  /** A session that is in use is kept on: sessions without a refresh live as long as they are used. */
  async function keepOn({ key, record }: FoundRecord) {
    if (record.endsWithToken || Date.now() - record.at < record.ttlMs / 2) return
    await records.set(key, JSON.stringify({ ...record, at: Date.now() }), record.ttlMs)
    if (record.session !== undefined) await app.pairedSessions.keepOn(record.session)
  }

  return {
    find,
    write,
    keepOn,
    drop: (credential: Credential) => records.delete(...keysFor(credential)),
    /** Called when records have changed elsewhere or are deleted, by their keys; null: any. */
    onChanged: records.onChanged,
    /** What was read while this changed must not be kept ready. */
    heard: () => records.heard,
    /** Drops a credential and the others of its session, and what is kept of that. */
    async forget(credential: Credential) {
      // Of a store that is away, what it says of the others is not known; this one is forgotten all the same.
      const found = await find(credential).catch(() => null)
      await records.delete(...keysFor(credential), ...(found?.record.peers ?? []))
      if (found?.record.session !== undefined) await app.pairedSessions.forget(found.record.session)
    }
  }
}

export type Records = ReturnType<typeof createRecords>
