/**
 * What belongs to one customer: call records and their report, extensions, hunt groups.
 */
import { Readable } from 'node:stream'
import { type Answer, fileAnswer } from '../answers.ts'
import { fault } from '../api-fault.ts'
import { intOf, isSet, type JsonObject, textOf } from '../exact-json.ts'
import { listRows } from '../lists.ts'
import { extensionOf } from '../records.ts'
import { customerOf } from '../scope.ts'
import type { Call, System } from '../system.ts'
import type { AccountRow } from '../world.ts'
import { isBetween, xdrsOf } from '../xdrs.ts'

export const customerDetailMethods = {
  'Customer/get_customer_xdrs': getXdrs,
  'Customer/get_extensions_list': getExtensions,
  'Customer/get_huntgroup_list': getHuntgroups,
  'Customer/get_custom_xdr_report': getXdrReport
}

function accountsOf({ data }: System, iCustomer: number): AccountRow[] {
  const sql = 'SELECT * FROM accounts WHERE i_customer = ? AND i_master_account IS NULL ORDER BY i_account'
  return data.all<AccountRow>(sql, iCustomer)
}

function getXdrs(call: Call): JsonObject {
  const { system, params } = call
  const { i_customer } = customerOf(call)
  const rows = accountsOf(system, i_customer)
    .flatMap((account) => xdrsOf(system, account))
    .filter((xdr) => isBetween(xdr, params) && equals(xdr.i_service, params.i_service))
    .filter((xdr) => equals(xdr.CLI, params.cli) && equals(xdr.CLD, params.cld))
  return listRows(call, { arrayKey: 'xdr_list', rows, key: 'i_xdr', order: ['bill_time', 'desc'] })
}

function equals(value: unknown, wanted: unknown): boolean {
  const text = textOf(wanted)
  return text === undefined || text === '' || textOf(value) === text
}

function getExtensions(call: Call): JsonObject {
  const row = customerOf(call)
  const detailed = isSet(call.params.detailed_info)
  const rows = accountsOf(call.system, row.i_customer).map((account) => ({
    i_c_ext: account.i_account,
    i_account: account.i_account,
    account_id: account.id,
    id: extensionOf(account.i_account),
    name: [account.firstname, account.lastname].filter(Boolean).join(' '),
    ...(detailed ? { published: 'Y', type: 'Account' } : {})
  }))
  return listRows(call, { arrayKey: 'extensions_list', rows, key: 'i_c_ext', order: ['i_c_ext', 'asc'] })
}

function getHuntgroups(call: Call): JsonObject {
  const { i_customer } = customerOf(call)
  const rows = ['Sales', 'support', 'Büro'].map((name, at) => ({
    i_c_group: i_customer * 4 + at,
    i_customer,
    name,
    id: `${at}0`
  }))
  return listRows(call, { arrayKey: 'huntgroup_list', rows, key: 'i_c_group', order: ['i_c_group', 'asc'] })
}

/** `size_bytes` makes the file as large as wanted; lines are made only as fast as the client reads them. */
function getXdrReport(call: Call): Answer {
  const row = customerOf(call)
  const size = intOf(call.params.size_bytes)
  if (size !== undefined && size < 0) throw fault('Client.malformed_request')
  const xdrs = accountsOf(call.system, row.i_customer).flatMap((account) => xdrsOf(call.system, account))
  const lines = ['Account,From,To,Date,Charged\r\n', ...xdrs.map(lineOf)]
  const body =
    size === undefined ? Buffer.from(lines.join('')) : Readable.from(repeated(lines, size), { objectMode: false })
  return fileAnswer('application/csv', `xdrs-${row.i_customer}.csv`, body)
}

function lineOf(xdr: JsonObject): string {
  const fields = [xdr.account_id, xdr.CLI, xdr.CLD, xdr.bill_time, xdr.charged_amount]
  return `${fields.map((value) => textOf(value) ?? '').join(',')}\r\n`
}

function* repeated(lines: string[], size: number): Generator<Buffer> {
  const whole = Buffer.from(lines.join(''))
  const block = Buffer.concat(Array.from({ length: Math.ceil(65_536 / whole.length) }, () => whole))
  for (let left = size; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block
}
