/** Contract sections 6 and 7: merged lists when a system breaks its order, answers nonsense, refuses or is away. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { suite, type TestContext, test } from 'node:test'
import { otherSystem, type System, systemNames } from '../../core/words.ts'
import { type SimulatedFault, startSimulator } from '../../simulator/index.ts'
import { hosts, type Running, startTestGateway, startWorld, systemConfig, testConfig } from '../build.ts'
import { bearer, call, login, type Reply } from '../client.ts'
import {
  clearJournals,
  customerList,
  type ListWorld,
  ownCall,
  rowsIn,
  sharedLists,
  startLists,
  upstreamCalls
} from '../lists.ts'

const match = { method: 'get_customer_list' }
const partial = { prefer: 'dispatcher=partial' }
const sessionFault = 'Client.Session.check_auth.failed_to_process_access_token'

// Before the first test: a file whose tests so far have all ended, while it awaits, is taken to be over.
const shared = await sharedLists()

/** The system does this to lists until the test is over. */
function breakLists(t: TestContext, system: System, fault: SimulatedFault, { faults } = shared[system]) {
  const broken = faults.add({ match, fault })
  t.after(() => broken.remove())
  return broken
}

async function stopFor(t: TestContext, system: System) {
  await shared[system].stop()
  t.after(() => shared[system].start())
}

function assertFault({ status, text, json }: Reply, expected: number, faultcode: string, told: RegExp) {
  assert.equal(status, expected, text)
  const fault = json()
  assert.equal(fault.faultcode, `Server.Dispatcher.${faultcode}`)
  assert.match(String(fault.faultstring), told)
}

const naming = (system: System) => new RegExp(`^System ${system} could not answer its part`)

/** Another gateway before the same systems, with an admin who has logged in there. */
async function gatewayWith(t: TestContext, overrides: Record<string, unknown>) {
  const urls = { source: shared.source.urls, target: shared.target.urls }
  const running: Running = await startTestGateway(t, testConfig(urls, overrides))
  const session = await login(running.url, 'admin', shared.target.users.admin())
  const list = (params: object, headers = {}) =>
    call(running.url, 'admin', customerList, params, { headers: { ...bearer(session.accessToken), ...headers } })
  return { ...running, session, list }
}

/** One that gives these systems up quickly. */
function impatient(t: TestContext, ...quickly: System[]) {
  const systems = Object.fromEntries(
    systemNames.map((system) => {
      const more = quickly.includes(system) ? { timeouts: { headers: 150 } } : {}
      return [system, systemConfig(system === 'source' ? 'MR100' : 'MR115', shared[system].urls, more)]
    })
  )
  return gatewayWith(t, { systems })
}

/** What one system alone has of the list. */
const partOf = async (system: System, params: object) =>
  (await ownCall(shared[system], customerList, { ...params, ...(system === 'source' && { skip_exported: 1 }) })).text

suite('a system that breaks its order', async () => {
  const disorders: readonly (readonly [name: string, rows: string, params: object])[] = [
    ['in its default order', '[{"i_customer":5},{"i_customer":4}]', { limit: 5 }],
    ['without a limit', '[{"i_customer":5},{"i_customer":4}]', {}],
    ['numbers as texts', '[{"i_customer":9},{"i_customer":"10"}]', { limit: 5 }],
    ['by name', '[{"i_customer":1,"name":"b"},{"i_customer":2,"name":"A"}]', { limit: 5, order_by: 'name' }],
    [
      'descending',
      '[{"i_customer":1,"name":"A"},{"i_customer":2,"name":"b"}]',
      { limit: 5, order_by: 'name', order_direction: 'desc' }
    ],
    ['nulls last', '[{"i_customer":1,"refnum":"R"},{"i_customer":2,"refnum":null}]', { limit: 5, order_by: 'refnum' }],
    [
      'of rows of one value',
      '[{"i_customer":2,"name":"a"},{"i_customer":1,"name":"A"}]',
      { limit: 5, order_by: 'name' }
    ],
    ['behind the rows that are shown', '[{"i_customer":1},{"i_customer":3},{"i_customer":2}]', { limit: 1 }]
  ]
  for (const [name, rows, params] of disorders) {
    for (const system of systemNames) {
      test(`is named, with the method, and nothing is merged: the ${system}, ${name}`, async (t) => {
        breakLists(t, system, { kind: 'status', status: 200, body: `{"customer_list":${rows}}` })
        for (const headers of [{}, partial]) {
          const reply = await shared.list(customerList, params, headers)
          const told = new RegExp(`^List out of order: ${customerList}, system ${system}$`)
          assertFault(reply, 502, 'list_out_of_order', told)
        }
      })
    }
  }

  for (const system of systemNames) {
    test(`by giving the same rows at every offset is named: the ${system}`, async (t) => {
      const rows = Array.from({ length: 60 }, (_, at) => `{"i_customer":${at + 1}}`)
      breakLists(t, system, { kind: 'status', status: 200, body: `{"customer_list":[${rows}]}` })
      const reply = await shared.list(customerList, { limit: 5, offset: 25, get_statuses: 'Y' })
      assertFault(reply, 502, 'list_out_of_order', new RegExp(`system ${system}$`))
    })
  }
})

suite('an answer that is no list', async () => {
  const answers: readonly (readonly [name: string, body: string])[] = [
    ['without the array', '{"total":1}'],
    ['with another array', '{"customers":[{"i_customer":1}]}'],
    ['with an object in its place', '{"customer_list":{"i_customer":1}}'],
    ['with a null in its place', '{"customer_list":null}'],
    ['an array at the top', '[{"i_customer":1}]'],
    ['a page', '<html><body>Welcome</body></html>'],
    ['nothing', ''],
    ['that ends too early', '{"customer_list":[{"i_customer":1},{"i_cust'],
    ['with more behind it', '{"customer_list":[{"i_customer":1}]} {}']
  ]
  const totals: readonly (readonly [name: string, body: string])[] = [
    ['without the total', '{"customer_list":[]}'],
    ['with words for a total', '{"customer_list":[],"total":"many"}'],
    ['with half a row for a total', '{"customer_list":[],"total":1.5}'],
    ['with less than nothing for a total', '{"customer_list":[],"total":-1}'],
    ['with a null for a total', '{"customer_list":[],"total":null}']
  ]
  for (const system of systemNames) {
    for (const [name, body] of [...answers, ...totals]) {
      test(`of the ${system}, ${name}: a fault that names it`, async (t) => {
        breakLists(t, system, { kind: 'status', status: 200, body })
        for (const headers of [{}, partial]) {
          const reply = await shared.list(customerList, { limit: 5, get_total: 1 }, headers)
          assertFault(reply, 502, 'bad_gateway', new RegExp(`^System ${system}.*${customerList}`))
        }
      })
    }
  }
})

suite('a system that is away', async () => {
  const faults: readonly (readonly [name: string, fault: SimulatedFault, retryAfter?: string])[] = [
    ['half an answer', { kind: 'half' }],
    ['a reset at once', { kind: 'reset', at: 'request' }],
    ['a reset before the headers', { kind: 'reset', at: 'before-headers' }],
    ['a reset after the headers', { kind: 'reset', at: 'after-headers' }],
    ['bytes that are not HTTP', { kind: 'garbage' }],
    ['502', { kind: 'status', status: 502, body: '<html>Bad Gateway</html>' }],
    ['503', { kind: 'status', status: 503 }],
    ['503 that says when', { kind: 'status', status: 503, headers: { 'Retry-After': '17' } }, '17'],
    ['504', { kind: 'status', status: 504, body: '{"customer_list":[]}' }]
  ]

  async function checkAway(
    list: (params: object, headers?: object) => Promise<Reply>,
    away: System,
    retryAfter?: string
  ) {
    const params = { limit: 4, offset: 3, get_total: 1, order_by: 'name' }
    const refused = await list(params)
    assertFault(refused, 503, 'partial_list', naming(away))
    assert.equal(refused.headers['retry-after'], retryAfter)
    assert.equal(refused.headers['x-dispatcher-partial'], undefined)
    const here = otherSystem(away)
    const reply = await list(params, partial)
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.text, await partOf(here, params))
    assert.equal(reply.headers['x-dispatcher-partial'], away)
    assert.equal(reply.headers['x-dispatched-to'], here)
    assert.equal(reply.headers['content-type'], 'application/json; charset=UTF-8')
    assert.equal(reply.headers['content-length'], String(reply.body.length))
  }
  const ofShared = (params: object, headers = {}) => shared.list(customerList, params, headers)

  for (const away of systemNames) {
    for (const [name, fault, retryAfter] of faults) {
      test(`the ${away}, ${name}: a fault, or the other's part for who prefers it`, async (t) => {
        breakLists(t, away, fault)
        await checkAway(ofShared, away, retryAfter)
      })
    }

    test(`the ${away}, no connection: a fault, or the other's part for who prefers it`, async (t) => {
      await stopFor(t, away)
      await checkAway(ofShared, away, '5')
    })

    test(`the ${away}, no headers in time: a fault, or the other's part for who prefers it`, async (t) => {
      const { list } = await impatient(t, away)
      breakLists(t, away, { kind: 'hang' })
      await checkAway(list, away)
    })

    test(`the ${away}, in the middle of a search: a fault, or the other's part`, async (t) => {
      const params = { limit: 4, offset: 37, order_by: 'login', of: away }
      clearJournals(shared)
      breakLists(t, away, { kind: 'status', status: 503 })
      // The newest rule counts: two steps of the search are answered.
      shared[away].faults.add({ match, fault: { kind: 'headers', headers: [] }, times: 2 })
      assertFault(await ofShared(params), 503, 'partial_list', naming(away))
      assert.deepEqual(
        shared[away].journal.of(customerList).map(({ status }) => status),
        [200, 200, 503]
      )
      const reply = await ofShared(params, partial)
      assert.equal(reply.text, await partOf(otherSystem(away), params))
    })

    test(`the ${away}, where the config prefers parts: the other's`, async (t) => {
      const { list } = await gatewayWith(t, { plugins: { 'list-aggregation': { onMissingSystem: 'partial' } } })
      breakLists(t, away, { kind: 'status', status: 503 })
      const reply = await list({ limit: 4 })
      assert.equal(reply.text, await partOf(otherSystem(away), { limit: 4 }))
      assert.equal(reply.headers['x-dispatcher-partial'], away)
      await stopFor(t, away)
      const again = await list({ limit: 4, offset: 2 })
      assert.equal(again.text, await partOf(otherSystem(away), { limit: 4, offset: 2 }))
    })
  }

  for (const headers of [
    { prefer: 'return=minimal' },
    { prefer: 'dispatcher=whole' },
    { 'x-prefer': 'dispatcher=partial' }
  ]) {
    test(`${JSON.stringify(headers)} is no wish for a part`, async (t) => {
      breakLists(t, 'source', { kind: 'status', status: 503 })
      assertFault(await shared.list(customerList, {}, headers), 503, 'partial_list', naming('source'))
    })
  }

  test('a page without limit whose end cannot be made sure of is a part as well', async (t) => {
    const world = await startLists(t, {}, { customers: 300 })
    world.target.faults.add({ match, fault: { kind: 'status', status: 503 } })
    world.target.faults.add({ match, fault: { kind: 'headers', headers: [] }, times: 1 })
    assertFault(await world.list(customerList), 503, 'partial_list', naming('target'))
  })
})

suite('both systems away', async () => {
  for (const [name, away, status, faultcode] of [
    [
      'no connection',
      (t: TestContext) => Promise.all([stopFor(t, 'source'), stopFor(t, 'target')]),
      503,
      'system_unavailable'
    ],
    [
      '503',
      async (t: TestContext) => {
        for (const system of systemNames) breakLists(t, system, { kind: 'status', status: 503 })
      },
      503,
      'system_unavailable'
    ],
    [
      '504',
      async (t: TestContext) => {
        for (const system of systemNames) breakLists(t, system, { kind: 'status', status: 504 })
      },
      504,
      'system_timeout'
    ]
  ] as const) {
    test(`${name}: a fault, for who prefers a part too`, async (t) => {
      await away(t)
      assertFault(await shared.list(customerList, { limit: 5 }), 503, 'partial_list', /could not answer its part/)
      assertFault(await shared.list(customerList, { limit: 5 }, partial), status, faultcode, /^System (source|target)/)
    })
  }

  test('no headers in time: a fault, for who prefers a part too', async (t) => {
    const { list } = await impatient(t, 'source', 'target')
    for (const system of systemNames) breakLists(t, system, { kind: 'hang' })
    assertFault(await list({ limit: 5 }), 503, 'partial_list', /could not answer its part/)
    assertFault(await list({ limit: 5 }, partial), 504, 'system_timeout', /^System (source|target)/)
  })

  test('one away, and the other knows the session no more: a fault all the same', async (t) => {
    const world = await startLists(t)
    world.source.sessions.endWhere(() => true)
    await world.target.stop()
    // Whichever of the two is noticed first.
    const { status, json } = await world.list(customerList, { limit: 5 }, partial)
    assert.equal(status, 503)
    assert.match(String(json().faultcode), /^Server\.Dispatcher\.(?:partial_list|system_unavailable)$/)
  })
})

suite('a session that lives on one system', async () => {
  for (const home of systemNames) {
    test(`the ${home}: no whole list, but its part for who prefers it`, async (t) => {
      const away = otherSystem(home)
      shared[away].faults.add({
        match: { service: 'Session', method: 'login' },
        fault: { kind: 'fault', faultcode: 'Server.Session.auth_failed' },
        times: 1
      })
      const session = await login(shared.url, 'admin', shared[home].users.admin())
      assert.equal(session.reply.status, 200)
      t.after(() => shared[away].faults.clear())
      clearJournals(shared)
      const list = (headers: object) =>
        call(
          shared.url,
          'admin',
          customerList,
          { limit: 5 },
          { headers: { ...bearer(session.accessToken), ...headers } }
        )
      assertFault(await list({}), 503, 'partial_list', naming(away))
      // Its cookies are the client's own.
      const cookie = 'session_id=renewed; Path=/'
      breakLists(t, home, { kind: 'headers', headers: [['Set-Cookie', cookie]] })
      const reply = await list(partial)
      assert.equal(reply.text, await partOf(home, { limit: 5 }))
      assert.equal(reply.headers['x-dispatcher-partial'], away)
      assert.deepEqual(reply.headers['set-cookie'], [cookie])
      assert.equal(shared[away].journal.count(), 0)
      const plain = await call(
        shared.url,
        'admin',
        'Customer/get_customer_info',
        { i_customer: home === 'source' ? 1 : 3 },
        { headers: bearer(session.accessToken) }
      )
      assert.equal(plain.headers['x-dispatched-to'], home)
    })
  }
})

suite('a system that refuses', async () => {
  for (const system of systemNames) {
    for (const [name, fault] of [
      ['a business fault', { kind: 'fault', faultcode: 'Server.Customer.no_such_filter', faultstring: 'Nö' }],
      ['403', { kind: 'status', status: 403, body: '{"faultcode":"x"}', headers: { 'Content-Type': 'text/x' } }],
      ['404', { kind: 'status', status: 404, body: 'no' }],
      ['302', { kind: 'status', status: 302, headers: { Location: 'https://elsewhere.test/' } }],
      ['204', { kind: 'status', status: 204 }]
    ] as const) {
      test(`the ${system}, ${name}: relayed as it is, for who prefers a part too`, async (t) => {
        breakLists(t, system, fault)
        const own = await ownCall(shared[system], customerList, {})
        for (const headers of [{}, partial]) {
          const reply = await shared.list(customerList, { limit: 5 }, headers)
          assert.deepEqual([reply.status, reply.text], [own.status, own.text])
          for (const header of ['content-type', 'location']) assert.equal(reply.headers[header], own.headers[header])
          assert.equal(reply.headers['x-dispatched-to'], system)
          assert.equal(reply.headers['x-dispatcher-partial'], undefined)
        }
      })
    }
  }

  test('the target in the name of a dead session: the client hears it, though the source is away', async (t) => {
    const world = await startLists(t)
    world.target.sessions.endWhere(() => true)
    await world.source.stop()
    for (const [headers, asked] of [
      [{}, false],
      [partial, true]
    ] as const) {
      const reply = await world.list(customerList, { limit: 5 }, headers)
      assert.equal(reply.status, 500, reply.text)
      assert.equal(reply.json().faultcode, 'Server.Session.check_auth.auth_failed')
      // The gateway has forgotten the session, and asks about it the next time.
      assert.equal(world.target.journal.count('Session/ping') > 0, asked)
    }
  })
})

test('the log says which system a list lacks, and why, whether the client gets a fault or a part', async (t) => {
  const world = await startLists(t)
  await world.source.stop()
  const logged = (msg: string) => world.lines.filter((line) => line.msg === msg)
  await world.list(customerList, { limit: 5 })
  const [failed] = logged('a request failed')
  assert.equal(failed?.fault, 'Server.Dispatcher.partial_list')
  const why = /^System source could not answer its part of the list: System source is unavailable: ECONN\w+$/
  assert.match(String(failed?.why), why)
  const reply = await world.list(customerList, { limit: 5 }, partial)
  assert.equal(reply.status, 200)
  const [lacks, ...others] = logged('a list lacks the part of a system')
  assert.deepEqual([lacks?.level, lacks?.missing, others.length], [40, 'source', 0])
  assert.match(String(lacks?.why), /^System source is unavailable: ECONN\w+$/)
})

test('a session on one system alone hears from its lists that it has ended', async (t) => {
  const world = await startWorld(t)
  world.source.faults.add({
    match: { method: 'login' },
    fault: { kind: 'fault', faultcode: 'Server.Session.auth_failed' }
  })
  const { accessToken } = await login(world.url, 'admin', world.target.users.admin())
  const list = () => call(world.url, 'admin', customerList, { limit: 5 }, { headers: bearer(accessToken) })
  const alive = await list()
  assert.equal(alive.json().faultcode, 'Server.Dispatcher.partial_list')
  world.target.sessions.endWhere(() => true)
  const ended = await list()
  assert.equal(ended.status, 500, ended.text)
  assert.equal(ended.json().faultcode, 'Server.Session.check_auth.auth_failed')
  assert.equal(world.source.journal.count(customerList), 0)
})

suite("the source's half of a session", async () => {
  const calls = ({ source }: Pick<ListWorld, 'source'>) => [
    source.journal.count(customerList),
    source.journal.count('Session/refresh_access_token')
  ]

  /** An admin who has logged in on both; the source's token has ended since. */
  async function startExpired(t: TestContext) {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const [source, target] = await Promise.all([
      startSimulator({ release: 'MR100', role: 'source', customers: 60, tokenLifetimeSeconds: 60 }),
      startSimulator({ release: 'MR115', role: 'target', customers: 60 })
    ])
    t.after(() => Promise.all([source.close(), target.close()]))
    const { url } = await startTestGateway(t, testConfig({ source: source.urls, target: target.urls }))
    const { accessToken } = await login(url, 'admin', target.users.admin())
    const list = (params: object) => call(url, 'admin', customerList, params, { headers: bearer(accessToken) })
    t.mock.timers.tick(61_000)
    clearJournals({ source, target })
    return { source, target, list }
  }
  const shownTo = ({ source }: Pick<ListWorld, 'source'>) =>
    source.journal.of(customerList).map(({ rawHeaders }) => rawHeaders[rawHeaders.indexOf('Authorization') + 1])

  test('that has ended is renewed once, and the list is whole', async (t) => {
    const world = await startExpired(t)
    assert.equal(rowsIn(await world.list({ limit: 70 }), 'customer_list').length, 60)
    assert.deepEqual(calls(world), [2, 1])
    assert.equal(rowsIn(await world.list({ limit: 70 }), 'customer_list').length, 60)
    assert.deepEqual(calls(world), [3, 1])
  })

  test('is used renewed for the rest of a search', async (t) => {
    const world = await startExpired(t)
    const reply = await world.list({ limit: 5, offset: 33 })
    assert.equal(rowsIn(reply, 'customer_list').length, 5)
    const [old, ...renewed] = shownTo(world)
    assert.ok(renewed.length > 3)
    assert.equal(new Set(renewed).size, 1)
    assert.notEqual(renewed[0], old)
    assert.equal(calls(world)[1], 1)
  })

  test('is renewed once for many lists at the same time', async (t) => {
    const world = await startExpired(t)
    const replies = await Promise.all(Array.from({ length: 8 }, () => world.list({ limit: 70 })))
    for (const reply of replies) assert.equal(rowsIn(reply, 'customer_list').length, 60)
    const [lists = 0, renewals] = calls(world)
    assert.equal(renewals, 1)
    assert.ok(lists <= 16)
  })

  test('that is refused though it was renewed is away: the client is not told that its own session has ended', async (t) => {
    const world = await startLists(t)
    world.source.faults.add({ match, fault: { kind: 'fault', faultcode: sessionFault } })
    clearJournals(world)
    assertFault(await world.list(customerList, { limit: 5 }), 503, 'partial_list', naming('source'))
    assert.deepEqual(calls(world), [2, 1])
    const reply = await world.list(customerList, { limit: 5 }, partial)
    assert.equal(reply.headers['x-dispatcher-partial'], 'source')
  })

  test('that cannot be renewed is lost: no whole list any more, and the source is asked for none', async (t) => {
    const world = await startLists(t)
    world.source.sessions.endWhere(() => true)
    clearJournals(world)
    assertFault(await world.list(customerList, { limit: 5 }), 503, 'partial_list', naming('source'))
    assert.deepEqual(calls(world), [1, 1])
    clearJournals(world)
    assertFault(await world.list(customerList, { limit: 5 }), 503, 'partial_list', naming('source'))
    assert.equal(world.source.journal.count(), 0)
    const reply = await world.list(customerList, { limit: 5 }, partial)
    assert.equal(reply.headers['x-dispatcher-partial'], 'source')
    assert.equal(reply.text, (await ownCall(world.target, customerList, { limit: 5 })).text)
  })

  test('is never shown to the client: cookies of the source stay here, those of the target go on', async (t) => {
    for (const system of systemNames) {
      const headers: [string, string][] = [
        ['Set-Cookie', `access_token=of-the-${system}; Path=/`],
        ['Set-Cookie', `session_id=of-the-${system}; Path=/`]
      ]
      breakLists(t, system, { kind: 'headers', headers })
    }
    const whole = await shared.list(customerList, { limit: 5 })
    assert.deepEqual(whole.headers['set-cookie'], [
      'access_token=of-the-target; Path=/',
      'session_id=of-the-target; Path=/'
    ])
    await stopFor(t, 'target')
    const part = await shared.list(customerList, { limit: 5 }, partial)
    assert.equal(part.status, 200, part.text)
    assert.equal(part.headers['set-cookie'], undefined)
  })
})

suite('a client that leaves', async () => {
  function leave({ url, session }: ListWorld, params: object) {
    const { hostname, port } = new URL(url)
    const headers = { host: hosts.admin, 'content-type': 'application/json', ...bearer(session.accessToken) }
    const going = request({ hostname, port, method: 'POST', path: `/rest/${customerList}`, headers, agent: false })
    going.on('error', () => {})
    going.end(JSON.stringify({ params }))
    return going
  }

  test('cancels both calls of its page', { timeout: 10_000 }, async (t) => {
    const world = await startLists(t)
    const pairs = systemNames.map((system) => {
      const { faults, journal } = world[system]
      faults.add({ match, fault: { kind: 'hang' } })
      return {
        arrived: journal.next(({ method, bodyBytes }) => method === match.method && bodyBytes > 0),
        gone: journal.next(({ method, aborted }) => method === match.method && aborted)
      }
    })
    const going = leave(world, { limit: 5 })
    await Promise.all(pairs.map(({ arrived }) => arrived))
    going.destroy()
    await Promise.all(pairs.map(({ gone }) => gone))
  })

  test('ends the search for its page', { timeout: 10_000 }, async (t) => {
    const world = await startLists(t)
    const { source, target } = world
    source.faults.add({ match, fault: { kind: 'hang' } })
    const gone = source.journal.next(({ method, aborted }) => method === match.method && aborted)
    const asked = target.journal.next(({ method, status }) => method === match.method && status !== null)
    const going = leave(world, { limit: 5, offset: 31 })
    await asked
    going.destroy()
    await gone
    source.faults.clear()
    clearJournals(world)
    // Whatever the gateway still did would come before this.
    const reply = await world.list(customerList, { limit: 5 })
    assert.equal(reply.status, 200)
    assert.equal(upstreamCalls(world, customerList).length, 2)
    assert.equal(
      world.lines.some(({ msg }) => msg === 'a request failed'),
      false,
      'nobody is there to be told of a fault'
    )
  })

  test('is not asked for once more when a half was renewed meanwhile', async (t) => {
    const world = await startLists(t)
    const { source } = world
    const renewal = { method: 'refresh_access_token' }
    source.faults.add({ match, fault: { kind: 'fault', faultcode: sessionFault }, times: 1 })
    source.faults.add({ match: renewal, fault: { kind: 'delay', ms: 200 } })
    const begun = source.journal.next(({ method, bodyBytes }) => method === renewal.method && bodyBytes > 0)
    const renewed = source.journal.next(({ method, status }) => method === renewal.method && status !== null)
    const left = world.target.journal.next(({ method, status }) => method === match.method && status !== null)
    const going = leave(world, { limit: 5 })
    await Promise.all([begun, left])
    going.destroy()
    await renewed
    clearJournals(world)
    const reply = await world.list(customerList, { limit: 5 })
    assert.equal(reply.status, 200)
    assert.equal(source.journal.count(customerList), 1)
  })
})

test('the access line tells of a merged list where it went and what went wrong', async (t) => {
  const world = await startLists(t)
  await world.list(customerList, { limit: 5 })
  world.source.faults.add({ match, fault: { kind: 'status', status: 503 } })
  await world.list(customerList, { limit: 5 })
  await world.list(customerList, { limit: 5 }, partial)
  await world.stop()
  const lines = world.lines.filter(({ msg, call: name }) => msg === 'request' && name === customerList)
  assert.deepEqual(
    lines.map(({ to, reason, status, fault }) => [to, reason, status, fault]),
    [
      ['both', 'merged_list', 200, undefined],
      ['both', 'merged_list', 503, 'Server.Dispatcher.partial_list'],
      ['target', 'merged_list', 200, undefined]
    ]
  )
  assert.equal(typeof lines[0]?.upstreamMs, 'number')
})
