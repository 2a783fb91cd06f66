/**
 * The schema's arguments as the API's parameters.
 */
import type { JsonObject } from '../core/words.ts'
import { BadInput } from './errors.ts'
import { isExactNumber } from './exact-input.ts'

/** An entity's number, where the API takes no other either (contract section 5). */
export function numberOf(value: number, name: string): number {
  if (value > 0) return value
  throw new BadInput(`${name} is not a whole number above 0`)
}

/** Names that are not the camelCase form of the API's. */
const unlike: Readonly<Record<string, string>> = { currency: 'iso_4217', number: 'id' }
/** Of these the schema has more than a name. */
const kept: ReadonlySet<string> = new Set(['i_customer', 'i_account'])

/** `iCustomer` is `i_customer`, `h323Password` is `h323_password`. */
const apiName = (name: string): string => unlike[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const apiValue = (value: unknown) => (typeof value === 'boolean' ? (value ? 'Y' : 'N') : value)

interface Input {
  readonly [field: string]: unknown
  readonly extra?: unknown
}

/** The API's record of an input; throws BadInput where `extra` has what has a field of its own. */
export function infoOf({ extra, ...fields }: Input, fieldNames: readonly string[]): JsonObject {
  if (
    extra !== undefined &&
    extra !== null &&
    (typeof extra !== 'object' || Array.isArray(extra) || isExactNumber(extra))
  ) {
    throw new BadInput('extra is no object')
  }
  const own = new Set([...fieldNames.map(apiName), ...kept])
  const doubled = Object.keys(extra ?? {}).find((name) => own.has(name))
  if (doubled !== undefined) throw new BadInput(`extra.${doubled} has a field of its own`)
  const info = Object.entries(fields).map(([name, value]) => [apiName(name), apiValue(value)] as const)
  return { ...Object.fromEntries(info), ...(extra as JsonObject | null | undefined) }
}

const billStatuses: Readonly<Record<string, string>> = {
  open: 'O',
  suspended: 'S',
  closed: 'C',
  exported: 'E',
  deactivated: 'D'
}

function billStatusOf(status: string | null | undefined): string | undefined {
  if (status === undefined || status === null) return undefined
  const letter = billStatuses[status.toLowerCase()] ?? status.toUpperCase()
  if (Object.values(billStatuses).includes(letter)) return letter
  throw new BadInput(`status is none of ${Object.keys(billStatuses).join(', ')}`)
}

/** What is null in a filter filters nothing. */
const wanted = <Value>(value: Value | null | undefined): Value | undefined => value ?? undefined

interface CustomerFilter {
  readonly name?: string | null
  readonly status?: string | null
  readonly email?: string | null
  readonly currency?: string | null
  readonly parent?: number | null
}

interface CustomerOrder {
  readonly field: string
  readonly direction?: 'ASC' | 'DESC' | null
}

const orderFields: Readonly<Record<string, string>> = {
  I_CUSTOMER: 'i_customer',
  NAME: 'name',
  BALANCE: 'balance',
  CURRENCY: 'iso_4217',
  STATUS: 'bill_status',
  CREATION_DATE: 'creation_date'
}

export const customerParams = (filter: CustomerFilter | null | undefined, order: CustomerOrder | null | undefined) => ({
  name: wanted(filter?.name),
  bill_status: billStatusOf(filter?.status),
  email: wanted(filter?.email),
  iso_4217: wanted(filter?.currency),
  i_parent: wanted(filter?.parent),
  order_by: order == null ? undefined : orderFields[order.field],
  order_direction: order?.direction?.toLowerCase()
})

interface AccountFilter {
  readonly iCustomer?: number | null
  readonly number?: string | null
  readonly status?: string | null
}

export const accountParams = (filter: AccountFilter | null | undefined) => ({
  i_customer: wanted(filter?.iCustomer),
  id: wanted(filter?.number),
  bill_status: billStatusOf(filter?.status)
})
