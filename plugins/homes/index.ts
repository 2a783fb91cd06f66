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
import { Fault } from '../../core/faults.ts'
import type { Asker } from '../../core/own-call.ts'
import type { Secrets } from '../../core/seal.ts'
import {
  type Credential,
  type Home,
  isSingleHome,
  type KeptSession,
  type RealmName,
  type System
} from '../../core/words.ts'
import { createAsking } from './asking.ts'
import { agreed, homeOf, type Lives } from './lives.ts'
import { createCounts, createReady, type Ready } from './ready.ts'
import { createRecords, recordTtlMs } from './records.ts'

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
  readonly counts: Readonly<ReturnType<typeof createCounts>>
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

const isAway = (error: unknown) => error instanceof Fault && error.fault === 'store_unavailable'

/** How long after a loss other processes may still write back what they know, ms. */
const restoringMs = 3_000

const bySourceCookie: Home = { system: 'source', by: 'cookie' }
const noCredential: Home = { system: 'target', by: 'no_credential' }

async function homes(app: FastifyInstance, { secret, pingPath }: Setting) {
  const records = createRecords(app, secret)
  const { askBoth, livesOn } = createAsking(app, pingPath)
  const front = createReady()
  const questions = new Map<string, Promise<System | null>>()
  const counts = createCounts()
  records.onChanged(front.doubt)

  async function remember(opened: OpenedSession, lives: Lives) {
    const { found, written } = records.write(opened, lives)
    for (const [at, one] of found.entries()) front.keepRecord((opened.credentials[at] as Credential).value, one)
    await written
  }

  async function findRecord(credential: Credential): Promise<Home | null> {
    const before = records.heard()
    const found = await records.find(credential)
    if (found === null) return null
    if (records.heard() === before) front.keepRecord(credential.value, found)
    const { record } = found
    await records.keepOn(found)
    if (record.session === undefined) return { system: record.home, by: 'record' }
    return homeOf(record.home, await app.pairedSessions.find(record.session))
  }

  async function findSigned(credential: Credential, isSure: boolean): Promise<Home | null> {
    const signer = credential.kind === 'access_token' ? await app.verifyToken(credential.value) : null
    const home: Home | null = signer === null ? null : { system: signer, by: 'signature' }
    front.keepSigned(credential.value, home, isSure)
    return home
  }

  /** Throws `store_unavailable`. */
  async function findSurely(credential: Credential): Promise<Home | null> {
    const ready = front.get(credential.value)
    if (ready?.session != null) return homeOf(ready.system, await app.pairedSessions.find(ready.session))
    if (ready !== undefined) return ready.home
    const recorded = await findRecord(credential)
    return recorded ?? findSigned(credential, true)
  }

  async function find(credential: Credential): Promise<Home | null> {
    try {
      return await findSurely(credential)
    } catch (error) {
      if (!isAway(error)) throw error
      return findSigned(credential, false)
    }
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

  async function askOnce(credential: Credential, asker: Asker): Promise<System | null> {
    const answer = await askBoth(credential, asker)
    counts[answer === 'neither' ? 'nowhere' : answer]++
    if (answer === 'neither') front.keepRefused(credential.value)
    if (answer === 'neither' || answer === 'unknown') return null
    await remember({ credentials: [credential], lifetimeMs: null }, { system: answer })
    return answer
  }

  const isRefused = ({ value }: Credential) => front.get(value)?.refused === true

  async function ask(credential: Credential, asker: Asker): Promise<System | null> {
    // A refresh token cannot be pinged.
    if (credential.kind === 'refresh_token' || isRefused(credential)) return null
    const pending = questions.get(credential.value)
    if (pending !== undefined) {
      counts.shared++
      return pending
    }
    const question = askOnce(credential, asker).finally(() => questions.delete(credential.value))
    questions.set(credential.value, question)
    return question
  }

  /** What follows from there being no record: the routing cookie's word, or that there is nobody to ask about. */
  function withoutRecord(first: Credential | undefined, cookieSaysSource: boolean): Home | undefined {
    if (cookieSaysSource) return bySourceCookie
    return first === undefined ? noCredential : undefined
  }

  /**
   * In a dual realm what has no record may be half of a session on both systems: it must not go on as a whole one that
   * sees half of what there is. What the source has issued lives there alone.
   */
  const mayBeHalf = (home: Home | null) => home === null || (home.by === 'signature' && home.system === 'target')

  function refuseLost() {
    const { lostAt } = app.storeState
    if (lostAt === null) return
    // Whoever knows the session writes its record back.
    if (Date.now() - lostAt < restoringMs) throw new Fault('store_unavailable', '', { retryAfter: 1 })
    throw new Fault('session_ended')
  }

  async function resolve(
    shown: Shown,
    cookieSaysSource: boolean,
    asker: Asker | null,
    realm: RealmName | null
  ): Promise<Home> {
    const isDual = realm !== null && !isSingleHome(realm)
    // The cookie is for sessions that the source alone has.
    const findOne = isDual && !cookieSaysSource ? findSurely : find
    let found: Home | null = null
    for (const credential of shown.credentials) {
      const home = await findOne(credential)
      if (home === null) continue
      found = found === null ? home : agreed(found, home)
      if (asker !== null) noteUse(front.get(credential.value))
      if (!shown.together) break
    }
    const [first] = shown.credentials
    if (isDual && first !== undefined && !cookieSaysSource && mayBeHalf(found)) refuseLost()
    const home = found ?? withoutRecord(first, cookieSaysSource)
    if (home !== undefined || first === undefined) return home ?? noCredential
    if (asker === null) return { system: 'target', by: 'unasked' }
    if (isRefused(first)) counts.remembered++
    const system = await ask(first, asker)
    return system === null ? { system: 'target', by: 'unknown_credential' } : { system, by: 'asked' }
  }

  function noteUse(ready: Ready | undefined) {
    counts.remembered++
    if (ready !== undefined) ready.isUsed = true
  }

  /** Of a session of which more is kept; null for what is none, undefined where the store must be asked. */
  function pairedAtOnce({ session: id, system }: Ready): Home | null | undefined {
    if (id === null) return null
    const session = app.pairedSessions.atOnce(id)
    return session === undefined ? undefined : homeOf(system, session)
  }

  app.decorate('homes', {
    atOnce(credentials, cookieSaysSource, realm) {
      const isDoubtful = !isSingleHome(realm) && (app.storeState.lostAt !== null || !app.storeState.isUp)
      for (const { value } of credentials) {
        const ready = front.get(value)
        if (ready === undefined) return undefined
        const home = ready.home ?? pairedAtOnce(ready)
        if (home === undefined) return undefined
        if (home === null) continue
        if (isDoubtful && mayBeHalf(home)) return undefined
        noteUse(ready)
        return home
      }
      return withoutRecord(credentials[0], cookieSaysSource)
    },
    find,
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
