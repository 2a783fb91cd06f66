/** Contract section 8: a browser's session with the console. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { secret } from '../build.ts'
import { ask, bearer } from '../client.ts'
import { cookieOf, openSession, startOps, type TestOps, token } from '../ops.ts'
import { temporaryFolder } from '../redis.ts'
import { until } from '../until.ts'

const described = { url: '/rest/Session/login', headers: { host: 'www.customer.test' } }
const statusOf = async (ops: TestOps, cookie: string) => (await ops.get('/systems', { cookie })).status

test('the token once, and then a cookie opens what the token opens', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const reply = await ops.signIn()
  assert.deepEqual([reply.status, reply.headers.location], [303, '/console'])
  const [line = '', ...others] = reply.headers['set-cookie'] ?? []
  assert.deepEqual(others, [])
  const [pair = '', ...attributes] = line.split('; ')
  assert.match(pair, /^wd_ops=[\w%+/.-]{60,}$/)
  assert.deepEqual(attributes.filter((one) => !one.startsWith('Expires=')).toSorted(), [
    'HttpOnly',
    'Path=/',
    'SameSite=Strict'
  ])
  const expires = Date.parse(attributes.find((one) => one.startsWith('Expires='))?.slice(8) ?? '')
  assert.ok(Math.abs(expires - Date.now() - 12 * 3_600_000) < 60_000)

  const cookie = pair
  for (const path of ['/systems', '/metrics', '/console']) {
    const { status, headers } = await ops.get(path, { cookie })
    assert.deepEqual([status, headers['set-cookie']], [200, undefined], path)
  }
  assert.equal((await ops.get('/nothing', { cookie })).status, 404)
  assert.equal((await ops.get('/systems', { cookie, host: 'evil.test' })).status, 421)
  assert.ok(!ops.logText().includes(pair.slice(7, 39)))
})

test('the cookie is Secure where the browser came by TLS', async (t) => {
  const ops = await startOps(t, { trustProxy: '127.0.0.1', ops: { token } })
  const tls = await ops.signIn(token, { 'x-forwarded-proto': 'https' })
  assert.match(String(tls.headers['set-cookie']), /; HttpOnly; Secure; SameSite=Strict$/)
  assert.equal((await ops.get('/systems', { ...cookieOf(tls), 'x-forwarded-proto': 'https' })).status, 200)
  // Who is no proxy of ours may claim what it likes.
  const other = await startOps(t, { ops: { token } })
  const claimed = await other.signIn(token, { 'x-forwarded-proto': 'https' })
  assert.doesNotMatch(String(claimed.headers['set-cookie']), /Secure/)
})

suite('what changes something', async () => {
  const rows: readonly [name: string, headers: (csrf: string) => Record<string, string>, status: number][] = [
    ['with the token of its session', (csrf) => ({ 'x-csrf-token': csrf }), 200],
    ['without', () => ({}), 403],
    ['with an empty one', () => ({ 'x-csrf-token': '' }), 403],
    ['with another', (csrf) => ({ 'x-csrf-token': csrf.toUpperCase() }), 403],
    ['with a part of it', (csrf) => ({ 'x-csrf-token': csrf.slice(1) }), 403],
    ['with it twice', (csrf) => ({ 'x-csrf-token': `${csrf}, ${csrf}` }), 403],
    ['with it, from another site', (csrf) => ({ 'x-csrf-token': csrf, origin: 'http://evil.test' }), 403],
    ['with it, from another port', (csrf) => ({ 'x-csrf-token': csrf, 'sec-fetch-site': 'same-site' }), 403]
  ]
  test('needs the token of its session', async (t) => {
    const ops = await startOps(t, { ops: { token } })
    const { cookie, csrf } = await openSession(ops)
    assert.match(csrf, /^[\w-]{43}$/)
    assert.notEqual((await openSession(ops)).csrf, csrf)
    for (const [name, headers, status] of rows) {
      assert.equal((await ops.post('/explain', described, { cookie, ...headers(csrf) })).status, status, name)
    }
    const other = await openSession(ops)
    assert.equal((await ops.post('/explain', described, { cookie, 'x-csrf-token': other.csrf })).status, 403)
    const del = (headers: Record<string, string>) =>
      ask(ops.url, { method: 'DELETE', path: '/console/session', headers: { cookie, ...headers } })
    assert.equal((await del({})).status, 403)
    assert.equal(await statusOf(ops, cookie), 200)
  })

  test('needs none with the ops token itself, and none is told where there is no session', async (t) => {
    const ops = await startOps(t, { ops: { token } })
    assert.equal((await ops.post('/explain', described, bearer(token))).status, 200)
    assert.match((await ops.get('/console', bearer(token))).text, /content=""/)
    const open = await startOps(t)
    assert.match((await open.get('/console')).text, /content=""/)
    assert.equal((await open.get('/console', { cookie: 'wd_ops=a.b' })).headers['set-cookie'], undefined)
    assert.equal((await open.signIn()).status, 400)
  })
})

test('signing in is for our own form alone', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const own = ops.url
  const rows: readonly [headers: Record<string, string>, status: number][] = [
    [{ origin: own, 'sec-fetch-site': 'same-origin' }, 303],
    [{ origin: 'http://evil.test', 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'null' }, 403],
    [{ host: 'evil.test' }, 421],
    [{ 'content-type': 'application/json' }, 400],
    [{ 'content-type': 'multipart/form-data; boundary=x' }, 400]
  ]
  for (const [headers, status] of rows) assert.equal((await ops.signIn(token, headers)).status, status)
  const large = await ask(ops.url, {
    path: '/console/session',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `token=${'x'.repeat(5000)}`
  })
  assert.equal(large.status, 400)
})

test('a session that was there before somebody signs in is not the one that is signed in', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const planted = await openSession(ops)
  const { cookie } = cookieOf(await ops.signIn(token, { cookie: planted.cookie }))
  assert.notEqual(cookie, planted.cookie)
  assert.equal(await statusOf(ops, planted.cookie), 401)
  assert.equal(await statusOf(ops, cookie), 200)
})

test('signing out ends the session for whoever has its cookie', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const { cookie, csrf } = await openSession(ops)
  const other = await openSession(ops)
  const reply = await ask(ops.url, {
    method: 'DELETE',
    path: '/console/session',
    headers: { cookie, 'x-csrf-token': csrf }
  })
  assert.equal(reply.status, 204)
  assert.match(String(reply.headers['set-cookie']), /^wd_ops=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970/)
  assert.equal(await statusOf(ops, cookie), 401)
  assert.equal(await statusOf(ops, other.cookie), 200)
})

test('a cookie that was changed, or signed by another secret, opens nothing', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const { cookie } = await openSession(ops)
  const value = decodeURIComponent(cookie.slice('wd_ops='.length))
  const [id = '', signature = ''] = value.split('.')
  const other = await startOps(t, { ops: { token }, secret: 'another secret that is only good for tests' })
  const foreign = decodeURIComponent((await openSession(other)).cookie.slice('wd_ops='.length))
  const values = [
    id,
    `${id}.`,
    `.${signature}`,
    `${id}.${signature.slice(1)}`,
    `${id}.${signature}=`,
    `${id.slice(1)}.${signature}`,
    `${id}.${id}.${signature}`,
    `${id}.${foreign.split('.')[1]}`,
    foreign,
    '__proto__',
    '%E0%A4%A'
  ]
  for (const one of values) {
    const changed = `wd_ops=${one === '%E0%A4%A' ? one : encodeURIComponent(one)}`
    assert.equal(await statusOf(ops, changed), 401, one)
  }
  assert.equal(await statusOf(ops, cookie), 200)
})

test('it ends when nobody has used it for twelve hours, and is written as used once in a while', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const begin = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now: begin })
  const { cookie } = await openSession(ops)
  const at = async (hours: number) => {
    t.mock.timers.setTime(begin + hours * 3_600_000)
    const { status, headers } = await ops.get('/systems', { cookie })
    return [status, String(headers['set-cookie'] ?? '').split(/[=;]/)[1] ?? '']
  }
  const same = cookie.slice('wd_ops='.length)
  assert.deepEqual(await at(0.01), [200, ''])
  assert.deepEqual(await at(11), [200, same])
  assert.deepEqual(await at(22), [200, same])
  assert.deepEqual(await at(22.01), [200, ''])
  const [status] = await at(34.1)
  assert.equal(status, 401)
})

test('it is not brought back by a request that was under way as it ended', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const { cookie, csrf } = await openSession(ops)
  const begin = Date.now()
  // As it would be written again that it is in use.
  t.mock.timers.enable({ apis: ['Date'], now: begin + 600_000 })
  const slow = ops.get('/console/slow', { cookie })
  await until(() => ops.waiting.length === 1)
  const headers = { cookie, 'x-csrf-token': csrf }
  await ask(ops.url, { method: 'DELETE', path: '/console/session', headers })
  for (const goOn of ops.waiting) goOn()
  assert.equal((await slow).status, 200)
  assert.equal(await statusOf(ops, cookie), 401)
})

/** A stream that has begun. */
async function openStream(ops: TestOps, cookie: string) {
  const request = http.get(`${ops.url}/console/events`, { headers: { cookie }, agent: false })
  const [stream] = (await once(request, 'response')) as [http.IncomingMessage]
  await once(stream, 'data')
  stream.on('error', () => {})
  return { isOpen: () => !stream.destroyed }
}

suite('with a store that is shared', async () => {
  test('workers share the sessions, and their ends; a changed token ends all of them', async (t) => {
    const store = `file:${join(temporaryFolder(t), 'store.db')}`
    const one = await startOps(t, { store, ops: { token } })
    const two = await startOps(t, { store, ops: { token } })
    const { cookie, csrf } = await openSession(one)
    assert.equal(await statusOf(two, cookie), 200)
    const third = await startOps(t, { store, ops: { token: 'another ops token for tests' } })
    assert.equal(await statusOf(third, cookie), 401)
    assert.equal(await statusOf(two, cookie), 200)
    const headers = { cookie, 'x-csrf-token': csrf }
    assert.equal((await ask(two.url, { method: 'DELETE', path: '/console/session', headers })).status, 204)
    assert.equal(await statusOf(two, cookie), 401)
    // The other one hears of it.
    await until(async () => (await statusOf(one, cookie)) === 401)
  })

  test("signing out ends the session's streams, at other workers too, and no other's", async (t) => {
    const store = `file:${join(temporaryFolder(t), 'store.db')}`
    const one = await startOps(t, { store, ops: { token } })
    const two = await startOps(t, { store, ops: { token } })
    const { cookie, csrf } = await openSession(one)
    const other = await openSession(one)
    const [here, there] = [await openStream(one, cookie), await openStream(two, cookie)]
    const others = await openStream(one, other.cookie)
    // It is written that the other session is in use, of which the worker hears that has its stream.
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 600_000 })
    assert.notEqual((await two.get('/systems', { cookie: other.cookie })).headers['set-cookie'], undefined)
    const headers = { cookie, 'x-csrf-token': csrf }
    assert.equal((await ask(two.url, { method: 'DELETE', path: '/console/session', headers })).status, 204)
    await until(() => !here.isOpen() && !there.isOpen())
    assert.ok(others.isOpen())
    const last = { cookie: other.cookie, 'x-csrf-token': other.csrf }
    await ask(two.url, { method: 'DELETE', path: '/console/session', headers: last })
    await until(() => !others.isOpen())
  })

  test('a secret is replaced without an end of sessions, and one that is gone ends them', async (t) => {
    const store = `file:${join(temporaryFolder(t), 'store.db')}`
    const before = await startOps(t, { store, ops: { token } })
    const { cookie } = await openSession(before)
    const next = 'the next secret that is only good for tests'
    assert.equal(await statusOf(await startOps(t, { store, ops: { token }, secret: [next, secret] }), cookie), 200)
    assert.equal(await statusOf(await startOps(t, { store, ops: { token }, secret: next }), cookie), 401)
  })
})
