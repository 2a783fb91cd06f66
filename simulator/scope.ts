/**
 * Which entities a session may touch: a customer or an account only itself, a reseller its customers, staff everybody.
 */
import type { SQLInputValue } from 'node:sqlite'
import { callFault, fault } from './api-fault.ts'
import { intOf, type JsonObject, textOf } from './exact-json.ts'
import type { Call } from './system.ts'
import type { AccountRow, CustomerRow } from './world.ts'

export interface Condition {
  sql: string
  args: SQLInputValue[]
}

function denied(call: Call): Error {
  return callFault('Server', call.name, 'access_denied', 'This role may not do this')
}

export function requireStaff(call: Call): void {
  if (call.session.iCustomer !== null) throw denied(call)
}

export function requireNotAccount(call: Call): void {
  if (call.session.iAccount !== null) throw denied(call)
}

/** What every list of customers or of their things is limited to. */
export function visibleCustomers({ session }: Call): Condition[] {
  if (session.iCustomer !== null) return [{ sql: 'i_customer = ?', args: [session.iCustomer] }]
  if (session.iReseller === null) return []
  return [{ sql: '(i_parent = ? OR i_customer = ?)', args: [session.iReseller, session.iReseller] }]
}

export function visibleAccounts({ session }: Call): Condition[] {
  if (session.iAccount !== null) {
    return [{ sql: '(i_account = ? OR i_master_account = ?)', args: [session.iAccount, session.iAccount] }]
  }
  if (session.iCustomer !== null) return [{ sql: 'i_customer = ?', args: [session.iCustomer] }]
  if (session.iReseller === null) return []
  const sql = 'i_customer IN (SELECT i_customer FROM customers WHERE i_parent = ? OR i_customer = ?)'
  return [{ sql, args: [session.iReseller, session.iReseller] }]
}

/** The customer that a call is about: the caller's own, or the one that the parameters name by any of its keys. */
export function customerOf(call: Call, info: JsonObject = call.params): CustomerRow {
  requireNotAccount(call)
  const { data } = call.system
  const own = call.session.iCustomer
  const asked = intOf(info.i_customer)
  if (own !== null && asked !== undefined && asked !== own) throw denied(call)
  const id = own ?? asked
  const row = id === undefined ? namedCustomer(call, info) : data.row('customers', 'i_customer', id)
  if (row === undefined || !isVisible(call, row)) throw fault('Server.Customer.not_found')
  return row
}

export function accountOf(call: Call, info: JsonObject = call.params): AccountRow {
  const { data } = call.system
  const own = call.session.iAccount
  const asked = intOf(info.i_account)
  if (own !== null && asked !== undefined && asked !== own) throw denied(call)
  const id = own ?? asked
  const row = id === undefined ? namedAccount(call, info) : data.row('accounts', 'i_account', id)
  if (row === undefined || !isOwned(call, row.i_customer)) throw fault('Server.Account.not_found')
  return row
}

/** Writes are refused for what has moved away. */
export function requireHere(row: CustomerRow | AccountRow): void {
  if (row.bill_status !== 'E') return
  throw fault('id' in row ? 'Server.Account.exported' : 'Server.Customer.exported')
}

export function isOwned(call: Call, iCustomer: number): boolean {
  const { iCustomer: own, iReseller } = call.session
  if (own !== null) return own === iCustomer
  if (iReseller === null) return true
  const row = call.system.data.row('customers', 'i_customer', iCustomer)
  return row !== undefined && isVisible(call, row)
}

function isVisible({ session }: Call, row: CustomerRow): boolean {
  if (session.iReseller === null) return true
  return row.i_parent === session.iReseller || row.i_customer === session.iReseller
}

function namedCustomer({ system: { data } }: Call, info: JsonObject): CustomerRow | undefined {
  for (const column of ['refnum', 'name', 'login']) {
    const value = textOf(info[column])
    if (value !== undefined) return data.row('customers', column, value)
  }
  return undefined
}

function namedAccount({ system: { data } }: Call, info: JsonObject): AccountRow | undefined {
  for (const column of ['id', 'login']) {
    const value = textOf(info[column])
    if (value !== undefined) return data.row('accounts', column, value)
  }
  return undefined
}
