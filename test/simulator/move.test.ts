import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { moveCustomer, type Simulator } from '../../simulator/index.ts'
import { adminToken, call, logIn, startSystem } from './system.ts'

type Row = Record<string, unknown>

async function pair(t: TestContext): Promise<{ source: Simulator; target: Simulator }> {
  const [source, target] = await Promise.all([startSystem(t), startSystem(t, { role: 'target', release: 'MR115' })])
  return { source, target }
}

async function infoOf(system: Simulator, iCustomer: number): Promise<Row> {
  const token = await adminToken(system)
  const { json } = await call(system, 'admin', 'Customer/get_customer_info', { i_customer: iCustomer }, token)
  return (json.customer_info ?? json) as Row
}

async function accountIdsOf(system: Simulator, iCustomer: number): Promise<unknown[]> {
  const params = { i_customer: iCustomer, limit: 1000, get_not_closed_accounts: 1 }
  const { json } = await call(system, 'admin', 'Account/get_account_list', params, await adminToken(system))
  return (json.account_list as Row[]).map(({ i_account, bill_status }) => `${i_account} ${bill_status}`)
}

test('move: at the start moved customers are exported on the source, and the others absent on the target', async (t) => {
  const { source, target } = await pair(t)
  const onSource = await infoOf(source, 3)
  assert.deepEqual([onSource.bill_status, onSource.status], ['E', 'exported'])
  assert.equal((await infoOf(target, 3)).bill_status, 'O')
  assert.equal((await infoOf(source, 1)).bill_status, 'O')
  assert.equal((await infoOf(target, 1)).faultcode, 'Server.Customer.not_found')
  const { status, bill_status, ...rest } = onSource
  const { bill_status: _, ...same } = await infoOf(target, 3)
  assert.deepEqual(rest, same)
})

test('move: a customer leaves with its record as it is, its new account and its alias, and comes back', async (t) => {
  const { source, target } = await pair(t)
  const token = await adminToken(source)
  await call(source, 'admin', 'Customer/update_customer', { customer_info: { i_customer: 1, city: 'Paris' } }, token)
  const added = { account_info: { i_customer: 1, id: '49001', phone1: '+49' } }
  const { i_account } = (await call(source, 'admin', 'Account/add_account', added, token)).json
  await call(source, 'admin', 'Account/add_alias', { alias_info: { i_master_account: i_account, id: '49002' } }, token)
  const before = await accountIdsOf(source, 1)

  await moveCustomer(1, source, target)
  assert.equal((await infoOf(source, 1)).status, 'exported')
  assert.deepEqual([(await infoOf(target, 1)).bill_status, (await infoOf(target, 1)).city], ['O', 'Paris'])
  assert.deepEqual(await accountIdsOf(target, 1), before)
  assert.deepEqual(
    await accountIdsOf(source, 1),
    before.map((text) => String(text).replace(/.$/, 'E'))
  )

  const there = await adminToken(target)
  await call(target, 'admin', 'Customer/update_customer', { customer_info: { i_customer: 1, city: 'Rome' } }, there)
  await call(target, 'admin', 'Account/terminate_account', { i_account }, there)
  await moveCustomer(1, target, source)
  assert.equal((await infoOf(source, 1)).city, 'Rome')
  assert.equal((await infoOf(target, 1)).status, 'exported')
  assert.equal((await accountIdsOf(source, 1)).length, before.length - 1)
})

test('move: the sessions of a customer and its accounts end where it leaves, others live', async (t) => {
  const { source, target } = await pair(t)
  const user = source.users.firstActiveCustomer()
  const account = source.users.firstActiveAccount(user.i_customer)
  const admin = await adminToken(source)
  const ofCustomer = await logIn(source, 'customer', user)
  const ofAccount = await logIn(source, 'account', account)
  await moveCustomer(user.i_customer, source, target)
  assert.deepEqual((await call(source, 'customer', 'Session/ping', ofCustomer)).json, { user_id: 0 })
  assert.deepEqual((await call(source, 'account', 'Session/ping', ofAccount)).json, { user_id: 0 })
  assert.deepEqual((await call(source, 'admin', 'Session/ping', {}, admin)).json, { user_id: 1 })
  await assert.rejects(logIn(source, 'customer', user), /Server\.Session\.auth_failed/)
  await logIn(target, 'customer', user)
  await logIn(target, 'account', account)
})

test("move: only the current period's call records are on the target", async (t) => {
  const { source, target } = await pair(t)
  const xdrsOf = async (system: Simulator) => {
    const params = { i_customer: 1, limit: 1000 }
    const { json } = await call(system, 'admin', 'Customer/get_customer_xdrs', params, await adminToken(system))
    return json.xdr_list as { bill_time: string }[]
  }
  const before = await xdrsOf(source)
  await moveCustomer(1, source, target)
  const after = await xdrsOf(target)
  assert.deepEqual(
    after,
    before.filter(({ bill_time }) => bill_time >= '2026-06-01')
  )
  assert.ok(after.length > 0 && after.length < before.length)
  assert.deepEqual(await xdrsOf(source), before)
})

test('move: the event handler hears of the customer and of each account, exported before imported', async (t) => {
  const { source, target } = await pair(t)
  const handler = await startSystem(t)
  handler.faults.add({ match: { path: /^\/events/ }, fault: { kind: 'status', status: 200 } })
  const ids = (await accountIdsOf(source, 1)).map((text) => Number.parseInt(String(text), 10))
  await moveCustomer(1, source, target, { events: new URL('/events', handler.urls.admin) })
  const bodies = handler.journal.entries.map(({ body }) => JSON.parse(body.toString()))
  const expected = ['Exported', 'Imported'].flatMap((step) => [
    { event_type: `Customer/Status/${step}`, variables: { i_customer: 1 } },
    ...ids.map((i_account) => ({ event_type: `Account/Status/${step}`, variables: { i_account } }))
  ])
  assert.deepEqual(bodies, expected)
})

test('move: what cannot be told to the event handler stays where it was', async (t) => {
  const { source, target } = await pair(t)
  const handler = await startSystem(t)
  const events = new URL('/events', handler.urls.admin)
  await assert.rejects(moveCustomer(1, source, target, { events }), /answered 405/)
  assert.deepEqual([source.users.customer(1)?.active, target.users.customer(1)], [true, undefined])
  await assert.rejects(moveCustomer(3, source, target), /not active on this system/)
})

test('move: new customers of the two systems never share an id', async (t) => {
  const { source, target } = await pair(t)
  const ids = await Promise.all(
    [source, target].map(async (system) => {
      const params = { customer_info: { name: 'New one', iso_4217: 'EUR' } }
      return (await call(system, 'admin', 'Customer/add_customer', params, await adminToken(system))).json.i_customer
    })
  )
  assert.deepEqual(ids, [61, 50_000_001])
})
