/**
 * homes
 * Adds  `app.homes`: where a session lives, by its credential's record, the token's own signature, or by asking both
 *       systems (contract section 4).
 * Needs store, upstreams, token-signature, paired-sessions.
 * Off   never.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { OpenedSession } from '../../core/answer.ts'
import type { Shown } from '../../core/credentials.ts'
import type { Asker } from '../../core/own-call.ts'
import type { Credential, Home, KeptSession, System } from '../../core/words.ts'
import { createAsking } from './asking.ts'
import { agreed, homeOf, type Lives } from './lives.ts'
import { createRecords, recordTtlMs, remainingMs, type StoredRecord } from './records.ts'

export interface Homes {
  /** The home of what was shown, when this process can tell without waiting: the hot path. */
  atOnce(credentials: readonly Credential[], cookieSaysSource: boolean): Home | undefined
  /** The home by record or signature; null where there is neither. */
  find(credential: Credential): Promise<Home | null>
  /** Asks both systems; null when neither knows the session, or one of them could not tell. */
  ask(credential: Credential, from: Asker): Promise<System | null>
  /**
   * The home of what was shown: record, signature, cookie, asking, in this order. Without an asker nobody is asked.
   * Throws `malformed_request` for credentials of one call that have different homes.
   */
  resolve(shown: Shown, cookieSaysSource: boolean, asker: Asker | null): Promise<Home>
  /** Keeps a session's home, and which of the kept sessions it is where the gateway keeps more of it. */
  remember(session: OpenedSession, home: Lives): Promise<void>
  /** The kept session of a home that is known, begun where there is none yet: from then on the credentials name it. */
  keptFor(home: Home, credentials: readonly Credential[]): Promise<KeptSession>
  /** Forgets a credential that its system has refused; the others of its session may live on. */
  drop(credential: Credential): Promise<void>
  /** Forgets a credential and the others of its session. */
  forget(credential: Credential): Promise<void>
  /** How long a record is kept, ms. */
  readonly ttlMs: number
}

declare module 'fastify' {
  interface FastifyInstance {
    homes: Homes
  }
}

interface Setting {
  readonly secret: string
  /** The path that `Session/ping` has on the systems. */
  readonly pingPath: string
}

/** How long "neither knows it" is believed. */
const refusalTtlMs = 10_000
/** How long a record is used without looking at the store again; "no record" for a shorter time. */
const frontTtlMs = 60_000
const absenceTtlMs = 2_000
/** Credentials kept in front of the store: each costs about its own length. */
const frontLimit = 10_000

/** What this process has ready: a home, or the session that tells it and the system of one that lives on one alone. */
interface Ready {
  readonly home: Home | null
  readonly session: string | null
  readonly system: System | 'both'
  readonly refused: boolean
}

const bySourceCookie: Home = { system: 'source', by: 'cookie' }
const noCredential: Home = { system: 'target', by: 'no_credential' }

const unknown: Ready = { home: null, session: null, system: 'target', refused: false }

async function homes(app: FastifyInstance, { secret, pingPath }: Setting) {
  const records = createRecords(app, secret)
  const askBoth = createAsking(app, pingPath)
  const front = new LRUCache<string, Ready>({
    max: frontLimit,
    ttl: frontTtlMs,
    // Looking at the clock once a second is exact enough, and cheaper than once a call.
    ttlResolution: 1000
  })
  const questions = new Map<string, Promise<System | null>>()

  function makeReady({ value }: Credential, record: StoredRecord) {
    const { home: system, session } = record
    const ready: Ready =
      session === undefined ? { ...unknown, home: { system, by: 'record' } } : { ...unknown, session, system }
    // A ttl of 0 would be none.
    front.set(value, ready, { ttl: Math.max(Math.min(frontTtlMs, remainingMs(record)), 1) })
  }

  async function remember(opened: OpenedSession, lives: Lives) {
    const { made, written } = records.write(opened, lives)
    for (const [at, record] of made.entries()) makeReady(opened.credentials[at] as Credential, record)
    await written
  }

  async function findRecord(credential: Credential): Promise<Home | null> {
    const record = await records.read(credential)
    if (record === null) return null
    await records.keepOn(credential, record)
    makeReady(credential, record)
    if (record.session === undefined) return { system: record.home, by: 'record' }
    return homeOf(record.home, await app.pairedSessions.find(record.session))
  }

  async function find(credential: Credential): Promise<Home | null> {
    const ready = front.get(credential.value)
    if (ready?.session != null) return homeOf(ready.system, await app.pairedSessions.find(ready.session))
    if (ready !== undefined) return ready.home
    const recorded = await findRecord(credential)
    if (recorded !== null) return recorded
    const signer = credential.kind === 'access_token' ? await app.verifyToken(credential.value) : null
    const home: Home | null = signer === null ? null : { system: signer, by: 'signature' }
    front.set(credential.value, { ...unknown, home }, home === null ? { ttl: absenceTtlMs } : {})
    return home
  }

  async function keptFor({ system, session }: Home, credentials: readonly Credential[]): Promise<KeptSession> {
    if (session !== undefined) return session
    const stored = await Promise.all(credentials.map(records.read))
    const known = stored.find((record) => record?.session !== undefined)?.session
    if (known !== undefined) return app.pairedSessions.find(known)
    const begun = app.pairedSessions.begin()
    await remember({ credentials, lifetimeMs: null }, { system, session: begun })
    return begun
  }

  async function askOnce(credential: Credential, asker: Asker): Promise<System | null> {
    const answer = await askBoth(credential, asker)
    if (answer === 'neither') front.set(credential.value, { ...unknown, refused: true }, { ttl: refusalTtlMs })
    if (answer === 'neither' || answer === 'unknown') return null
    await remember({ credentials: [credential], lifetimeMs: null }, { system: answer })
    return answer
  }

  async function ask(credential: Credential, asker: Asker): Promise<System | null> {
    // A refresh token cannot be pinged.
    if (credential.kind === 'refresh_token' || front.get(credential.value)?.refused === true) return null
    const pending = questions.get(credential.value)
    if (pending !== undefined) return pending
    const question = askOnce(credential, asker).finally(() => questions.delete(credential.value))
    questions.set(credential.value, question)
    return question
  }

  /** What follows from there being no record: the routing cookie's word, or that there is nobody to ask about. */
  function withoutRecord(first: Credential | undefined, cookieSaysSource: boolean): Home | undefined {
    if (cookieSaysSource) return bySourceCookie
    return first === undefined ? noCredential : undefined
  }

  async function resolve(shown: Shown, cookieSaysSource: boolean, asker: Asker | null): Promise<Home> {
    let found: Home | null = null
    for (const credential of shown.credentials) {
      const home = await find(credential)
      if (home === null) continue
      found = found === null ? home : agreed(found, home)
      if (!shown.together) break
    }
    const [first] = shown.credentials
    const home = found ?? withoutRecord(first, cookieSaysSource)
    if (home !== undefined || first === undefined) return home ?? noCredential
    if (asker === null) return { system: 'target', by: 'unasked' }
    const system = await ask(first, asker)
    return system === null ? { system: 'target', by: 'unknown_credential' } : { system, by: 'asked' }
  }

  app.decorate('homes', {
    atOnce(credentials, cookieSaysSource) {
      for (const { value } of credentials) {
        const ready = front.get(value)
        if (ready === undefined) return undefined
        if (ready.home !== null) return ready.home
        if (ready.session !== null) {
          const session = app.pairedSessions.atOnce(ready.session)
          return session === undefined ? undefined : homeOf(ready.system, session)
        }
      }
      return withoutRecord(credentials[0], cookieSaysSource)
    },
    find,
    ask,
    resolve,
    remember,
    keptFor,
    async drop(credential) {
      front.delete(credential.value)
      await records.drop(credential)
    },
    async forget(credential) {
      front.delete(credential.value)
      await records.forget(credential)
    },
    ttlMs: recordTtlMs
  })
}

export default fp(homes, {
  name: 'homes',
  fastify: '5.x',
  dependencies: ['store', 'upstreams', 'token-signature', 'paired-sessions']
})
