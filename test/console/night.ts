/**
 * An hour of a migration night, made up, in the form in which the gateway tells the console of it. The same each time.
 */
import { type RealmName, realmNames, type System, systemNames } from '../../core/words.ts'

const stepMs = 10_000
const steps = 360
/** How many are there, and how many of them were moved before this hour. */
const customers = 48_000
const movedBefore = 17_900

/** The same numbers each time: a picture in the docs changes only with the page. */
export function createRandom(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const random = createRandom(8)
/** Of three throws the middle is the likeliest. */
const throwOf = () => (random() + random() + random()) / 1.5 - 1
const around = (value: number, share = 0.1) => value * (1 + share * throwOf())
const tenths = (value: number) => Math.round(value * 10) / 10

const realmShares: Record<RealmName, number> = {
  admin: 0.11,
  reseller: 0.06,
  customer: 0.42,
  account: 0.31,
  cc_staff: 0.05,
  distributor: 0.03,
  representative: 0.02
}
const familyShares = { billing: 0.74, portasip: 0.09, callcontrol: 0.05, page: 0.12 }

const sharesOf = <Name extends string>(shares: Record<Name, number>, all: number) =>
  Object.fromEntries(
    Object.entries<number>(shares).map(([name, share]) => [name, tenths(around(all * share, 0.15))])
  ) as Record<Name, number>

/** `done`: how much of the hour's work is over, from 0 to 1. */
function callsAt(done: number, swing: number) {
  const all = around(230 + 40 * swing, 0.05)
  const target = all * (0.36 + 0.16 * done)
  const both = around(all * 0.07)
  return {
    source: tenths(all - target - both),
    target: tenths(target),
    both: tenths(both),
    none: tenths(around(3, 0.5))
  }
}

const wasSourceAway = (index: number) => index > 208 && index < 215

/** While the source was away. */
function latencyAt(index: number) {
  const slow = index > 196 && index < 209 ? 1 + (index - 196) * 0.35 : 1
  const source = wasSourceAway(index)
    ? null
    : { p50: tenths(around(24 * slow, 0.08)), p99: tenths(around(118 * slow, 0.2)) }
  return { source, target: { p50: tenths(around(15, 0.08)), p99: tenths(around(62, 0.2)) } }
}

/** Batches come one after the other, with a pause after each. */
const movedAt = (index: number) =>
  Math.round(4_300 * Math.min(1, (Math.floor(index / 40) * 40 + Math.min(40, (index % 40) * 1.5)) / steps))

export function pointAt(index: number, at: number) {
  const done = index / steps
  const calls = callsAt(done, Math.sin(index / 24))
  if (wasSourceAway(index)) calls.source = tenths(around(4))
  const all = calls.source + calls.target + calls.both
  const isIdle = index % 40 > 27
  return {
    at,
    calls,
    realms: sharesOf(realmShares, all),
    families: sharesOf(familyShares, all),
    own: { p50: tenths(around(0.4, 0.12)), p99: tenths(around(2.1, 0.3)) },
    latency: latencyAt(index),
    logins: {
      target: Math.round(around(46 + 24 * done)),
      forwarded: Math.round(around(9)),
      hinted: Math.round(around(60 - 26 * done)),
      refused: Math.round(around(3, 0.9))
    },
    lists: { merged: Math.round(around(22)), partial: wasSourceAway(index) ? 14 : 0, failed: 0 },
    moved: movedAt(index),
    moving: isIdle ? 0 : Math.round(around(120, 0.3))
  }
}

/** Steps end at whole multiples of ten seconds. */
export function historyUntil(now: number) {
  const last = now - (now % stepMs)
  return {
    stepMs,
    points: Array.from({ length: steps }, (_, index) => pointAt(index, last - (steps - 1 - index) * stepMs))
  }
}

const urlsOf = (host: string) =>
  Object.fromEntries(
    realmNames.map((realm) => [
      realm,
      `https://${realm === 'customer' || realm === 'account' ? realm : 'admin'}.${host}`
    ])
  ) as Record<RealmName, string>

export interface Transition {
  readonly at: number
  readonly to: string
}

export function systemsAt(now: number) {
  const minutes = (count: number) => now - count * 60_000
  const common = { state: 'up', breaker: 'closed', queued: 0 }
  return {
    source: {
      ...common,
      release: 'MR100',
      urls: urlsOf('mr100.billing.example'),
      transitions: [
        { at: minutes(24.1), to: 'closed' },
        { at: minutes(24.3), to: 'half_open' },
        { at: minutes(24.4), to: 'up' },
        { at: minutes(25.3), to: 'open' },
        { at: minutes(25.4), to: 'down' }
      ] as Transition[],
      inFlight: 9,
      latencyMs: { p50: 24.2, p99: 121 },
      perSecond: 104,
      errors: { unavailable: 0, no_connection: 212, timeout: 31, reset: 4, broken_off: 0 }
    },
    target: {
      ...common,
      release: 'MR115',
      urls: urlsOf('mr115.billing.example'),
      transitions: [] as Transition[],
      inFlight: 6,
      latencyMs: { p50: 15.1, p99: 60 },
      perSecond: 127,
      errors: { unavailable: 0, no_connection: 0, timeout: 2, reset: 0, broken_off: 0 }
    }
  }
}

export type Systems = ReturnType<typeof systemsAt>

/** What differs from second to second. */
export function livelier(systems: Systems) {
  for (const name of systemNames) {
    const system = systems[name]
    if (system.state === 'down') Object.assign(system, { inFlight: 0, perSecond: 0, latencyMs: null })
    else {
      const usual = name === 'source' ? { perSecond: 104, p50: 24, p99: 118 } : { perSecond: 127, p50: 15, p99: 60 }
      system.inFlight = Math.round(around(8, 0.6))
      system.perSecond = tenths(around(usual.perSecond, 0.06))
      system.latencyMs = { p50: tenths(around(usual.p50, 0.04)), p99: tenths(around(usual.p99, 0.08)) }
    }
  }
}

export function trafficNow({ source, target }: Systems) {
  const perSecond = {
    source: source.perSecond,
    target: target.perSecond,
    both: tenths(around(16)),
    none: tenths(around(3))
  }
  return {
    perSecond,
    ownMs: { p50: tenths(around(0.4)), p99: tenths(around(2.1)) },
    sessions: { source: 2140, target: 2683, both: 61 }
  }
}

export const totals = {
  logins: { target: 41_207, forwarded: 6_120, hinted: 38_554, refused: 2_013 },
  lists: { merged: 15_912, partial: 86, failed: 3 }
}

export const aboutAt = (now: number) => ({
  version: '0.1.0',
  host: 'gateway-1',
  workers: 4,
  startedAt: now - 7.4 * 3_600_000,
  store: 'redis',
  isStoreUp: true,
  isStoreShared: true,
  plugins: [
    { name: 'circuit-breaker', isOn: true },
    { name: 'write-fence', isOn: true },
    { name: 'web-portal', isOn: false }
  ],
  account: true
})

export interface Fence {
  readonly iCustomer: number
  readonly to: System | null
  readonly since: number
  readonly until: number
}

export function migrationAt(now: number) {
  const fences: Fence[] = Array.from({ length: 7 }, (_, index) => {
    const since = now - 64_000 + index * 7000
    return { iCustomer: 31_460 + index * 3, to: 'target', since, until: since + 900_000 }
  })
  const batch = (ageMin: number, size: number, failed: number) => ({
    id: `b${ageMin}`,
    at: now - ageMin * 60_000,
    customers: size,
    finished: size - failed,
    failed,
    moving: 0,
    isOver: true
  })
  return {
    customers: { source: customers - movedBefore - 4300, target: movedBefore + 4300, how: 'totals', at: now - 18_000 },
    moving: fences.length,
    fences,
    moved: 4293,
    failed: 5,
    expired: 1,
    batches: [
      { id: 'b2', at: now - 2 * 60_000, customers: 500, finished: 391, failed: 2, moving: 7, isOver: false },
      batch(9, 500, 0),
      batch(16, 480, 3),
      batch(23, 500, 0),
      batch(30, 500, 0)
    ]
  }
}

export interface Told {
  readonly at: number
  readonly iCustomer: number
  readonly count: number
  readonly state: string
  readonly to: System | null
  readonly by: string
}

export const toldUntil = (now: number): Told[] =>
  Array.from({ length: 60 }, (_, index) => {
    const at = now - 3000 - index * 9000
    const iCustomer = 31_478 - index * 3
    if (index === 4) return { at, iCustomer, count: 1, state: 'failed', to: 'target', by: 'told' }
    if (index === 9) return { at, iCustomer: 30_117, count: 1, state: 'failed', to: 'target', by: 'expired' }
    if (index === 13) return { at, iCustomer, count: 500, state: 'started', to: 'target', by: 'told' }
    return {
      at,
      iCustomer,
      count: 1,
      state: index % 3 === 0 ? 'started' : 'finished',
      to: 'target',
      by: index % 5 === 2 ? 'event' : 'told'
    }
  })

const faultRows = [
  ['customer', 'Customer/update_customer', 'source', 'session_record', 'Server.Dispatcher.migration_in_progress', 503],
  ['account', 'Account/get_account_info', 'source', 'token_signature', 'Server.Dispatcher.system_unavailable', 503],
  ['customer', null, 'source', 'routing_cookie', 'Server.Dispatcher.system_unavailable', 503],
  ['admin', 'Customer/get_customer_list', 'both', 'merged_list', 'Server.Dispatcher.partial_list', 503],
  ['customer', 'Session/login', null, 'login', 'Client.Dispatcher.too_many_logins', 429],
  ['account', 'CDR/get_xdr_list', 'target', 'session_record', 'Server.Dispatcher.system_timeout', 504],
  ['customer', 'Invoice/get_invoice_list', 'source', 'session_record', 'Server.Session.check_auth.auth_failed', 500]
] as const

export const faultsUntil = (now: number) =>
  Array.from({ length: 200 }, (_, index) => {
    const [realm, call, system, reason, fault, status] = faultRows[
      Math.floor(random() * faultRows.length)
    ] as (typeof faultRows)[number]
    const id = `${(0x5a3f00 + index * 977).toString(16)}${(index * 7919 + 4096).toString(16).padStart(6, '0')}`
    return { at: now - 4000 - index * 17_000, id, realm, call, system, reason, fault, status }
  })

export const missingUntil = (now: number) => [
  { call: 'Customer/get_portal_settings', system: 'source', release: 'MR100', count: 318, at: now - 9000 },
  { call: 'Account/get_esim_profile', system: 'source', release: 'MR100', count: 27, at: now - 122_000 }
]
