/**
 * homes
 * Adds  `app.homes`: where a session lives, by its credential's record, the token's own signature, or by asking both
 *       systems (contract section 4).
 * Needs store, upstreams, token-signature, paired-sessions.
 * Off   never.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { OpenedSession } from '../../core/answer.ts'
import type { Caller, Shown } from '../../core/credentials.ts'
import type { Lives } from '../../core/homes.ts'
import type { Asker } from '../../core/own-call.ts'
import type { Secrets } from '../../core/seal.ts'
import type { Credential, Home, KeptSession, RealmName, System } from '../../core/words.ts'
import { createAsking } from './asking.ts'
import { createFinding } from './finding.ts'
import { type Counts, createCounts, createReady } from './ready.ts'
import { createRecords, recordTtlMs } from './records.ts'
import { createResolving } from './resolving.ts'

export interface Recorded {
  /** When it was opened, or at the latest when it was kept on, ms since 1970. */
  readonly openedAt: number
  /** Keyed hashes of all its credentials. */
  readonly keys: readonly string[]
}

export interface Homes {
  /** The home of what was shown, when this process can tell without waiting: the hot path. */
  atOnce(credentials: readonly Credential[], cookieSaysSource: boolean, realm: RealmName): Home | undefined
  /** The home by record or signature; null where there is neither, or the store cannot be read. */
  find(credential: Credential): Promise<Home | null>
  /** Asks both systems; null when neither knows the session, or one of them could not tell. */
  ask(credential: Credential, from: Asker): Promise<System | null>
  /**
   * On which systems a session is alive: each is asked for the caller's own credential on it. False: not there, or there
   * is no credential that could be asked for; null: it could not tell.
   */
  livesOn(caller: Caller, asker: Asker): Promise<Readonly<Record<System, boolean | null>>>
  /**
   * The home of what was shown: record, signature, cookie, asking, in this order. Without an asker nobody is asked.
   * Throws `malformed_request` for credentials of one call that have different homes. In a dual realm, where a session
   * without its record may be half of one, also `store_unavailable` while records cannot be read, and `session_ended`
   * when they were lost; with no realm neither, for who only ends a session.
   */
  resolve(shown: Shown, cookieSaysSource: boolean, asker: Asker | null, realm: RealmName | null): Promise<Home>
  /** Keeps a session's home, and which of the kept sessions it is where the gateway keeps more of it. */
  remember(session: OpenedSession, home: Lives): Promise<void>
  /** The kept session of a home that is known, begun where there is none yet: from then on the credentials name it. */
  keptFor(home: Home, credentials: readonly Credential[]): Promise<KeptSession>
  /** What a record tells of a session; null where there is none, or it cannot be read. */
  recordOf(credential: Credential): Promise<Recorded | null>
  /** Forgets a credential that its system has refused; the others of its session may live on. */
  drop(credential: Credential): Promise<void>
  /** Forgets a credential and the others of its session. */
  forget(credential: Credential): Promise<void>
  /** How long a record is kept, ms. */
  readonly ttlMs: number
  /** How homes were found. */
  readonly counts: Readonly<Counts>
  /** The sessions that this process has used within the last minute, by home; of very many the last ones. */
  inUse(): Readonly<Record<System | 'both', number>>
}

declare module 'fastify' {
  interface FastifyInstance {
    homes: Homes
  }
}

interface Setting {
  readonly secret: Secrets
  /** The path that `Session/ping` has on the systems. */
  readonly pingPath: string
}

async function homes(app: FastifyInstance, { secret, pingPath }: Setting) {
  const records = createRecords(app, secret)
  const front = createReady()
  const counts = createCounts()
  const finding = createFinding(app, records, front)
  const { ask, livesOn } = createAsking(app, { pingPath, front, counts, remember })
  const { atOnce, resolve } = createResolving(app, { front, counts, finding, ask })
  records.onChanged(front.doubt)

  async function remember(opened: OpenedSession, lives: Lives) {
    const { found, written } = records.write(opened, lives)
    for (const [at, one] of found.entries()) front.keepRecord((opened.credentials[at] as Credential).value, one)
    await written
  }

  async function keptFor({ system, session }: Home, credentials: readonly Credential[]): Promise<KeptSession> {
    if (session !== undefined) return session
    const stored = await Promise.all(credentials.map(records.find))
    const known = stored.find((found) => found?.record.session !== undefined)?.record.session
    if (known !== undefined) return app.pairedSessions.find(known)
    const begun = app.pairedSessions.begin()
    await remember({ credentials, lifetimeMs: null }, { system, session: begun })
    return begun
  }

  app.decorate('homes', {
    atOnce,
    find: finding.find,
    ask,
    livesOn,
    resolve,
    remember,
    keptFor,
    async recordOf(credential) {
      const found = await records.find(credential).catch(() => null)
      return found && { openedAt: found.record.at, keys: [found.key, ...found.record.peers] }
    },
    async drop(credential) {
      front.delete(credential.value)
      await records.drop(credential)
    },
    async forget(credential) {
      front.delete(credential.value)
      await records.forget(credential)
    },
    ttlMs: recordTtlMs,
    counts,
    inUse: front.inUse
  })
}

export default fp(homes, {
  name: 'homes',
  fastify: '5.x',
  dependencies: ['store', 'upstreams', 'token-signature', 'paired-sessions']
})
