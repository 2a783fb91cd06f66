/** The GraphQL view when a system is away, hangs, breaks off, refuses or answers nonsense: data and an error. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { otherSystem, type System, systemNames } from '../../core/words.ts'
import type { SimulatedFault } from '../../simulator/index.ts'
import { login } from '../client.ts'
import { clearJournals } from '../dual.ts'
import { type RawRequest, shared, startBefore, startFailingSystem, startSystems } from '../failing-system.ts'
import { type GraphqlError, post } from './client.ts'
import {
  type Asked,
  assertTellsNothing,
  breakFor,
  errorsOf,
  marginMs,
  patienceMs,
  startFaulty,
  stopFor
} from './faulty.ts'

// Before the first test: a file whose tests so far have all ended, while it awaits, is taken to be over.
const world = await startFaulty(shared, await startSystems())
const { run } = world

const word = (system: System) => system.toUpperCase()
const dispatcher = (fault: string) => `Server.Dispatcher.${fault}`
const within = 'from: "2026-06-01T00:00:00Z", to: "2026-06-20T00:00:00Z"'

interface Page {
  readonly nodes: readonly Readonly<Record<string, unknown>>[]
  readonly missing: readonly string[]
}

interface Nested {
  readonly iCustomer: number
  readonly system: string
  readonly accounts: Page
  readonly invoices: Page
  readonly xdrs: Page
  readonly on: object | null
  readonly here: object | null
  readonly differences: readonly object[] | null
}

interface Everything {
  readonly systems: readonly { readonly system: string; readonly release: string }[]
  readonly customers: {
    readonly nodes: readonly Nested[]
    readonly totalCount: number
    readonly counts: readonly object[]
    readonly missing: readonly string[]
  }
}

/** All that a system is asked for in the merged view. */
const everything = (away: System, first: number) => `{
  systems { system release }
  customers(first: ${first}) {
    nodes {
      iCustomer system
      accounts(first: 2) { nodes { number } missing }
      invoices(first: 2) { nodes { number system } missing }
      xdrs(${within}, first: 2) { nodes { iXdr system } missing }
      on(system: ${word(away)}) { name }
      here: on(system: ${word(otherSystem(away))}) { name }
      differences { field }
    }
    totalCount counts { system totalCount } missing
  }
}`

const wholeCounts = { source: 40, target: 20 }

/** The other half of the data is there, nulls are where the missing half is needed, and each is told once. */
function assertOtherHalf(asked: Asked, away: System, first: number, faultcode: string, faultOfOn: string | null) {
  const here = otherSystem(away)
  const { systems, customers } = asked.data as unknown as Everything
  assert.equal(asked.reply.status, 200)
  assert.deepEqual(systems, [
    { system: 'SOURCE', release: 'MR100' },
    { system: 'TARGET', release: 'MR115' }
  ])
  assert.equal(customers.nodes.length, Math.min(first, wholeCounts[here]))
  assert.equal(customers.totalCount, wholeCounts[here])
  assert.deepEqual(customers.counts, [{ system: word(here), totalCount: wholeCounts[here] }])
  assert.deepEqual(customers.missing, [word(away)])
  for (const node of customers.nodes) assertNode(node, away)
  const perNode = customers.nodes.flatMap((_, at) =>
    [
      ...['invoices', 'xdrs'].map((field) => [field, faultcode] as const),
      ...(faultOfOn === null ? [] : ['differences', 'on'].map((field) => [field, faultOfOn] as const))
    ].map(([field, code]) => `["customers","nodes",${at},"${field}"] ${word(away)} ${code}`)
  )
  assert.deepEqual(errorsOf(asked), [`["customers"] ${word(away)} ${faultcode}`, ...perNode].toSorted())
}

function assertNode(node: Nested, away: System) {
  const here = word(otherSystem(away))
  assert.equal(node.system, here)
  assert.ok(node.accounts.nodes.length > 0)
  assert.deepEqual(node.accounts.missing, [])
  assert.equal(node.invoices.nodes.length, 2)
  assert.ok(node.invoices.nodes.every(({ system }) => system === here))
  assert.deepEqual(node.invoices.missing, [word(away)])
  assert.ok(node.xdrs.nodes.every(({ system }) => system === here))
  assert.deepEqual(node.xdrs.missing, [word(away)])
  assert.equal(node.on, null)
  assert.notEqual(node.here, null)
}

suite('a system that gives nothing that can be used', async () => {
  const silence = dispatcher('system_unavailable')
  const timeout = dispatcher('system_timeout')
  const nonsense = dispatcher('bad_gateway')
  const status = (body: string, code = 200): SimulatedFault => ({ kind: 'status', status: code, body })
  const ways: readonly (readonly [name: string, fault: SimulatedFault, faultcode: string, ofOn?: string | null])[] = [
    ['503 without a faultcode', status('<html>Away</html>', 503), silence],
    ['502', status('', 502), silence],
    ['504', status('', 504), timeout],
    ['half an answer', { kind: 'half' }, nonsense],
    ['a reset at once', { kind: 'reset', at: 'request' }, nonsense],
    ['a reset after the headers', { kind: 'reset', at: 'after-headers' }, nonsense],
    ['bytes that are not HTTP', { kind: 'garbage' }, nonsense],
    ['a page', status('<html>Welcome</html>'), nonsense],
    ['a page of 404', status('<html>No</html>', 404), nonsense],
    // Of a record it says that there is none, in the API's own way.
    ['an empty object', status('{}'), nonsense, null],
    ['an array', status('[]'), nonsense],
    ['nothing', status(''), nonsense],
    ['half a list', status('{"customer_list":[{"i_customer":1},{"i_cus'), nonsense]
  ]
  for (const away of systemNames) {
    for (const [name, fault, faultcode, ofOn = faultcode] of ways) {
      test(`the ${away}, ${name}: the other's data, and an error at each path`, async (t) => {
        breakFor(t, world[away], fault)
        assertOtherHalf(await run(everything(away, 3)), away, 3, faultcode, ofOn)
      })
    }

    test(`the ${away}, no connection: the other's data, and it is tried once`, async (t) => {
      await stopFor(t, world[away])
      assertOtherHalf(await run(everything(away, 50)), away, 50, silence, silence)
    })

    test(`the ${away}, 504 of what stands before it: it is not asked again`, async (t) => {
      breakFor(t, world[away], status('', 504))
      clearJournals(world)
      const { errors } = await run(everything(away, 3))
      assert.equal(errors?.length, 13)
      assert.equal(world[away].journal.count(), away === 'target' ? 2 : 1)
    })

    test(`the ${away} hangs: the other's data in time, and it is not waited for again`, async (t) => {
      breakFor(t, world[away], { kind: 'hang' })
      clearJournals(world)
      const asked = await run(everything(away, 50))
      assertOtherHalf(asked, away, 50, timeout, timeout)
      // For the list; the target for whether the session lives, too.
      assert.equal(world[away].journal.count(), away === 'target' ? 2 : 1)
      assert.ok(asked.ms < patienceMs + marginMs, `${Math.round(asked.ms)} ms`)
    })

    test(`the ${away} hangs at one kind of list: as many calls as are under way at once wait, and no more`, async (t) => {
      const hung = breakFor(t, world[away], { kind: 'hang' }, { method: 'get_invoice_list' })
      const asked = await run('{ customers(first: 50) { nodes { invoices { nodes { system } missing } } missing } }')
      const { customers } = asked.data as { customers: { nodes: { invoices: Page }[]; missing: string[] } }
      assert.deepEqual([customers.nodes.length, customers.missing], [50, []])
      for (const { invoices } of customers.nodes) assert.deepEqual(invoices.missing, [word(away)])
      assert.deepEqual(
        errorsOf(asked),
        customers.nodes.map((_, at) => `["customers","nodes",${at},"invoices"] ${word(away)} ${timeout}`).toSorted()
      )
      assert.equal(hung.hits, 6)
      assert.ok(asked.ms < patienceMs + marginMs, `${Math.round(asked.ms)} ms`)
    })

    test(`the ${away}, rows that are not in order: they are merged with nobody's`, async (t) => {
      breakFor(t, world[away], status('{"customer_list":[{"i_customer":5},{"i_customer":4}],"total":2}'))
      const asked = await run('{ customers(first: 5) { nodes { system } totalCount missing } }')
      const { customers } = asked.data as { customers: Page & { totalCount: number } }
      assert.ok(customers.nodes.length === 5 && customers.nodes.every(({ system }) => system !== word(away)))
      assert.deepEqual([customers.totalCount, customers.missing], [wholeCounts[otherSystem(away)], [word(away)]])
      assert.deepEqual(errorsOf(asked), [`["customers"] ${word(away)} ${dispatcher('list_out_of_order')}`])
    })
  }
})

suite('an answer that begins and does not go on', async () => {
  const scripted =
    '{"access_token":"a-token-of-a-system","session_id":"a-session-of-a-system","refresh_token":"a-refresh"}'

  function beginOnly({ path, answer, socket }: RawRequest) {
    if (path.endsWith('/login')) return answer(200, scripted)
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"customer_list":[')
  }

  for (const away of systemNames) {
    test(`of the ${away}: the other's data in time, and it is not waited for again`, async (t) => {
      const here = otherSystem(away)
      const stalling = await startFailingSystem(t, beginOnly)
      const urls = { source: world.source.urls.admin, target: world.target.urls.admin, [away]: stalling.url }
      const { url } = await startBefore(t, urls, { timeouts: { body: patienceMs } })
      const { accessToken } = await login(url, 'admin', world[here].users.admin())
      // The first request of all loads the engine, which takes its time.
      await post(url, { query: '{ __typename }' }, { token: accessToken })
      const since = performance.now()
      const query = `{
        customers(first: 50) { nodes { invoices(first: 1) { nodes { id } missing } on(system: ${word(away)}) { name } } missing }
      }`
      const reply = await post(url, { query }, { token: accessToken })
      const ms = performance.now() - since
      assertTellsNothing(reply.text)
      const { data, errors } = JSON.parse(reply.text) as { data: { customers: Page }; errors: GraphqlError[] }
      assert.deepEqual(data.customers.missing, [word(away)])
      assert.equal(data.customers.nodes.length, wholeCounts[here])
      assert.equal(errors.length, 1 + 2 * wholeCounts[here])
      for (const { extensions } of errors) {
        assert.deepEqual(extensions, { system: word(away), faultcode: dispatcher('bad_gateway') })
      }
      assert.deepEqual(
        stalling.arrived.filter((path) => !path.endsWith('/login')),
        ['/rest/Customer/get_customer_list']
      )
      assert.ok(ms < patienceMs + marginMs, `${Math.round(ms)} ms`)
    })
  }
})

suite('where the error is', async () => {
  test('each alias and each edge has its own', async (t) => {
    await stopFor(t, world.source)
    const asked = await run(`{
      a: customers(first: 1) { edges { cursor node { invoices { edges { node { system } } pageInfo { hasNextPage } } } } }
      b: customers(first: 2) { totalCount counts { totalCount } missing pageInfo { endCursor } }
      c: accounts(first: 1) { missing }
      d: accounts(first: 1, system: TARGET) { missing }
    }`)
    const silent = `SOURCE ${dispatcher('system_unavailable')}`
    const paths = ['["a","edges",0,"node","invoices"]', '["a"]', '["b"]', '["c"]']
    assert.deepEqual(errorsOf(asked), paths.map((path) => `${path} ${silent}`).toSorted())
    assert.equal(asked.reply.status, 200)
    assert.deepEqual(asked.data?.d, { missing: [] })
  })

  for (const away of systemNames) {
    const here = otherSystem(away)
    const [there, elsewhere] = away === 'source' ? [13, 15] : [15, 13]
    test(`the ${away} is away: single entities of the ${here} are there, its own are null`, async (t) => {
      await stopFor(t, world[away])
      const asked = await run(`{
        a: customer(iCustomer: ${elsewhere}) { system iCustomer on(system: ${word(away)}) { name } differences { field } }
        b: customer(iCustomer: ${there}) { system }
        c: customer(iCustomer: ${elsewhere}, system: ${word(away)}) { system }
        d: account(iAccount: ${elsewhere}) { system iAccount }
        e: account(number: "nobody") { system }
        f: customer(name: "nobody", system: ${word(here)}) { system }
      }`)
      assert.deepEqual(asked.data, {
        a: { system: word(here), iCustomer: elsewhere, on: null, differences: null },
        b: null,
        c: null,
        d: { system: word(here), iAccount: elsewhere },
        e: null,
        f: null
      })
      const silent = `${word(away)} ${dispatcher('system_unavailable')}`
      const paths = ['["a","differences"]', '["a","on"]', '["b"]', '["c"]', '["e"]']
      assert.deepEqual(
        errorsOf(asked),
        paths.map((path) => `${path} ${silent}`)
      )
      for (const { message } of asked.errors ?? []) assert.equal(message, `System ${away} is unavailable`)
    })
  }

  test('entities of whom nobody knows where they are: looked up in time, though a system hangs', async (t) => {
    for (const away of systemNames) {
      const broken = breakFor(t, world[away], { kind: 'hang' })
      await world.app.entityLocation.forgetAll()
      const asked = await run('{ a: customer(iCustomer: 1) { system } b: customer(iCustomer: 3) { system } }')
      const there = away === 'source' ? { b: { system: 'TARGET' } } : { a: { system: 'SOURCE' } }
      assert.deepEqual(asked.data, { a: null, b: null, ...there })
      assert.ok(asked.ms < patienceMs + marginMs, `${Math.round(asked.ms)} ms`)
      broken.remove()
    }
  })

  test('whoever watches is told once for each system, with the cause, beside the client', async (t) => {
    await stopFor(t, world.source)
    world.lines.length = 0
    await run('query Watched { a: customers { missing } b: customers { missing } c: accounts { missing } }')
    const told = world.lines.filter(({ level, operation }) => level >= 40 && operation === 'Watched')
    assert.deepEqual(
      told.map(({ level, system, msg }) => [level, system, msg]),
      [[40, 'source', 'a GraphQL answer lacks what a system has']]
    )
    assert.match(String(told[0]?.why), /^System source is unavailable: ECONN\w+$/)
    assert.ok(told[0]?.reqId)
  })

  test('entities that are remembered are asked for where they are, though the other system hangs', async (t) => {
    const query = '{ a: customer(iCustomer: 1) { system } b: customer(iCustomer: 3) { system } }'
    const both = { a: { system: 'SOURCE' }, b: { system: 'TARGET' } }
    assert.deepEqual((await run(query)).data, both)
    for (const away of systemNames) {
      const broken = breakFor(t, world[away], { kind: 'hang' })
      const asked = await run(query)
      assert.deepEqual(asked.data, away === 'source' ? { ...both, a: null } : { ...both, b: null })
      assert.deepEqual(errorsOf(asked), [
        `["${away === 'source' ? 'a' : 'b'}"] ${word(away)} ${dispatcher('system_timeout')}`
      ])
      assert.ok(asked.ms < patienceMs + marginMs, `${Math.round(asked.ms)} ms`)
      broken.remove()
    }
  })
})

test('both systems away: data is not null as a whole, both are missing, and what they are is told', async (t) => {
  for (const system of systemNames) await stopFor(t, world[system])
  const asked = await run(`{
    systems { system release reachable }
    session { realm login }
    customers(first: 5) { nodes { name } totalCount counts { system } missing pageInfo { hasNextPage endCursor } }
    customer(iCustomer: 1) { name }
  }`)
  assert.equal(asked.reply.status, 200)
  assert.deepEqual(asked.data, {
    systems: [
      { system: 'SOURCE', release: 'MR100', reachable: false },
      { system: 'TARGET', release: 'MR115', reachable: false }
    ],
    session: { realm: 'admin', login: 'admin' },
    customers: {
      nodes: [],
      totalCount: 0,
      counts: [],
      missing: ['SOURCE', 'TARGET'],
      pageInfo: { hasNextPage: false, endCursor: null }
    },
    customer: null
  })
  const code = dispatcher('system_unavailable')
  assert.deepEqual(
    errorsOf(asked).filter((error) => error.startsWith('["customers"]')),
    [`["customers"] SOURCE ${code}`, `["customers"] TARGET ${code}`]
  )
  assert.equal(asked.errors?.length, 3)
})

suite("a system's own fault", async () => {
  const denied = 'Server.Customer.get_customer_list.access_denied'
  const sentence = 'Diese Rolle "darf" das nicht: <b>€</b>'

  for (const by of systemNames) {
    test(`of the ${by} is told in its own words, and the other's part stands`, async (t) => {
      const fault = { kind: 'fault', faultcode: denied, faultstring: sentence } as const
      breakFor(t, world[by], fault, { method: 'get_customer_list' })
      breakFor(t, world[by], fault, { method: 'get_customer_info' })
      const asked = await run(`{
        customers(first: 2) { nodes { system on(system: ${word(by)}) { name } } missing }
        customer(iCustomer: ${by === 'source' ? 3 : 1}) { system differences { field } }
      }`)
      const { customers, customer } = asked.data as { customers: Page; customer: object }
      assert.deepEqual(customers.missing, [word(by)])
      assert.equal(customers.nodes.length, 2)
      assert.deepEqual(customer, { system: word(otherSystem(by)), differences: null })
      const paths = ['["customer","differences"]', '["customers","nodes",0,"on"]', '["customers","nodes",1,"on"]']
      assert.deepEqual(
        errorsOf(asked),
        [...paths, '["customers"]'].map((path) => `${path} ${word(by)} ${denied}`).toSorted()
      )
      for (const { message } of asked.errors ?? []) assert.equal(message, sentence)
    })
  }

  test('that is longer than anybody reads is cut', async (t) => {
    breakFor(t, world.source, { kind: 'fault', faultcode: 'Server.X.long', faultstring: 'x'.repeat(100_000) })
    const { errors } = await run('{ customers(first: 1, system: SOURCE) { missing } }')
    assert.deepEqual([errors?.length, errors?.[0]?.message.length], [1, 500])
  })
})

test('a mistake of the gateway is told as no more than that, and logged', async (t) => {
  const row = '{"customer_list":[{"i_customer":1.5,"name":"at 127.0.0.1:5432 TypeError"}],"total":1}'
  breakFor(t, world.target, { kind: 'status', status: 200, body: row }, { method: 'get_customer_list' })
  const asked = await run('{ customers(system: TARGET) { nodes { iCustomer } } }')
  assert.equal(asked.reply.status, 200)
  assert.equal(asked.data, null)
  assert.deepEqual(
    asked.errors?.map(({ message, path, extensions }) => ({ message, path, extensions })),
    [
      {
        message: 'The gateway failed',
        path: ['customers', 'nodes', 0, 'iCustomer'],
        extensions: { code: 'INTERNAL_SERVER_ERROR' }
      }
    ]
  )
  const logged = world.lines.filter(({ msg }) => msg === 'a GraphQL field failed')
  assert.deepEqual(
    logged.map(({ level }) => level),
    [50]
  )
})
