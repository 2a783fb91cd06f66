import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Simulator } from '../../simulator/index.ts'
import { call, replyOf, startSystem } from './system.ts'

const refused = 'Server.Session.auth_failed'
const locked = 'Server.Session.cannot_login_brute_force_activity'

async function loginFrom(system: Simulator, address: string, login: string, password: string): Promise<unknown> {
  const response = await fetch(`${system.urls.customer}/rest/Session/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': `198.51.100.1, ${address}` },
    body: JSON.stringify({ params: { login, password } })
  })
  return (await replyOf(response)).json.faultcode
}

test('lockout: a login is locked after its failures, even for the right password, until the window ends', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const system = await startSystem(t, { lockout: { failures: 2, windowMs: 1000 } })
  const { login, password } = system.users.firstActiveCustomer()
  const wrong = { login, password: 'wrong' }
  for (const faultcode of [refused, refused, locked]) {
    assert.equal((await call(system, 'customer', 'Session/login', wrong)).json.faultcode, faultcode)
  }
  assert.equal((await call(system, 'customer', 'Session/login', { login, password })).json.faultcode, locked)
  t.mock.timers.tick(1001)
  assert.equal((await call(system, 'customer', 'Session/login', { login, password })).status, 200)
})

test('lockout: a success forgets the failures of its login', async (t) => {
  const system = await startSystem(t, { lockout: { failures: 2, windowMs: 60_000 } })
  const { login, password } = system.users.firstActiveCustomer()
  for (const attempt of ['wrong', password, 'wrong', password]) {
    const reply = await call(system, 'customer', 'Session/login', { login, password: attempt })
    assert.equal(reply.status, attempt === password ? 200 : 500)
  }
})

test('lockout: an address is locked for every login, by the last entry of X-Forwarded-For', async (t) => {
  const system = await startSystem(t, { lockout: { failures: 5, windowMs: 60_000, addressFailures: 2 } })
  const { login, password } = system.users.firstActiveCustomer()
  assert.equal(await loginFrom(system, '203.0.113.7', 'nobody-1', 'x'), refused)
  assert.equal(await loginFrom(system, '203.0.113.7', 'nobody-2', 'x'), refused)
  assert.equal(await loginFrom(system, '203.0.113.7', login, password), locked)
  assert.equal(await loginFrom(system, '203.0.113.8', login, password), undefined)
})
