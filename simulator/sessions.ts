/**
 * Sessions of one system: issuing, refreshing, finding and ending them. What belongs to one session alone (its
 * one-time password, its call notifications) lives in the session and dies with it.
 */
import { randomBytes } from 'node:crypto'
import { fault } from './api-fault.ts'
import type { JsonObject } from './exact-json.ts'
import type { RealmName } from './realms.ts'
import type { Tokens } from './tokens.ts'

/** Whom a session is for; the ids that do not apply are null. */
export interface Identity {
  realm: RealmName
  login: string
  userId: number
  iCustomer: number | null
  iAccount: number | null
  /** The reseller whose customers are all that this user sees. */
  iReseller: number | null
  iEnv: number
}

export interface SimulatedCall {
  tracking_id: string
  state: string
  caller: JsonObject
  callee: JsonObject
  queue_info: JsonObject | null
}

export interface Session extends Identity {
  readonly id: string
  refreshToken: string
  /** Entered from an admin's session: its tokens do not say who it is. */
  readonly isEntered: boolean
  otp: { operation: string; password: string } | null
  /** Per customer whose notifications this session enabled, the calls seen since. */
  readonly notifications: Map<number, SimulatedCall[]>
  readonly tokens: Set<string>
}

export interface SessionsOptions {
  tokens: Tokens
  lifetimeSeconds: number
  /** A target gives a new refresh token each time, a source keeps the old one and says nothing. */
  rotates: boolean
  /** The oldest sessions beyond this number are forgotten. */
  limit: number
}

export type Granted = { access_token: string; expires_at: string; expires_in: number }

export class Sessions {
  readonly #options: SessionsOptions
  readonly #byId = new Map<string, Session>()
  readonly #byRefreshToken = new Map<string, Session>()
  // A verified token is remembered with its expiry: verifying RS256 again for every call would dominate its cost.
  readonly #verified = new Map<string, { sessionId: string; exp: number }>()

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#byId.size
  }

  open(identity: Identity, isEntered = false): Granted & { session_id: string; refresh_token: string } {
    const session: Session = {
      ...identity,
      id: randomBytes(16).toString('hex'),
      refreshToken: randomBytes(16).toString('hex'),
      isEntered,
      otp: null,
      notifications: new Map(),
      tokens: new Set()
    }
    const oldest = this.size >= this.#options.limit ? this.#byId.values().next().value : undefined
    if (oldest !== undefined) this.end(oldest)
    this.#byId.set(session.id, session)
    this.#byRefreshToken.set(session.refreshToken, session)
    return { session_id: session.id, refresh_token: session.refreshToken, ...this.#grant(session) }
  }

  refresh(refreshToken: string): Granted & { refresh_token?: string } {
    const session = this.#byRefreshToken.get(refreshToken)
    if (session === undefined) throw fault('Server.Session.auth_failed')
    if (!this.#options.rotates) return this.#grant(session)
    this.#byRefreshToken.delete(session.refreshToken)
    session.refreshToken = randomBytes(16).toString('hex')
    this.#byRefreshToken.set(session.refreshToken, session)
    return { ...this.#grant(session), refresh_token: session.refreshToken }
  }

  byId(id: string): Session | undefined {
    return this.#byId.get(id)
  }

  byRefreshToken(token: string): Session | undefined {
    return this.#byRefreshToken.get(token)
  }

  /** The session of a token, or why there is none; `refused`: expired, forged or of another system. */
  byToken(token: string): Session | 'unreadable' | 'refused' | 'ended' {
    const found = this.#sessionIdOf(token)
    if (found === 'unreadable' || found === 'refused') return found
    return this.#byId.get(found.sessionId) ?? 'ended'
  }

  /** Every session that listens to a customer's calls, and those that it has seen. */
  listeners(iCustomer: number): { session: Session; calls: SimulatedCall[] }[] {
    return [...this.#byId.values()].flatMap((session) => {
      const calls = session.notifications.get(iCustomer)
      return calls === undefined ? [] : [{ session, calls }]
    })
  }

  end(session: Session): void {
    this.#byId.delete(session.id)
    this.#byRefreshToken.delete(session.refreshToken)
    for (const token of session.tokens) this.#verified.delete(token)
  }

  endWhere(matches: (session: Session) => boolean): void {
    for (const session of this.#byId.values()) if (matches(session)) this.end(session)
  }

  #grant(session: Session): Granted {
    const now = Math.floor(Date.now() / 1000)
    const exp = now + this.#options.lifetimeSeconds
    const accessToken = this.#options.tokens.issue(claimsOf(session, now, exp))
    // A long-lived session refreshes for days; only its newest tokens are worth their memory.
    if (session.tokens.size >= 50) {
      const [oldest = ''] = session.tokens
      session.tokens.delete(oldest)
      this.#verified.delete(oldest)
    }
    session.tokens.add(accessToken)
    this.#verified.set(accessToken, { sessionId: session.id, exp })
    return {
      access_token: accessToken,
      expires_at: new Date(exp * 1000).toISOString().slice(0, 19).replace('T', ' '),
      expires_in: this.#options.lifetimeSeconds
    }
  }

  #sessionIdOf(token: string): { sessionId: string } | 'unreadable' | 'refused' {
    const now = Date.now() / 1000
    const known = this.#verified.get(token)
    if (known !== undefined) return known.exp > now ? known : 'refused'
    const reading = this.#options.tokens.read(token)
    if (reading.kind === 'unreadable') return 'unreadable'
    if (reading.kind === 'foreign') return 'refused'
    const { jti, exp } = reading.claims
    return typeof jti === 'string' && typeof exp === 'number' && exp > now ? { sessionId: jti } : 'refused'
  }
}

function claimsOf(session: Session, iat: number, exp: number): JsonObject {
  return {
    exp,
    iat,
    jti: session.id,
    realm: session.realm,
    login: session.login,
    aud: ['portabilling-api', 'portasip-api', 'espf-api'],
    is_super_user: session.realm === 'admin',
    scopes: '*',
    i_env: session.iEnv,
    ...(session.isEntered ? {} : ownerClaimOf(session))
  }
}

function ownerClaimOf({ iAccount, iCustomer, userId }: Session): JsonObject {
  if (iAccount !== null) return { i_account: iAccount }
  return iCustomer !== null ? { i_customer: iCustomer } : { i_user: userId }
}
