/**
 * Which entity a call names (contract section 5, protocol section 4).
 */
import { Fault } from './faults.ts'
import { nameOf } from './methods.ts'
import type { JsonObject, Route } from './words.ts'

export type EntityKind = 'customer' | 'account'

/** An entity as a call names it: by its number, or by natural keys. */
export interface Reference {
  readonly kind: EntityKind
  /** The parameters that name it, for asking about it: `{ i_customer: 7 }` or `{ name: 'x' }`. */
  readonly keys: Readonly<Record<string, number | string>>
}

const numberKeys = ['i_account', 'i_master_account', 'i_customer'] as const
type NumberKey = (typeof numberKeys)[number]

interface NaturalKeys {
  readonly kind: EntityKind
  readonly keys: readonly string[]
}

/**
 * By `Service/method`: the reads that find their entity by other keys than its number. Elsewhere such a key is a value to be
 * written or a filter, and says nothing about who is meant.
 */
export const naturalKeys: Readonly<Record<string, NaturalKeys>> = {
  'Customer/get_customer_info': { kind: 'customer', keys: ['refnum', 'name', 'login'] },
  'Account/get_account_info': { kind: 'account', keys: ['id', 'login'] }
}

/** Longest natural key that is looked at: none of a system is as long. */
const naturalKeyLimit = 1000

/** Members that hold a record. A name beyond this pattern is none of the API's, and may not come back in a fault. */
const recordName = /^\w{0,60}_info$/

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isNothing = (value: unknown) => value === undefined || value === null || value === ''

/** An entity's number, written as a number or as digits; null for anything but a whole number above 0. */
export function entityNumberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return Number.isSafeInteger(number) && (number as number) > 0 ? (number as number) : null
}

interface Named {
  readonly number: number
  /** Such as `params.customer_info.i_customer`. */
  readonly place: string
}

/** The numbers that a call names; throws when one key has two values. */
function numbersIn(params: JsonObject): Partial<Record<NumberKey, Named>> {
  const found: Partial<Record<NumberKey, Named>> = {}
  const records = Object.entries(params).filter(([name]) => recordName.test(name))
  for (const [path, record] of [['params', params], ...records.map(([name, value]) => [`params.${name}`, value])]) {
    if (!isObject(record)) continue
    for (const key of numberKeys) {
      if (isNothing(record[key])) continue
      const place = `${path}.${key}`
      const number = entityNumberOf(record[key])
      if (number === null) throw new Fault('malformed_request', `${place} is not a whole number above 0`)
      const first = found[key]
      if (first !== undefined && first.number !== number) {
        throw new Fault('malformed_request', `${first.place} and ${place} contradict each other`)
      }
      found[key] = first ?? { number, place }
    }
  }
  return found
}

/** An entity that a read names by natural keys: all of those that are given, since the system chooses among them. */
function naturallyNamed({ kind, keys }: NaturalKeys, params: JsonObject): Reference | null {
  const given = keys.flatMap((key) => {
    const value = params[key]
    const text = typeof value === 'number' ? String(value) : value
    return typeof text === 'string' && text !== '' && text.length <= naturalKeyLimit ? [[key, text] as const] : []
  })
  return given.length === 0 ? null : { kind, keys: Object.fromEntries(given) }
}

/**
 * Every entity that a call names, at most one account and one customer, the account first. Throws `malformed_request` for
 * references that contradict each other or are no numbers. That a customer's or an account's own session means its owner is
 * not looked at here.
 */
export function referencesIn(route: Pick<Route, 'service' | 'method'>, params: JsonObject | null): Reference[] {
  if (params === null) return []
  const found = numbersIn(params)
  const natural = naturalKeys[nameOf(route)]
  const references: Reference[] = []
  // An alias lives where its master does: either tells for both.
  const account = found.i_account ?? found.i_master_account
  if (account !== undefined) references.push({ kind: 'account', keys: { i_account: account.number } })
  if (found.i_customer !== undefined)
    references.push({ kind: 'customer', keys: { i_customer: found.i_customer.number } })
  if (natural === undefined || references.some(({ kind }) => kind === natural.kind)) return references
  const named = naturallyNamed(natural, params)
  if (named === null) return references
  return named.kind === 'account' ? [named, ...references] : [...references, named]
}
