/**
 * The service login's session on one system: opened when it is first needed, again once a call is refused, and ended at
 * the end. Its credential is in this process's memory alone.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type Answer, faultcodeOf, isUnavailable, refusesSession, sessionOf } from '../../core/answer.ts'
import { Fault } from '../../core/faults.ts'
import { ownCall } from '../../core/own-call.ts'
import type { Seal } from '../../core/seal.ts'
import { type Credential, noCall, type RealmName, type Route, type System } from '../../core/words.ts'

export interface Account {
  readonly realm: RealmName
  readonly login: string
  readonly password: string
}

interface Setting {
  readonly account: Account
  /** The path under which the systems have their services. */
  readonly restPrefix: string
  readonly keyOf: Seal['keyOf']
}

/** Systems lock a login out after a few failures: after a refusal nobody tries for so long, ms, twice as long each time. */
const firstPauseMs = 60_000
const longestPauseMs = 15 * 60_000
/** After a login that nobody answered, ms. */
const unavailablePauseMs = 5_000
/** Until a system must have begun its answer, ms. */
const patienceMs = 10_000
/** A stop does not wait longer for the logout, ms. */
const logoutMs = 2_000
/** A login that has not come back by then is taken for lost, ms. */
const claimMs = patienceMs + 5_000
const answerLimitBytes = 1 << 20

interface Pause {
  /** ms since 1970: other processes keep to it too. */
  readonly until: number
  readonly ms: number
}

const noPause: Pause = { until: 0, ms: 0 }

/** A system's word, as far as it may stand in a log. */
const shownCode = (code: string | null) => (code !== null && /^[\w.]{1,100}$/.test(code) ? code : null)

/** For how long a refusal counts. All processes that share the store count together, until login or password are others. */
function createPauses(app: FastifyInstance, system: System, { account, keyOf }: Setting) {
  const store = app.store('service-logins')
  const key = keyOf('service login', JSON.stringify([system, account.realm, account.login, account.password]))
  let own = noPause

  async function now(): Promise<Pause> {
    const text = await store.get(key).catch(() => undefined)
    const shared = text === undefined ? noPause : (JSON.parse(text) as Pause)
    return shared.until > own.until ? shared : own
  }

  return {
    isOver: async () => (await now()).until <= Date.now(),
    /** A system in trouble is left alone for a moment. */
    short() {
      own = { until: Date.now() + unavailablePauseMs, ms: own.ms }
    },
    async lengthen(): Promise<number> {
      const ms = Math.min(Math.max((await now()).ms * 2, firstPauseMs), longestPauseMs)
      own = { until: Date.now() + ms, ms }
      await store.set(key, JSON.stringify(own), 2 * longestPauseMs)
      return ms
    },
    /** A call went through: whatever was wrong is mended. */
    async end() {
      if (own.ms === 0) return
      own = noPause
      await store.delete(key)
    },
    /** One process at a time: several wrong passwords at once would be as many failed logins. */
    async claim(): Promise<boolean> {
      return (await store.increment(`${key} trying`, claimMs)).count === 1
    },
    release: () => store.delete(`${key} trying`)
  }
}

/** `Service/method` as the route of a JSON call. */
function routeOf(name: string): Route {
  const [service = '', method = ''] = name.split('/')
  return { family: 'billing', wire: 'rest', service, method, inPath: noCall }
}

export function createServiceSession(app: FastifyInstance, system: System, setting: Setting) {
  const { account, restPrefix } = setting
  const upstream = app.upstream(system, account.realm)
  const { host, protocol } = new URL(upstream.origin)
  const client = { addresses: '127.0.0.1', proto: protocol.slice(0, -1), host }
  const pauses = createPauses(app, system, setting)
  let credential: Credential | null = null
  let loggingIn: Promise<Credential | null> | null = null
  let hasLeft = false

  /** Null where nobody answers. */
  async function send(name: string, params: object, shown: Credential | null, isRead: boolean): Promise<Answer | null> {
    const call = ownCall(`${restPrefix}/${name}`, JSON.stringify(params), shown, client)
    try {
      const answer = await upstream.exchange({ ...call, isRead, patienceMs }, answerLimitBytes)
      return isUnavailable(answer.status) ? null : answer
    } catch (error) {
      if (error instanceof Fault) return null
      throw error
    }
  }

  async function refused(what: string, answer: Answer): Promise<null> {
    const pauseMs = await pauses.lengthen()
    const faultcode = shownCode(faultcodeOf(answer))
    app.log.warn({ system, faultcode, pauseMs }, `plugins.console.account: ${what}; correct it, or leave it out`)
    return null
  }

  async function tryLogin(): Promise<Credential | null> {
    const { login, password } = account
    const answer = await send('Session/login', { login, password }, null, false)
    if (answer === null) {
      pauses.short()
      return null
    }
    const opened = sessionOf(answer)?.credentials.find(({ kind }) => kind !== 'refresh_token')
    if (opened === undefined) return refused('the system refuses the service login', answer)
    return opened
  }

  async function logIn(): Promise<Credential | null> {
    if (hasLeft || !(await pauses.isOver()) || !(await pauses.claim())) return null
    try {
      credential = await tryLogin()
      return credential
    } finally {
      await pauses.release()
    }
  }

  async function credentialNow(): Promise<Credential | null> {
    if (credential !== null) return credential
    loggingIn ??= logIn().finally(() => {
      loggingIn = null
    })
    return loggingIn
  }

  return {
    /** A read in the service login's name; null where the system cannot be asked now. */
    async read(name: string, params: object): Promise<Answer | null> {
      const route = routeOf(name)
      for (let isAgain = false; ; isAgain = true) {
        const shown = await credentialNow()
        const answer = shown === null ? null : await send(name, params, shown, true)
        if (answer === null || !refusesSession(route, answer)) {
          if (answer !== null) await pauses.end()
          return answer
        }
        // Somebody else may have logged in meanwhile.
        if (credential === shown) credential = null
        if (isAgain) return refused('the system refuses the session that it has just opened', answer)
      }
    },

    async leave(): Promise<void> {
      hasLeft = true
      await loggingIn
      const last = credential
      credential = null
      if (last === null) return
      const bound = new AbortController()
      const logout = send('Session/logout', {}, last, false).finally(() => bound.abort())
      await Promise.race([logout, delay(logoutMs, undefined, { signal: bound.signal }).catch(() => {})])
    }
  }
}

export type ServiceSession = ReturnType<typeof createServiceSession>
