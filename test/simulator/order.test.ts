import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminToken, call, sharedSystem } from './system.ts'

type Row = Record<string, unknown>

/** NULL first, text without case, ties by the key: the order as the protocol words it, told once more. */
function compare(a: unknown, b: unknown): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  const [left, right] = [a, b].map((value) => (typeof value === 'string' ? value.toLowerCase() : Number(value)))
  if (left === undefined || right === undefined || left === right) return 0
  return left < right ? -1 : 1
}

const system = await sharedSystem({ customers: 200, accounts: 1000 })
const token = await adminToken(system)

const orders = [
  {
    name: 'Customer/get_customer_list',
    key: 'customer_list',
    id: 'i_customer',
    fields: ['name', 'companyname', 'lastname', 'balance', 'i_parent', 'refnum']
  },
  {
    name: 'Account/get_account_list',
    key: 'account_list',
    id: 'i_account',
    fields: ['id', 'login', 'firstname', 'balance', 'i_customer']
  },
  { name: 'Invoice/get_invoice_list', key: 'invoice_list', id: 'i_invoice', fields: ['issue_date', 'i_invoice'] },
  { name: 'WebLog/get_web_log_list', key: 'web_log_list', id: 'i_web_log', fields: ['timestamp', 'operation'] }
]

for (const { name, key, id, fields } of orders) {
  for (const field of fields) {
    for (const direction of ['asc', 'DESC']) {
      test(`order: ${name} by ${field} ${direction}`, async () => {
        const params = { limit: 10_000, order_by: field, order_direction: direction }
        const reply = await call(system, 'admin', name, params, token)
        const rows = reply.json[key] as Row[]
        const sign = direction === 'asc' ? 1 : -1
        const expected = rows.toSorted((a, b) => sign * compare(a[field], b[field]) || compare(a[id], b[id]))
        assert.ok(rows.length > 100)
        assert.deepEqual(
          rows.map((row) => row[id]),
          expected.map((row) => row[id])
        )
      })
    }
  }
}

const defaults = [
  { name: 'Customer/get_customer_list', key: 'customer_list', id: 'i_customer', by: 'i_customer', sign: 1 },
  { name: 'Account/get_account_list', key: 'account_list', id: 'i_account', by: 'i_account', sign: 1 },
  { name: 'Account/get_alias_list', key: 'alias_list', id: 'i_account', by: 'i_account', sign: 1 },
  { name: 'DID/get_number_list', key: 'number_list', id: 'i_did_number', by: 'i_did_number', sign: 1 },
  { name: 'Invoice/get_invoice_list', key: 'invoice_list', id: 'i_invoice', by: 'issue_date', sign: -1 },
  { name: 'WebLog/get_web_log_list', key: 'web_log_list', id: 'i_web_log', by: 'timestamp', sign: -1 },
  { name: 'Customer/get_customer_xdrs', key: 'xdr_list', id: 'i_xdr', by: 'bill_time', sign: -1 }
]

for (const { name, key, id, by, sign } of defaults) {
  test(`order: ${name} comes by ${by}, ${sign === 1 ? 'ascending' : 'descending'}`, async () => {
    const params = { limit: 10_000, ...(name.endsWith('xdrs') ? { i_customer: 4 } : {}) }
    const reply = await call(system, 'admin', name, params, token)
    const rows = reply.json[key] as Row[]
    const expected = rows.toSorted((a, b) => sign * compare(a[by], b[by]) || compare(a[id], b[id]))
    assert.ok(rows.length > 3)
    assert.deepEqual(rows, expected)
  })
}

test('order: an order that is not known is a fault', async () => {
  const reply = await call(
    system,
    'admin',
    'Customer/get_customer_list',
    { order_by: '1; DROP' },
    await adminToken(system)
  )
  assert.equal(reply.json.faultcode, 'Client.Customer.get_customer_list.unknown_order')
})
