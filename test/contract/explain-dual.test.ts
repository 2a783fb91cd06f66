/** Contract section 8, explanations in dual realms: each row of section 5 is told with its reason, and nobody is asked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hosts, startWorld, type World } from '../build.ts'
import { ask, bearer, login } from '../client.ts'
import { clearJournals, enter } from '../reached.ts'

interface Described {
  readonly call: string
  readonly params?: object
  readonly headers?: Record<string, string>
  readonly family?: string
  readonly path?: string
}

type Told = Readonly<Record<string, unknown>>

const json = { 'content-type': 'application/json' }

/** Explains a call of a session in the admin realm. */
async function explain({ opsUrl }: World, token: string, { call, params = {}, headers = {}, path }: Described) {
  const described = {
    url: path ?? `/rest/${call}`,
    headers: { host: hosts.admin, ...json, ...bearer(token), ...headers },
    body: JSON.stringify({ params })
  }
  return ask(opsUrl, { path: '/explain', headers: json, body: JSON.stringify(described) })
}

const context = (system: string) => ({ 'x-dispatcher-context': system })
const xdrs = 'Customer/get_customer_xdrs'
const list = 'Customer/get_customer_list'

type Row = readonly [what: string, described: Described, told: Told]

/** For a session on both systems, with nothing remembered. */
const rows: readonly Row[] = [
  [
    'a context',
    { call: xdrs, params: { i_customer: 3 }, headers: context('source') },
    { to: 'source', reason: 'context' }
  ],
  ['a context of a list', { call: list, headers: context('target') }, { to: 'target', reason: 'context' }],
  ['no context', { call: list, headers: context('auto') }, { to: 'both', reason: 'merged_list' }],
  ['a list of everybody', { call: list, params: { limit: 5, offset: 10 } }, { to: 'both', reason: 'merged_list' }],
  [
    'a list by a filter',
    { call: 'Account/get_account_list', params: { id: '1%' } },
    { to: 'both', reason: 'merged_list' }
  ],
  [
    'a list of one',
    { call: 'Account/get_account_list', params: { i_customer: 1 } },
    { to: 'target', reason: 'unlocated' }
  ],
  ['a customer', { call: xdrs, params: { i_customer: '1' } }, { to: 'target', reason: 'unlocated' }],
  [
    'a customer to write',
    { call: 'Customer/update_customer', params: { customer_info: { i_customer: 1 } } },
    { to: 'target', reason: 'unlocated' }
  ],
  [
    'an account',
    { call: 'Account/terminate_account', params: { i_account: 1 } },
    { to: 'target', reason: 'unlocated' }
  ],
  [
    'an alias',
    { call: 'Account/add_alias', params: { alias_info: { i_master_account: 1 } } },
    { to: 'target', reason: 'unlocated' }
  ],
  ['a name', { call: 'Customer/get_customer_info', params: { name: 'x' } }, { to: 'target', reason: 'unlocated' }],
  [
    'an account in PortaSIP',
    {
      call: 'Voicemail/get_settings',
      params: { i_account: 1 },
      path: '/portasip/rest/Voicemail/get_settings',
      family: 'portasip'
    },
    { to: 'target', reason: 'unlocated' }
  ],
  [
    'a new customer',
    { call: 'Customer/add_customer', params: { customer_info: { name: 'x' } } },
    { to: 'target', reason: 'default_target' }
  ],
  ['no entity', { call: 'Generic/get_session_data' }, { to: 'target', reason: 'default_target' }],
  [
    'what one half knows',
    { call: 'AccessControl/verify_otp', params: { i_account: 1 } },
    { to: 'target', reason: 'default_target' }
  ],
  ['a login', { call: 'Session/login', params: { login: 'admin', password: 'x' } }, { to: 'both', reason: 'login' }],
  ['a logout', { call: 'Session/logout' }, { to: 'both', reason: 'session_record' }],
  [
    'a versioned host',
    { call: xdrs, params: { i_customer: 1 }, headers: { host: hosts.admin.replace('www.', 'www.100-') } },
    { to: 'source', reason: 'versioned_host' }
  ],
  ['a session that nobody knows yet', { call: list, headers: bearer('unknown') }, { to: 'target', reason: 'unasked' }],
  [
    'no session',
    { call: xdrs, params: { i_customer: 1 }, headers: { authorization: '' } },
    { to: 'target', reason: 'no_credential' }
  ]
]

test('each row of section 5 is explained, and nothing is sent', async (t) => {
  const world = await startWorld(t)
  const { session } = await enter(world)
  for (const [what, described, told] of rows) {
    await t.test(`${what}: ${told.to}, ${told.reason}`, async () => {
      const reply = await explain(world, session.accessToken, described)
      assert.equal(reply.status, 200, reply.text)
      const { call, family = 'billing' } = described
      assert.deepEqual(reply.json(), { realm: 'admin', family, call, ...told })
    })
  }
  const refresh = { call: 'Session/refresh_access_token', params: { refresh_token: session.refreshToken } }
  const renewed = await explain(world, '', { ...refresh, headers: { authorization: '' } })
  assert.deepEqual([renewed.json().to, renewed.json().reason], ['both', 'session_record'])
  assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
})

test('an entity is located once a call has asked for it, by whatever names it', async (t) => {
  const world = await startWorld(t)
  const { session, call } = await enter(world)
  await call('Account/get_account_info', { i_account: 1 })
  await call('Customer/get_customer_info', { login: 'customer-3' })
  clearJournals(world)
  const located: readonly Row[] = [
    ['the account', { call: 'Account/update_account', params: { account_info: { i_account: 1 } } }, { to: 'source' }],
    ['its customer', { call: xdrs, params: { i_customer: '1' } }, { to: 'source' }],
    ['both', { call: 'Account/get_xdr_list', params: { i_account: 1, i_customer: 1 } }, { to: 'source' }],
    [
      'a customer by the same name',
      { call: 'Customer/get_customer_info', params: { login: 'customer-3' } },
      { to: 'target' }
    ],
    [
      'by its number',
      { call: 'Customer/update_customer', params: { customer_info: { i_customer: 3 } } },
      { to: 'target' }
    ],
    ['a list of it', { call: 'Account/get_account_list', params: { i_customer: 3 } }, { to: 'target' }]
  ]
  for (const [what, described, { to }] of located) {
    const told = (await explain(world, session.accessToken, described)).json()
    assert.deepEqual([told.to, told.reason], [to, 'entity_location'], what)
  }
  const half = { call: 'Account/get_xdr_list', params: { i_account: 2, i_customer: 1 } }
  assert.equal((await explain(world, session.accessToken, half)).json().reason, 'unlocated', 'one of two')
  await ask(world.opsUrl, { path: '/migrations', headers: json, body: '{"i_customer":1,"state":"finished"}' })
  const [, first = { call: xdrs }] = located[1] ?? []
  assert.equal((await explain(world, session.accessToken, first)).json().reason, 'unlocated', 'it is told to move')
  assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
})

test("a session's context is told, the request's own before it", async (t) => {
  const world = await startWorld(t)
  const { session, call } = await enter(world)
  await call('Session/set_session_context', { context: 'source' })
  const whyOf = async (described: Described) => {
    const { to, reason } = (await explain(world, session.accessToken, described)).json()
    return [to, reason]
  }
  assert.deepEqual(await whyOf({ call: xdrs, params: { i_customer: 3 } }), ['source', 'context'])
  assert.deepEqual(await whyOf({ call: list }), ['source', 'context'])
  assert.deepEqual(await whyOf({ call: list, headers: context('target') }), ['target', 'context'])
  assert.deepEqual(await whyOf({ call: list, headers: context('auto') }), ['both', 'merged_list'])
  assert.deepEqual(await whyOf({ call: 'Session/logout' }), ['both', 'session_record'])
  const again = { call: 'Session/set_session_context', params: { context: 'auto' } }
  assert.deepEqual(await whyOf(again), [null, 'context'], 'the gateway answers by itself')
  assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
})

test('a session that lives on one system: its lists miss the other, and its context cannot be the other', async (t) => {
  const world = await startWorld(t)
  const { source, target } = world
  await source.stop()
  const { accessToken } = await login(world.url, 'admin', target.users.admin())
  await source.start()
  clearJournals(world)
  const merged = await explain(world, accessToken, { call: list })
  assert.deepEqual(merged.json(), {
    realm: 'admin',
    family: 'billing',
    call: list,
    to: 'both',
    reason: 'merged_list',
    missing: 'source'
  })
  const one = await explain(world, accessToken, { call: xdrs, params: { i_customer: 1 } })
  assert.deepEqual([one.json().to, one.json().reason], ['target', 'session_record'])
  const other = await explain(world, accessToken, { call: xdrs, headers: context('source') })
  assert.deepEqual([other.status, other.json().faultcode], [503, 'Server.Dispatcher.system_unavailable'])
  assert.equal(source.journal.count() + target.journal.count(), 0)
})

const malformed = 'Client.Dispatcher.malformed_request'

test('what a call would be refused for is told as its fault', async (t) => {
  const world = await startWorld(t)
  const { session, call } = await enter(world)
  await call('Account/get_account_info', { i_account: 1 })
  await call('Account/get_account_list', { i_customer: 3 })
  clearJournals(world)
  const refused: readonly (readonly [what: string, described: Described])[] = [
    ['no number', { call: xdrs, params: { i_customer: 'x' } }],
    ['two numbers of one key', { call: xdrs, params: { i_customer: 1, customer_info: { i_customer: 2 } } }],
    ['entities on two systems', { call: 'Account/get_xdr_list', params: { i_account: 1, i_customer: 3 } }],
    ['no context', { call: xdrs, headers: context('both') }],
    ['a path that cannot be read', { call: 'Session/login/{"a":1}/x', path: '/rest/Session/login/{"a":1}/x' }]
  ]
  for (const [what, described] of refused) {
    const reply = await explain(world, session.accessToken, described)
    assert.deepEqual([reply.status, reply.json().faultcode], [400, malformed], what)
  }
  assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
})

test('an entity that is active on both systems is explained as unlocated: only asking would tell', async (t) => {
  const world = await startWorld(t)
  const { source, target } = world
  const bundle = target.exportCustomer(3)
  target.importCustomer(bundle)
  source.importCustomer(bundle)
  const { session, call } = await enter(world)
  assert.equal((await call(xdrs, { i_customer: 3 })).status, 409)
  clearJournals(world)
  const told = (await explain(world, session.accessToken, { call: xdrs, params: { i_customer: 3 } })).json()
  assert.deepEqual([told.to, told.reason], ['target', 'unlocated'])
  assert.equal(source.journal.count() + target.journal.count(), 0)
})

test('with entity-location and list-aggregation off everything goes to the target', async (t) => {
  const world = await startWorld(t, { plugins: { 'entity-location': false, 'list-aggregation': false } })
  const { session } = await enter(world)
  for (const described of [{ call: list }, { call: xdrs, params: { i_customer: 1 } }]) {
    const told = (await explain(world, session.accessToken, described)).json()
    assert.deepEqual([told.to, told.reason], ['target', 'default_target'])
  }
  const there = (await explain(world, session.accessToken, { call: xdrs, headers: context('source') })).json()
  assert.deepEqual([there.to, there.reason], ['source', 'context'])
})
