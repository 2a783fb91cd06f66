/**
 * Where a customer, an account or a login is: by what is remembered, else by the systems themselves where a service login
 * may ask them.
 */
import type { FastifyInstance } from 'fastify'
import { Fault } from '../../core/faults.ts'
import { cannotTell } from '../../core/location.ts'
import { type EntityKind, entityNumberOf, type Reference } from '../../core/references.ts'
import { type System, systemNames } from '../../core/words.ts'

/** Longest login that is looked for. */
const loginLimit = 1000

/** The realms in which a login is somebody's who lives on one system. */
type LoginRealm = 'customer' | 'account'

interface Asked {
  readonly kind: EntityKind | 'login'
  readonly reference: Reference
  /** Set for a login. */
  readonly login: { readonly realm: LoginRealm; readonly name: string } | null
}

const wrong = (what: string) => new Fault('malformed_request', `the query: ${what}`)

function readNumber(kind: EntityKind, text: string): Asked {
  const number = entityNumberOf(text)
  if (number === null) throw wrong(`${kind} is not a whole number above 0`)
  return { kind, reference: { kind, keys: { [`i_${kind}`]: number } }, login: null }
}

function readLogin(name: string, realm: string): Asked {
  if (name === '' || name.length > loginLimit) throw wrong(`login has not 1 to ${loginLimit} characters`)
  if (realm !== 'customer' && realm !== 'account') throw wrong('realm is not customer or account')
  return { kind: 'login', reference: { kind: realm, keys: { login: name } }, login: { realm, name } }
}

/** Never quotes a value: a login is nobody else's to read. */
function readQuery(query: object): Asked {
  const given = new Map(Object.entries(query) as [string, unknown][])
  for (const [key, value] of given) {
    if (!['customer', 'account', 'login', 'realm'].includes(key)) {
      throw wrong('it has a key that is not customer, account, login or realm')
    }
    if (typeof value !== 'string') throw wrong(`${key} is there more than once`)
  }
  const text = (key: string) => given.get(key) as string | undefined
  const [customer, account, login, realm] = [text('customer'), text('account'), text('login'), text('realm')]
  if ([customer, account, login].filter((one) => one !== undefined).length !== 1) {
    throw wrong('it needs one of customer, account and login')
  }
  if (login !== undefined) return readLogin(login, realm ?? 'customer')
  if (realm !== undefined) throw wrong('realm goes with login alone')
  return customer === undefined ? readNumber('account', account ?? '') : readNumber('customer', customer)
}

interface Found {
  readonly at: System | null
  readonly how: 'told' | 'found' | 'asked' | 'hint' | 'unknown'
  /** ms since 1970. */
  readonly since: number | null
  readonly iCustomer: number | null
  /** What to do; null where nothing is. */
  readonly hint: string | null
}

const hints = {
  noLogin:
    'nothing is remembered, and no service login may ask the systems: set plugins.console.account, or look on the systems',
  nowhere: 'neither system has it: is the number or the login right?',
  ambiguous: 'it is active on both systems: end the move that was left halfway, on the systems',
  leaving: 'it is exported on both systems: end the move that was left halfway, on the systems',
  byLogin: 'by the last login alone; tell a migration, or set plugins.console.account, to know more'
}

const unknown = (hint: string, iCustomer: number | null = null): Found => ({
  at: null,
  how: 'unknown',
  since: null,
  iCustomer,
  hint
})

/** What the systems themselves say. */
async function askSystems(app: FastifyInstance, reference: Reference, known: number | null): Promise<Found> {
  const located = await app.serviceAccount.locate(reference)
  if (located === null) return unknown(hints.noLogin, known)
  const { at, certain, standings } = located
  const iCustomer = located.iCustomer ?? known
  if (at === 'ambiguous') return { at: null, how: 'asked', since: null, iCustomer, hint: hints.ambiguous }
  const silent = systemNames.filter((system) => cannotTell(standings[system]))
  const away = `the ${silent.join(' and the ')} could not tell: look at GET /systems, and at the log for plugins.console.account`
  if (at !== null && at !== 'unknown')
    return { at, how: 'asked', since: null, iCustomer, hint: certain || silent.length === 0 ? null : away }
  if (silent.length > 0) return unknown(away, iCustomer)
  return unknown(standings.source === 'exported' ? hints.leaving : hints.nowhere, iCustomer)
}

async function find(app: FastifyInstance, { reference, login }: Asked): Promise<Found> {
  const known = app.hasDecorator('entityLocation') ? await app.entityLocation.known(reference) : null
  const { i_customer: given } = reference.keys
  const iCustomer = known?.iCustomer ?? (typeof given === 'number' ? given : null)
  if (known !== null && known.at !== null) return { ...known, iCustomer, hint: null }
  const asked = await askSystems(app, reference, iCustomer)
  if (asked.how === 'asked' || login === null || !app.hasDecorator('loginForwarding')) return asked
  const at = await app.loginForwarding.hintFor(login.realm, login.name)
  return at === null ? asked : { ...asked, at, how: 'hint', hint: hints.byLogin }
}

const iso = (ms: number) => new Date(ms).toISOString()

export function createWhere(app: FastifyInstance) {
  const fences = app.hasDecorator('writeFence') ? app.writeFence : null

  return async function where(query: object) {
    const asked = readQuery(query)
    const { at, how, since, iCustomer, hint } = await find(app, asked)
    const fence = iCustomer === null ? undefined : fences?.get(iCustomer)
    const { i_account: account } = asked.reference.keys
    return {
      kind: asked.kind,
      customer: iCustomer,
      ...(account !== undefined && { account }),
      ...(asked.login !== null && { realm: asked.login.realm }),
      at,
      how,
      since: since === null ? null : iso(since),
      moving: fence === undefined ? null : { to: fence.to, since: iso(fence.since), until: iso(fence.until) },
      ...(hint !== null && { hint })
    }
  }
}
