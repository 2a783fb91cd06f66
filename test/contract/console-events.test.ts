/** Contract section 8: what an open console hears. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'
import { listenTo } from '../console-client.ts'
import { openPair, staffOf, unmoved } from '../dual.ts'

const host = hosts.customer
const info = 'Customer/get_customer_info'
const everything = ['history', 'about', 'totals', 'migration', 'feed', 'faults', 'missing', 'systems', 'traffic']

const post = (opsUrl: string, body: unknown) =>
  ask(opsUrl, { path: '/migrations', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

test('who comes hears everything at once, and then what goes on each second', async (t) => {
  const world = await startWorld(t)
  const { url, opsUrl, source, target } = world
  const { accessToken } = await login(url, 'customer', target.users.firstActiveCustomer())
  await login(url, 'customer', source.users.firstActiveCustomer())
  await login(url, 'customer', { login: 'nobody', password: 'nothing' })
  for (let count = 0; count < 5; count++) await call(url, 'customer', info, {}, { headers: bearer(accessToken) })
  const admin = await login(url, 'admin', staffOf(world, 'admin'))
  await call(url, 'admin', 'Customer/get_customer_list', { limit: 3 }, { headers: bearer(admin.accessToken) })

  const first = await listenTo(t, opsUrl)
  const { 'content-type': type, 'cache-control': cache, 'x-accel-buffering': buffering } = first.response.headers
  assert.deepEqual([type, cache, buffering], ['text/event-stream; charset=utf-8', 'no-store', 'no'])
  const about = await first.told('about')
  assert.deepEqual(
    [about.workers, about.store, about.isStoreUp, about.isStoreShared, about.account],
    [1, 'memory', true, false, false]
  )
  assert.ok(about.plugins.some(({ name, isOn }: { name: string; isOn: boolean }) => name === 'console' && isOn))
  const totals = await first.told('totals', ({ lists }) => lists.merged === 1)
  assert.deepEqual(totals.logins, { target: 2, forwarded: 1, hinted: 0, refused: 1 })
  assert.deepEqual([...first.kinds].slice(0, everything.length).toSorted(), everything.toSorted())
  assert.match(first.text(), /^retry: 2000\n\n/)
  assert.equal(first.kinds[0], 'history')

  const systems = await first.next('systems')
  assert.deepEqual([systems.source.release, systems.source.state, systems.target.breaker], ['MR100', 'up', 'closed'])
  assert.deepEqual(systems.source.urls.admin, source.urls.admin)
  assert.ok(systems.target.latencyMs.p50 > 0 && systems.target.perSecond > 0, JSON.stringify(systems.target))
  const traffic = await first.next('traffic')
  assert.ok(traffic.perSecond.target > 0 && traffic.perSecond.both > 0 && traffic.ownMs.p99 > 0)
  assert.deepEqual(traffic.sessions, world.app.homes.inUse())

  // While somebody listens another one hears everything at once too.
  const second = await listenTo(t, opsUrl)
  await second.told('traffic')
  assert.deepEqual([...second.kinds].slice(0, everything.length).toSorted(), everything.toSorted())
  const point = await first.next('point')
  assert.equal(point.at % 10_000, 0)
  assert.deepEqual(await second.told('point'), point)
  const third = await listenTo(t, opsUrl)
  const { stepMs, points } = await third.told('history')
  assert.deepEqual([stepMs, points.at(-1)], [10_000, point])
})

test('faults tell their request, and nothing that a client has written', async (t) => {
  const { url, opsUrl, source, target } = await startWorld(t)
  const { accessToken } = await login(url, 'customer', target.users.firstActiveCustomer())
  const answer = (service: string, method: string, headers = bearer(accessToken)) =>
    ask(url, { path: `/rest/${service}/${method}`, headers: { host, ...headers } }).catch(() => null)
  // Nobody knows that one, which is sent twice; the other is known once it was answered.
  const [unknown, known] = ['get_hunter2_secret', 'get_customer_info']
  target.faults.add({ match: {}, fault: { kind: 'reset', at: 'before-headers' }, times: 3 })
  await answer('Customer', unknown)
  await answer('Customer', 'update_hunter2')
  target.faults.add({ match: {}, fault: { kind: 'status', status: 503 }, times: 1 })
  const client = await listenTo(t, opsUrl)
  await answer('Customer', known)
  const unknownYet = await client.told('faults', (faults) => faults.length === 3)
  assert.deepEqual(
    unknownYet.map(({ call }: { call: unknown }) => call),
    [null, null, null]
  )
  target.faults.add({ match: {}, fault: { kind: 'half' }, times: 1 })
  await answer('Customer', known)
  await answer('Customer', known)
  await ask(url, { method: 'GET', path: '/hunter2', headers: { host: 'hunter2.test' } })
  await source.stop()
  await login(url, 'customer', { login: 'hunter2', password: 'hunter2' })
  const faults = await client.told('faults', (rows) => rows.length === 6)
  const shown = faults.map(({ call, system, fault, status, realm }: Record<string, unknown>) => [
    call,
    system,
    fault,
    status,
    realm
  ])
  assert.deepEqual(shown.toReversed(), [
    [null, 'target', 'Server.Dispatcher.bad_gateway', 502, 'customer'],
    [null, 'target', 'Server.Dispatcher.bad_gateway', 502, 'customer'],
    ['Customer/get_customer_info', 'target', 'the system answered 503', 503, 'customer'],
    ['Customer/get_customer_info', 'target', 'the answer broke off', 200, 'customer'],
    [null, null, 'Client.Dispatcher.unknown_realm', 421, null],
    ['Session/login', 'source', 'Server.Dispatcher.system_unavailable', 503, 'customer']
  ])
  assert.match(faults[0].id, /^\w{6}-\w+$/)
  assert.doesNotMatch(client.text(), /hunter2/)
  for (const secret of [accessToken, target.users.firstActiveCustomer().login])
    assert.ok(!client.text().includes(secret))

  // A system that is away is seen, with when it went.
  const { source: away } = await client.told('systems', ({ source: one }) => one.state === 'down')
  assert.equal(away.transitions[0].to, 'down')
  assert.ok(Math.abs(away.transitions[0].at - Date.now()) < 10_000)
  assert.ok(away.errors.no_connection >= 1)
})

test('moves are told as they come, and followed until they end', async (t) => {
  const world = await startWorld(t)
  const { url, opsUrl } = world
  const client = await listenTo(t, opsUrl)
  await client.told('feed')
  for (const iCustomer of [unmoved, unmoved + 1])
    await post(opsUrl, { i_customer: iCustomer, state: 'started', to: 'target' })
  const during = await client.told('migration', ({ moving }) => moving === 2)
  assert.equal(
    during.batches.reduce((sum: number, { moving }: { moving: number }) => sum + moving, 0),
    2
  )
  await post(opsUrl, { i_customer: unmoved, state: 'finished', to: 'target' })
  await post(opsUrl, { i_customer: unmoved + 1, state: 'failed', to: 'target' })
  const after = await client.told('migration', ({ moving }) => moving === 0)
  assert.deepEqual([after.moved, after.failed, after.expired], [1, 1, 0])
  assert.ok(after.batches.every(({ isOver }: { isOver: boolean }) => isOver))
  assert.deepEqual(after.customers.how, 'seen')
  assert.deepEqual([after.customers.source, after.customers.target], [0, 1])
  const feed = await client.told('feed', (entries) => entries.length >= 3)
  assert.deepEqual(
    feed.slice(0, 2).map(({ state, iCustomer, by }: Record<string, unknown>) => [state, iCustomer, by]),
    [
      ['failed', unmoved + 1, 'told'],
      ['finished', unmoved, 'told']
    ]
  )

  // What a lookup finds counts as seen.
  const { session } = await openPair(world)
  await call(url, 'admin', info, { i_customer: 31 }, { headers: bearer(session.accessToken) })
  const { customers } = await client.told('migration', ({ customers: { source } }) => source === 1)
  assert.equal(customers.target, 1)
})

test('as many streams as there is room for; the next one is told why it gets none', async (t) => {
  const { opsUrl } = await startWorld(t)
  assert.equal((await ask(opsUrl, { method: 'HEAD', path: '/console/events' })).status, 404)
  const open = await Promise.all(Array.from({ length: 200 }, () => listenTo(t, opsUrl)))
  const { status, text } = await ask(opsUrl, { method: 'GET', path: '/console/events' })
  assert.equal(status, 503)
  assert.match(text, /200 consoles are open here: close one/)
  await open[0]?.told('traffic')
  open[0]?.close()
  await open[0]?.ended
  const next = await listenTo(t, opsUrl)
  assert.equal(next.response.statusCode, 200)
  await next.told('traffic')
})

test('a gateway that stops ends its streams, and one that nobody reads does not hold it up', async (t) => {
  const world = await startWorld(t)
  const client = await listenTo(t, world.opsUrl)
  const silent = await listenTo(t, world.opsUrl)
  await client.told('traffic')
  silent.response.pause()
  await world.stop()
  await client.ended
})

test('console off: its paths are gone', async (t) => {
  const { opsUrl } = await startWorld(t, { plugins: { console: false } })
  assert.equal((await ask(opsUrl, { method: 'GET', path: '/console/events' })).status, 404)
})

test('without the token nobody hears anything', async (t) => {
  const { opsUrl } = await startWorld(t, { ops: { port: 0, token: 'a token of sixteen' } })
  const path = '/console/events'
  assert.equal((await ask(opsUrl, { method: 'GET', path })).status, 401)
  const client = await listenTo(t, opsUrl, bearer('a token of sixteen'))
  await client.told('traffic')
})
