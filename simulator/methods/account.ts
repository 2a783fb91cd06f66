/**
 * Accounts and their aliases.
 */
import { fault } from '../api-fault.ts'
import { intOf, isJsonObject, isSet, type JsonObject, textOf } from '../exact-json.ts'
import { listRows, listTable, numberFilter, textFilter } from '../lists.ts'
import { accountRecord, writableFields } from '../records.ts'
import {
  accountOf,
  type Condition,
  customerOf,
  isOwned,
  requireHere,
  requireNotAccount,
  visibleAccounts
} from '../scope.ts'
import type { Call, System } from '../system.ts'
import { type AccountRow, worldNow } from '../world.ts'
import { isBetween, xdrsOf } from '../xdrs.ts'

export const accountMethods = {
  'Account/get_account_info': getInfo,
  'Account/get_account_list': getList,
  'Account/add_account': add,
  'Account/update_account': update,
  'Account/terminate_account': terminate,
  'Account/get_alias_list': getAliases,
  'Account/add_alias': addAlias,
  'Account/get_xdr_list': getXdrs,
  'Account/upload_something': upload
}

const orders = {
  i_account: false,
  i_customer: false,
  balance: false,
  id: true,
  login: true,
  firstname: true,
  lastname: true,
  bill_status: true,
  activation_date: true
}
const fixedFields = ['i_account', 'i_customer', 'i_master_account', 'bill_status', 'extra', 'activation_date']

function getInfo(call: Call): JsonObject {
  return { account_info: accountRecord(call.system.data.world, accountOf(call), true) }
}

function getList(call: Call): JsonObject {
  requireNotAccount(call)
  const { params, system } = call
  const { data } = system
  const iCustomer = intOf(params.i_customer)
  if (iCustomer !== undefined && !isOwned(call, iCustomer)) throw fault('Server.Customer.not_found')
  const withStatus = isSet(params.get_statuses)
  const withAliases = isSet(params.with_aliases)
  return listTable(call, {
    table: 'accounts',
    arrayKey: 'account_list',
    conditions: [...visibleAccounts(call), ...conditionsOf(params)],
    orders,
    recordOf: (row) => ({
      ...accountRecord(data.world, row, withStatus),
      ...(withAliases ? { alias_list: aliasesOf(system, row.i_account).map(aliasRecord) } : {})
    })
  })
}

/** Derived fields are filtered by the same rules that records.ts derives them with. */
function conditionsOf(params: JsonObject): Condition[] {
  const sipStatus = intOf(params.sip_status)
  return [
    ...numberFilter('i_customer', params.i_customer),
    ...numberFilter('CAST(100 + i_account % 900 AS INTEGER)', params.extension_id),
    ...textFilter(
      "CASE WHEN i_account % 5 = 0 THEN '1800' || printf('%07d', i_account) ELSE '' END",
      params.did_number
    ),
    ...textFilter('bill_status', params.bill_status),
    ...textFilter('id', params.id),
    ...(sipStatus === undefined ? [] : [{ sql: '(i_account % 7 = 0) = ?', args: [sipStatus] }]),
    ...(isSet(params.get_only_real_accounts) ? [{ sql: 'i_master_account IS NULL', args: [] }] : []),
    ...(isSet(params.get_not_closed_accounts) ? [{ sql: "bill_status <> 'C'", args: [] }] : [])
  ]
}

function add(call: Call): JsonObject {
  requireNotAccount(call)
  const info = isJsonObject(call.params.account_info) ? call.params.account_info : {}
  const owner = customerOf(call, { i_customer: info.i_customer })
  requireHere(owner)
  const id = create(call.system, info, { i_customer: owner.i_customer, i_master_account: null })
  call.system.data.change('accounts', id, writableFields(info, fixedFields))
  return { i_account: id }
}

function update(call: Call): JsonObject {
  const info = isJsonObject(call.params.account_info) ? call.params.account_info : {}
  const row = accountOf(call, info)
  requireHere(row)
  const id = textOf(info.id)
  if (id !== undefined && id !== row.id) requireFreeId(call.system, id)
  call.system.data.change('accounts', row.i_account, writableFields(info, fixedFields))
  return { i_account: row.i_account }
}

function terminate(call: Call): JsonObject {
  requireNotAccount(call)
  const row = accountOf(call)
  requireHere(row)
  call.system.data.change('accounts', row.i_account, { bill_status: 'C' })
  call.system.sessions.endWhere(({ iAccount }) => iAccount === row.i_account)
  return { success: 1 }
}

function getAliases(call: Call): JsonObject {
  const { params } = call
  const master = intOf(params.i_master_account) ?? call.session.iAccount
  return listTable(call, {
    table: 'accounts',
    arrayKey: 'alias_list',
    conditions: [
      ...visibleAccounts(call),
      { sql: 'i_master_account IS NOT NULL', args: [] },
      ...numberFilter('i_master_account', master),
      ...textFilter('id', params.id)
    ],
    orders,
    recordOf: aliasRecord
  })
}

function addAlias(call: Call): JsonObject {
  const info = isJsonObject(call.params.alias_info) ? call.params.alias_info : {}
  const master = accountOf(call, { i_account: info.i_master_account ?? call.session.iAccount })
  requireHere(master)
  const ids = { i_customer: master.i_customer, i_master_account: master.i_account }
  return { i_account: create(call.system, info, ids) }
}

function create({ data }: System, info: JsonObject, ids: Pick<AccountRow, 'i_customer' | 'i_master_account'>): number {
  const id = textOf(info.id)
  if (id === undefined || id === '') throw fault('Client.malformed_request')
  requireFreeId({ data }, id)
  const iAccount = data.takeId('accounts')
  data.put('accounts', {
    i_account: iAccount,
    id,
    login: null,
    ...ids,
    firstname: null,
    lastname: null,
    balance: '0.00',
    bill_status: 'O',
    blocked: 'N',
    activation_date: worldNow.slice(0, 10),
    password: null,
    extra: null
  })
  return iAccount
}

function requireFreeId({ data }: Pick<System, 'data'>, id: string): void {
  if (data.row('accounts', 'id', id) !== undefined) throw fault('Server.Account.duplicate_id')
}

function aliasesOf({ data }: System, iAccount: number): AccountRow[] {
  return data.all<AccountRow>('SELECT * FROM accounts WHERE i_master_account = ? ORDER BY i_account', iAccount)
}

function aliasRecord({ i_account, id, i_master_account, i_customer, blocked }: AccountRow): JsonObject {
  return { i_account, id, i_master_account, i_customer, blocked }
}

function getXdrs(call: Call): JsonObject {
  const account = accountOf(call)
  const withFailed = isSet(call.params.show_unsuccessful)
  const rows = xdrsOf(call.system, account).filter(
    (xdr) => isBetween(xdr, call.params) && (withFailed || xdr.failed === 'N')
  )
  return listRows(call, { arrayKey: 'xdr_list', rows, key: 'i_xdr', order: ['bill_time', 'desc'] })
}

/** Stands for every write that takes files: says what arrived, so that a client can check it byte for byte. */
function upload({ files, params }: Call): JsonObject {
  const [first] = files
  return {
    success: 1,
    bytes: first?.bytes ?? 0,
    sha256: first?.sha256 ?? '',
    files: files.map(({ field, filename, mimeType, bytes, sha256 }) => ({ field, filename, mimeType, bytes, sha256 })),
    params
  }
}
