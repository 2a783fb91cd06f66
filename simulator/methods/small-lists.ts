/**
 * Lists of everything that is neither a customer nor an account.
 */
import type { JsonObject } from '../exact-json.ts'
import { intOf, textOf } from '../exact-json.ts'
import { listRows, listTable, numberFilter, textFilter } from '../lists.ts'
import { didNumberOf } from '../records.ts'
import { visibleAccounts, visibleCustomers } from '../scope.ts'
import type { Call } from '../system.ts'
import type { AccountRow } from '../world.ts'

export const smallListMethods = {
  'DID/get_number_list': getNumbers,
  'BillingSession/get_active_sessions_list': getActiveSessions,
  'WebLog/get_web_log_list': getWebLog,
  'Subscription/get_subscription_list': getSubscriptions,
  'Product/get_product_list': getProducts
}

const numberSql = "('1800' || printf('%07d', i_account))"

/** Every fifth account has a number. */
function getNumbers(call: Call): JsonObject {
  const { params } = call
  return listTable(call, {
    table: 'accounts',
    arrayKey: 'number_list',
    conditions: [
      ...visibleAccounts(call),
      { sql: 'i_account % 5 = 0 AND i_master_account IS NULL', args: [] },
      ...numberFilter('i_customer', params.i_customer),
      ...numberFilter('(i_account % 3 + 1)', params.i_vendor),
      ...textFilter(numberSql, params.number)
    ],
    orders: { i_account: false, i_customer: false },
    recordOf: ({ i_account, i_customer }) => ({
      i_did_number: i_account,
      number: didNumberOf(i_account),
      i_customer,
      i_account,
      i_vendor: (i_account % 3) + 1,
      usage: 'assigned'
    })
  })
}

/** Calls in progress: a few accounts of whoever asks are always talking. */
function getActiveSessions(call: Call): JsonObject {
  const { params } = call
  const scope = visibleAccounts(call)
  const conditions = [...scope.map(({ sql }) => sql), "i_account % 20 = 7 AND bill_status = 'O'"].join(' AND ')
  const args = scope.flatMap((condition) => condition.args)
  const sql = `SELECT * FROM accounts WHERE ${conditions} ORDER BY i_account LIMIT 200`
  const rows = call.system.data
    .all<AccountRow>(sql, ...args)
    .map((account) => ({
      i_active_session: account.i_account,
      account_id: account.id,
      i_account: account.i_account,
      call_id: `call ${account.i_account}`,
      cli: account.id,
      cld: '15550009999',
      connect_time: '2026-06-15 11:58:00'
    }))
    .filter((row) => ['account_id', 'call_id', 'cli', 'cld'].every((name) => matches(row, name, params)))
  return listRows(call, {
    arrayKey: 'active_session_list',
    rows,
    key: 'i_active_session',
    order: ['i_active_session', 'asc']
  })
}

function matches(row: JsonObject, name: string, params: JsonObject): boolean {
  const wanted = textOf(params[name])
  return wanted === undefined || wanted === '' || textOf(row[name]) === wanted
}

/** Two entries for each of the first thousand customers that the caller sees. */
function getWebLog(call: Call): JsonObject {
  const { data } = call.system
  const entity = intOf(call.params.i_entity)
  const conditions = [...visibleCustomers(call), ...numberFilter('i_customer', entity)]
  const where = conditions.map(({ sql }) => sql).join(' AND ') || '1'
  const sql = `SELECT i_customer FROM customers WHERE ${where} ORDER BY i_customer LIMIT 1000`
  const ids = data.all<{ i_customer: number }>(sql, ...conditions.flatMap(({ args }) => args))
  const rows = ids.flatMap(({ i_customer }) =>
    [0, 1].map((at) => ({
      i_web_log: i_customer * 2 + at,
      entity_type: 'customer',
      i_entity: i_customer,
      user: 'admin',
      operation: at === 0 ? 'Add' : 'Update',
      timestamp: `2026-0${(data.world.hash(60 + at, i_customer) % 5) + 1}-11 10:00:00`
    }))
  )
  const wanted = rows.filter((row) => matches(row, 'entity_type', call.params))
  return listRows(call, { arrayKey: 'web_log_list', rows: wanted, key: 'i_web_log', order: ['timestamp', 'desc'] })
}

function getSubscriptions(call: Call): JsonObject {
  const rows = numbered(7).map((i) => ({ i_subscription: i, name: `Subscription ${i}`, iso_4217: 'USD' }))
  return listRows(call, {
    arrayKey: 'subscription_list',
    rows,
    key: 'i_subscription',
    order: ['i_subscription', 'asc']
  })
}

function getProducts(call: Call): JsonObject {
  const rows = numbered(12).map((i) => ({ i_product: i, name: `Product ${i}`, iso_4217: 'USD', i_parent: null }))
  return listRows(call, { arrayKey: 'product_list', rows, key: 'i_product', order: ['i_product', 'asc'] })
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1)
}
