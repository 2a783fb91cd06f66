import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Simulator } from '../../simulator/index.ts'
import { adminToken, call, logIn, sharedSystem, startSystem } from './system.ts'

type Row = Record<string, unknown>

async function listOf(system: Simulator, name: string, params: Row, token: string, key = 'customer_list') {
  const reply = await call(system, 'admin', name, params, token)
  assert.equal(reply.status, 200, reply.text)
  return { rows: reply.json[key] as Row[], total: reply.json.total }
}

// Before the first test: a file whose tests so far have all ended, while it awaits, is taken to be over.
const systems = {
  source: await sharedSystem({ customers: 300 }),
  target: await sharedSystem({ customers: 300, role: 'target' })
}

test('lists: pages of any limit join into the same whole', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const whole = await listOf(system, 'Customer/get_customer_list', { limit: 1000 }, token)
  const seen: unknown[] = []
  for (let offset = 0; ; offset += 7) {
    const { rows } = await listOf(system, 'Customer/get_customer_list', { limit: '7', offset: String(offset) }, token)
    seen.push(...rows.map(({ i_customer }) => i_customer))
    if (rows.length < 7) break
  }
  assert.deepEqual(
    seen,
    whole.rows.map(({ i_customer }) => i_customer)
  )
  assert.equal(seen.length, 60)
})

const counts = [
  { role: 'source', params: {}, count: 100, total: undefined },
  { role: 'source', params: { get_total: 1 }, count: 100, total: 300 },
  { role: 'source', params: { get_total: '1', skip_exported: 1, limit: 500 }, count: 200, total: 200 },
  { role: 'target', params: { get_total: 1, limit: 500 }, count: 100, total: 100 },
  { role: 'source', params: { get_total: 1, limit: 0 }, count: 0, total: 300 },
  { role: 'source', params: { bill_status: 'E', limit: 500 }, count: 100, total: undefined },
  { role: 'source', params: { i_customer_type: 2 }, count: 3, total: undefined },
  { role: 'source', params: { name: '%ZEBRA 1%', limit: 1 }, count: 1, total: undefined },
  { role: 'source', params: { name: 'nobody' }, count: 0, total: undefined },
  {
    role: 'source',
    params: { search: { search_by: ['login', 'name'], value: 'customer-7' } },
    count: 1,
    total: undefined
  },
  { role: 'source', params: { limit: 10, offset: 295 }, count: 5, total: undefined },
  { role: 'source', params: { limit: 10, offset: 5000 }, count: 0, total: undefined }
] as const

for (const { role, params, count, total } of counts) {
  test(`lists: customers of a ${role} with ${JSON.stringify(params)} are ${count}`, async () => {
    const system = systems[role]
    const list = await listOf(system, 'Customer/get_customer_list', params, await adminToken(system))
    assert.equal(list.rows.length, count)
    assert.equal(list.total, total)
  })
}

const filters: readonly { params: Row; matches: (row: Row) => boolean }[] = [
  { params: { email: '%' }, matches: () => true },
  { params: { email: 'BILLING-1%' }, matches: ({ email }) => /^billing-1/.test(String(email)) },
  { params: { email: '%-7@customers.example' }, matches: ({ email }) => /-7@/.test(String(email)) },
  { params: { email: 'billing-1@customers.example' }, matches: ({ email }) => email === 'billing-1@customers.example' },
  { params: { email: 'billing-_@customers.example' }, matches: () => false },
  { params: { email: '' }, matches: () => true },
  { params: { iso_4217: 'EUR' }, matches: ({ iso_4217 }) => iso_4217 === 'EUR' },
  { params: { iso_4217: 'eur' }, matches: ({ iso_4217 }) => iso_4217 === 'EUR' },
  { params: { iso_4217: '%A%' }, matches: ({ iso_4217 }) => iso_4217 === 'UAH' },
  {
    params: { iso_4217: 'GBP', email: 'billing-%' },
    matches: ({ iso_4217, email }) => iso_4217 === 'GBP' && email !== ''
  }
]

for (const { params, matches } of filters) {
  test(`lists: customers with ${JSON.stringify(params)} are those whose records say so`, async () => {
    const system = systems.source
    const token = await adminToken(system)
    const ids = ({ rows }: { rows: Row[] }) => rows.map(({ i_customer }) => i_customer)
    const whole = await listOf(system, 'Customer/get_customer_list', { limit: 500 }, token)
    const list = await listOf(system, 'Customer/get_customer_list', { ...params, limit: 500, get_total: 1 }, token)
    assert.equal(whole.rows.length, 300)
    const expected = ids({ rows: whole.rows.filter(matches) })
    assert.deepEqual(ids(list), expected)
    assert.equal(list.total, expected.length)
  })
}

test('lists: customers are filtered by the address that was written last', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const found = async (email: string) => {
    const { rows } = await listOf(system, 'Customer/get_customer_list', { email, skip_exported: 1 }, token)
    return rows.map((row) => [row.i_customer, row.email])
  }
  const write = (method: string, info: Row) =>
    call(system, 'admin', `Customer/${method}`, { customer_info: info }, token)
  const [first, second] = await found('billing-%')
  assert.ok(first !== undefined && second !== undefined)
  for (const email of ['Öne@new.example', 'two@new.example']) {
    await write('update_customer', { i_customer: first[0], email })
    assert.deepEqual(await found('%@NEW.example'), [[first[0], email]])
  }
  assert.deepEqual(await found('öne@%'), [])
  assert.deepEqual((await found('billing-%'))[0], second)
  const { json } = await write('add_customer', { name: 'a new one', email: 'three@new.example' })
  assert.deepEqual(await found('three@new.example'), [[json.i_customer, 'three@new.example']])
  await write('update_customer', { i_customer: first[0], email: null })
  assert.deepEqual(await found('%@new.example'), [[json.i_customer, 'three@new.example']])
})

test('lists: a write shows in the next page', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const params = { limit: 1, get_total: 1, order_by: 'name', order_direction: 'desc' }
  await listOf(system, 'Customer/get_customer_list', params, token)
  const { json } = await call(system, 'admin', 'Customer/add_customer', { customer_info: { name: 'źzz' } }, token)
  const { rows, total } = await listOf(system, 'Customer/get_customer_list', params, token)
  assert.deepEqual([rows[0]?.i_customer, rows[0]?.name, total], [json.i_customer, 'źzz', 61])
})

const bySystem = [
  { name: 'Account/get_account_list', key: 'account_list' },
  { name: 'Account/get_alias_list', key: 'alias_list' },
  { name: 'Invoice/get_invoice_list', key: 'invoice_list' },
  { name: 'DID/get_number_list', key: 'number_list' },
  { name: 'WebLog/get_web_log_list', key: 'web_log_list' },
  { name: 'BillingSession/get_active_sessions_list', key: 'active_session_list' },
  { name: 'Subscription/get_subscription_list', key: 'subscription_list' },
  { name: 'Product/get_product_list', key: 'product_list' },
  { name: 'Customer/get_customer_xdrs', key: 'xdr_list', params: { i_customer: 1 } },
  { name: 'Customer/get_extensions_list', key: 'extensions_list', params: { i_customer: 1 } },
  { name: 'Customer/get_huntgroup_list', key: 'huntgroup_list', params: { i_customer: 1 } },
  { name: 'Account/get_xdr_list', key: 'xdr_list', params: { i_account: 1 } },
  { name: 'Account/get_mailbox_message_list', key: 'messages', params: { i_account: 1 } }
]

for (const { name, key, params } of bySystem) {
  test(`lists: ${name} answers ${key}, counts it and pages it`, async () => {
    const system = systems.source
    const token = await adminToken(system)
    const whole = await listOf(system, name, { ...params, limit: 10_000, get_total: 1 }, token, key)
    assert.ok(whole.rows.length > 0)
    assert.equal(whole.total, whole.rows.length)
    const page = await listOf(system, name, { ...params, limit: 2, offset: 1 }, token, key)
    assert.deepEqual(page.rows, whole.rows.slice(1, 3))
  })
}

test('lists: a reseller sees its own customers and their accounts alone', async (t) => {
  const system = await startSystem(t)
  const { access_token } = await logIn(system, 'reseller', system.users.reseller())
  const customers = await call(system, 'reseller', 'Customer/get_customer_list', {}, access_token)
  const rows = customers.json.customer_list as Row[]
  assert.deepEqual(
    rows.map(({ i_customer }) => i_customer),
    [9, 10, 49]
  )
  const accounts = await call(system, 'reseller', 'Account/get_account_list', {}, access_token)
  const owners = new Set((accounts.json.account_list as Row[]).map(({ i_customer }) => i_customer))
  assert.deepEqual([...owners].toSorted(), [10, 49, 9])
  const other = await call(system, 'reseller', 'Customer/get_customer_info', { i_customer: 1 }, access_token)
  assert.equal(other.json.faultcode, 'Server.Customer.not_found')
})

test('lists: a customer may not list customers, and sees its own accounts', async (t) => {
  const system = await startSystem(t)
  const user = system.users.firstActiveCustomer()
  const { access_token } = await logIn(system, 'customer', user)
  const denied = await call(system, 'customer', 'Customer/get_customer_list', {}, access_token)
  assert.equal(denied.json.faultcode, 'Server.Customer.get_customer_list.access_denied')
  const { json } = await call(system, 'customer', 'Account/get_account_list', {}, access_token)
  for (const row of json.account_list as Row[]) assert.equal(row.i_customer, user.i_customer)
})
