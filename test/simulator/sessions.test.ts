import assert from 'node:assert/strict'
import { createPublicKey, createVerify } from 'node:crypto'
import { test } from 'node:test'
import { adminToken, call, logIn, sharedSystem, startSystem } from './system.ts'

const realms = [
  { realm: 'admin', userOf: 'admin', owner: 'i_user' },
  { realm: 'reseller', userOf: 'reseller', owner: 'i_user' },
  { realm: 'cc_staff', userOf: 'ccStaff', owner: 'i_user' },
  { realm: 'distributor', userOf: 'distributor', owner: 'i_user' },
  { realm: 'representative', userOf: 'representative', owner: 'i_user' },
  { realm: 'customer', userOf: 'firstActiveCustomer', owner: 'i_customer' },
  { realm: 'account', userOf: 'firstActiveAccount', owner: 'i_account' }
] as const

const systems = { source: await sharedSystem(), target: await sharedSystem({ role: 'target' }) }

for (const { realm, userOf, owner } of realms) {
  for (const role of ['source', 'target'] as const) {
    test(`sessions: the ${realm} realm of a ${role} logs its user in and pings it`, async () => {
      const system = systems[role]
      const login = await logIn(system, realm, system.users[userOf]())
      const claims = JSON.parse(Buffer.from(login.access_token.split('.')[1] ?? '', 'base64url').toString())
      assert.equal(claims.jti, login.session_id)
      assert.equal(claims.realm, realm)
      assert.deepEqual(claims.aud, ['portabilling-api', 'portasip-api', 'espf-api'])
      assert.ok(claims[owner] > 0)
      assert.equal(new Date(claims.exp * 1000).toISOString().slice(0, 19).replace('T', ' '), login.expires_at)
      const pinged = await call(system, realm, 'Session/ping', { access_token: login.access_token })
      assert.deepEqual(pinged.json, { user_id: claims[owner] })
    })
  }
}

test('sessions: a token verifies under the published key of its own system alone', async (t) => {
  const [one, other] = await Promise.all([startSystem(t), startSystem(t, { role: 'target' })])
  const [head, payload, signature] = (await adminToken(one)).split('.')
  const verifies = (pem: string) =>
    createVerify('RSA-SHA256')
      .update(`${head}.${payload}`)
      .verify(createPublicKey(pem), signature ?? '', 'base64url')
  assert.equal(verifies(one.publicKey), true)
  assert.equal(verifies(other.publicKey), false)
})

const secrets = [
  { given: 'the API token', pick: ['token'], status: 200 },
  { given: 'password and API token', pick: ['password', 'token'], status: 200 },
  { given: 'neither', pick: [], status: 500 }
] as const

for (const { given, pick, status } of secrets) {
  test(`sessions: a login with ${given} answers ${status}`, async () => {
    const system = systems.source
    const user = system.users.admin()
    const params = { login: user.login, ...Object.fromEntries(pick.map((name) => [name, user[name]])) }
    assert.equal((await call(system, 'admin', 'Session/login', params)).status, status)
  })
}

test('sessions: a right password with a wrong token is refused', async (t) => {
  const system = await startSystem(t)
  const reply = await call(system, 'admin', 'Session/login', { ...system.users.admin(), token: 'wrong' })
  assert.equal(reply.json.faultcode, 'Server.Session.auth_failed')
})

test('sessions: login sets both cookies, and logout takes them back', async (t) => {
  const system = await startSystem(t, { cookieDomain: 'billing.example' })
  const user = system.users.firstActiveCustomer()
  const reply = await call(system, 'customer', 'Session/login', user)
  const { access_token, session_id } = reply.json
  assert.deepEqual(reply.headers.getSetCookie(), [
    `access_token=${access_token}; Path=/; HttpOnly; Domain=billing.example`,
    `session_id=${session_id}; Path=/; HttpOnly; Domain=billing.example`
  ])
  const ended = await call(system, 'customer', 'Session/logout', { access_token })
  assert.deepEqual(ended.json, { success: 1 })
  assert.match(ended.headers.getSetCookie().join(), /access_token=;.*Max-Age=0.*session_id=;.*Max-Age=0/)
})

test('sessions: after logout the token is an ended session, and ping answers user 0', async (t) => {
  const system = await startSystem(t)
  const { access_token, session_id } = await logIn(system, 'admin', system.users.admin())
  await call(system, 'admin', 'Session/logout', { session_id })
  const reply = await call(system, 'admin', 'Customer/get_customer_list', {}, access_token)
  assert.equal(reply.json.faultcode, 'Server.Session.check_auth.auth_failed')
  const pings = [{ access_token }, { session_id }]
  for (const params of pings) {
    assert.deepEqual((await call(system, 'admin', 'Session/ping', params)).json, { user_id: 0 })
  }
})

test('sessions: a source keeps its refresh token silently, a target gives a new one', async (t) => {
  const source = await startSystem(t)
  const target = await startSystem(t, { role: 'target' })
  const onSource = await logIn(source, 'admin', source.users.admin())
  const onTarget = await logIn(target, 'admin', target.users.admin())
  const refreshed = await call(source, 'admin', 'Session/refresh_access_token', onSource)
  assert.deepEqual(Object.keys(refreshed.json), ['access_token', 'expires_at', 'expires_in'])
  const rotated = await call(target, 'admin', 'Session/refresh_access_token', onTarget)
  assert.notEqual(rotated.json.refresh_token, onTarget.refresh_token)
  const again = await call(target, 'admin', 'Session/refresh_access_token', onTarget)
  assert.equal(again.json.faultcode, 'Server.Session.auth_failed')
  const token = String(rotated.json.access_token)
  assert.equal((await call(target, 'admin', 'Customer/get_customer_list', {}, token)).status, 200)
})

test('sessions: an expired token is refused while its session id still works', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const system = await startSystem(t, { tokenLifetimeSeconds: 60 })
  const { access_token, session_id } = await logIn(system, 'admin', system.users.admin())
  t.mock.timers.tick(61_000)
  const reply = await call(system, 'admin', 'Generic/get_session_data', {}, access_token)
  assert.equal(reply.json.faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
  assert.deepEqual((await call(system, 'admin', 'Session/ping', { session_id })).json, { user_id: 1 })
})

test('sessions: a session of one realm is none in another', async (t) => {
  const system = await startSystem(t)
  const { access_token, session_id } = await logIn(system, 'admin', system.users.admin())
  const reply = await call(system, 'reseller', 'Customer/get_customer_list', {}, access_token)
  assert.equal(reply.json.faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
  assert.deepEqual((await call(system, 'reseller', 'Session/ping', { session_id })).json, { user_id: 0 })
})

test("sessions: an admin enters a customer's self-care, whose token does not say who it is", async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const { i_customer } = system.users.firstActiveCustomer()
  const entered = await call(system, 'admin', 'Session/login_to_realm', { realm: 'customer', i_customer }, token)
  const claims = JSON.parse(Buffer.from(String(entered.json.access_token).split('.')[1] ?? '', 'base64url').toString())
  assert.equal(claims.i_customer, undefined)
  assert.deepEqual((await call(system, 'customer', 'Session/ping', entered.json)).json, { user_id: i_customer })
  const moved = await call(system, 'admin', 'Session/login_to_realm', { realm: 'customer', i_customer: 3 }, token)
  assert.equal(moved.json.faultcode, 'Server.Session.auth_failed')
})
