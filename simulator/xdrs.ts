/**
 * Call records, computed: eight per seeded account, four of them in the current billing period. A source keeps them
 * all; a target has the current period's only, as moving a customer brings no more.
 */
import { exactNumber, type JsonObject, textOf } from './exact-json.ts'
import type { System } from './system.ts'
import type { AccountRow } from './world.ts'
import { billingPeriodStart, worldNow } from './world.ts'

const perAccount = 8
/** Above 2^53, where a careless client loses digits. */
const firstId = 9_007_199_254_740_993n
const minuteMs = 60_000

export function xdrsOf(system: System, account: AccountRow): JsonObject[] {
  if (!isSeeded(system, account.i_account)) return []
  const all = Array.from({ length: perAccount }, (_, at) => xdrOf(system, account, at))
  return system.role === 'source' ? all : all.filter(({ bill_time }) => String(bill_time) >= billingPeriodStart)
}

/** The account that a record's id belongs to, and which of its records it is. */
export function xdrById(system: System, id: unknown): JsonObject | undefined {
  const text = textOf(id)
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined
  const sequence = Number(BigInt(text) - firstId)
  const account = system.data.row('accounts', 'i_account', Math.floor(sequence / perAccount))
  if (sequence < 0 || account === undefined) return undefined
  return xdrsOf(system, account).find((xdr) => textOf(xdr.i_xdr) === text)
}

export function isBetween(xdr: JsonObject, { from_date: from, to_date: to }: JsonObject): boolean {
  const time = String(xdr.bill_time)
  const [first, last] = [textOf(from), textOf(to)]
  if (first !== undefined && time < first) return false
  // A bare day as the end means all of that day.
  return last === undefined || time <= (last.length === 10 ? `${last} 23:59:59` : last)
}

function xdrOf({ data: { world } }: System, account: AccountRow, at: number): JsonObject {
  const raw = world.hash(40 + at, account.i_account)
  const isCurrent = at % 2 === 0
  const end = Date.parse(`${isCurrent ? worldNow : billingPeriodStart}Z`) - minuteMs
  const billed = end - (raw % (isCurrent ? 20_000 : 80_000)) * minuteMs
  const seconds = raw % 900
  return {
    i_xdr: exactNumber(String(firstId + BigInt(account.i_account * perAccount + at))),
    i_account: account.i_account,
    i_customer: account.i_customer,
    account_id: account.id,
    CLI: `1555${String(raw % 10_000_000).padStart(7, '0')}`,
    CLD: `1800${String((raw >>> 3) % 10_000_000).padStart(7, '0')}`,
    bill_time: timeOf(billed),
    connect_time: timeOf(billed - seconds * 1000),
    disconnect_time: timeOf(billed),
    unix_connect_time: billed / 1000 - seconds,
    unix_disconnect_time: billed / 1000,
    charged_amount: exactNumber(`${raw % 9}.${String(raw % 100_000).padStart(5, '0')}`),
    charged_quantity: seconds,
    i_service: 3,
    i_service_type: 3,
    i_dest: (raw % 5000) + 1,
    description: raw % 3 === 0 ? 'Österreich' : 'CANADA',
    disconnect_cause: raw % 11 === 0 ? 19 : 16,
    failed: raw % 11 === 0 ? 'Y' : 'N',
    // The hexadecimal groups of such ids are set apart by spaces.
    h323_conf_id: (
      world
        .hash(50 + at, account.i_account)
        .toString(16)
        .padStart(8, '0') + raw.toString(16).padStart(8, '0')
    )
      .match(/.{4}/g)
      ?.join(' '),
    call_recording_id: raw % 2 === 0 ? account.i_account * perAccount + at : null,
    bit_flags: 4,
    split_order: 0
  }
}

function isSeeded({ data: { world } }: System, iAccount: number): boolean {
  return iAccount <= world.accounts
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
