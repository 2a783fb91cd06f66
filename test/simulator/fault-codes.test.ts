import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OperatingMode, RealmName, Simulator } from '../../simulator/index.ts'
import { adminToken, call, logIn, replyOf, sharedSystem, startSystem } from './system.ts'

interface Case {
  faultcode: string
  realm?: RealmName
  name: string
  params?: (system: Simulator) => unknown
  token?: (system: Simulator) => Promise<string> | string
  mode?: OperatingMode
}

const moved = 3
const cases: Case[] = [
  { faultcode: 'Client.check_auth.envelope_missed', name: 'Customer/get_customer_list' },
  {
    faultcode: 'Client.Session.check_auth.failed_to_process_jwt',
    name: 'Customer/get_customer_list',
    token: () => 'x'
  },
  {
    faultcode: 'Client.Session.ping.failed_to_process_access_token',
    name: 'Session/ping',
    params: () => ({ access_token: 'x' })
  },
  {
    faultcode: 'Server.Session.auth_failed',
    realm: 'customer',
    name: 'Session/login',
    params: ({ users }) => users.customer(moved)
  },
  {
    faultcode: 'Server.Session.alert_You_must_change_password',
    realm: 'customer',
    name: 'Session/login',
    params: ({ users }) => users.mustChangeCustomer()
  },
  {
    faultcode: 'Server.Account.duplicate_id',
    name: 'Account/add_account',
    params: ({ users }) => ({ account_info: { i_customer: 1, id: users.account(1)?.id } }),
    token: adminToken
  },
  {
    faultcode: 'Server.AccessControl.empty_rec_and_bcc',
    name: 'AccessControl/create_otp',
    params: () => ({ operation: 'a', rec: '' }),
    token: adminToken
  },
  {
    faultcode: 'Server.CallControl.sip.disabled_api_notifications',
    name: 'CallControl/get_sip_calls_list',
    params: () => ({ i_customer: 1 }),
    token: adminToken
  },
  {
    faultcode: 'Server.CallControl.get_sip_calls_list.access_denied',
    realm: 'representative',
    name: 'CallControl/get_sip_calls_list',
    params: () => ({ i_customer: 1 }),
    token: async (system) => (await logIn(system, 'representative', system.users.representative())).access_token
  },
  {
    faultcode: 'Server.Customer.not_found',
    name: 'Customer/get_customer_info',
    params: () => ({ i_customer: 9999 }),
    token: adminToken
  },
  {
    faultcode: 'Server.Customer.exported',
    name: 'Customer/update_customer',
    params: () => ({ customer_info: { i_customer: moved, city: 'X' } }),
    token: adminToken
  },
  { faultcode: 'Server.Session.unknown_method', name: 'Session/set_session_context', token: adminToken },
  { faultcode: 'Server.Nothing.unknown_method', name: 'Nothing/get_nothing', token: adminToken },
  {
    faultcode: 'Client.Customer.get_customer_list.offset_without_limit',
    name: 'Customer/get_customer_list',
    params: () => ({ offset: 5 }),
    token: adminToken
  },
  { faultcode: 'read_only_mode', name: 'Customer/update_customer', mode: 'read_only', token: adminToken },
  { faultcode: 'secondary_site', name: 'Customer/update_customer', mode: 'secondary', token: adminToken },
  { faultcode: 'standalone_mode', name: 'CallControl/get_sip_calls_list', mode: 'standalone', token: adminToken },
  {
    faultcode: 'pb_delta.connection_failed',
    name: 'Customer/get_customer_list',
    mode: 'reserve_down',
    token: adminToken
  }
]

const system = await sharedSystem()

for (const { faultcode, realm = 'admin', name, params, token, mode } of cases) {
  test(`fault codes: ${name} gives ${faultcode}`, async (t) => {
    const credential = await token?.(system)
    system.mode = mode ?? 'normal'
    t.after(() => {
      system.mode = 'normal'
    })
    const reply = await call(system, realm, name, params?.(system), credential)
    assert.equal(reply.status, 500)
    assert.equal(reply.json.faultcode, faultcode)
    assert.equal(typeof reply.json.faultstring, 'string')
    assert.equal(reply.headers.get('content-type'), 'application/json; charset=UTF-8')
    assert.equal(system.journal.entries.at(-1)?.faultcode, faultcode)
  })
}

test('fault codes: a token of the other system is refused like an expired one', async (t) => {
  const [source, target] = await Promise.all([startSystem(t), startSystem(t, { role: 'target' })])
  const reply = await call(target, 'admin', 'Customer/get_customer_list', {}, await adminToken(source))
  assert.equal(reply.json.faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
})

const broken = [
  { what: 'a body that is not JSON', headers: { 'content-type': 'application/json' }, body: '{"params":' },
  { what: 'a JSON array', headers: { 'content-type': 'application/json' }, body: '[]' },
  { what: 'a form whose params are not JSON', headers: {}, body: new URLSearchParams({ params: 'x' }) },
  { what: 'multipart without a boundary', headers: { 'content-type': 'multipart/form-data' }, body: 'x' },
  {
    what: 'multipart that breaks off',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b\r\nx'
  }
]

for (const { what, headers, body } of broken) {
  test(`fault codes: ${what} gives Client.malformed_request`, async () => {
    const url = `${system.urls.admin}/rest/Customer/get_customer_list`
    const reply = await replyOf(
      await fetch(url, { method: 'POST', headers: { ...headers } as Record<string, string>, body })
    )
    assert.equal(reply.status, 500)
    assert.equal(reply.json.faultcode, 'Client.malformed_request')
  })
}
