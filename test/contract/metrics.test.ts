/** Contract section 8: `GET /metrics`. Each number moves with its event, by labels that nobody outside can add to. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { hosts, startTestGateway, startWorld, systemConfig, testConfig, type World } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'
import { unmoved } from '../dual.ts'
import { enter } from '../reached.ts'
import { becomes, rises, type Scraped, scrape, scrapeText } from '../scrape.ts'
import { until } from '../until.ts'

const host = hosts.customer
const info = 'Customer/get_customer_info'
const customerList = 'Customer/get_customer_list'

/** Another gateway before the same systems, with this config for each. */
const guarded = (t: Parameters<typeof startTestGateway>[0], { source, target }: World, more: object, overrides = {}) =>
  startTestGateway(
    t,
    testConfig(
      { source: source.urls, target: target.urls },
      {
        systems: {
          source: systemConfig('MR100', source.urls, more as Record<string, unknown>),
          target: systemConfig('MR115', target.urls, more as Record<string, unknown>)
        },
        ...overrides
      }
    )
  )

suite('requests are counted', async () => {
  test('by realm, system, family, status and reason', async (t) => {
    const world = await startWorld(t)
    const { url, source } = world
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    const { headers, call: calls } = await enter(world)
    await call(url, 'customer', info, {}, { headers: bearer(session.accessToken) })
    await call(url, 'customer', 'Customer/no_such_method', {}, { headers: bearer(session.accessToken) })
    await calls(info, { i_customer: unmoved })
    await calls(customerList, { limit: 2 })
    await ask(url, { method: 'GET', path: '/dashboard', headers: { host: hosts.account } })
    await ask(url, { path: '/portasip/rest/Voicemail/get_settings', headers: { host: hosts.admin, ...headers } })
    await ask(url, { path: '/rest/A/b/{', headers: { host } })
    await ask(url, { path: '/x', headers: { host: 'stranger.test' } })
    const of = (realm: string, system: string, family: string, status: string, reason: string) =>
      `requests_total{realm="${realm}",system="${system}",family="${family}",status="${status}",reason="${reason}"}`
    for (const series of [
      of('customer', 'source', 'billing', '2xx', 'login_forwarded'),
      of('admin', 'both', 'billing', '2xx', 'login'),
      of('customer', 'source', 'billing', '2xx', 'session_record'),
      of('customer', 'source', 'billing', '5xx', 'session_record'),
      of('admin', 'source', 'billing', '2xx', 'entity_location'),
      of('admin', 'both', 'billing', '2xx', 'merged_list'),
      of('account', 'target', 'page', '3xx', 'no_credential'),
      of('admin', 'target', 'portasip', '5xx', 'default_target'),
      of('none', 'none', 'page', '4xx', 'none')
    ]) {
      await becomes(world, series, 1)
    }
    await becomes(world, 'faults_total{fault="unknown_realm"}', 1)
    await becomes(world, 'faults_total{fault="malformed_request"}', 1)
    const scraped = await scrape(world.opsUrl)
    const total = [...scraped].reduce(
      (sum, [series, value]) => (series.startsWith('requests_total') ? sum + value : sum),
      0
    )
    assert.equal(total, 10)
    const own = [...scraped].reduce(
      (sum, [series, value]) => (series.startsWith('own_seconds_count') ? sum + value : sum),
      0
    )
    assert.equal(own, total)
  })

  test('as aborted when the answer broke off', async (t) => {
    const world = await startWorld(t)
    world.target.faults.add({ match: { service: 'Customer' }, fault: { kind: 'half' } })
    await assert.rejects(call(world.url, 'customer', info))
    const labels = 'realm="customer",system="target",family="billing",status="aborted",reason="no_credential"'
    await becomes(world, `requests_total{${labels}}`, 1)
    await becomes(world, 'upstream_attempts_total{system="target",outcome="broken_off"}', 1)
  })
})

test('logins are counted by what came of them, and sessions by their home', async (t) => {
  const world = await startWorld(t, {
    plugins: { 'login-forwarding': { rateLimit: { max: 3, window: 60_000 } } }
  })
  const { url, source, target } = world
  const unmovedUser = source.users.firstActiveCustomer()
  const of = (system: string, outcome: string, forwarded: boolean, realm = 'customer') =>
    `logins_total{realm="${realm}",system="${system}",outcome="${outcome}",forwarded="${forwarded}"}`
  const rows: readonly (readonly [series: string, asks: () => Promise<unknown>])[] = [
    [of('source', 'accepted', true), () => login(url, 'customer', unmovedUser)],
    [of('source', 'accepted', false), () => login(url, 'customer', unmovedUser)],
    [of('target', 'accepted', false), () => login(url, 'customer', target.users.firstActiveCustomer())],
    [of('target', 'refused', false), () => login(url, 'customer', { login: 'nobody', password: 'wrong' })],
    [of('both', 'accepted', false, 'admin'), () => login(url, 'admin', target.users.admin())],
    [
      of('none', 'malformed', false),
      () => ask(url, { path: '/rest/Session/login', headers: { host, 'content-type': 'application/json' }, body: '{' })
    ]
  ]
  for (const [series, asks] of rows) {
    await asks()
    await becomes(world, series, 1)
  }
  for (let tries = 0; tries < 4; tries++) await login(url, 'account', { login: 'who', password: 'wrong' })
  await becomes(world, of('none', 'limited', false, 'account'), 1)
  await becomes(world, 'sessions_opened_total{home="source"}', 2)
  await becomes(world, 'sessions_opened_total{home="target"}', 1)
  await becomes(world, 'sessions_opened_total{home="both"}', 1)
  await Promise.all([source.stop(), target.stop()])
  await login(url, 'customer', { login: 'somebody', password: 'x' })
  await becomes(world, of('target', 'unavailable', false), 1)
})

test('sessions that are in use are counted by home, each once', async (t) => {
  const world = await startWorld(t)
  const { url, source, target } = world
  const first = await login(url, 'customer', source.users.firstActiveCustomer())
  const second = await login(url, 'customer', target.users.firstActiveCustomer())
  const inUse = async () => {
    const scraped = await scrape(world.opsUrl)
    return ['source', 'target', 'both'].map((home) => scraped.get(`sessions_in_use{home="${home}"}`))
  }
  assert.deepEqual(await inUse(), [0, 0, 0], 'a login alone uses nothing')
  const { call: calls } = await enter(world)
  for (const { accessToken } of [first, first, second]) {
    await call(url, 'customer', info, {}, { headers: bearer(accessToken) })
  }
  await call(url, 'customer', info, {}, { headers: bearer('nobody knows it') })
  await calls(info, { i_customer: unmoved })
  assert.deepEqual(await inUse(), [1, 1, 1])
})

suite('lookups are counted', async () => {
  test('of sessions: what the systems said, and what was remembered', async (t) => {
    const world = await startWorld(t)
    const { source, target } = world
    const asked = await guarded(t, world, {})
    const session = await login(world.url, 'customer', source.users.firstActiveCustomer())
    const of = (outcome: string) => `lookups_total{what="session",outcome="${outcome}"}`
    const calls = (token: string) => call(asked.url, 'customer', info, {}, { headers: bearer(token) })
    await calls(session.accessToken)
    await becomes(asked, of('source'), 1)
    await calls(session.accessToken)
    await becomes(asked, of('remembered'), 1)
    await calls('nobody knows it')
    await becomes(asked, of('nowhere'), 1)
    await calls('nobody knows it')
    await becomes(asked, of('remembered'), 2)
    // Both ask at once; the system says nothing before both are there.
    const hang = [source, target].map((system) =>
      system.faults.add({ match: { method: 'ping' }, fault: { kind: 'delay', ms: 100 } })
    )
    await Promise.all([calls('another one'), calls('another one')])
    for (const one of hang) one.remove()
    await becomes(asked, of('shared'), 1)
    await Promise.all([source.stop(), target.stop()])
    await calls('a third one')
    await becomes(asked, of('unknown'), 1)
  })

  test('of entities likewise', async (t) => {
    const world = await startWorld(t)
    const { call: calls } = await enter(world)
    const of = (outcome: string) => `lookups_total{what="entity",outcome="${outcome}"}`
    const delayed = [world.source, world.target].map((system) =>
      system.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 100 } })
    )
    await Promise.all([calls(info, { i_customer: unmoved }), calls(info, { i_customer: unmoved })])
    for (const one of delayed) one.remove()
    await calls(info, { i_customer: unmoved })
    await calls('Customer/update_customer', { customer_info: { i_customer: 99_999 } })
    for (const [outcome, count] of [
      ['source', 1],
      ['shared', 1],
      ['remembered', 1],
      ['nowhere', 1],
      ['ambiguous', 0]
    ] as const) {
      await becomes(world, of(outcome), count)
    }
  })
})

test('lists are counted by what the client got', async (t) => {
  const world = await startWorld(t)
  const { call: calls } = await enter(world)
  const of = (outcome: string) => `lists_total{outcome="${outcome}"}`
  await calls(customerList, { limit: 2 })
  await becomes(world, of('merged'), 1)
  await world.source.stop()
  await calls(customerList, { limit: 2 })
  await becomes(world, of('failed'), 1)
  await becomes(world, 'faults_total{fault="partial_list"}', 1)
  await calls(customerList, { limit: 2 }, { prefer: 'dispatcher=partial' })
  await becomes(world, of('partial'), 1)
  await world.source.start()
  const refusal = {
    match: { method: 'get_customer_list' },
    fault: { kind: 'fault', faultcode: 'Server.Customer.no' }
  } as const
  for (const system of [world.source, world.target]) system.faults.add(refusal)
  await calls(customerList, { limit: 2 })
  await becomes(world, of('refused'), 1)
})

suite('the systems are shown', async () => {
  test('with what came of all that was sent to them', async (t) => {
    const world = await startWorld(t)
    const { source, target } = world
    const gateway = await guarded(t, world, { timeouts: { headers: 200 } })
    const session = await login(gateway.url, 'customer', source.users.firstActiveCustomer())
    const update = () =>
      call(gateway.url, 'customer', 'Customer/update_customer', {}, { headers: bearer(session.accessToken) })
    const of = (outcome: string, system = 'source') =>
      `upstream_attempts_total{system="${system}",outcome="${outcome}"}`
    await becomes(gateway, of('answered'), 1)
    await becomes(gateway, of('answered', 'target'), 1)
    await becomes(gateway, 'upstream_seconds_count{system="source"}', 1)
    const rows = [
      ['timeout', { kind: 'hang' }],
      ['reset', { kind: 'reset', at: 'before-headers' }],
      ['unavailable', { kind: 'status', status: 503 }]
    ] as const
    for (const [outcome, fault] of rows) {
      const handle = source.faults.add({ match: { service: 'Customer' }, fault })
      await update()
      handle.remove()
      await becomes(gateway, of(outcome), 1)
    }
    await target.stop()
    await call(gateway.url, 'customer', 'Customer/update_customer')
    const scraped = await scrape(gateway.opsUrl)
    assert.ok((scraped.get(of('no_connection', 'target')) ?? 0) > 0)
    assert.equal(scraped.get('system_up{system="target"}'), 0)
    assert.equal(scraped.get('system_up{system="source"}'), 1)
  })

  test('with what was sent once more', async (t) => {
    const world = await startWorld(t)
    const session = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
    world.source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'reset', at: 'request' }, times: 1 })
    const reply = await call(world.url, 'customer', info, {}, { headers: bearer(session.accessToken) })
    assert.equal(reply.status, 200)
    await becomes(world, 'retries_total{system="source"}', 1)
    await becomes(world, 'retries_total{system="target"}', 0)
  })

  test('with what is under way, and the sockets', async (t) => {
    const world = await startWorld(t)
    const session = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
    world.source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'delay', ms: 300 } })
    const arrived = world.source.journal.next(({ service }) => service === 'Customer')
    const asked = call(world.url, 'customer', info, {}, { headers: bearer(session.accessToken) })
    await arrived
    const during = await scrape(world.opsUrl)
    assert.equal(during.get('in_flight{system="source"}'), 1)
    assert.equal(during.get('in_flight{system="target"}'), 0)
    assert.equal(during.get('queued{system="source"}'), 0)
    assert.ok((during.get('connections{system="source",state="connected"}') ?? 0) >= 1)
    await asked
    await becomes(world, 'in_flight{system="source"}', 0)
    assert.ok((during.get('connections{system="source",state="pending"}') ?? 1) === 0)
  })

  test('with their breakers and what those refuse', async (t) => {
    const world = await startWorld(t, { plugins: { 'circuit-breaker': { volumeThreshold: 2, window: 60_000 } } })
    const stateOf = (scraped: Scraped) =>
      ['closed', 'half_open', 'open', 'off'].map((state) =>
        scraped.get(`breaker_state{system="target",state="${state}"}`)
      )
    assert.deepEqual(stateOf(await scrape(world.opsUrl)), [1, 0, 0, 0])
    world.target.faults.add({ match: { service: 'Customer' }, fault: { kind: 'status', status: 503 } })
    const update = () => call(world.url, 'customer', 'Customer/update_customer')
    for (let sent = 0; sent < 3; sent++) await update()
    await becomes(world, 'breaker_transitions_total{system="target",to="open"}', 1)
    const before = await scrape(world.opsUrl)
    assert.deepEqual(stateOf(before), [0, 0, 1, 0])
    assert.equal((await update()).json().faultcode, 'Server.Dispatcher.system_unavailable')
    const risen = rises(before, await scrape(world.opsUrl))
    assert.equal(risen['refused_total{system="target",why="breaker"}'], 1)
    assert.ok(!Object.keys(risen).some((series) => series.startsWith('upstream_attempts_total')))
    assert.equal((await scrape(world.opsUrl)).get('system_up{system="target"}'), 0)
  })

  test('as off where circuit-breaker is', async (t) => {
    const { opsUrl } = await startWorld(t, { plugins: { 'circuit-breaker': false } })
    assert.equal((await scrape(opsUrl)).get('breaker_state{system="source",state="off"}'), 1)
  })

  test('with their probes', async (t) => {
    const world = await startWorld(t)
    const probed = await guarded(t, world, { health: { interval: 100 } })
    const probes = async (outcome: string) =>
      (await scrape(probed.opsUrl)).get(`probes_total{system="target",outcome="${outcome}"}`) ?? 0
    const isAsked = (outcome: string) => until(async () => assert.ok((await probes(outcome)) > 1))
    await isAsked('good')
    await world.target.stop()
    await isAsked('bad')
  })
})

/** The series of the gateway's own metrics, without their values. */
const seriesIn = (text: string) =>
  new Set(
    text
      .split('\n')
      .flatMap((line) => (line.startsWith('webdispatcher_') ? [line.slice(0, line.lastIndexOf(' '))] : []))
  )

suite('labels', async () => {
  test('are words of ours: a thousand invented methods, hosts and realms make no series', async (t) => {
    const { url, opsUrl } = await startWorld(t)
    const one = (name: string) => [
      ask(url, { path: `/rest/${name}/${name}`, headers: { host } }),
      ask(url, { path: `/rest/${info}`, headers: { host: `${name}.test` } }),
      ask(url, { path: `/${name}`, headers: { host, 'x-dispatcher-context': name } }),
      ask(url, {
        path: '/rest/Session/login',
        headers: { host, 'content-type': 'application/json' },
        body: `{"params":{"login":"${name}"}}`
      }),
      ask(url, { path: `/soap/${name}`, method: 'PUT', headers: { host, authorization: `Bearer ${name}` } })
    ]
    const make = async (from: number, to: number) => {
      for (let at = from; at < to; at += 10) {
        await Promise.all(Array.from({ length: 10 }, (_, more) => one(`x${at + more}`)).flat())
      }
      return seriesIn(await scrapeText(opsUrl))
    }
    const first = await make(0, 20)
    const more = await make(20, 200)
    assert.deepEqual(
      [...more].filter((series) => !first.has(series)),
      []
    )
    assert.ok(![...more].some((series) => /x\d+/.test(series)))
  })

  test('hold no credential, login, host or address', async (t) => {
    const world = await startWorld(t)
    const user = world.source.users.firstActiveCustomer()
    const session = await login(world.url, 'customer', user)
    await call(world.url, 'customer', info, {}, { headers: bearer(session.accessToken) })
    await call(world.url, 'customer', info, {}, { authInfo: { session_id: session.sessionId } })
    const text = await scrapeText(world.opsUrl)
    const systems = JSON.stringify((await ask(world.opsUrl, { method: 'GET', path: '/systems' })).json())
    for (const secret of [
      user.login,
      user.password,
      session.accessToken,
      session.sessionId,
      session.refreshToken,
      host,
      '127.0.0.1'
    ]) {
      assert.ok(!text.includes(secret) && !systems.includes(secret), secret)
    }
  })
})

test('metrics off: the path is gone, and requests are served', async (t) => {
  const { url, opsUrl } = await startWorld(t, { plugins: { metrics: false } })
  assert.equal((await ask(url, { path: `/rest/Generic/get_version`, headers: { host } })).status, 200)
  const reply = await ask(opsUrl, { method: 'GET', path: '/metrics' })
  assert.equal(reply.status, 404)
  assert.equal(reply.json().faultcode, 'Client.Dispatcher.not_found')
})

test('metrics are shown to whoever has the ops token, in the form that Prometheus reads', async (t) => {
  const token = 'an ops token for tests'
  const { opsUrl } = await startWorld(t, { ops: { port: 0, token } })
  for (const headers of [{}, bearer('wrong')]) {
    assert.equal((await ask(opsUrl, { method: 'GET', path: '/metrics', headers })).status, 401)
  }
  const reply = await ask(opsUrl, { method: 'GET', path: '/metrics', headers: bearer(token) })
  assert.equal(reply.status, 200)
  assert.equal(reply.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.match(reply.text, /^# TYPE process_cpu_seconds_total counter$/m)
})
