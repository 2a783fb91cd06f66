/** The GraphQL view and sessions: who is let in, with which credential, and what a session sees that lives on one system. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { otherSystem, type System, systemNames } from '../../core/words.ts'
import { type JournalEntry, moveCustomer } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { ask, bearer, call, login, type Reply, type Session } from '../client.ts'
import {
  clearJournals,
  dualRealms,
  endAllOn,
  moved,
  openPair,
  restarted,
  seenBy,
  staffOf,
  startClock,
  startUnlikeWorld,
  unmoved
} from '../dual.ts'
import { shared, startAnother, startSystems } from '../failing-system.ts'
import { lookups } from '../reached.ts'
import { type GraphqlWorld, post, type Result, type Sent, startGraphqlWorld } from './client.ts'
import { errorsOf } from './faulty.ts'

/** Two systems for the tests that change nothing on them. */
const systems = await startSystems()

const unauthenticated = {
  data: null,
  errors: [
    {
      message: 'There is no live session: log in, and send its access token as Authorization: Bearer',
      extensions: { code: 'UNAUTHENTICATED' }
    }
  ]
}
const partialList = 'Server.Dispatcher.partial_list'
const create = 'mutation { createCustomer(system: SOURCE, input: { name: "nobody", currency: "USD" }) { iCustomer } }'

const operations = [
  '{ systems { release } }',
  '{ session { login } }',
  '{ customers { nodes { iCustomer } missing } }',
  '{ accounts(system: SOURCE) { totalCount } customers(system: TARGET) { totalCount } }',
  `{ customer(iCustomer: ${unmoved}) { name invoices { nodes { id } } } }`,
  `{ account(iAccount: ${moved}) { number } systems { release } }`,
  create,
  'mutation { updateCustomer(iCustomer: 1, input: { note: "x" }) { iCustomer } }'
]

/** Writes that were executed. */
const writesOn = ({ source, target }: World) => source.journal.count(isDone) + target.journal.count(isDone)
const isDone = ({ write, status }: JournalEntry) => write && status === 200

const resultOf = (reply: Reply) => JSON.parse(reply.text) as Result<Record<string, unknown> | null>

suite('without a live session: one error, no data and no write, whatever is asked for', async () => {
  type Shown = Record<string, string>
  /** What a client shows that has never done so before. */
  type Way = (world: World) => Promise<Shown>
  // Its sessions are ended by the dozen.
  const world = await startWorld(shared)
  const shows =
    (headers: Shown): Way =>
    async () =>
      headers
  const open = () => login(world.url, 'admin', staffOf(world, 'admin'))
  const ended =
    (...on: readonly System[]): Way =>
    async () => {
      const { accessToken } = await open()
      for (const system of on) endAllOn(world[system])
      return bearer(accessToken)
    }
  const ways: readonly (readonly [name: string, way: Way])[] = [
    ['no token', shows({})],
    ['an empty one', shows({ authorization: 'Bearer ' })],
    ['garbage', shows(bearer('garbage'))],
    ['what looks like a token', shows(bearer(`eyJhbGciOiJub25lIn0.${btoa('{"login":"admin","exp":9999999999}')}.`))],
    ['basic authentication', shows({ authorization: `Basic ${btoa('admin:admin')}` })],
    ['a cookie of nobody', shows({ cookie: 'access_token=abcdefghijklmnop' })],
    ['a session that has ended', ended('source', 'target')],
    [
      'a session that was logged out',
      async ({ url }) => {
        const headers = bearer((await open()).accessToken)
        assert.equal((await call(url, 'admin', 'Session/logout', {}, { headers })).status, 200)
        return headers
      }
    ],
    [
      'the session of a customer',
      async ({ url, source }) => {
        const { accessToken } = await login(url, 'customer', source.users.firstActiveCustomer())
        return bearer(accessToken)
      }
    ]
  ]
  async function check(sent: string | readonly string[], headers: Shown) {
    clearJournals(world)
    const asked = typeof sent === 'string' ? { query: sent } : sent.map((query) => ({ query }))
    const reply = await post(world.url, asked, { headers })
    const expected = typeof sent === 'string' ? unauthenticated : sent.map(() => unauthenticated)
    assert.deepEqual([reply.status, JSON.parse(reply.text)], [200, expected], String(sent))
    assert.equal(writesOn(world), 0, String(sent))
  }
  for (const [name, way] of ways) {
    test(name, async () => {
      for (const query of operations) await check(query, await way(world))
      await check(operations, await way(world))
    })
  }

  test('a session that has ended on the system that issued it, of which only the other half lives', async () => {
    const way = ended('target')
    for (const query of operations.slice(0, 3)) await check(query, await way(world))
    // Whichever of the operations is over first.
    const one = (system: string, first: number) =>
      `{ customers(system: ${system}, first: ${first}) { nodes { name } } }`
    await check([one('SOURCE', 1), one('TARGET', 50), one('SOURCE', 50)], await way(world))
  })

  test('a session that has ended on the system that issued it: its other half is not renewed', async (t) => {
    const pass = startClock(t)
    const own = await startUnlikeWorld(t, { source: { simulator: { tokenLifetimeSeconds: 60 } } })
    for (const query of [create, '{ customers(system: SOURCE) { missing } }']) {
      const { accessToken } = await login(own.url, 'admin', staffOf(own, 'admin'))
      pass(61)
      endAllOn(own.target)
      clearJournals(own)
      const reply = await post(own.url, { query }, { token: accessToken })
      assert.deepEqual(JSON.parse(reply.text), unauthenticated)
      assert.equal(writesOn(own) + own.source.journal.count('Session/refresh_access_token'), 0)
    }
  })

  for (const home of systemNames) {
    test(`a session of the ${home} alone that has ended, by who asks for the other system only`, async (t) => {
      const own = await startAnother(t, world)
      const away = otherSystem(home)
      const refusal = { kind: 'fault', faultcode: 'Server.Session.auth_failed' } as const
      const added = world[away].faults.add({ match: { method: 'login' }, fault: refusal })
      t.after(() => added.remove())
      const there = away.toUpperCase()
      const host = `www.${away === 'source' ? 100 : 115}-admin.test`
      for (const [query, headers] of [
        [`{ customers(system: ${there}) { missing } }`, {}],
        [`{ customer(iCustomer: 1, system: ${there}) { name } }`, {}],
        [`mutation { createCustomer(system: ${there}, input: { name: "x" }) { name } }`, {}],
        ['{ customer(iCustomer: 1) { name } }', { host }],
        ['{ accounts { missing } }', { host }],
        ['{ session { login } }', { host }],
        ['{ customers { missing } }', { 'x-dispatcher-context': away }]
      ] as const) {
        const { accessToken } = await login(own.url, 'admin', staffOf(own, 'admin'))
        endAllOn(own[home])
        const reply = await post(own.url, { query }, { headers: { ...bearer(accessToken), ...headers } })
        assert.deepEqual([reply.status, JSON.parse(reply.text)], [200, unauthenticated], query)
      }
    })
  }

  test('a token that has expired', async (t) => {
    const pass = startClock(t)
    for (const sent of [...operations, operations]) {
      const { accessToken } = await open()
      pass(901)
      await check(sent, bearer(accessToken))
    }
  })
})

suite('a session of which nobody can tell whether it lives', async () => {
  test('is not refused: what needs no system is answered', async (t) => {
    const world = await startGraphqlWorld(t)
    for (const system of systemNames) await world[system].stop()
    const { data, errors } = await world.run('{ systems { release } session { login systems } }')
    assert.equal(errors, undefined)
    assert.deepEqual(data, {
      systems: [{ release: 'MR100' }, { release: 'MR115' }],
      session: { login: 'admin', systems: ['SOURCE', 'TARGET'] }
    })
  })

  test('is not refused either by what is no answer to the question', async (t) => {
    const world = await startGraphqlWorld(t)
    for (const body of ['{}', '<html>Welcome</html>', '{"user_id":"x"}', '']) {
      for (const { faults } of [world.source, world.target]) {
        faults.clear()
        faults.add({ match: { method: 'ping' }, fault: { kind: 'status', status: 200, body } })
      }
      assert.deepEqual(await world.run('{ session { realm } }'), { data: { session: { realm: 'admin' } } }, body)
    }
  })

  for (const away of [['source', 'target'], ['source'], ['target']] as const) {
    test(`and which the gateway does not know: an error of the system that is away (${away.join(' and ')})`, async (t) => {
      const world = await startWorld(t)
      for (const system of away) await world[system].stop()
      for (const batch of [false, true]) {
        const sent: Sent = { query: '{ systems { release } }' }
        const reply = await post(world.url, batch ? [sent, sent] : sent, { token: 'a-token-from-before' })
        const error = {
          message: `System ${away[0]} is unavailable`,
          extensions: { system: away[0].toUpperCase(), faultcode: 'Server.Dispatcher.system_unavailable' }
        }
        const expected = { data: null, errors: [error] }
        assert.deepEqual([reply.status, JSON.parse(reply.text)], [200, batch ? [expected, expected] : expected])
      }
    })
  }
})

suite('a credential is shown', async () => {
  const world = await startAnother(shared, systems)
  const cookies = ({ accessToken, sessionId }: Session) => `access_token=${accessToken}; session_id=${sessionId}`
  const ways: readonly (readonly [name: string, make: (session: Session) => Record<string, string>])[] = [
    ['as a bearer', ({ accessToken }) => bearer(accessToken)],
    ['as a bearer in another spelling', ({ accessToken }) => ({ Authorization: `bEARER  ${accessToken} ` })],
    ["as the systems' own cookies", (session) => ({ cookie: cookies(session) })],
    ['as one of them', ({ sessionId }) => ({ cookie: `session_id=${sessionId}` })],
    [
      'as a bearer, which is stronger than cookies',
      ({ accessToken }) => ({ ...bearer(accessToken), cookie: 'session_id=x' })
    ]
  ]
  for (const [name, make] of ways) {
    test(name, async () => {
      const session = await login(world.url, 'admin', staffOf(world, 'admin'))
      const query = '{ customers(first: 2) { nodes { iCustomer } missing } session { systems } }'
      const reply = await post(world.url, { query }, { headers: make(session) })
      assert.deepEqual(resultOf(reply), {
        data: {
          customers: { nodes: [{ iCustomer: 1 }, { iCustomer: 2 }], missing: [] },
          session: { systems: ['SOURCE', 'TARGET'] }
        }
      })
    })
  }

  test('twice: the request contradicts itself', async () => {
    const { hostname, port } = new URL(world.url)
    const { request } = await import('node:http')
    const { promise, resolve } = Promise.withResolvers<string>()
    const headers = [
      'Host',
      hosts.admin,
      'Content-Type',
      'application/json',
      'Authorization',
      'Bearer a',
      'Authorization',
      'Bearer b'
    ]
    request({ hostname, port, path: '/graphql', method: 'POST', headers, agent: false }, async (response) => {
      resolve((await response.toArray()).join(''))
    }).end('{"query":"{ session { login } }"}')
    const { errors } = JSON.parse(await promise) as Result<null>
    assert.deepEqual(
      errors?.map(({ extensions }) => extensions),
      [{ faultcode: 'Client.Dispatcher.malformed_request' }]
    )
  })
})

for (const realm of ['customer', 'account'] as const) {
  test(`in the realm of one ${realm} nothing is served at the path`, async () => {
    const world = await startAnother(shared, systems)
    const user =
      realm === 'customer' ? world.source.users.firstActiveCustomer() : world.source.users.firstActiveAccount()
    const { accessToken } = await login(world.url, realm, user)
    for (const method of ['POST', 'GET']) {
      const path = method === 'GET' ? '/graphql?query={session{login}}' : '/graphql'
      const headers = { host: hosts[realm], ...bearer(accessToken), 'content-type': 'application/json' }
      const body = method === 'GET' ? undefined : '{"query":"{ session { login } }"}'
      const reply = await ask(world.url, { method, path, headers, body })
      assert.equal(reply.status, 404)
      assert.deepEqual(reply.json(), {
        faultcode: 'Client.Dispatcher.not_found',
        faultstring: 'Nothing is served at this path'
      })
    }
  })
}

suite('a realm', async () => {
  const world = await startAnother(shared, systems)
  const query = `{
    session { realm login systems }
    customers(first: 100) { nodes { iCustomer } totalCount }
    mine: customer(iCustomer: ${unmoved}) { name }
    other: customer(iCustomer: 1) { name }
  }`
  for (const realm of dualRealms) {
    test(`${realm}: sees what the REST API shows the same session`, async () => {
      const { accessToken } = await login(world.url, realm, staffOf(world, realm))
      const rest = async (name: string, params: object) =>
        (await call(world.url, realm, name, params, { headers: bearer(accessToken) })).json()
      const { data } = resultOf(await post(world.url, { query }, { token: accessToken, realm }))
      const { customer_list: rows, total } = await rest('Customer/get_customer_list', { limit: 100, get_total: 1 })
      assert.deepEqual(data?.customers, {
        nodes: (rows as { i_customer: number }[]).map(({ i_customer: iCustomer }) => ({ iCustomer })),
        totalCount: total
      })
      assert.equal((rows as object[]).length, realm === 'reseller' ? 3 : 60)
      for (const [field, iCustomer] of [
        ['mine', unmoved],
        ['other', 1]
      ] as const) {
        const { customer_info: info } = await rest('Customer/get_customer_info', { i_customer: iCustomer })
        assert.deepEqual(data?.[field], info === undefined ? null : { name: (info as { name: string }).name })
      }
      assert.equal(data?.other === null, realm === 'reseller')
      const { login: name } = staffOf(world, realm)
      assert.deepEqual(data?.session, { realm, login: name, systems: ['SOURCE', 'TARGET'] })
    })
  }
})

suite('a session that lives on one system', async () => {
  for (const home of systemNames) {
    const away = otherSystem(home)
    const [here, there] = [home.toUpperCase(), away.toUpperCase()]
    test(`the ${home}: its data, and the other is missing and never asked`, async (t) => {
      const world = await startAnother(t, systems)
      const refusal = world[away].faults.add({
        match: { method: 'login' },
        fault: { kind: 'fault', faultcode: 'Server.Session.auth_failed' }
      })
      t.after(() => refusal.remove())
      const { accessToken } = await login(world.url, 'admin', staffOf(world, 'admin'))
      clearJournals(world)
      const iCustomer = home === 'source' ? 1 : 3
      const query = `{
        session { systems }
        customers(first: 1) {
          nodes { system invoices(first: 1) { nodes { system } missing } accounts(first: 1) { nodes { system } missing } on(system: ${there}) { name } }
          missing
        }
        elsewhere: accounts(system: ${there}) { nodes { number } missing }
        customer(iCustomer: ${iCustomer}) { system differences { field } }
        none: customer(iCustomer: ${iCustomer}, system: ${there}) { name }
      }`
      const result = resultOf(await post(world.url, { query }, { token: accessToken }))
      assert.deepEqual(result.data, {
        session: { systems: [here] },
        customers: {
          nodes: [
            {
              system: here,
              invoices: { nodes: [{ system: here }], missing: [there] },
              accounts: { nodes: [{ system: here }], missing: [] },
              on: null
            }
          ],
          missing: [there]
        },
        elsewhere: { nodes: [], missing: [there] },
        customer: { system: here, differences: null },
        none: null
      })
      const away503 = 'Server.Dispatcher.system_unavailable'
      assert.deepEqual(
        errorsOf(result),
        [
          `["customers"] ${there} ${partialList}`,
          `["customers","nodes",0,"invoices"] ${there} ${partialList}`,
          `["elsewhere"] ${there} ${partialList}`,
          `["customers","nodes",0,"on"] ${there} ${away503}`,
          `["customer","differences"] ${there} ${away503}`,
          `["none"] ${there} ${away503}`
        ].toSorted()
      )
      assert.equal(world[away].journal.count(), 0)
    })
  }
})

suite("the source's half of a session has ended", async () => {
  const query = '{ customers(first: 50) { nodes { iCustomer invoices { nodes { system } missing } } missing } }'
  interface Listed {
    readonly customers: {
      readonly nodes: readonly { readonly invoices: { readonly missing: string[] } }[]
      readonly missing: string[]
    }
  }
  const refreshes = ({ source }: World) => source.journal.count('Session/refresh_access_token')

  test('and is renewed once, and the data is whole', async (t) => {
    const pass = startClock(t)
    const world = await startUnlikeWorld(t, { source: { simulator: { tokenLifetimeSeconds: 60 } } })
    const { session } = await openPair(world)
    const sent = [query, '{ accounts { missing } }', `{ customer(iCustomer: ${unmoved}) { system } }`]
    for (const asked of [sent, ...sent]) {
      pass(61)
      clearJournals(world)
      const operation = typeof asked === 'string' ? { query: asked } : asked.map((one) => ({ query: one }))
      const reply = await post(world.url, operation, { token: session.accessToken })
      for (const { errors } of [JSON.parse(reply.text)].flat() as Result<unknown>[]) assert.equal(errors, undefined)
      assert.equal(refreshes(world), 1)
    }
  })

  test('and is lost: the target has its part, and the source is asked once', async (t) => {
    const world: GraphqlWorld = await startGraphqlWorld(t)
    endAllOn(world.source)
    clearJournals(world)
    const result = await world.run<Listed>(query)
    const { nodes, missing } = result.data.customers
    assert.deepEqual([nodes.length, missing], [20, ['SOURCE']])
    for (const { invoices } of nodes) assert.deepEqual(invoices.missing, ['SOURCE'])
    assert.equal(result.errors?.length, 21)
    for (const { extensions } of result.errors ?? []) {
      assert.deepEqual(extensions, { system: 'SOURCE', faultcode: partialList })
    }
    assert.deepEqual([world.source.journal.count('Customer/get_customer_list'), refreshes(world)], [1, 1])
    assert.equal(world.source.journal.count(), 2)
    clearJournals(world)
    const again = await world.run<{ session: object } & Listed>(`{ session { systems } ${query.slice(1)}`)
    assert.deepEqual([again.data.session, again.data.customers.missing], [{ systems: ['TARGET'] }, ['SOURCE']])
    assert.equal(world.source.journal.count(), 0)
  })

  test('and cannot be renewed now: it is asked for once in a request, and whole the next time', async (t) => {
    const world: GraphqlWorld = await startGraphqlWorld(t)
    const refusal = { kind: 'fault', faultcode: 'Client.Session.check_auth.failed_to_process_access_token' } as const
    world.source.faults.add({ match: { service: 'Customer' }, fault: refusal })
    world.source.faults.add({ match: { method: 'refresh_access_token' }, fault: { kind: 'status', status: 503 } })
    clearJournals(world)
    const { data } = await world.run<Listed>(query)
    assert.deepEqual([data.customers.nodes.length, data.customers.missing], [20, ['SOURCE']])
    assert.equal(world.source.journal.count(), 2)
    world.source.faults.clear()
    assert.deepEqual((await world.run<Listed>(query)).data.customers.missing, [])
  })
})

suite('one system alone is asked', async () => {
  const world = await startAnother(shared, systems)
  const { session, onSource, onTarget } = await openPair(world)
  const fields = `
    customers(first: 3) { nodes { iCustomer accounts(first: 1) { nodes { system } } invoices(first: 1) { nodes { system } missing } } missing counts { system } }
    accounts(first: 1) { missing }
    one: customer(iCustomer: 1) { system }
    other: customer(iCustomer: 3) { system }
    account(iAccount: 3) { system }`

  /** What the systems alone have of these. */
  const parts = {
    source: { rows: [1, 2, 4], one: { system: 'SOURCE' }, other: { system: 'TARGET' }, account: { system: 'TARGET' } },
    target: { rows: [3, 6, 9], one: null, other: { system: 'TARGET' }, account: { system: 'TARGET' } }
  } as const

  async function assertAlone(system: System, headers: Record<string, string>) {
    clearJournals(world)
    const result = resultOf(
      await post(world.url, { query: `{ ${fields} session { realm } systems { release } }` }, { headers })
    )
    assert.equal(result.errors, undefined)
    const { customers, accounts, one, other, account } = result.data as Record<
      string,
      Readonly<Record<string, unknown>>
    >
    const nodes = customers?.nodes as { iCustomer: number; accounts: object; invoices: object }[]
    const word = system.toUpperCase()
    const { rows, ...entities } = parts[system]
    assert.deepEqual(
      nodes.map(({ iCustomer }) => iCustomer),
      rows
    )
    for (const node of nodes) {
      assert.deepEqual(node.accounts, { nodes: [{ system: word }] })
      assert.deepEqual(node.invoices, { nodes: [{ system: word }], missing: [] })
    }
    assert.deepEqual([customers?.missing, customers?.counts, accounts], [[], [{ system: word }], { missing: [] }])
    assert.deepEqual({ one, other, account }, entities)
    assert.equal(world[otherSystem(system)].journal.count(), 0)
    assert.ok(!seenBy(world.source).includes(onTarget.access_token))
    assert.ok(!seenBy(world.target).includes(onSource.access_token))
  }

  const shown = bearer(session.accessToken)
  for (const system of systemNames) {
    const host = `www.${system === 'source' ? 100 : 115}-admin.test`
    test(`on ${host}: the ${system}, whatever the session says`, async () => {
      await assertAlone(system, { ...shown, host })
      await assertAlone(system, { ...shown, host, 'x-dispatcher-context': otherSystem(system) })
    })

    test(`on ${host}: the other system is refused by name, and not asked`, async () => {
      clearJournals(world)
      const other = otherSystem(system).toUpperCase()
      for (const [field, data] of [
        [`customer(iCustomer: 3, system: ${other}) { name }`, { customer: null }],
        [`customers(system: ${other}) { missing }`, null],
        [
          `customer(iCustomer: ${system === 'source' ? 1 : 3}) { on(system: ${other}) { name } }`,
          { customer: { on: null } }
        ]
      ] as const) {
        const result = resultOf(await post(world.url, { query: `{ ${field} }` }, { headers: { ...shown, host } }))
        assert.deepEqual(result.data, data, field)
        assert.equal(result.errors?.length, 1)
        assert.deepEqual(result.errors?.[0]?.extensions, { faultcode: 'Client.Dispatcher.malformed_request' })
        assert.match(String(result.errors?.[0]?.message), new RegExp(`this host is the ${system}'s alone$`))
      }
      assert.equal(world[otherSystem(system)].journal.count(), 0)
    })

    test(`by the request's context: the ${system}; system: is stronger`, async () => {
      const headers = { ...shown, 'x-dispatcher-context': system }
      await assertAlone(system, headers)
      const other = otherSystem(system).toUpperCase()
      const query = `{ customers(first: 1, system: ${other}) { nodes { iCustomer } counts { system } } }`
      const { data } = resultOf(await post(world.url, { query }, { headers }))
      assert.deepEqual(data?.customers, {
        nodes: [{ iCustomer: other === 'SOURCE' ? 1 : 3 }],
        counts: [{ system: other }]
      })
    })
  }

  test("by the session's context, until it is auto; the request's is stronger", async (t) => {
    const set = (context: string) =>
      call(world.url, 'admin', 'Session/set_session_context', { context }, { headers: shown })
    t.after(() => set('auto'))
    for (const system of systemNames) {
      assert.equal((await set(system)).status, 200)
      await assertAlone(system, shown)
      await assertAlone(otherSystem(system), { ...shown, 'x-dispatcher-context': otherSystem(system) })
      const query = '{ customers(first: 1) { counts { system } } }'
      const auto = resultOf(await post(world.url, { query }, { headers: { ...shown, 'x-dispatcher-context': 'auto' } }))
      assert.deepEqual(auto.data?.customers, { counts: [{ system: 'SOURCE' }, { system: 'TARGET' }] })
    }
  })
})

test('what is no context is refused', async (t) => {
  const world = await startGraphqlWorld(t)
  const result = await world.run('{ session { login } }', {}, { 'x-dispatcher-context': 'both' })
  assert.equal(result.data, null)
  assert.deepEqual(
    result.errors?.map(({ extensions }) => extensions),
    [{ faultcode: 'Client.Dispatcher.malformed_request' }]
  )
})

test('an entity that is active on both systems is an error, and null; where the system is named, it is there', async (t) => {
  const world = await startGraphqlWorld(t)
  const { source, target } = world
  const bundle = target.exportCustomer(3)
  target.importCustomer(bundle)
  source.importCustomer(bundle)
  clearJournals(world)
  const result = await world.run(`{
    a: customer(iCustomer: 3) { name }
    b: account(iAccount: 3) { number }
    c: customer(iCustomer: 3, system: SOURCE) { system }
    d: customer(iCustomer: 1) { system }
  }`)
  assert.deepEqual(result.data, { a: null, b: null, c: { system: 'SOURCE' }, d: { system: 'SOURCE' } })
  const told = result.errors?.map(({ message, path, extensions }) => ({ message, path, extensions }))
  const ambiguous = {
    message: 'The entity is active on both systems',
    extensions: { faultcode: 'Client.Dispatcher.ambiguous_entity' }
  }
  assert.deepEqual(told, [
    { ...ambiguous, path: ['a'] },
    { ...ambiguous, path: ['b'] }
  ])
})

for (const [what, iCustomer, from] of [
  ['to the target', 1, 'source'],
  ['back to the source', 3, 'target']
] as const) {
  test(`a customer who has moved ${what} since it was found is found anew, by one call more`, async (t) => {
    const world = await startGraphqlWorld(t)
    const [leaves, arrives] = [world[from], world[otherSystem(from)]]
    const query = `{ customer(iCustomer: ${iCustomer}) { system id } }`
    const before = await world.run<{ customer: { id: string } }>(query)
    await moveCustomer(iCustomer, leaves, arrives)
    clearJournals(world)
    const after = await world.run<{ customer: object }>(query)
    assert.deepEqual(after, {
      data: { customer: { system: arrives.role.toUpperCase(), id: before.data.customer.id } }
    })
    const calls = ({ journal }: typeof leaves) => journal.count('Customer/get_customer_info')
    // The question to both, and the call where it was and where it is.
    assert.deepEqual([calls(leaves), calls(arrives)], [2, 2])
    clearJournals(world)
    await world.run(query)
    assert.deepEqual([calls(leaves), calls(arrives)], [0, 1])
  })
}

test('another gateway, which knows nothing of the session, serves it by the system that issued it', async (t) => {
  const world = await startGraphqlWorld(t)
  const other = await restarted(t, world)
  const query = '{ session { systems } customers(first: 2) { nodes { system } missing } }'
  const result = resultOf(await post(other.url, { query }, { token: world.session.accessToken }))
  assert.deepEqual(result.data, {
    session: { systems: ['TARGET'] },
    customers: { nodes: [{ system: 'TARGET' }, { system: 'TARGET' }], missing: ['SOURCE'] }
  })
  assert.deepEqual(errorsOf(result), [`["customers"] SOURCE ${partialList}`])
  assert.deepEqual(lookups(world), [0, 0])
})
