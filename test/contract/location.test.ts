/** Contract section 5, entities: a call goes to the system where the customer or account that it names is active. */
import assert from 'node:assert/strict'
import http from 'node:http'
import { suite, type TestContext, test } from 'node:test'
import type { RealmName, System } from '../../core/words.ts'
import { moveCustomer } from '../../simulator/index.ts'
import { hosts, startTestGateway, startWorld, systemConfig, testConfig, type World } from '../build.ts'
import { type Ask, ask, bearer } from '../client.ts'
import { clearJournals, enter, lookups, onlyAt, reached } from '../reached.ts'

// Of sixty customers every third has moved; account n is customer n's, account 151 is an alias of account 20.

/** A gateway that remembers nothing, so that each call is looked up. */
const forgetful = { plugins: { 'entity-location': { ttl: 0 } } }

type Row = readonly [what: string, path: string, params: object, to: System, lookups: number]

/** What is written here is of use to no other row. */
const located: readonly Row[] = [
  ['a customer who has not moved', '/rest/Customer/get_customer_xdrs', { i_customer: 1 }, 'source', 1],
  ['one who has', '/rest/Customer/get_customer_xdrs', { i_customer: 3 }, 'target', 1],
  ['a number as a text', '/rest/Customer/get_customer_xdrs', { i_customer: '1' }, 'source', 1],
  ['an account', '/rest/Account/get_xdr_list', { i_account: 2 }, 'source', 1],
  ['an account that has moved, as a text', '/rest/Account/get_xdr_list', { i_account: '6' }, 'target', 1],
  ['a list with a reference', '/rest/Account/get_account_list', { i_customer: 2 }, 'source', 1],
  ['the same of one who has moved', '/rest/Account/get_account_list', { i_customer: 6, limit: 5 }, 'target', 1],
  ['an alias list by its master', '/rest/Account/get_alias_list', { i_master_account: 20 }, 'source', 1],
  ['a customer who was closed before the move', '/rest/Customer/get_customer_xdrs', { i_customer: 22 }, 'source', 1],
  ['one who is suspended', '/rest/Customer/get_customer_xdrs', { i_customer: 57 }, 'target', 1],
  ['an account and its customer', '/rest/Account/get_xdr_list', { i_account: 9, i_customer: 9 }, 'target', 2],
  ['the same number twice', '/rest/X/get_x', { i_customer: 2, customer_info: { i_customer: '2' } }, 'source', 1],

  ['get_customer_info by number', '/rest/Customer/get_customer_info', { i_customer: 1 }, 'source', 1],
  ['get_customer_info by name', '/rest/Customer/get_customer_info', { name: 'of 3' }, 'target', 1],
  ['get_customer_info by login', '/rest/Customer/get_customer_info', { login: 'customer-1' }, 'source', 1],
  ['get_customer_info by refnum', '/rest/Customer/get_customer_info', { refnum: 'R-3' }, 'target', 1],
  ['get_account_info by number', '/rest/Account/get_account_info', { i_account: 3 }, 'target', 1],
  ['get_account_info by id', '/rest/Account/get_account_info', { id: '15550000001' }, 'source', 1],
  ['get_account_info by login', '/rest/Account/get_account_info', { login: 'account-3' }, 'target', 1],
  ['an alias by id', '/rest/Account/get_account_info', { id: 'alias0000151' }, 'source', 1],

  ['a write of a customer', '/rest/Customer/update_customer', { customer_info: { i_customer: 4 } }, 'source', 1],
  ['of a moved one', '/rest/Customer/update_customer', { customer_info: { i_customer: '12' } }, 'target', 1],
  ['a write of an account', '/rest/Account/update_account', { account_info: { i_account: 4 } }, 'source', 1],
  ['of a moved one', '/rest/Account/update_account', { account_info: { i_account: '12' } }, 'target', 1],
  ['a new account', '/rest/Account/add_account', { account_info: { i_customer: 5, id: 'n5' } }, 'source', 1],
  ['of a moved customer', '/rest/Account/add_account', { account_info: { i_customer: 15, id: 'n15' } }, 'target', 1],
  ['a new alias', '/rest/Account/add_alias', { alias_info: { i_master_account: 5, id: 'a5' } }, 'source', 1],
  ['of a moved account', '/rest/Account/add_alias', { alias_info: { i_master_account: 15, id: 'a15' } }, 'target', 1],
  ['the end of an account', '/rest/Account/terminate_account', { i_account: 10 }, 'source', 1],
  ['of a moved one', '/rest/Account/terminate_account', { i_account: 18 }, 'target', 1],
  ['the end of a customer', '/rest/Customer/terminate_customer', { i_customer: 11 }, 'source', 1],
  ['of a moved one', '/rest/Customer/terminate_customer', { i_customer: 21 }, 'target', 1],
  ['entering a self-care', '/rest/Session/login_to_realm', { realm: 'customer', i_customer: 1 }, 'source', 1],

  ['PortaSIP, an account', '/portasip/rest/Voicemail/get_settings', { i_account: 1 }, 'source', 1],
  ['PortaSIP, one that has moved', '/portasip/rest/Voicemail/get_settings', { i_account: 3 }, 'target', 1],
  ['PortaSIP, a menu list', '/portasip/rest/AutoAttendant/get_menu_list', { i_account: 1 }, 'source', 1],
  ['PortaSIP, a write', '/portasip/rest/Conference/update_conference', { i_account: '2' }, 'source', 1],
  ['call control', '/rest/CallControl/enable_api_notifications', { i_customer: 1 }, 'source', 1],
  ['its list afterwards', '/rest/CallControl/get_sip_calls_list', { i_customer: 1 }, 'source', 1],
  ['a call of one who has moved', '/rest/CallControl/originate_call', { i_customer: '3', to: '1' }, 'target', 1],
  ['its own path', '/callcontrol/CallControl/originate_call', { i_customer: 1, to: '1' }, 'source', 1],
  ['its own path with a rest', '/callcontrol/rest/CallControl/originate_call', { i_customer: 1 }, 'source', 1],

  ['nobody', '/rest/Customer/get_customer_xdrs', { i_customer: 999 }, 'target', 1],
  ['no account', '/rest/Account/get_account_info', { i_account: 999 }, 'target', 1],
  ['no such name', '/rest/Customer/get_customer_info', { name: 'nobody' }, 'target', 1],
  ['a write of nobody', '/rest/Customer/update_customer', { customer_info: { i_customer: 999 } }, 'target', 1],

  ['no entity', '/rest/Generic/get_session_data', {}, 'target', 0],
  ['an empty reference', '/rest/Customer/get_custom_xdr_report', { i_customer: '' }, 'target', 0],
  ['a creation', '/rest/Customer/add_customer', { customer_info: { name: 'New', i_parent: 10 } }, 'target', 0],
  ['a natural key that is written', '/rest/Customer/update_customer', { customer_info: { name: 'x' } }, 'target', 0],
  ['what one half knows', '/rest/AccessControl/verify_otp', { i_account: 1, operation: 'x' }, 'target', 0]
]

/** The target's own fault is the answer: about nobody, and about what no system has. */
const faultcodes: Readonly<Record<string, string>> = {
  nobody: 'Server.Customer.not_found',
  'no account': 'Server.Account.not_found',
  'no such name': 'Server.Customer.not_found',
  'a write of nobody': 'Server.Customer.not_found',
  'an empty reference': 'Server.Customer.not_found',
  'a natural key that is written': 'Server.Customer.not_found',
  'what one half knows': 'Server.AccessControl.verify_otp.wrong_password',
  'the same number twice': 'Server.X.unknown_method'
}

test('each row of section 5 goes where its entity is active, once, and is looked up once on each system', async (t) => {
  const world = await startWorld(t, forgetful)
  const admin = await enter(world)
  const name = world.source.users.customer(3)?.name
  for (const [what, path, params, to, questions] of located) {
    await t.test(`${what}: ${path.slice(1)} goes to the ${to}`, async () => {
      clearJournals(world)
      const reply = await admin.send(path, 'name' in params && params.name === 'of 3' ? { name } : params)
      assert.equal(reply.headers['x-dispatched-to'], to, reply.text)
      assert.deepEqual(reached(world), onlyAt(to, path.split('/').slice(-2).join('/')))
      assert.deepEqual(lookups(world), [questions, questions])
      const faultcode = reply.text.startsWith('{') ? reply.json().faultcode : undefined
      assert.deepEqual([faultcode, reply.status], [faultcodes[what], what in faultcodes ? 500 : 200])
    })
  }
})

test('call control by a path of its own, which names no service', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  const reply = await admin.send('/callcontrol/originate_call', { i_customer: 1, to: '1' })
  assert.equal(reply.headers['x-dispatched-to'], 'source', reply.text)
})

const forms: readonly (readonly [name: string, make: (params: string, sessionId: string) => Ask])[] = [
  ['JSON', (params) => ({ headers: { 'content-type': 'application/json' }, body: `{"params":${params}}` })],
  [
    'a form',
    (params) => ({
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ params }).toString()
    })
  ],
  [
    'multipart, with a file behind',
    (params) => ({
      headers: { 'content-type': 'multipart/form-data; boundary=b0undary' },
      body: `--b0undary\r\nContent-Disposition: form-data; name="params"\r\n\r\n${params}\r\n--b0undary\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n${'x'.repeat(100_000)}\r\n--b0undary--\r\n`
    })
  ],
  ['the URL path', (params) => ({ path: `/rest/Account/update_account//${encodeURIComponent(params)}` })],
  [
    'the URL path, with the session',
    (params, sessionId) => ({
      path: `/rest/Account/update_account/${JSON.stringify({ session_id: sessionId })}/${params}`,
      headers: {}
    })
  ]
]

suite('an entity is named in any wire form:', async () => {
  for (const [form, make] of forms) {
    test(form, async (t) => {
      const world = await startWorld(t)
      const { session } = await enter(world)
      for (const [iAccount, to] of [
        [1, 'source'],
        [3, 'target']
      ] as const) {
        clearJournals(world)
        const asks = make(JSON.stringify({ account_info: { i_account: iAccount } }), session.sessionId)
        const own = form.endsWith('session') ? {} : bearer(session.accessToken)
        const headers = { host: hosts.admin, ...own, ...asks.headers }
        const reply = await ask(world.url, { path: '/rest/Account/update_account', ...asks, headers })
        assert.equal(reply.text, `{"i_account":${iAccount}}`)
        assert.deepEqual(reached(world), onlyAt(to, 'Account/update_account'))
      }
    })
  }
})

suite('in each dual realm an entity is asked for in the name of its session:', async () => {
  const rows: readonly (readonly [realm: RealmName, iCustomer: number, to: System, faultcode?: string])[] = [
    ['cc_staff', 1, 'source'],
    ['cc_staff', 3, 'target'],
    ['reseller', 9, 'target'],
    ['reseller', 1, 'target', 'Server.Customer.not_found']
  ]
  for (const [realm, iCustomer, to, faultcode] of rows) {
    test(`${realm}, customer ${iCustomer}`, async (t) => {
      const world = await startWorld(t)
      const user = await enter(world, realm)
      const reply = await user.call('Customer/get_customer_xdrs', { i_customer: iCustomer })
      assert.equal(reply.json().faultcode, faultcode)
      assert.deepEqual(reached(world), onlyAt(to, 'Customer/get_customer_xdrs'))
      for (const { journal } of [world.source, world.target]) {
        const [question] = journal.of('Customer/get_customer_info')
        assert.equal(question?.realm, realm)
        assert.notEqual(question.sessionId, null, 'by a session that the system knows')
      }
    })
  }
})

test('a context beats every reference, and nobody is asked', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  const xdrs = 'Customer/get_customer_xdrs'
  const header = { 'x-dispatcher-context': 'source' }
  const byHeader = await admin.call(xdrs, { i_customer: 3 }, header)
  assert.deepEqual([byHeader.status, byHeader.headers['x-dispatched-to']], [200, 'source'])
  await admin.call('Session/set_session_context', { context: 'target' })
  const bySession = await admin.call(xdrs, { i_customer: 1 })
  assert.deepEqual(bySession.json().faultcode, 'Server.Customer.not_found')
  assert.equal(bySession.headers['x-dispatched-to'], 'target')
  assert.deepEqual(lookups(world), [0, 0])
  const unset = await admin.call(xdrs, { i_customer: 1 }, { 'x-dispatcher-context': 'auto' })
  assert.equal(unset.headers['x-dispatched-to'], 'source')
})

/** A write and a read of each kind about customer 3, who is made active on both systems. */
const ambiguous = [
  ['Customer/get_customer_info', { i_customer: 3 }],
  ['Customer/get_customer_xdrs', { i_customer: '3' }],
  ['Customer/update_customer', { customer_info: { i_customer: 3, firstname: 'x' } }],
  ['Account/get_account_info', { i_account: 3 }],
  ['Account/get_account_info', { id: '15550000003' }],
  ['Account/add_account', { account_info: { i_customer: 3, id: 'x' } }],
  ['Account/terminate_account', { i_account: 3 }]
] as const

test('an entity that is active on both systems: 409, and nothing is sent but the questions', async (t) => {
  const world = await startWorld(t)
  const { source, target } = world
  const bundle = target.exportCustomer(3)
  target.importCustomer(bundle)
  source.importCustomer(bundle)
  const admin = await enter(world)
  for (const [name, params] of ambiguous) {
    await t.test(`${name} with ${JSON.stringify(params)}`, async () => {
      clearJournals(world)
      const reply = await admin.call(name, params)
      assert.equal(reply.status, 409)
      assert.deepEqual(reply.json(), {
        faultcode: 'Client.Dispatcher.ambiguous_entity',
        faultstring: 'The entity is active on both systems'
      })
      assert.deepEqual(reached(world), { source: [], target: [] })
      assert.deepEqual(lookups(world), [source.journal.count(), target.journal.count()])
    })
  }
  const warned = world.lines.filter(({ msg }) => msg === 'an entity is active on both systems')
  assert.equal(warned.length, ambiguous.length)
  for (const { level, entity } of warned) {
    assert.equal(level, 40)
    assert.match(String(entity), /^(?:customer|account):\d+$|^natural:[\w-]{43}$/, 'never a name')
  }
  const onSource = await admin.call(
    'Customer/get_customer_info',
    { i_customer: 3 },
    { 'x-dispatcher-context': 'source' }
  )
  assert.equal(onSource.status, 200, 'but where the client says which one')
})

/** Each is said of the customer by one system, while the other gives no answer. */
const untold = [
  ['no answer either', { kind: 'reset', at: 'before-headers' }],
  ['that it is not there itself', { kind: 'status', status: 503 }],
  ['a fault that tells nothing', { kind: 'fault', faultcode: 'pb_delta.connection_failed' }]
] as const

test('one system gives no answer and the other cannot tell: 503, and no guess', async (t) => {
  const world = await startWorld(t, { plugins: { ...forgetful.plugins, 'circuit-breaker': false } })
  const admin = await enter(world)
  const match = { method: 'get_customer_info' }
  for (const [silent, other] of [
    ['source', 'target'],
    ['target', 'source']
  ] as const) {
    for (const [what, fault] of untold) {
      await t.test(`the ${silent} is silent, and the ${other} says ${what}`, async () => {
        const added = [
          world[silent].faults.add({ match, fault: { kind: 'reset', at: 'before-headers' } }),
          world[other].faults.add({ match, fault })
        ]
        clearJournals(world)
        // The target has a copy of this customer, who has not moved: there a write would be carried out.
        const reply = await admin.call('Customer/update_customer', { customer_info: { i_customer: 1, name: 'x' } })
        for (const one of added) one.remove()
        assert.equal(reply.status, 503)
        assert.equal(reply.headers['retry-after'], '5')
        assert.deepEqual(reply.json(), {
          faultcode: 'Server.Dispatcher.system_unavailable',
          faultstring: 'System source or target, one of which has the entity, is unavailable'
        })
        assert.deepEqual(reached(world), { source: [], target: [] })
        const again = await admin.call('Customer/update_customer', { customer_info: { i_customer: 1, name: 'x' } })
        assert.equal(again.status, 200)
        assert.deepEqual(reached(world), onlyAt('source', 'Customer/update_customer'))
      })
    }
  }
})

const refused: readonly (readonly [params: object, sentence: RegExp])[] = [
  ...[0, -1, 1.5, '1x', ' 1', '0', true, [], [1], {}, 2 ** 60].map(
    (value) => [{ i_customer: value }, /: params\.i_customer is not a whole number above 0$/] as const
  ),
  [{ i_account: 'x' }, /: params\.i_account is not a whole number above 0$/],
  [{ customer_info: { i_customer: -1 } }, /: params\.customer_info\.i_customer is not/],
  [{ account_info: { i_account: 'x' } }, /: params\.account_info\.i_account is not/],
  [{ alias_info: { i_master_account: {} } }, /: params\.alias_info\.i_master_account is not/],
  [{ i_customer: 1, customer_info: { i_customer: 2 } }, /: params\.i_customer and .* contradict each other$/],
  [{ i_account: '1', account_info: { i_account: 2 } }, /: params\.i_account and .* contradict each other$/]
]

test('references that are no numbers, or contradict each other: 400, and nobody is asked', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  for (const name of ['Customer/get_customer_xdrs', 'Customer/update_customer', 'Account/get_account_list']) {
    for (const [params, sentence] of refused) {
      await t.test(`${name} with ${JSON.stringify(params)}`, async () => {
        const reply = await admin.call(name, params)
        assert.equal(reply.status, 400)
        assert.equal(reply.json().faultcode, 'Client.Dispatcher.malformed_request')
        assert.match(String(reply.json().faultstring), sentence)
        assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
      })
    }
  }
})

test('entities of one call that live on different systems: 400, and nothing is sent but the questions', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  for (const _ of ['asked for', 'remembered']) {
    const reply = await admin.call('Account/update_account', { account_info: { i_account: 1, i_customer: 3 } })
    assert.deepEqual([reply.status, reply.json().faultcode], [400, 'Client.Dispatcher.malformed_request'])
    assert.match(String(reply.json().faultstring), /entities on different systems/)
  }
  assert.deepEqual(reached(world), { source: [], target: [] })
  assert.deepEqual(lookups(world), [world.source.journal.count(), world.target.journal.count()])
})

for (const sessions of [1, 5]) {
  test(`500 calls of ${sessions} sessions at once about 50 customers: each is asked for once on each system`, async (t) => {
    const world = await startWorld(t)
    const admins = await Promise.all(Array.from({ length: sessions }, () => enter(world)))
    // The ten calls about a customer come together, before either system has answered.
    const fault = { kind: 'delay', ms: 200 } as const
    for (const { faults } of [world.source, world.target]) faults.add({ match: { method: 'get_customer_info' }, fault })
    const customerAt = (at: number) => Math.floor(at / 10) + 1
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, at) =>
        admins[at % sessions]?.call('Account/get_account_list', { i_customer: customerAt(at), limit: 1 })
      )
    )
    for (const [at, reply] of replies.entries()) {
      const iCustomer = customerAt(at)
      assert.equal(reply?.headers['x-dispatched-to'], iCustomer % 3 === 0 ? 'target' : 'source')
      const [account] = reply.json().account_list as { i_customer: number }[]
      assert.equal(account?.i_customer, iCustomer)
    }
    assert.deepEqual(lookups(world), [50, 50])
    const { source, target } = reached(world)
    assert.equal(source.length + target.length, 500)
  })
}

/** A request that occupies the only connection to a system until it is given up. */
async function occupy(t: TestContext, { url, target }: World, headers: Record<string, string>) {
  target.faults.add({ match: { method: 'get_version' }, fault: { kind: 'hang' } })
  const arrived = target.journal.next(({ method }) => method === 'get_version')
  const { hostname, port } = new URL(url)
  const path = '/rest/Generic/get_version'
  const request = http.request({ hostname, port, method: 'POST', path, headers: { host: hosts.admin, ...headers } })
  request.on('error', () => {})
  request.end()
  t.after(() => request.destroy())
  await arrived
  return () => request.destroy()
}

/** Who moves between the two answers about it looks active on both, or exported on both. */
for (const [what, iCustomer, from] of [
  ['to the target', 1, 'source'],
  ['back to the source', 3, 'target']
] as const) {
  test(`one who moves ${what} while the systems are asked is looked up once more`, async (t) => {
    const whole = await startWorld(t)
    const { source, target } = whole
    const systems = {
      source: systemConfig('MR100', source.urls),
      target: systemConfig('MR115', target.urls, { connections: 1 })
    }
    const gateway = await startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, { systems }))
    const world = { ...gateway, source, target }
    const admin = await enter(world)
    const free = await occupy(t, world, admin.headers)
    const onSource = source.journal.next(({ method, status }) => method === 'get_customer_info' && status !== null)
    const replied = admin.call('Customer/update_customer', { customer_info: { i_customer: iCustomer, firstname: 'x' } })
    await onSource
    const [leaves, arrives] = from === 'source' ? [source, target] : [target, source]
    await moveCustomer(iCustomer, leaves, arrives)
    free()
    const reply = await replied
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers['x-dispatched-to'], arrives.role)
    assert.deepEqual(lookups(world), [2, 2])
  })
}

test('entity-location off: calls without a context go to the target, and nobody is asked', async (t) => {
  const world = await startWorld(t, { plugins: { 'entity-location': false } })
  const admin = await enter(world)
  for (const [name, params, faultcode] of [
    ['Customer/get_customer_info', { i_customer: 1 }, 'Server.Customer.not_found'],
    ['Customer/update_customer', { customer_info: { i_customer: 1 } }, 'Server.Customer.not_found'],
    ['Account/get_account_info', { i_account: 1 }, 'Server.Account.not_found'],
    ['Account/add_account', { account_info: { i_customer: 3, id: 'n3' } }, undefined],
    ['Account/get_account_list', { i_customer: 3 }, undefined]
  ] as const) {
    await t.test(name, async () => {
      clearJournals(world)
      const reply = await admin.call(name, params)
      assert.equal(reply.json().faultcode, faultcode)
      assert.deepEqual(reached(world), onlyAt('target', name))
      assert.deepEqual(lookups(world), [0, 0])
    })
  }
  const header = { 'x-dispatcher-context': 'source' }
  const there = await admin.call('Customer/get_customer_info', { i_customer: 1 }, header)
  assert.deepEqual([there.status, there.headers['x-dispatched-to']], [200, 'source'])
})
