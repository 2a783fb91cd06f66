/**
 * What is remembered of credentials: where their session lives, which kept session it is, and which others it has.
 */
import type { FastifyInstance } from 'fastify'
import type { OpenedSession } from '../../core/answer.ts'
import { createSeal } from '../../core/seal.ts'
import type { Credential, System } from '../../core/words.ts'
import type { Lives } from './lives.ts'

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

/** One record per credential; keys are keyed hashes. */
export function createRecords(app: FastifyInstance, secret: string) {
  const records = app.store('records')
  const { keyOf } = createSeal(secret)
  const keyFor = ({ value }: Credential) => keyOf('credential', value)

  async function read(credential: Credential): Promise<StoredRecord | null> {
    const stored = await records.get(keyFor(credential))
    return stored === undefined ? null : (JSON.parse(stored) as StoredRecord)
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
    const written = made.map((record, at) => records.set(keys[at] as string, JSON.stringify(record), record.ttlMs))
    return { made, written: Promise.all(written) }
  }

  /** A session that is in use is kept on: sessions without a refresh live as long as they are used. */
  async function keepOn(credential: Credential, record: StoredRecord) {
    if (record.endsWithToken || Date.now() - record.at < record.ttlMs / 2) return
    await records.set(keyFor(credential), JSON.stringify({ ...record, at: Date.now() }), record.ttlMs)
    if (record.session !== undefined) await app.pairedSessions.keepOn(record.session)
  }

  return {
    read,
    write,
    keepOn,
    drop: (credential: Credential) => records.delete(keyFor(credential)),
    /** Drops a credential and the others of its session, and what is kept of that. */
    async forget(credential: Credential) {
      const record = await read(credential)
      await records.delete(keyFor(credential), ...(record?.peers ?? []))
      if (record?.session !== undefined) await app.pairedSessions.forget(record.session)
    }
  }
}
