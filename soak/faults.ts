/**
 * Which faults the systems are switched to, one after the other: every kind of the simulator, on any system and method.
 */
import { systemNames } from '../core/words.ts'
import type { FaultRule } from '../simulator/index.ts'
import type { Dice } from './dice.ts'
import type { SwitchedFault } from './systems.ts'

type Fault = FaultRule['fault']
type Variant = readonly [kind: string, make: (dice: Dice) => Fault]

const statuses = [500, 502, 503, 504]

const statusFault = (status: number, body: string): Fault => ({
  kind: 'status',
  status,
  headers: { 'Content-Type': 'text/html' },
  body
})

const variants: readonly Variant[] = [
  ['delay', (dice) => ({ kind: 'delay', ms: Math.floor(dice.between(20, 700)) })],
  ['delay', (dice) => ({ kind: 'delay', ms: Math.floor(dice.between(1100, 1600)) })],
  ['hang', () => ({ kind: 'hang' })],
  ['reset at request', () => ({ kind: 'reset', at: 'request' })],
  ['reset before headers', () => ({ kind: 'reset', at: 'before-headers' })],
  ['reset after headers', () => ({ kind: 'reset', at: 'after-headers' })],
  ['half', () => ({ kind: 'half' })],
  ['status', (dice) => statusFault(dice.pick(statuses), '')],
  ['status', (dice) => statusFault(dice.pick(statuses), '<h1>upstream is away</h1>')],
  ['fault', () => ({ kind: 'fault', faultcode: 'Server.Soak.business_rule' })],
  ['fault', () => ({ kind: 'fault', faultcode: 'Server.Customer.not_found' })],
  ['fault', () => ({ kind: 'fault', faultcode: 'Server.Session.check_auth.auth_failed' })],
  ['fault', () => ({ kind: 'fault', faultcode: 'read_only_mode' })],
  ['garbage', () => ({ kind: 'garbage' })],
  [
    'headers',
    () => ({
      kind: 'headers',
      headers: [
        ['Connection', 'X-Soak-Hop'],
        ['X-Soak-Hop', '1'],
        ['X-Soak-Latin', 'caf\u00e9'],
        ['Set-Cookie', 'soak=1; Path=/']
      ]
    })
  ]
]

const matches: readonly (readonly [weight: number, match: SwitchedFault['match']])[] = [
  [4, {}],
  [3, { method: 'get_customer_info' }],
  [2, { method: 'get_account_info' }],
  [4, { method: 'update_customer' }],
  [3, { method: 'update_account' }],
  [2, { method: 'originate_call' }],
  [1, { method: 'create_otp' }],
  [1, { method: 'upload_something' }],
  [2, { method: 'get_customer_list' }],
  [2, { method: 'login' }],
  [1, { method: 'refresh_access_token' }],
  [1, { method: 'logout' }],
  [1, { method: 'ping' }],
  [2, { realm: 'admin' }],
  [2, { realm: 'customer' }],
  [1, { realm: 'account' }]
]

/** One fault after the other, each kind as often as any other. */
export function createFaultPlan(dice: Dice) {
  let left: Variant[] = []
  return function next(): SwitchedFault & { readonly kind: string } {
    if (left.length === 0) left = dice.shuffled(variants)
    const [kind, make] = left.pop() as Variant
    return {
      kind,
      system: dice.pick(systemNames),
      match: dice.weighted(matches),
      fault: make(dice),
      times: Math.floor(dice.between(1, 4))
    }
  }
}

export const faultKinds: readonly string[] = [...new Set(variants.map(([kind]) => kind))]
