/** Subscriptions through a real gateway: who may have them, what they bring, what they may cost, and how they end. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import type { System } from '../../core/words.ts'
import { moveCustomer } from '../../simulator/index.ts'
import type { World } from '../build.ts'
import { ask, bearer, call, createJar, login } from '../client.ts'
import { clearJournals, endAllOn, moved, staffOf, startClock, unmoved } from '../dual.ts'
import { becomes, scrape } from '../scrape.ts'
import { until } from '../until.ts'
import { type GraphqlWorld, startGraphqlWorld } from './client.ts'
import { createSubscriber, moves, openSocket, status } from './subscriber.ts'

const limit = { timeout: 30_000 }

/** Of no reseller. */
const foreign = 7

/** A word of a migration, as an operator gives it. */
async function tell({ opsUrl }: Pick<World, 'opsUrl'>, body: object) {
  const headers = { 'content-type': 'application/json' }
  const { status: told, text } = await ask(opsUrl, { path: '/migrations', headers, body: JSON.stringify(body) })
  assert.equal(told, 200, text)
}

/** With status told when it changes alone. */
const start = (t: TestContext, options: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
  startGraphqlWorld(t, { plugins: { graphql: { statusInterval: 60_000, ...options }, ...more } })

async function startWithSubscriber(t: TestContext, options: Record<string, unknown> = {}, more = {}) {
  const world = await start(t, options, more)
  const subscriber = createSubscriber(t, world.url, { token: world.session.accessToken })
  await subscriber.connected
  return { ...world, ...subscriber }
}

const isOf = (system: string, reachable: boolean) => ({ systemStatus: { system, reachable } })
const both = [isOf('SOURCE', true), isOf('TARGET', true)]
const moveOf = (iCustomer: number, state: string, to: string | null) => ({ customerMoved: { iCustomer, state, to } })

const readCustomer = ({ url, session }: GraphqlWorld, iCustomer: number) =>
  call(url, 'admin', 'Customer/get_customer_info', { i_customer: iCustomer }, { headers: bearer(session.accessToken) })

suite('systemStatus', { concurrency: true }, () => {
  test('tells both systems at once, then the one that changes', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t)
    const { take } = subscribe(status)
    assert.deepEqual(await take(2), both)
    await world.target.stop()
    await readCustomer(world, moved)
    assert.deepEqual(await take(1), [isOf('TARGET', false)])
    await world.target.start()
    await readCustomer(world, moved)
    assert.deepEqual(await take(1), [isOf('TARGET', true)])
  })

  test('tells both again when it is time, all that the query has', limit, async (t) => {
    const { subscribe, run } = await startWithSubscriber(t, { statusInterval: 100 })
    const fields = 'system release reachable breaker latency { p50 p99 } inFlight'
    const { take } = subscribe(`subscription { systemStatus { ${fields} } }`)
    const told = await take(6)
    const {
      data: { systems }
    } = await run<{ systems: object[] }>(`{ systems { ${fields} } }`)
    const shapeOf = (one: object) => Object.keys(one)
    const statuses = told.map(
      ({ systemStatus }) => systemStatus as { system: System; breaker: string; release: string }
    )
    for (const one of statuses) assert.deepEqual(shapeOf(one), shapeOf(systems[0] ?? {}))
    const words = statuses.map(({ system, release, breaker }) => `${system} ${release} ${breaker}`)
    assert.deepEqual(new Set(words), new Set(['SOURCE MR100 CLOSED', 'TARGET MR115 CLOSED']))
    assert.deepEqual([words[0], words[2]], [words[2], words[4]], 'each in its turn')
  })

  test('starts anew for one who comes later, and goes on for one who stays', limit, async (t) => {
    const { subscribe } = await startWithSubscriber(t, { statusInterval: 100 })
    const stays = subscribe(status)
    await stays.take(2)
    const comes = subscribe(status)
    assert.deepEqual(await comes.take(2), both)
    comes.stop()
    await stays.take(4)
    const again = subscribe(status)
    stays.stop()
    await again.take(6)
  })
})

suite('customerMoved', { concurrency: true }, () => {
  test('tells each word of a migration', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t)
    const { take } = subscribe('subscription { customerMoved { iCustomer state to at } }')
    // The gateway has it before the words, which come on another connection.
    await until(async () => (await scrape(world.opsUrl)).get('graphql_subscriptions') === 1)
    const begun = Math.floor(Date.now() / 1000) * 1000
    await tell(world, { i_customer: 7, state: 'started', to: 'target' })
    await tell(world, { i_customer: 7, state: 'failed', to: 'target' })
    await tell(world, { i_customer: 8, state: 'finished' })
    await tell(world, { i_customer: moved, state: 'finished', to: 'target' })
    await tell(world, { event_type: 'Customer/Status/Exported', variables: { i_customer: 4 } })
    const told = (await take(5)).map(({ customerMoved }) => customerMoved as Record<string, unknown>)
    assert.deepEqual(
      told.map(({ iCustomer, state, to }) => [iCustomer, state, to]),
      [
        [7, 'STARTED', 'TARGET'],
        [7, 'FAILED', 'TARGET'],
        [8, 'FINISHED', null],
        [moved, 'FINISHED', 'TARGET'],
        [4, 'FINISHED', null]
      ]
    )
    for (const { at } of told) {
      assert.match(String(at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      assert.ok(Date.parse(String(at)) >= begun && Date.parse(String(at)) <= Date.now(), String(at))
    }
  })

  test('tells a move that a lookup finds', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t, {}, { 'entity-location': { ttl: 0 } })
    const { take } = subscribe(moves)
    await becomes(world, 'graphql_subscriptions', 1)
    await readCustomer(world, unmoved)
    await moveCustomer(unmoved, world.source, world.target)
    await readCustomer(world, unmoved)
    assert.deepEqual(await take(1), [moveOf(unmoved, 'FINISHED', 'TARGET')])
  })

  test("tells a reseller's session of its own customers alone, wherever they are", limit, async (t) => {
    const world = await start(t)
    const session = await login(world.url, 'reseller', staffOf(world, 'reseller'))
    const reseller = createSubscriber(t, world.url, { token: session.accessToken, realm: 'reseller' })
    const admin = createSubscriber(t, world.url, { token: world.session.accessToken })
    const [own, all] = [reseller.subscribe(moves), admin.subscribe(moves)]
    await becomes(world, 'graphql_subscriptions', 2)
    const states = ['started', 'failed', 'finished'] as const
    for (const state of states) {
      for (const i_customer of [foreign, unmoved, moved]) await tell(world, { i_customer, state, to: 'target' })
    }
    const expected = (customers: number[]) =>
      states.flatMap((state) => customers.map((one) => moveOf(one, state.toUpperCase(), 'TARGET')))
    assert.deepEqual(await all.take(9), expected([foreign, unmoved, moved]))
    assert.deepEqual(await own.take(6), expected([unmoved, moved]))
    // In their order: nothing of the others can come any more.
    assert.deepEqual(own.events, [])
  })

  test('tells nothing of a customer of nobody, nor of one that no system can be asked for', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t)
    const { take } = subscribe(moves)
    await becomes(world, 'graphql_subscriptions', 1)
    await tell(world, { i_customer: 4711, state: 'finished', to: 'target' })
    const isRead = { method: 'get_customer_info' }
    const faults = [world.source, world.target].map(({ faults }) =>
      faults.add({ match: isRead, fault: { kind: 'status', status: 503 } })
    )
    await tell(world, { i_customer: moved, state: 'started', to: 'target' })
    await until(() =>
      [world.source, world.target].every(({ journal }) => journal.of('Customer/get_customer_info').length >= 2)
    )
    for (const fault of faults) fault.remove()
    await tell(world, { i_customer: moved, state: 'finished', to: 'target' })
    assert.deepEqual(await take(1), [moveOf(moved, 'FINISHED', 'TARGET')])
    assert.deepEqual(
      world.lines.filter(({ level }) => level >= 50),
      []
    )
  })

  test('is looked at where the customer is likely to be, with one call', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t)
    const { take } = subscribe(moves)
    await becomes(world, 'graphql_subscriptions', 1)
    const rows: readonly (readonly [word: object, asked: readonly [source: number, target: number]])[] = [
      [{ i_customer: unmoved, state: 'started', to: 'target' }, [1, 0]],
      [{ i_customer: unmoved, state: 'failed', to: 'target' }, [1, 0]],
      [{ i_customer: moved, state: 'finished', to: 'target' }, [0, 1]],
      [{ i_customer: moved, state: 'started', to: 'source' }, [0, 1]],
      // To where its start has said.
      [{ i_customer: moved, state: 'finished' }, [1, 0]],
      [{ i_customer: unmoved, state: 'finished' }, [1, 1]]
    ]
    for (const [word, asked] of rows) {
      clearJournals(world)
      await tell(world, word)
      await take(1)
      assert.deepEqual([world.source.journal.count(), world.target.journal.count()], asked, JSON.stringify(word))
    }
  })

  test('asks again a system that was away for an earlier event', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t)
    const { take } = subscribe(moves)
    await becomes(world, 'graphql_subscriptions', 1)
    await world.target.stop()
    await tell(world, { i_customer: moved, state: 'finished', to: 'target' })
    // The source has it too, as exported.
    assert.deepEqual(await take(1), [moveOf(moved, 'FINISHED', 'TARGET')])
    await world.target.start()
    world.source.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'status', status: 503 } })
    await tell(world, { i_customer: moved, state: 'finished', to: 'target' })
    assert.deepEqual(await take(1), [moveOf(moved, 'FINISHED', 'TARGET')])
  })

  test('of one pinned system is told by what that system has', limit, async (t) => {
    const world = await start(t)
    const headers = { 'x-dispatcher-context': 'target' }
    const pinned = createSubscriber(t, world.url, { token: world.session.accessToken, headers })
    const { take } = pinned.subscribe(moves)
    await becomes(world, 'graphql_subscriptions', 1)
    for (const i_customer of [foreign, moved]) await tell(world, { i_customer, state: 'finished' })
    assert.deepEqual(await take(1), [moveOf(moved, 'FINISHED', null)])
  })

  test('that comes faster than it is looked at ends the connection', limit, async (t) => {
    const world = await start(t)
    const listening = countListeners(world)
    const { ws, init, message, send, closed } = await openSocket(t, world.url)
    init(world.session.accessToken)
    await message('connection_ack')
    send({ type: 'subscribe', id: '1', payload: { query: moves } })
    await until(() => listening() === 1)
    world.source.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'hang' } })
    // It cannot know yet that its connection ends.
    ws.pause()
    const tellOften = (times: number) => {
      for (let at = 0; at < times; at++) {
        world.app.entityLocation.noteMove({ iCustomer: 7, state: 'started', to: 'target' })
      }
    }
    const looks = () =>
      [world.source, world.target].map(({ journal }) => journal.of('Customer/get_customer_info').length)
    tellOften(4)
    await until(() => assert.deepEqual(looks(), [4, 0]))
    tellOften(1001)
    assert.equal(listening(), 0)
    send({ type: 'subscribe', id: '2', payload: { query: 'subscription { nothing }' } })
    ws.resume()
    assert.deepEqual(await closed, { code: 1013, reason: 'Too slow' })
    assert.equal(world.lines.filter(({ msg }) => msg.includes('cannot keep up')).length, 1)
    await becomes(world, 'graphql_operations_total{operation="Moves",outcome="ok"}', 1)
    // What came behind the end was not looked at.
    await becomes(world, 'graphql_operations_total{operation="anonymous",outcome="failed"}', 0)
    // The looks under way were given up.
    await until(() => assert.equal(world.app.systems.source.inFlight, 0))
    assert.deepEqual(looks(), [4, 0])
    assert.deepEqual(
      world.lines.filter(({ level }) => level >= 50),
      []
    )
  })
})

suite('a session', { concurrency: true }, () => {
  const places: readonly (readonly [
    string,
    (token: string) => { payload?: object; headers?: Record<string, string> }
  ])[] = [
    ['in the payload', (token) => ({ payload: { Authorization: `Bearer ${token}` } })],
    ['in the payload, in lower case', (token) => ({ payload: { authorization: `bearer ${token}` } })],
    ["in the payload's headers", (token) => ({ payload: { headers: { Authorization: `Bearer ${token}` } } })],
    ['in the header of the handshake', (token) => ({ headers: bearer(token) })],
    [
      'in the payload, whatever the handshake has',
      (token) => ({ payload: { Authorization: `Bearer ${token}` }, headers: bearer('another') })
    ],
    [
      'in the handshake, where the payload has no token',
      (token) => ({ payload: { Authorization: 'Basic YTpi' }, headers: bearer(token) })
    ]
  ]
  test('is shown in any of its places', limit, async (t) => {
    const world = await start(t)
    for (const [where, shown] of places) {
      const { payload = {}, headers = {} } = shown(world.session.accessToken)
      const socket = await openSocket(t, world.url, { headers })
      socket.send({ type: 'connection_init', payload })
      await socket.message('connection_ack').catch((error) => assert.fail(`${where}: ${error}`))
      socket.ws.terminate()
    }
  })

  const strangers: readonly (readonly [string, unknown])[] = [
    ['no payload', undefined],
    ['no token', {}],
    ['an unknown token', { Authorization: 'Bearer unknown' }],
    ['a token that no header could carry', { Authorization: 'Bearer a\r\nX-Evil: yes' }],
    ['a token longer than any header', { Authorization: `Bearer ${'x'.repeat(20_000)}` }],
    ['a token that is no text', { Authorization: 17, headers: { authorization: ['Bearer x'] } }],
    ['headers that are none', { headers: 'Authorization: Bearer x' }]
  ]
  test('that nobody knows is refused', limit, async (t) => {
    const world = await start(t)
    for (const [what, payload] of strangers) {
      const socket = await openSocket(t, world.url)
      clearJournals(world)
      socket.send({ type: 'connection_init', ...(payload !== undefined && { payload }) })
      assert.deepEqual(await socket.closed, { code: 4401, reason: 'Unauthorized' }, what)
      assert.deepEqual(socket.messages, [], what)
      const isAsked = world.source.journal.count() > 0
      assert.equal(isAsked, what === 'an unknown token', what)
    }
  })

  test('that has ended is refused', limit, async (t) => {
    const world = await start(t)
    const { accessToken } = world.session
    await call(world.url, 'admin', 'Session/logout', { access_token: accessToken })
    const ended = createSubscriber(t, world.url, { token: accessToken })
    assert.deepEqual(await ended.closed, { code: 4401, reason: 'Unauthorized' })
  })

  test('of cookies counts for our own pages alone', limit, async (t) => {
    const world = await start(t)
    const jar = createJar()
    jar.take(world.session.reply)
    const cookie =
      jar.get('access_token') === undefined ? { cookie: `access_token=${world.session.accessToken}` } : jar.header()
    const origins: readonly (readonly [Record<string, string>, boolean])[] = [
      [{}, true],
      [{ origin: 'http://www.admin.test' }, true],
      [{ origin: 'https://www.admin.test' }, true],
      [{ origin: 'HTTP://WWW.ADMIN.TEST' }, true],
      [{ origin: 'http://evil.test' }, false],
      [{ origin: 'http://www.admin.test:8080' }, false],
      [{ origin: 'http://www.admin.test.evil.test' }, false],
      [{ origin: 'http://www.admin.test@evil.test' }, false],
      [{ origin: 'http://www.reseller.test' }, false],
      [{ origin: 'null' }, false],
      [{ 'sec-websocket-origin': 'http://evil.test' }, false]
    ]
    for (const [origin, isOwn] of origins) {
      const socket = await openSocket(t, world.url, { headers: { ...cookie, ...origin } })
      socket.send({ type: 'connection_init' })
      if (isOwn) await socket.message('connection_ack')
      else assert.equal((await socket.closed).code, 4401, JSON.stringify(origin))
      socket.ws.terminate()
    }
    const socket = await openSocket(t, world.url, { headers: { ...cookie, origin: 'http://evil.test' } })
    socket.init(world.session.accessToken)
    await socket.message('connection_ack')
  })

  test('of cookies does not count for a page in plain text of a host that has TLS', limit, async (t) => {
    const world = await startGraphqlWorld(t, { trustProxy: ['127.0.0.1'] })
    const cookie = `access_token=${world.session.accessToken}`
    for (const [scheme, type] of [
      ['https', 'connection_ack'],
      ['http', undefined]
    ] as const) {
      const headers = { cookie, origin: `${scheme}://www.admin.test`, 'x-forwarded-proto': 'https' }
      const socket = await openSocket(t, world.url, { headers })
      socket.send({ type: 'connection_init' })
      if (type === undefined) assert.equal((await socket.closed).code, 4401)
      else await socket.message(type)
    }
  })

  test('that ends is told within sessionCheck; one that one system alone has ended goes on', limit, async (t) => {
    const { subscribe, closed, ...world } = await startWithSubscriber(t, { sessionCheck: 1000 })
    const { take } = subscribe(status)
    await take(2)
    const pings = () => world.target.journal.of('Session/ping').length
    endAllOn(world.source)
    const before = pings()
    await until(() => pings() >= before + 2)
    const isClosed = await Promise.race([
      closed.then(() => true),
      new Promise((resolve) => setImmediate(resolve, false))
    ])
    assert.equal(isClosed, false)
    endAllOn(world.target)
    const endedAt = performance.now()
    assert.deepEqual(await closed, { code: 4401, reason: 'Unauthorized' })
    assert.ok(performance.now() - endedAt < 2000)
    await becomes(world, 'graphql_subscriptions', 0)
  })

  test('goes on while the system that could tell is away', limit, async (t) => {
    const { subscribe, closed, ...world } = await startWithSubscriber(t, { sessionCheck: 1000 })
    await subscribe(status).take(2)
    await world.target.stop()
    const { attempts } = world.app.systems.target.counts
    const before = attempts.no_connection
    await until(() => attempts.no_connection >= before + 2)
    const first = await Promise.race([closed, new Promise((resolve) => setImmediate(resolve, 'open'))])
    assert.equal(first, 'open')
    endAllOn(world.target)
    await world.target.start()
    assert.equal((await closed).code, 4401)
  })

  test('ends with the half that its client holds, though the other lives', limit, async (t) => {
    const { closed, ...world } = await startWithSubscriber(t, { sessionCheck: 1000 })
    endAllOn(world.target)
    assert.equal((await closed).code, 4401)
  })

  test('is looked at again when the last look is over', limit, async (t) => {
    const { connected: _, ...world } = await startWithSubscriber(t, { sessionCheck: 1000 })
    world.target.faults.add({ match: { method: 'ping' }, fault: { kind: 'hang' } })
    clearJournals(world)
    const pings = ({ journal }: World['source']) => journal.of('Session/ping').length
    const begun = performance.now()
    await until(() => pings(world.target) >= 1 && performance.now() - begun > 3200)
    assert.equal(pings(world.target), 1)
  })

  test('that nobody can tell of may come again later', limit, async (t) => {
    const world = await start(t)
    await Promise.all([world.source.stop(), world.target.stop()])
    const unknown = createSubscriber(t, world.url, { token: 'of whom nobody knows' })
    assert.deepEqual(await unknown.closed, { code: 1013, reason: 'Try again later' })
  })
})

test('a token that expires ends its connection, and begins none', limit, async (t) => {
  const { closed, ...world } = await startWithSubscriber(t, { sessionCheck: 1000 })
  const pass = startClock(t, ['Date'])
  pass(1000)
  assert.equal((await closed).code, 4401)
  const late = createSubscriber(t, world.url, { token: world.session.accessToken })
  assert.deepEqual(await late.closed, { code: 4401, reason: 'Unauthorized' })
})

suite('what is asked', { concurrency: true }, () => {
  const refused: readonly (readonly [what: string, query: string, code: string, message: RegExp])[] = [
    ['a query', '{ systems { system } }', 'BAD_USER_INPUT', /^A query is sent by POST/],
    [
      'a mutation',
      'mutation { updateAccount(iAccount: 1, input: {}) { id } }',
      'BAD_USER_INPUT',
      /^A mutation is sent by POST/
    ],
    ['what is no GraphQL', 'subscription {', 'GRAPHQL_VALIDATION_FAILED', /^Syntax Error/],
    ['an unknown field', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED', /^Cannot query field/],
    [
      'two fields',
      'subscription { a: systemStatus { system } customerMoved { to } }',
      'GRAPHQL_VALIDATION_FAILED',
      /only one/
    ],
    [
      'a lacking variable',
      'subscription ($a: Int!, $b: Int = $a) { systemStatus { system } }',
      'GRAPHQL_VALIDATION_FAILED',
      /./
    ],
    ['an operation of no name', `${status} ${moves}`, 'GRAPHQL_VALIDATION_FAILED', /Unable to identify/],
    ['too deep', 'subscription { systemStatus { latency { p50 } } }', 'QUERY_TOO_COMPLEX', /3 fields deep/],
    ['too long', `subscription { systemStatus { system ${' '.repeat(5000)} } }`, 'QUERY_TOO_COMPLEX', /bytes/],
    ['an unknown hash', '', 'PERSISTED_QUERY_NOT_FOUND', /^PersistedQueryNotFound$/]
  ]

  test('is refused as by HTTP, and asks no system', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t, { limits: { depth: 2, queryBytes: 4000 } })
    const before = [world.source, world.target].map(({ journal }) => journal.count())
    for (const [what, query, code, message] of refused) {
      const extensions =
        query === '' ? { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } } : {}
      const { errors, events } = subscribe(query, extensions)
      await until(() => errors.length > 0)
      assert.equal(errors[0]?.extensions?.code, code, what)
      assert.match(errors[0]?.message ?? '', message, what)
      assert.deepEqual(events, [], what)
    }
    assert.deepEqual(
      [world.source, world.target].map(({ journal }) => journal.count()),
      before
    )
    assert.deepEqual(
      world.lines.filter(({ level }) => level >= 40),
      []
    )
    await subscribe(status).take(2)
  })

  test('names nothing of a schema that cannot be asked for', limit, async (t) => {
    const { subscribe } = await startWithSubscriber(t, { introspection: false })
    for (const [query, variables] of [
      ['subscription { systemStatu { system } }', {}],
      ['subscription ($system: System) { systemStatus { system @include(if: $system) } }', { system: 'SOURC' }]
    ] as const) {
      const { errors } = subscribe(query, { variables })
      await until(() => errors.length > 0)
      assert.doesNotMatch(JSON.stringify(errors), /Did you mean/)
    }
  })

  test('is as much as a connection may have', limit, async (t) => {
    const { subscribe, ...world } = await startWithSubscriber(t, { limits: { subscriptions: 2 } })
    const [first, second] = [subscribe(status), subscribe(moves)]
    await first.take(2)
    const third = subscribe(status)
    await until(() => third.errors.length > 0)
    assert.deepEqual(third.errors, [
      { message: 'The connection has 3 subscriptions, the limit is 2', extensions: { code: 'QUERY_TOO_COMPLEX' } }
    ])
    second.stop()
    await becomes(world, 'graphql_subscriptions', 1)
    assert.deepEqual(await subscribe(status).take(2), both)
  })

  test('is counted', limit, async (t) => {
    const { subscribe, client, ...world } = await startWithSubscriber(t, { limits: { depth: 2 } })
    await subscribe(status).take(2)
    subscribe(moves)
    subscribe('subscription Deep { systemStatus { latency { p50 } } }')
    subscribe('subscription { nothing }')
    await becomes(world, 'graphql_subscriptions', 2)
    await becomes(world, 'graphql_operations_total{operation="anonymous",outcome="too_complex"}', 1)
    await becomes(world, 'graphql_operations_total{operation="anonymous",outcome="failed"}', 1)
    await client.dispose()
    await becomes(world, 'graphql_subscriptions', 0)
    await becomes(world, 'graphql_operations_total{operation="Status",outcome="ok"}', 1)
    await becomes(world, 'graphql_operations_total{operation="Moves",outcome="ok"}', 1)
  })
})

suite('a connection', { concurrency: true }, () => {
  test('has one line in the log, when it is over', limit, async (t) => {
    const { subscribe, client, ...world } = await startWithSubscriber(t, { statusInterval: 100 })
    await subscribe(status).take(2)
    const line = () => world.lines.find(({ msg, operation }) => msg === 'request' && operation !== undefined)
    await subscribe(status).take(12)
    assert.equal(line(), undefined)
    await client.dispose()
    const told = await until(() => line() ?? assert.fail('no line'))
    const { http, operation, status: answered, aborted, realm, fault, ownMs, ms } = told
    assert.deepEqual(
      { http, operation, answered, aborted, realm, fault },
      { http: 'GET', operation: 'subscriptions', answered: 101, aborted: undefined, realm: 'admin', fault: undefined }
    )
    // Ten statuses take half a second, of which nothing is the request's own.
    assert.ok(Number(ms) - Number(ownMs) > 400, `${ownMs} of ${ms}`)
    await becomes(world, 'requests_total{realm="admin",system="none",family="page",status="1xx",reason="graphql"}', 1)
  })

  const messages: readonly (readonly [what: string, send: readonly unknown[], code: number])[] = [
    ['what is no JSON', ['{'], 4400],
    ['what is no message', [{ no: 'type' }], 4400],
    ['a message of a server', [{ type: 'next', id: '1', payload: {} }], 4400],
    ['a subscription before its session', [{ type: 'subscribe', id: '1', payload: { query: status } }], 4401],
    ['a query that is no text', [{ type: 'subscribe', id: '1', payload: { query: 7 } }], 4400],
    ['a message over any limit', [{ type: 'ping', payload: { long: 'x'.repeat(200_000) } }], 1009]
  ]
  test('ends with what is no word of the protocol', limit, async (t) => {
    const world = await start(t)
    for (const [what, send, code] of messages) {
      const { ws, closed } = await openSocket(t, world.url)
      for (const message of send) ws.send(typeof message === 'string' ? message : JSON.stringify(message))
      assert.equal((await closed).code, code, what)
    }
    const twice = await openSocket(t, world.url)
    twice.init(world.session.accessToken)
    await twice.message('connection_ack')
    twice.init(world.session.accessToken)
    assert.equal((await twice.closed).code, 4429)
    const same = await openSocket(t, world.url)
    same.init(world.session.accessToken)
    await same.message('connection_ack')
    for (let at = 0; at < 2; at++) same.send({ type: 'subscribe', id: 'same', payload: { query: moves } })
    assert.equal((await same.closed).code, 4409)
    assert.deepEqual(
      world.lines.filter(({ level }) => level >= 40),
      []
    )
  })

  test('of a client that does not read ends, and nothing is kept for it', limit, async (t) => {
    const world = await start(t)
    const { ws, closed, init, message, send } = await openSocket(t, world.url)
    init(world.session.accessToken)
    await message('connection_ack')
    ws.pause()
    const flood = { type: 'ping', payload: { long: 'x'.repeat(60_000) } }
    const isTold = () => world.lines.some(({ msg }) => msg.includes('cannot keep up'))
    await until(() => {
      if (isTold()) return true
      for (let at = 0; at < 20; at++) send(flood)
      return false
    })
    ws.resume()
    assert.deepEqual(await closed, { code: 1013, reason: 'Too slow' })
    assert.equal(world.lines.filter(({ msg }) => msg.includes('cannot keep up')).length, 1)
  })

  test('ends at once when the gateway stops, with its subscriptions', limit, async (t) => {
    const world = await startGraphqlWorld(t, { drain: 20_000 })
    const subscriber = createSubscriber(t, world.url, { token: world.session.accessToken })
    await subscriber.subscribe(status).take(2)
    const silent = await openSocket(t, world.url)
    const startedAt = performance.now()
    const stopped = world.stop()
    const goodbye = { code: 1001, reason: 'Going away' }
    assert.deepEqual(await Promise.all([subscriber.closed, silent.closed]), [goodbye, goodbye])
    await stopped
    assert.ok(performance.now() - startedAt < 5000)
  })
})

/** Connections whose clocks the test has in its hands. One has come and gone before, with clocks of its own. */
async function startWithClocks(t: TestContext, api: 'setTimeout' | 'setInterval') {
  const world = await start(t)
  const { ws } = await openSocket(t, world.url)
  ws.terminate()
  await until(() => world.lines.some(({ operation }) => operation === 'subscriptions'))
  t.mock.timers.enable({ apis: [api] })
  return world
}

suite('time', () => {
  test('without a first message is ten seconds', limit, async (t) => {
    const world = await startWithClocks(t, 'setTimeout')
    const { closed } = await openSocket(t, world.url)
    t.mock.timers.tick(9_999)
    const patient = await openSocket(t, world.url)
    t.mock.timers.tick(1)
    assert.deepEqual(await closed, { code: 4408, reason: 'Connection initialisation timeout' })
    assert.equal(patient.ws.readyState, patient.ws.OPEN)
  })

  test('ends a client that answers no ping', limit, async (t) => {
    const world = await startWithClocks(t, 'setInterval')
    const alive = await openSocket(t, world.url)
    const dead = await openSocket(t, world.url, { autoPong: false })
    for (let at = 0; at < 3; at++) {
      const pinged = once(alive.ws, 'ping')
      t.mock.timers.tick(12_000)
      await pinged
      // Behind its pong: what comes back says that the gateway has that.
      const answered = once(alive.ws, 'message')
      alive.send({ type: 'ping' })
      await answered
    }
    assert.equal((await dead.closed).code, 1006)
    assert.equal(alive.ws.readyState, alive.ws.OPEN)
  })
})

/** How many listen to the systems and to moves, counted from now on. */
function countListeners({ app: { entityLocation, systems } }: GraphqlWorld) {
  let listening = 0
  function count<Listener>(on: (listener: Listener) => () => void) {
    return (listener: Listener) => {
      const stop = on(listener)
      listening++
      return () => {
        listening--
        stop()
      }
    }
  }
  entityLocation.onMoved = count(entityLocation.onMoved)
  for (const system of [systems.source, systems.target]) system.onChange = count(system.onChange.bind(system))
  return () => listening
}

test('two hundred clients that leave abruptly leave nothing behind', { timeout: 60_000 }, async (t) => {
  const world = await start(t)
  const { accessToken } = world.session
  const listening = countListeners(world)

  const manners = ['connected', 'asked', 'subscribed', 'closing'] as const
  async function visit(manner: (typeof manners)[number]) {
    const { ws, init, message, send, closed } = await openSocket(t, world.url)
    if (manner !== 'connected') init(accessToken)
    if (manner === 'subscribed' || manner === 'closing') {
      await message('connection_ack')
      send({ type: 'subscribe', id: '1', payload: { query: status } })
      send({ type: 'subscribe', id: '2', payload: { query: moves } })
      await message('next')
    }
    if (manner === 'closing') ws.close()
    else ws.terminate()
    await closed
  }
  async function visitAll() {
    const visits: Promise<void>[] = []
    for (let at = 0; at < 200; at++) visits.push(visit(manners[at % manners.length] ?? 'asked'))
    await Promise.all(visits)
    await becomes(world, 'graphql_subscriptions', 0)
  }
  const counted = () => {
    const found = process.getActiveResourcesInfo()
    return ['TCPSocketWrap', 'Timeout'].map((kind) => found.filter((one) => one === kind).length)
  }

  await visitAll()
  await until(() => counted().every((one) => one < 150))
  const [sockets = 0, timers = 0] = counted()
  await visitAll()
  await until(() => {
    const [socketsNow = 0, timersNow = 0] = counted()
    assert.ok(socketsNow <= sockets + 4 && timersNow <= timers + 4, `${counted()} after ${sockets},${timers}`)
  })
  assert.equal(listening(), 0)
  const lines = world.lines.filter(({ msg, operation }) => msg === 'request' && operation === 'subscriptions')
  assert.equal(lines.length, 400)
  assert.deepEqual(
    world.lines.filter(({ level }) => level >= 40),
    []
  )
})
