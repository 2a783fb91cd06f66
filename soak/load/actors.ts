/**
 * The people of the soak: who they are, what sessions they hold, and where those live by the tokens' own signatures.
 */
import { verify } from 'node:crypto'
import { type System, systemNames } from '../../core/words.ts'
import type { Dice } from '../dice.ts'
import type { SoakRealm } from '../settings.ts'
import type { Person } from '../systems.ts'
import type { Incoming } from './client.ts'
import type { Credentials } from './forms.ts'

export interface Session extends Credentials {
  refreshToken: string
  accessToken: string
  /** Whose key has signed its token: the session was opened there. */
  readonly lives: System
  /** Of a dual realm, whose sessions live on both systems. */
  readonly isPair: boolean
  /** A session on both systems whose half on the source may be lost from then on; Infinity while it is surely whole. */
  shakenAt: number
  /** ms since 1970, before the login was sent. */
  readonly openedAt: number
  /** Before the last renewal was sent; the opening where there was none. */
  renewedAt: number
  /** What the session asked for with set_session_context. */
  context: System | null
}

export interface Actor {
  readonly realm: SoakRealm
  readonly login: string
  readonly password: string
  /** Null for staff. */
  readonly customer: number | null
  readonly account: number | null
  /** Lives on one system for the whole run. */
  readonly isSettled: boolean
  /** Asks for one system in its session, each time it has logged in. */
  readonly pins: System | null
  session: Session | null
  isLoggingIn: boolean
  inFlight: number
}

type Json = Readonly<Record<string, unknown>>

/** Tells whose token it is without asking the gateway. */
export function createSigner(publicKeys: Readonly<Record<System, string>>) {
  return function signerOf(token: string): System | null {
    const at = token.lastIndexOf('.')
    const signed = Buffer.from(token.slice(0, at))
    const signature = Buffer.from(token.slice(at + 1), 'base64url')
    return systemNames.find((system) => verify('RSA-SHA256', signed, publicKeys[system], signature)) ?? null
  }
}

export const cookieOf = ({ headers }: Pick<Incoming, 'headers'>): string =>
  [headers['set-cookie'] ?? []]
    .flat()
    .filter((line) => !/max-age=0/i.test(line))
    .map((line) => line.split(';', 1)[0])
    .join('; ')

/** The session of a login's answer; null where its token is nobody's. */
export function sessionFrom(
  json: Json,
  { headers }: Pick<Incoming, 'headers'>,
  { isPair, openedAt }: Pick<Session, 'isPair' | 'openedAt'>,
  signerOf: (token: string) => System | null
) {
  const accessToken = String(json.access_token)
  const lives = signerOf(accessToken)
  if (lives === null) return null
  const isWhole = headers['x-dispatched-to'] === 'source,target'
  return {
    accessToken,
    sessionId: String(json.session_id),
    refreshToken: String(json.refresh_token),
    cookie: cookieOf({ headers }),
    lives,
    isPair,
    openedAt,
    renewedAt: openedAt,
    shakenAt: isWhole ? Infinity : 0,
    context: null
  } satisfies Session
}

const actor = (
  realm: SoakRealm,
  { login, password }: { readonly login: string; readonly password: string },
  more: Partial<Actor> = {}
): Actor => ({
  realm,
  login,
  password,
  customer: null,
  account: null,
  isSettled: true,
  pins: null,
  session: null,
  isLoggingIn: false,
  inFlight: 0,
  ...more
})

interface Staff {
  readonly admin: { readonly login: string; readonly password: string }
  readonly reseller: { readonly login: string; readonly password: string }
}

const settledEach = 40
const moversEach = 12
/** Of each system's customers, and of the staff, with a WebSocket. */
const listeningEach = 5

export type Cast = ReturnType<typeof castOf>

/** Who takes part: settled customers of both systems, customers who move, and staff. */
export function castOf(people: readonly Person[], { admin, reseller }: Staff, dice: Dice) {
  const chosen = systemNames.map((system) => {
    const here = dice.shuffled(people.filter((person) => person.system === system && person.account !== null))
    const movers = here.slice(0, Math.min(moversEach, Math.floor(here.length / 4)))
    return { settled: here.slice(movers.length, movers.length + settledEach), movers }
  })
  const settled = chosen.flatMap((one) => one.settled)
  const movers = chosen.flatMap((one) => one.movers)
  const actorsOf = ({ customer, account }: Person, isSettled: boolean): Actor[] => {
    const ids = { customer: customer.i_customer, isSettled }
    const own = actor('customer', customer, ids)
    return account === null ? [own] : [own, actor('account', account, { ...ids, account: account.i_account })]
  }
  const staff = [
    ...Array.from({ length: 4 }, () => actor('admin', admin)),
    actor('admin', admin, { pins: 'source' }),
    actor('admin', admin, { pins: 'target' }),
    actor('reseller', reseller),
    actor('reseller', reseller)
  ]
  return {
    settled: settled.flatMap((person) => actorsOf(person, true)),
    moving: movers.flatMap((person) => actorsOf(person, false)),
    staff,
    /** Each has a session for its WebSocket alone. */
    listening: [
      ...chosen.flatMap(({ settled: here }) =>
        here.slice(0, listeningEach).flatMap((person, at) => actorsOf(person, true).slice(at % 2, (at % 2) + 1))
      ),
      ...Array.from({ length: listeningEach }, () => actor('admin', admin))
    ],
    /** Customers whom staff work on. */
    known: { settled, movers }
  }
}
