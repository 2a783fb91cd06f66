import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startSimulator } from '../../simulator/index.ts'
import { adminToken, call, logIn, startSystem } from './system.ts'

type Row = Record<string, unknown>

test('world: the same seed gives the same people, another seed others', async (t) => {
  const same = await Promise.all([startSystem(t), startSystem(t)])
  const other = await startSystem(t, { seed: 2 })
  assert.deepEqual(same[0].users.customer(1), same[1].users.customer(1))
  assert.deepEqual(same[0].users.account(5), same[1].users.account(5))
  assert.notEqual(same[0].users.admin().password, other.users.admin().password)
})

test('world: records are wide, and their money keeps its zeros', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const customer = await call(system, 'admin', 'Customer/get_customer_info', { i_customer: 1 }, token)
  const account = await call(system, 'admin', 'Account/get_account_info', { i_account: 1 }, token)
  assert.ok(Object.keys(customer.json.customer_info as Row).length >= 65)
  assert.ok(Object.keys(account.json.account_info as Row).length >= 45)
  assert.match(customer.text, /"balance":1\.10,/)
})

test('world: every customer is somebody of its own, with sort keys that differ in case, tie and are NULL', async (t) => {
  const system = await startSystem(t, { customers: 1200 })
  const token = await adminToken(system)
  const { json } = await call(system, 'admin', 'Customer/get_customer_list', { limit: 1200 }, token)
  const rows = json.customer_list as Row[]
  const passwords = new Set(rows.map(({ i_customer }) => system.users.customer(Number(i_customer))?.password))
  assert.equal(passwords.size, 1200)
  const lastnames = new Set(rows.map(({ lastname }) => lastname))
  for (const name of ['Smith', 'smith', 'SMITH', 'Müller', null]) assert.ok(lastnames.has(name))
  const ofResellers = rows.filter(({ i_parent }) => i_parent !== null).length
  assert.ok(ofResellers > 20 && ofResellers < 40)
})

test('world: the lookups find who must change the password, and who may log in, on both systems', async (t) => {
  for (const role of ['source', 'target'] as const) {
    const system = await startSystem(t, { role })
    assert.equal(system.users.mustChangeCustomer().mustChangePassword, true)
    const active = system.users.activeCustomers(5)
    assert.equal(active.length, 5)
    for (const user of active) await logIn(system, 'customer', user)
    const account = system.users.firstActiveAccount(active[1]?.i_customer)
    assert.equal(account.i_customer, active[1]?.i_customer)
    await logIn(system, 'account', account)
  }
})

test('world: a database file keeps what was written', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const options = { release: 'MR100', role: 'source', customers: 60, database: join(folder, 'a.db') } as const
  const first = await startSimulator(options)
  const info = { name: 'Kept', city: 'Oslo' }
  const added = await call(first, 'admin', 'Customer/add_customer', { customer_info: info }, await adminToken(first))
  await first.close()
  const second = await startSystem(t, options)
  const found = await call(second, 'admin', 'Customer/get_customer_info', added.json, await adminToken(second))
  assert.equal((found.json.customer_info as Row).city, 'Oslo')
  const next = await call(
    second,
    'admin',
    'Customer/add_customer',
    { customer_info: { name: 'x' } },
    await adminToken(second)
  )
  assert.equal(next.json.i_customer, 62)
})
