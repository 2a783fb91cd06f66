/** Contract section 4: reads of those who live nowhere, while the target is away; and what ends a session by a page. */
import assert from 'node:assert/strict'
import { after, suite, type TestContext, test } from 'node:test'
import type { SimulatedFault } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { type Ask, ask, bearer, createJar, explain, login, type Reply } from '../client.ts'
import { until } from '../until.ts'

const host = hosts.customer
const readPage = (world: World, path: string, more: Ask = {}) =>
  ask(world.url, { method: 'GET', path, ...more, headers: { host, accept: 'text/html', ...more.headers } })

const lastLine = (world: World) =>
  until(() => world.lines.findLast(({ msg }) => msg === 'request') ?? false) as Promise<Record<string, unknown>>

const preflight = { origin: 'https://portal.example', 'access-control-request-method': 'POST' }

/** What may be had of the source instead. */
const open: readonly (readonly [name: string, asked: Ask, status: number])[] = [
  ['a page', { path: '/login' }, 200],
  ['a page that redirects', { path: '/?lang=en' }, 302],
  ['the head of a page', { method: 'HEAD', path: '/login' }, 200],
  ['a part of a page', { path: '/static/app.js', headers: { accept: '*/*' } }, 200],
  ['a page for a browser with cookies of its own', { path: '/login', headers: { cookie: 'lang=en' } }, 200],
  ["an administrator's page", { path: '/login', headers: { host: hosts.admin } }, 200],
  ['a preflight', { method: 'OPTIONS', path: '/rest/Session/login', headers: preflight }, 405]
]

/** What is the target's alone. */
const bound: readonly (readonly [name: string, asked: Ask])[] = [
  ['a call', { path: '/rest/Generic/get_version' }],
  ['a call by POST', { method: 'POST', path: '/rest/Customer/get_customer_info', body: '{"params":{}}' }],
  ['plain REST', { path: '/espf/v1/subscriptions' }],
  ['a write of a page', { method: 'POST', path: '/login', body: 'x' }],
  ['a page with a token', { path: '/login', headers: bearer('x'.repeat(32)) }],
  ['a page with a session cookie', { path: '/login', headers: { cookie: `session_id=${'x'.repeat(32)}` } }],
  ['a page with a token in its query', { path: '/reset?token=x' }],
  ['a page of a versioned host', { path: '/login', headers: { host: 'www.115-customer.test' } }],
  ['a page with a context', { path: '/login', headers: { host: hosts.admin, 'x-dispatcher-context': 'target' } }]
]

suite('while the target is down', async () => {
  // One world for all: none of these changes it.
  const world = await startWorld({ after: (close) => after(() => (close as () => unknown)()) })
  await world.target.stop()
  const forgetAll = () => {
    world.source.journal.clear()
    world.lines.length = 0
  }

  for (const [name, asked, status] of open) {
    test(`${name} comes from the source, and everybody says so`, async () => {
      forgetAll()
      const reply = await readPage(world, '/', asked)
      assert.equal(reply.status, status, reply.text)
      assert.equal(reply.headers['x-dispatched-to'], 'source')
      const { to, reason, fault } = await lastLine(world)
      assert.deepEqual([to, reason, fault], ['source', 'target_unavailable', undefined])
      assert.equal(world.source.journal.count(), 1)
    })
  }

  for (const [name, asked] of bound) {
    test(`${name} gets a fault, and the source hears nothing of it`, async () => {
      forgetAll()
      const reply = await readPage(world, '/', asked)
      assert.equal(reply.status, 503, reply.text)
      assert.equal(
        world.source.journal.count(({ method }) => method !== 'ping'),
        0
      )
      assert.equal((await lastLine(world)).to, 'target')
    })
  }

  test('and the source as well, a page gets one fault', async (t) => {
    const world = await startWorld(t)
    await Promise.all([world.source.stop(), world.target.stop()])
    const reply = await readPage(world, '/login')
    assert.equal(reply.status, 503)
    assert.match(reply.text, /Server\.Dispatcher\.system_unavailable/)
    assert.match(String(reply.headers['content-security-policy']), /^default-src 'none'/)
    assert.equal(reply.headers['cache-control'], 'no-store')
  })

  test('with remote-session off a cookie may be anybody’s, so its page is the target’s alone', async (t) => {
    const world = await startWorld(t, { plugins: { 'remote-session': false } })
    await world.target.stop()
    assert.equal((await readPage(world, '/login', { headers: { cookie: 'a=b' } })).status, 503)
    assert.equal((await readPage(world, '/login')).status, 200)
  })
})

/** How the target fails, and whether a stranger's page comes from the source then. */
const failures: readonly (readonly [
  name: string,
  fault: SimulatedFault,
  system: 'source' | 'target',
  status: number
])[] = [
  ['503 by whoever stands in front', { kind: 'status', status: 503, body: '<h1>away</h1>' }, 'source', 200],
  ['502 by whoever stands in front', { kind: 'status', status: 502 }, 'source', 200],
  ['a reset', { kind: 'reset', at: 'before-headers' }, 'source', 200],
  ['a reset behind the headers', { kind: 'reset', at: 'after-headers' }, 'source', 200],
  ['what is no HTTP', { kind: 'garbage' }, 'source', 200],
  ['503 in its own words', { kind: 'status', status: 503, body: '{"faultcode":"Server.Busy"}' }, 'target', 503],
  ['404', { kind: 'status', status: 404 }, 'target', 404],
  ['500', { kind: 'status', status: 500, body: 'broken' }, 'target', 500]
]

suite("a stranger's page", async () => {
  for (const [name, fault, system, status] of failures) {
    test(`at which the target answers ${name} is the ${system}'s`, async (t) => {
      const world = await startWorld(t)
      world.target.faults.add({ match: { path: /^\/login/ }, fault })
      const reply = await readPage(world, '/login')
      assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [status, system])
      if (status === 503) assert.equal(reply.text, '{"faultcode":"Server.Busy"}')
    })
  }

  test('that breaks off behind its first bytes is not begun anew', async (t) => {
    const world = await startWorld(t)
    world.target.faults.add({ match: { path: /^\/login/ }, fault: { kind: 'half' } })
    await assert.rejects(readPage(world, '/login'))
    assert.equal(world.source.journal.count(), 0)
  })

  test('is explained with the system that is asked next', async (t) => {
    const { opsUrl } = await startWorld(t)
    const explained = async (asked: object) => (await explain(opsUrl, asked)).json()
    const page = { method: 'GET', url: '/login', headers: { host } }
    const stranger = { realm: 'customer', family: 'page', call: null, to: 'target', reason: 'no_credential' }
    assert.deepEqual(await explained(page), { ...stranger, otherwise: 'source' })
    assert.deepEqual(await explained({ ...page, method: 'POST' }), stranger)
    const preflighted = await explained({ method: 'OPTIONS', url: '/rest/Session/login', headers: { host } })
    assert.deepEqual([preflighted.reason, preflighted.to, preflighted.otherwise], ['no_credential', 'target', 'source'])
  })
})

const ended = (...names: string[]): SimulatedFault => ({
  kind: 'headers',
  headers: names.map((name) => ['Set-Cookie', `${name}=; Path=/; Max-Age=0`])
})
const routing = /^pb_dispatch=; Max-Age=0; Path=\/; .*HttpOnly/

/** What a page of the source says of the session cookies, which of them the browser shows, whether the mark goes. */
const ends: readonly (readonly [says: string[], shows: string[], goes: boolean])[] = [
  [['access_token', 'session_id'], ['access_token', 'session_id'], true],
  [['access_token', 'session_id'], ['session_id'], true],
  [['session_id'], ['session_id'], true],
  [['session_id'], ['access_token', 'session_id'], false],
  [['access_token', 'session_id'], [], true],
  [['session_id'], [], false],
  [['lang'], ['session_id'], false],
  [[], ['session_id'], false]
]

suite('a page of the source that ends', async () => {
  for (const [says, shows, goes] of ends) {
    test(`${says.join(' and ') || 'nothing'}, of ${shows.join(' and ') || 'no cookie'}: the mark ${goes ? 'goes' : 'stays'}`, async (t) => {
      const world = await startWorld(t)
      const user = world.source.users.firstActiveCustomer()
      const { reply, accessToken } = await login(world.url, 'customer', user)
      const jar = createJar()
      jar.take(reply)
      const cookie = ['pb_dispatch', ...shows].map((name) => `${name}=${jar.get(name)}`).join('; ')
      if (says.length > 0) world.source.faults.add({ match: { path: /^\/static/ }, fault: ended(...says) })
      const page = await readPage(world, '/static/app.js', { headers: { cookie } })
      assert.equal(page.headers['x-dispatched-to'], 'source')
      const told = page.headers['set-cookie'] ?? []
      assert.equal(
        told.some((line) => routing.test(line)),
        goes,
        told.join('\n')
      )
      if (!goes || shows.length < 2) return
      // Its record is forgotten: the systems are asked, and the source still knows it.
      const pings = () => world.source.journal.count('Session/ping')
      assert.equal(pings(), 0)
      await ask(world.url, { path: '/rest/Customer/get_customer_info', headers: { host, ...bearer(accessToken) } })
      assert.equal(pings(), 1)
    })
  }

  test('an administrator’s session ends it on the source as well, once', async (t) => {
    const world = await startWorld(t)
    const { reply, accessToken } = await login(world.url, 'admin', world.target.users.admin())
    assert.equal(reply.headers['x-dispatched-to'], 'source,target')
    const jar = createJar()
    jar.take(reply)
    const sessions = world.source.sessions.size
    const page = await readPage(world, '/logout', { headers: { host: hosts.admin, ...jar.header() } })
    assert.deepEqual([page.status, page.headers['x-dispatched-to']], [302, 'target'])
    await until(() => world.source.sessions.size === sessions - 1)
    assert.equal(world.source.journal.count('Session/logout'), 1)
    assert.ok(!world.source.journal.of('Session/logout')[0]?.rawHeaders.join().includes(accessToken))
  })

  test('the half that the gateway keeps ends nothing of the client’s', async (t) => {
    const world = await startWorld(t)
    const { reply } = await login(world.url, 'admin', world.target.users.admin())
    const jar = createJar()
    jar.take(reply)
    world.source.faults.add({ match: { path: /^\/static/ }, fault: ended('access_token', 'session_id') })
    const headers = { host: hosts.admin, ...jar.header() }
    const page = await readPage(world, '/static/app.js', { headers: { ...headers, 'x-dispatcher-context': 'source' } })
    assert.deepEqual([page.headers['x-dispatched-to'], page.headers['set-cookie']], ['source', undefined])
    const list = { path: '/rest/Customer/get_customer_list', body: '{"params":{"limit":1}}' }
    const merged = await ask(world.url, { ...list, headers: { ...headers, 'content-type': 'application/json' } })
    assert.equal(merged.headers['x-dispatched-to'], 'source,target')
    assert.equal(world.source.journal.count('Session/logout'), 0)
  })

  test('a call’s answer with the same cookies leaves the mark to the call', async (t) => {
    const world = await startWorld(t)
    const { reply } = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
    const jar = createJar()
    jar.take(reply)
    world.source.faults.add({ match: { method: 'get_customer_info' }, fault: ended('access_token', 'session_id') })
    const answer = await ask(world.url, {
      path: '/rest/Customer/get_customer_info',
      headers: { host, ...jar.header() }
    })
    assert.equal(
      answer.headers['set-cookie']?.some((line) => routing.test(line)),
      false
    )
  })
})

async function startRedirecting(t: TestContext) {
  const redirects = [
    { host: hosts.reseller, to: 'https://portal.example' },
    { host: 'www.100-customer.test', to: 'https://www.customer.test', status: 308 }
  ]
  return startWorld(t, { plugins: { 'web-portal': { redirects } } })
}

/** Host, what is asked, status and Location */
const moved: readonly (readonly [string, Ask, number, string | undefined])[] = [
  [hosts.reseller, { path: '/a%20b?c=%2F' }, 302, 'https://portal.example/a%20b?c=%2F'],
  [`${hosts.reseller.toUpperCase()}:8442`, { path: '/' }, 302, 'https://portal.example/'],
  [hosts.reseller, { path: '//evil.example/' }, 302, 'https://portal.example//evil.example/'],
  [hosts.reseller, { method: 'HEAD', path: '/x' }, 302, 'https://portal.example/x'],
  [hosts.reseller, { method: 'POST', path: '/x', body: 'a=b' }, 302, 'https://portal.example/x'],
  ['www.100-customer.test', { path: '/login' }, 308, 'https://www.customer.test/login'],
  [hosts.reseller, { path: '/rest/Generic/get_version' }, 200, undefined],
  // Its versioned hosts are named for themselves; a path of another plugin is no page.
  ['www.100-reseller.test', { path: '/login' }, 200, undefined],
  [hosts.reseller, { path: '/graphql?query=%7B__typename%7D' }, 200, undefined],
  [hosts.customer, { path: '/login' }, 200, undefined]
]

suite('a host that is given up', async () => {
  for (const [name, asked, status, location] of moved) {
    test(`${name}: ${asked.method ?? 'GET'} ${asked.path} is ${location === undefined ? 'served' : `at ${location}`}`, async (t) => {
      const world = await startRedirecting(t)
      const reply: Reply = await readPage(world, '/', { ...asked, headers: { host: name } })
      assert.equal(reply.status, status, reply.text)
      assert.equal(reply.headers.location, location)
      const { to, reason } = await lastLine(world)
      if (location === undefined) {
        assert.notEqual(reason, 'redirect')
        return
      }
      assert.deepEqual([to, reason], [undefined, 'redirect'])
      assert.equal(reply.headers['x-dispatched-to'], undefined)
      assert.equal(world.target.journal.count() + world.source.journal.count(), 0)
    })
  }

  test('is explained', async (t) => {
    const { opsUrl } = await startRedirecting(t)
    const explained = async (asked: object) => (await explain(opsUrl, asked)).json()
    assert.deepEqual(await explained({ method: 'GET', url: `https://${hosts.reseller}/x?y=1` }), {
      realm: 'reseller',
      family: 'page',
      call: null,
      to: null,
      reason: 'redirect',
      status: 302,
      location: 'https://portal.example/x?y=1'
    })
    assert.equal(
      (await explained({ url: `https://${hosts.reseller}/rest/Generic/get_version` })).reason,
      'no_credential'
    )
    assert.equal((await explained({ method: 'GET', url: `https://${hosts.reseller}/graphql` })).reason, 'graphql')
  })
})
