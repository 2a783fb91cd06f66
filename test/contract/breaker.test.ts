/** Contract section 7: what opens a system's breaker and what does not, and that an open one is the truth for everybody. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { Pool } from 'undici'
import type { System } from '../../core/words.ts'
import type { SimulatedFault } from '../../simulator/index.ts'
import { hosts, startSilentGateway, startWorld, testConfig, type World } from '../build.ts'
import { ask, bearer, call, login, type Reply } from '../client.ts'
import {
  askOrCut,
  begin,
  deadUrl,
  shared,
  startAnother,
  startBefore,
  startFailingSystem,
  startUnreachable
} from '../failing-system.ts'
import { until } from '../until.ts'

const host = hosts.customer
/** On these hosts everything goes to one system, without a session. */
const pinned: Readonly<Record<System, string>> = { source: 'www.100-customer.test', target: 'www.115-customer.test' }
const json = { 'content-type': 'application/json' }
const write = { path: '/rest/Customer/update_customer', headers: { host, ...json }, body: '{"params":{}}' }
const version = { path: '/rest/Generic/get_version', body: '{"params":{}}' }

const volumeThreshold = 6
const breaker = { volumeThreshold, resetTimeout: 60_000 }
const on = { plugins: { 'circuit-breaker': breaker } }
const off = { plugins: { 'circuit-breaker': false } }
/** Undici's own timeouts are the longer ones: what comes sooner comes by those for headers and connections. */
const timeouts = { connect: 200, headers: 200, body: 20_000 }

const systems = await startWorld(shared)

const times = <T>(count: number, one: () => Promise<T>) => Promise.all(Array.from({ length: count }, one))

const isFault = (status: number, name: string) => (reply: Reply | null) => {
  assert.equal(reply?.status, status, reply?.text)
  assert.equal(reply.json().faultcode, `Server.Dispatcher.${name}`)
  assert.match(String(reply.json().faultstring), /target/)
  if (status === 503) assert.ok(Number(reply.headers['retry-after']) > 0)
}
const isCut = (reply: Reply | null) => assert.equal(reply, null)

const page = '<html><h1>Somebody in front of it</h1>\u00e9</html>'
const isOwnAnswer = (status: number) => (reply: Reply | null) => {
  assert.equal(reply?.status, status)
  assert.equal(reply.text, page)
  assert.equal(reply.headers['retry-after'], '17')
  assert.equal(reply.headers['content-type'], 'text/html')
}
const gatewayPage = (status: number) => ({
  name: `answers ${status} without a faultcode`,
  fault: {
    kind: 'status',
    status,
    headers: { 'content-type': 'text/html', 'retry-after': '17' },
    body: page
  } as SimulatedFault,
  check: isOwnAnswer(status),
  outcome: 'unavailable' as const
})

interface Row {
  readonly name: string
  /** Null: it is not the simulator. */
  readonly fault: SimulatedFault | null
  readonly url?: () => Promise<string>
  readonly check: (reply: Reply | null) => void
  readonly outcome: 'timeout' | 'reset' | 'no_connection' | 'broken_off' | 'unavailable'
  /** The first write is tried again: it never left, and nobody knew that the system was away. */
  readonly tellsFirst?: true
  readonly leastMs?: number
}

const unreachable = await startUnreachable(shared)

const rows: readonly Row[] = [
  { name: 'hangs', fault: { kind: 'hang' }, check: isFault(504, 'system_timeout'), outcome: 'timeout', leastMs: 190 },
  {
    name: 'resets before it reads',
    fault: { kind: 'reset', at: 'request' },
    check: isFault(502, 'bad_gateway'),
    outcome: 'reset'
  },
  {
    name: 'resets before the headers',
    fault: { kind: 'reset', at: 'before-headers' },
    check: isFault(502, 'bad_gateway'),
    outcome: 'reset'
  },
  {
    name: 'resets after the headers',
    fault: { kind: 'reset', at: 'after-headers' },
    check: isFault(502, 'bad_gateway'),
    outcome: 'broken_off'
  },
  { name: 'gives half an answer', fault: { kind: 'half' }, check: isCut, outcome: 'broken_off' },
  { name: 'answers in no HTTP', fault: { kind: 'garbage' }, check: isFault(502, 'bad_gateway'), outcome: 'reset' },
  {
    name: 'refuses connections',
    fault: null,
    url: deadUrl,
    check: isFault(503, 'system_unavailable'),
    outcome: 'no_connection',
    tellsFirst: true
  },
  ...(unreachable === null
    ? []
    : [
        {
          name: 'cannot be reached in time',
          fault: null,
          url: async () => unreachable,
          check: isFault(503, 'system_unavailable'),
          outcome: 'no_connection',
          leastMs: 190
        } as const
      ]),
  gatewayPage(502),
  gatewayPage(503),
  gatewayPage(504)
]

const plain = await startAnother(shared, systems, { timeouts }, off)

/** A gateway before a target that fails like this. */
async function startRow(t: Pick<typeof shared, 'after'>, { fault, url }: Row, overrides: Record<string, unknown>) {
  systems.target.faults.clear()
  if (fault !== null) systems.target.faults.add({ match: { service: 'Customer' }, fault })
  if (url === undefined) return overrides === off ? plain : startAnother(t, systems, { timeouts }, overrides)
  return startBefore(t, { source: systems.source.urls.customer, target: await url() }, { timeouts }, overrides)
}

/** One write: what came of it, and that it came in time. */
async function fail(url: string, { check, leastMs = 0 }: Row) {
  const begun = performance.now()
  check(await askOrCut(url, write))
  const ms = performance.now() - begun
  assert.ok(ms >= leastMs && ms < leastMs + 5000, `after ${ms} ms`)
}

suite('a system that', async () => {
  for (const row of rows) {
    test(`${row.name} has the right fault each time, and opens its breaker at the volume threshold, alone`, async (t) => {
      const { url, app } = await startRow(t, row, on)
      const { target, source } = app.systems
      await times(volumeThreshold - (row.tellsFirst ? 2 : 1), () => fail(url, row))
      assert.equal(target.breaker, 'closed')
      await fail(url, row)
      await until(() => target.inFlight === 0)
      assert.equal(target.breaker, 'open')
      assert.equal(target.counts.attempts[row.outcome], volumeThreshold)
      assert.deepEqual(target.counts.transitions, { closed: 0, open: 1, half_open: 0 })
      assert.equal(source.breaker, 'closed')
      assert.equal((await ask(url, { ...version, headers: { host: pinned.source, ...json } })).status, 200)
      isFault(503, 'system_unavailable')(await ask(url, write))
      assert.equal(target.counts.refused.breaker, 1)
    })

    test(`${row.name} goes on to be asked without the plugin`, async (t) => {
      const { url, app } = await startRow(t, row, off)
      const { breaker: state, counts } = app.systems.target
      const before = counts.attempts[row.outcome]
      await times(3 * volumeThreshold, () => fail(url, row))
      assert.equal(state, 'off')
      assert.equal(counts.attempts[row.outcome] - before, 3 * volumeThreshold + (row.tellsFirst ? 1 : 0))
      assert.equal(counts.refused.breaker, 0)
    })
  }
})

/** A system that says the same to everything. */
async function startDull(t: Pick<typeof shared, 'after'>, status: number, text: string) {
  const server = http.createServer((_request, response) => {
    response.writeHead(status, { ...json, 'content-length': Buffer.byteLength(text) }).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function startSilent(t: Pick<typeof shared, 'after'>, url: string) {
  const gateway = await startSilentGateway(t, testConfig({ source: { admin: url }, target: { admin: url } }, on))
  return { url: gateway.addresses[0]?.url ?? '', app: gateway.app }
}

async function readAway(client: Pool) {
  const { statusCode, body } = await client.request({ method: 'POST', ...write })
  await body.dump()
  return statusCode
}

suite('a breaker stays closed', async () => {
  const words = [
    { what: 'HTTP 500 with a faultcode', status: 500, count: 2000 },
    { what: '503 with a faultcode', status: 503, count: 30 },
    { what: '400', status: 400, count: 30 },
    { what: '404', status: 404, count: 30 },
    { what: '429', status: 429, count: 30 }
  ]
  for (const { what, status, count } of words) {
    test(`after ${count} answers of ${what}`, async (t) => {
      const text = status >= 500 ? '{"faultcode":"Server.Customer.no","faultstring":"No"}' : 'no'
      const dull = await startDull(t, status, text)
      const { url, app } = await startSilent(t, dull)
      const client = new Pool(url, { connections: 16 })
      t.after(() => client.destroy())
      let left = count
      await times(16, async () => {
        while (left-- > 0) assert.equal(await readAway(client), status)
      })
      assert.equal(app.systems.target.counts.attempts.answered, count)
      assert.equal(app.systems.target.breaker, 'closed')
    })
  }

  const leavers = [
    { what: 'reads', path: '/rest/Customer/get_customer_info', upload: 0, outcome: 'given_up' },
    { what: 'writes that it then answers', path: '/rest/Customer/update_customer', upload: 0, outcome: 'answered' },
    { what: 'uploads', path: '/rest/Account/upload_something', upload: 1_000_000, outcome: 'given_up' }
  ] as const
  for (const { what, path, upload, outcome } of leavers) {
    test(`after the clients of 30 ${what} have left`, async (t) => {
      let isAway = false
      const target = await startFailingSystem(t, async (request) => {
        if (isAway) return request.answer(503, 'away')
        await request.body()
        if (outcome === 'answered') setTimeout(request.answer, 100)
      })
      const { url, app } = await startBefore(t, { source: target.url, target: target.url }, {}, on)
      const { counts } = app.systems.target
      const bodyHeaders = upload > 0 ? { 'content-type': 'text/csv', 'content-length': String(upload) } : json
      const headers = { host, ...bodyHeaders }
      const clients = Array.from({ length: 30 }, () => {
        const client = begin(url, { path, headers }, upload > 0 ? undefined : '{"params":{}}')
        if (upload > 0) client.request.write(Buffer.alloc(100_000))
        return client
      })
      await until(() => target.arrived.length === 30)
      for (const { leave } of clients) leave()
      await until(() => counts.attempts[outcome] === 30)
      assert.equal(app.systems.target.breaker, 'closed')
      assert.equal(app.systems.target.inFlight, 0)
      if (outcome === 'answered') return
      // Nor do they count as answers.
      isAway = true
      await times(volumeThreshold, () => ask(url, write))
      assert.equal(app.systems.target.breaker, 'open')
    })
  }
})

/** Opens the breaker of a system by what somebody in front of it says, and makes the system hang from then on. */
async function open({ url, app, ...world }: World, system: System) {
  const { faults, journal } = world[system]
  const handle = faults.add({ match: {}, fault: { kind: 'status', status: 503 } })
  await times(volumeThreshold, () => ask(url, { ...version, headers: { host: pinned[system], ...json } }))
  handle.remove()
  faults.add({ match: {}, fault: { kind: 'hang' } })
  journal.clear()
  assert.equal(app.systems[system].breaker, 'open')
}

suite('an open breaker', async () => {
  test('refuses in under 5 ms, tells when to come again, and nothing is sent or dialled', async (t) => {
    const target = await startFailingSystem(t, ({ answer }) => answer(503, 'no'))
    const { url, app } = await startBefore(t, { source: target.url, target: target.url }, {}, on)
    await times(volumeThreshold, () => ask(url, write))
    assert.equal(app.systems.target.breaker, 'open')
    const before = { connections: target.connections(), arrived: target.arrived.length }
    const client = new Pool(url, { connections: 1 })
    t.after(() => client.destroy())
    const took: number[] = []
    for (let at = 0; at < 50; at++) {
      const begun = performance.now()
      const { statusCode, headers, body } = await client.request({ method: 'POST', ...write })
      assert.equal(statusCode, 503)
      assert.match(await body.text(), /Server\.Dispatcher\.system_unavailable/)
      took.push(performance.now() - begun)
      const seconds = Number(headers['retry-after'])
      assert.ok(seconds > 50 && seconds <= 60, `Retry-After: ${seconds}`)
    }
    const median = took.sort((one, other) => one - other)[25] as number
    assert.ok(median < 5, `${median} ms`)
    assert.deepEqual({ connections: target.connections(), arrived: target.arrived.length }, before)
    assert.equal(app.systems.target.counts.refused.breaker, 50)
  })

  const admin = systems.target.users.admin()
  const waysIn = [
    {
      what: 'a forwarded call',
      go: ({ url }: World) => ask(url, { ...version, headers: { host: pinned.source, ...json } }),
      expected: { status: 503, text: /system_unavailable/ }
    },
    {
      what: 'a merged list',
      go: ({ url }: World, token: string) =>
        call(url, 'admin', 'Customer/get_customer_list', { limit: 2 }, { headers: bearer(token) }),
      expected: { status: 503, text: /partial_list.*source/ }
    },
    {
      what: "the location of an entity that is the target's",
      go: ({ url }: World, token: string) =>
        call(url, 'admin', 'Customer/get_customer_info', { i_customer: 3 }, { headers: bearer(token) }),
      expected: { status: 200, text: /"i_customer":3\b/ }
    },
    {
      what: 'the location of an entity that nobody knows',
      go: ({ url }: World, token: string) =>
        call(url, 'admin', 'Customer/get_customer_info', { i_customer: 999_999 }, { headers: bearer(token) }),
      expected: { status: null, text: /./ }
    },
    {
      what: 'a login to both that the target accepts',
      go: ({ url }: World) => call(url, 'admin', 'Session/login', { ...admin }),
      expected: { status: 200, text: /access_token/ }
    },
    {
      what: 'the question whose session this is',
      go: ({ url }: World) => call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer('nobody') }),
      expected: { status: 500, text: /faultcode/ }
    }
  ]

  test('is the truth for everybody: nobody waits for a source that hangs', async (t) => {
    for (const system of [systems.source, systems.target]) system.faults.clear()
    const world = await startAnother(t, systems, { timeouts: { headers: 20_000 } }, on)
    const { accessToken, reply } = await login(world.url, 'admin', admin)
    assert.equal(reply.headers['x-dispatched-to'], 'source,target')
    await open(world, 'source')
    for (const { what, go, expected } of waysIn) {
      const begun = performance.now()
      const { status, text } = await go(world, accessToken)
      const ms = performance.now() - begun
      assert.ok(ms < 2500, `${what} took ${ms} ms`)
      if (expected.status !== null) assert.equal(status, expected.status, `${what}: ${text}`)
      assert.match(text, expected.text, what)
    }
    assert.equal(systems.source.journal.count(), 0)
    assert.equal(world.app.systems.target.breaker, 'closed')
  })

  test('of the target sends a customer who logs in to the source directly', async (t) => {
    for (const system of [systems.source, systems.target]) system.faults.clear()
    const world = await startAnother(t, systems, { timeouts: { headers: 20_000 } }, on)
    await open(world, 'target')
    const begun = performance.now()
    const { reply } = await login(world.url, 'customer', systems.source.users.firstActiveCustomer())
    assert.ok(performance.now() - begun < 2500)
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.equal(systems.target.journal.count(), 0)
  })
})
