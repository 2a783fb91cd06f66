/**
 * homes
 * Adds  `app.homes`: where a session lives, by its credential's record, the token's own signature, or by asking both
 *       systems (contract section 4).
 * Needs store, upstreams, token-signature.
 * Off   never.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { type OpenedSession, userOf } from '../core/answer.ts'
import type { Shown } from '../core/credentials.ts'
import { Fault } from '../core/faults.ts'
import { createSeal } from '../core/seal.ts'
import { type Credential, type Home, type RealmName, type System, systemNames } from '../core/words.ts'

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
  /** Keeps a session's home. */
  remember(session: OpenedSession, system: System): Promise<void>
  /** Forgets a credential and the others of its session. */
  forget(credential: Credential): Promise<void>
}

/** For whom the systems are asked. */
export interface Asker {
  readonly realm: RealmName
  readonly address: string
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

/** How long a record is kept, at least: longer than clients go without a call, and than any token seen. */
const recordTtlMs = 2 * 86_400_000
/** How long "neither knows it" is believed. */
const refusalTtlMs = 10_000
/** How long a record is used without looking at the store again; "no record" for a shorter time. */
const frontTtlMs = 60_000
const absenceTtlMs = 2_000
/** Credentials kept in front of the store: each costs about its own length. */
const frontLimit = 10_000
const askTimeoutMs = 5_000
const pingAnswerBytes = 65_536

interface StoredRecord {
  readonly home: System
  /** Keys of the session's other credentials. */
  readonly peers: readonly string[]
}

const bySourceCookie: Home = { system: 'source', by: 'cookie' }
const noCredential: Home = { system: 'target', by: 'no_credential' }

function createAsking(app: FastifyInstance, pingPath: string) {
  /** True: here. False: not here. Null: nobody could tell. */
  async function isAt(system: System, { kind, value }: Credential, { realm, address }: Asker): Promise<boolean | null> {
    const body = Buffer.from(JSON.stringify({ params: { [kind]: value } }))
    const headers = ['Content-Type', 'application/json', 'X-Forwarded-For', address]
    const request = { method: 'POST', path: pingPath, headers, body, patienceMs: askTimeoutMs }
    try {
      const answer = await app.upstream(system, realm).exchange(request, pingAnswerBytes)
      const user = userOf(answer)
      if (user !== null) return user > 0
      return answer.status >= 502 && answer.status <= 504 ? null : false
    } catch {
      return null
    }
  }

  /** The first system that says yes is believed without waiting for the other. */
  return async function askBoth(credential: Credential, asker: Asker): Promise<System | 'neither' | 'unknown'> {
    const questions = systemNames.map(async (system) => ({ system, here: await isAt(system, credential, asker) }))
    const yes = questions.map((question) =>
      question.then(({ system, here }) => (here === true ? system : Promise.reject(new Error('not here'))))
    )
    return Promise.any(yes).catch(async () => {
      const answers = await Promise.all(questions)
      return answers.every(({ here }) => here === false) ? 'neither' : 'unknown'
    })
  }
}

async function homes(app: FastifyInstance, { secret, pingPath }: Setting) {
  const records = app.store('records')
  const { keyOf } = createSeal(secret)
  const askBoth = createAsking(app, pingPath)
  const front = new LRUCache<string, { home: Home | null; refused: boolean }>({
    max: frontLimit,
    ttl: frontTtlMs,
    // Looking at the clock once a second is exact enough, and cheaper than once a call.
    ttlResolution: 1000
  })
  const questions = new Map<string, Promise<System | null>>()
  const keyFor = ({ value }: Credential) => keyOf('credential', value)

  async function remember({ credentials, lifetimeMs }: OpenedSession, system: System) {
    const keys = credentials.map(keyFor)
    const ttlMs = Math.max(recordTtlMs, lifetimeMs ?? 0)
    await Promise.all(
      credentials.map(({ value }, at) => {
        front.set(value, { home: { system, by: 'record' }, refused: false })
        const record: StoredRecord = { home: system, peers: keys.toSpliced(at, 1) }
        return records.set(keys[at] as string, JSON.stringify(record), ttlMs)
      })
    )
  }

  async function find(credential: Credential): Promise<Home | null> {
    const ready = front.get(credential.value)
    if (ready !== undefined) return ready.home
    const stored = await records.get(keyFor(credential))
    const record = stored === undefined ? null : (JSON.parse(stored) as StoredRecord)
    const signer =
      record === null && credential.kind === 'access_token' ? await app.verifyToken(credential.value) : null
    let home: Home | null = null
    if (record !== null) home = { system: record.home, by: 'record' }
    else if (signer !== null) home = { system: signer, by: 'signature' }
    front.set(credential.value, { home, refused: false }, home === null ? { ttl: absenceTtlMs } : {})
    return home
  }

  async function askOnce(credential: Credential, asker: Asker): Promise<System | null> {
    const answer = await askBoth(credential, asker)
    if (answer === 'neither') front.set(credential.value, { home: null, refused: true }, { ttl: refusalTtlMs })
    if (answer === 'neither' || answer === 'unknown') return null
    await remember({ credentials: [credential], lifetimeMs: null }, answer)
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
      if (found !== null && home !== null && home.system !== found.system) {
        throw new Fault('malformed_request', 'the credentials are of different sessions')
      }
      found ??= home
      if (found !== null && !shown.together) break
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
      }
      return withoutRecord(credentials[0], cookieSaysSource)
    },
    find,
    ask,
    resolve,
    remember,
    async forget(credential) {
      const key = keyFor(credential)
      front.delete(credential.value)
      const stored = await records.get(key)
      const peers = stored === undefined ? [] : (JSON.parse(stored) as StoredRecord).peers
      await records.delete(key, ...peers)
    }
  })
}

export default fp(homes, { name: 'homes', fastify: '5.x', dependencies: ['store', 'upstreams', 'token-signature'] })
