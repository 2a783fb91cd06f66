/** Contract section 4: later calls follow the session, whatever the client shows, and survive a restart. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite, type TestContext, test } from 'node:test'
import {
  hosts,
  startSilentGateway,
  startTestGateway,
  startWorld,
  systemConfig,
  testConfig,
  type World
} from '../build.ts'
import { type Ask, ask, bearer, call, createJar, login, type Reply, type Session } from '../client.ts'

const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const host = hosts.customer
const multipart = (fields: Record<string, string>) =>
  `${Object.entries(fields)
    .map(([name, value]) => `--b0undary\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join('')}--b0undary--\r\n`

/** A call that shows its session in one way alone. */
const ways: readonly [name: string, make: (session: Session) => Ask][] = [
  [
    'bearer',
    ({ accessToken }) => ({ headers: { ...bearer(accessToken), 'content-type': json }, body: '{"params":{}}' })
  ],
  [
    'bearer, no body and a JSON type',
    ({ accessToken }) => ({ headers: { ...bearer(accessToken), 'content-type': json } })
  ],
  [
    'session id in JSON',
    ({ sessionId }) => ({
      headers: { 'content-type': json },
      body: JSON.stringify({ auth_info: { session_id: sessionId }, params: {} })
    })
  ],
  [
    'access token in JSON',
    ({ accessToken }) => ({
      headers: { 'content-type': json },
      body: JSON.stringify({ auth_info: { access_token: accessToken }, params: {} })
    })
  ],
  [
    'session id in a form',
    ({ sessionId }) => ({
      headers: { 'content-type': form },
      body: new URLSearchParams({ auth_info: JSON.stringify({ session_id: sessionId }), params: '{}' }).toString()
    })
  ],
  [
    'session id in multipart',
    ({ sessionId }) => ({
      headers: { 'content-type': 'multipart/form-data; boundary=b0undary' },
      body: multipart({ auth_info: JSON.stringify({ session_id: sessionId }), params: '{}' })
    })
  ],
  [
    'session id in the URL path',
    ({ sessionId }) => ({
      path: `/rest/Customer/get_customer_info/${encodeURIComponent(JSON.stringify({ session_id: sessionId }))}/${encodeURIComponent('{}')}`
    })
  ],
  [
    'session id in a raw URL path',
    ({ sessionId }) => ({ path: `/rest/Customer/get_customer_info/{"session_id":"${sessionId}"}/{}` })
  ],
  [
    'a trailing slash',
    ({ accessToken }) => ({
      path: '/rest/Customer/get_customer_info/',
      headers: { ...bearer(accessToken), 'content-type': json },
      body: '{"params":{}}'
    })
  ],
  [
    "the systems' own cookies",
    ({ accessToken, sessionId }) => ({
      headers: { cookie: `access_token=${accessToken}; session_id=${sessionId}`, 'content-type': json },
      body: '{"params":{}}'
    })
  ]
]

const info = (url: string, { headers, ...more }: Ask): Promise<Reply> =>
  ask(url, { path: '/rest/Customer/get_customer_info', ...more, headers: { host, ...headers } })

/** Another gateway with an empty store before the same systems: what a restart leaves. */
async function restarted(t: TestContext, { source, target }: World, overrides: Record<string, unknown> = {}) {
  return startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, overrides))
}

suite('every way to show a session', async () => {
  for (const home of ['source', 'target'] as const) {
    test(`${home} customer: each way alone reaches the ${home}, and after a restart too`, async (t) => {
      const world = await startWorld(t)
      const user = world[home].users.firstActiveCustomer()
      const session = await login(world.url, 'customer', user)
      const other = home === 'source' ? world.target : world.source
      for (const [name, make] of ways) {
        other.journal.clear()
        const reply = await info(world.url, make(session))
        assert.equal(reply.status, 200, `${name}: ${reply.text}`)
        assert.equal(reply.headers['x-dispatched-to'], home, name)
        assert.equal((reply.json().customer_info as { login: string }).login, user.login, name)
        assert.equal(other.journal.count(), 0, name)
      }
      for (const [name, make] of ways) {
        const fresh = await restarted(t, world)
        const reply = await info(fresh.url, make(session))
        assert.equal(reply.status, 200, `${name} after a restart: ${reply.text}`)
        assert.equal(reply.headers['x-dispatched-to'], home, `${name} after a restart`)
      }
    })
  }

  test('calls and pages go to the source by the routing cookie alone', async (t) => {
    const { url, source, target } = await startWorld(t)
    const jar = createJar()
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    jar.take(session.reply)
    target.journal.clear()
    const called = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: jar.header() })
    assert.equal(called.status, 200)
    const page = await ask(url, { method: 'GET', path: '/dashboard', headers: { host, ...jar.header() } })
    assert.equal(page.status, 200)
    assert.match(page.text, /MR100/)
    jar.delete('access_token')
    jar.delete('session_id')
    const anonymous = await ask(url, { method: 'GET', path: '/login', headers: { host, ...jar.header() } })
    assert.match(anonymous.text, /MR100/)
    assert.equal(target.journal.count(), 0)
  })

  test('a call without any credential is asked of nobody and goes to the target', async (t) => {
    const { url, source, target } = await startWorld(t)
    const reply = await call(url, 'customer', 'Customer/get_customer_info')
    assert.equal(reply.json().faultcode, 'Client.check_auth.envelope_missed')
    assert.equal(source.journal.count(), 0)
    assert.equal(target.journal.count(), 1)
  })
})

suite('a credential without a record', async () => {
  test('is asked about once, on both systems at once, and remembered', async (t) => {
    const world = await startWorld(t)
    const { source, target } = world
    const session = await login(world.url, 'customer', source.users.firstActiveCustomer())
    const { url } = await restarted(t, world)
    for (const system of [source, target]) system.journal.clear()
    const calls = Array.from({ length: 10 }, () =>
      call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(session.accessToken) })
    )
    for (const reply of await Promise.all(calls)) assert.equal(reply.status, 200)
    assert.equal(source.journal.count('Session/ping'), 1)
    assert.equal(target.journal.count('Session/ping'), 1)
    assert.equal(target.journal.count(), 1)
  })

  test('that nobody knows is asked about once too, and gets the fault of the target', async (t) => {
    const { url, source, target } = await startWorld(t)
    for (let i = 0; i < 3; i++) {
      const reply = await call(
        url,
        'customer',
        'Customer/get_customer_info',
        {},
        { authInfo: { session_id: 'f'.repeat(32) } }
      )
      assert.equal(reply.status, 500)
      assert.equal(reply.headers['x-dispatched-to'], 'target')
    }
    assert.equal(source.journal.count('Session/ping'), 1)
    assert.equal(target.journal.count('Session/ping'), 1)
    assert.equal(target.journal.count('Customer/get_customer_info'), 3)
    assert.equal(source.journal.count(), 1)
  })

  test('tells its home by its own signature where keys are configured: nobody is asked', async (t) => {
    const world = await startWorld(t)
    const { source, target } = world
    const directory = await mkdtemp(join(tmpdir(), 'keys-'))
    t.after(() => rm(directory, { recursive: true }))
    const keyed = Object.fromEntries(
      (
        [
          ['source', 'MR100', source],
          ['target', 'MR115', target]
        ] as const
      ).map(([name, release, system]) => {
        writeFileSync(join(directory, `${name}.pem`), system.publicKey)
        return [name, systemConfig(release, system.urls, { keys: [join(directory, `${name}.pem`)] })]
      })
    )
    const session = await login(world.url, 'customer', source.users.firstActiveCustomer())
    const fresh = await restarted(t, world, { systems: keyed })
    for (const system of [source, target]) system.journal.clear()
    const reply = await call(
      fresh.url,
      'customer',
      'Customer/get_customer_info',
      {},
      { headers: bearer(session.accessToken) }
    )
    assert.equal(reply.status, 200)
    assert.equal(source.journal.count('Session/ping') + target.journal.count(), 0)

    // A forged token: the claims of the source's, signed by nobody.
    const forged = `${session.accessToken.slice(0, -8)}AAAAAAAA`
    const refused = await call(fresh.url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(forged) })
    assert.equal(refused.status, 500)
    assert.equal(refused.headers['x-dispatched-to'], 'target')
  })

  test('with an unreachable system is found on the other, and not forgotten for the first', async (t) => {
    const world = await startWorld(t)
    const { source, target } = world
    const moved = await login(world.url, 'customer', target.users.firstActiveCustomer())
    const unmoved = await login(world.url, 'customer', source.users.firstActiveCustomer())
    const { url } = await restarted(t, world)
    await source.stop()
    const onTarget = await call(
      url,
      'customer',
      'Customer/get_customer_info',
      {},
      { headers: bearer(moved.accessToken) }
    )
    assert.equal(onTarget.status, 200)
    await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(unmoved.accessToken) })
    await source.start()
    const onSource = await call(
      url,
      'customer',
      'Customer/get_customer_info',
      {},
      { headers: bearer(unmoved.accessToken) }
    )
    assert.equal(onSource.status, 200)
    assert.equal(onSource.headers['x-dispatched-to'], 'source')
  })
})

suite('a stale cookie', async () => {
  test('that sent a call to the wrong system is recovered, and corrected', async (t) => {
    const world = await startWorld(t)
    const session = await login(world.url, 'customer', world.target.users.firstActiveCustomer())
    const { url } = await restarted(t, world)
    const reply = await call(
      url,
      'customer',
      'Customer/update_customer',
      { customer_info: { note: 'once' } },
      { headers: { cookie: 'pb_dispatch=authorized-by-remote', ...bearer(session.accessToken) } }
    )
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers['x-dispatched-to'], 'target')
    assert.match(reply.headers['set-cookie']?.find((line) => line.startsWith('pb_dispatch=')) ?? '', /Max-Age=0/)
    assert.equal(world.target.journal.count('Customer/update_customer'), 1)
    assert.equal(world.source.journal.of('Customer/update_customer')[0]?.status, 500)
  })

  test('does not hide a dead session behind a ping: user 0 is "not here"', async (t) => {
    const world = await startWorld(t)
    const user = world.target.users.firstActiveCustomer()
    const session = await login(world.url, 'customer', user)
    const { url } = await restarted(t, world)
    const headers = { cookie: 'pb_dispatch=authorized-by-remote' }
    const reply = await call(url, 'customer', 'Session/ping', { session_id: session.sessionId }, { headers })
    assert.equal(reply.json().user_id, user.i_customer)
    assert.equal(reply.headers['x-dispatched-to'], 'target')
  })

  test('with a body that was not kept gets the fault of the system', async (t) => {
    const world = await startWorld(t)
    const session = await login(world.url, 'customer', world.target.users.firstActiveCustomer())
    const { url } = await restarted(t, world)
    const reply = await call(
      url,
      'customer',
      'Customer/update_customer',
      { customer_info: { note: 'x'.repeat(100_000) } },
      { headers: { cookie: 'pb_dispatch=authorized-by-remote', ...bearer(session.accessToken) } }
    )
    assert.equal(reply.status, 500)
    assert.equal(world.target.journal.count('Customer/update_customer'), 0)
  })

  test('of a logout: the session is ended where it lives', async (t) => {
    const world = await startWorld(t)
    const session = await login(world.url, 'customer', world.target.users.firstActiveCustomer())
    const { url } = await restarted(t, world)
    const headers = { cookie: 'pb_dispatch=authorized-by-remote' }
    const out = await call(url, 'customer', 'Session/logout', { access_token: session.accessToken }, { headers })
    assert.equal(out.headers['x-dispatched-to'], 'target', out.text)
    const ping = await call(world.target.urls.customer, 'customer', 'Session/ping', { session_id: session.sessionId })
    assert.notEqual(ping.json().user_id, world.target.users.firstActiveCustomer().i_customer)
  })
})

test('a refresh token without a record is tried as a login is: target, then source', async (t) => {
  const world = await startWorld(t)
  const session = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
  const { url } = await restarted(t, world)
  const reply = await call(url, 'customer', 'Session/refresh_access_token', { refresh_token: session.refreshToken })
  assert.equal(reply.status, 200, reply.text)
  assert.equal(reply.headers['x-dispatched-to'], 'source')
  assert.equal(world.target.journal.count('Session/refresh_access_token'), 1)
})

test('10,000 anonymous requests leave no record', async (t) => {
  const { source, target } = await startWorld(t)
  const { app, addresses } = await startSilentGateway(t, testConfig({ source: source.urls, target: target.urls }))
  const { hostname, port } = new URL(addresses[0]?.url ?? '')
  const request = `GET /login HTTP/1.1\r\nHost: ${host}\r\n`
  // All of a connection's at once, written and read as one text: clients would cost more than the gateway does.
  const hundred = `${`${request}\r\n`.repeat(99)}${request}Connection: close\r\n\r\n`
  for (let i = 0; i < 100; i++) {
    const socket = net.connect(Number(port), hostname)
    socket.write(hundred)
    assert.equal((await text(socket)).split('HTTP/1.1 200 OK\r\n').length - 1, 100)
  }
  assert.deepEqual(await Array.fromAsync(app.store('records').entries()), [])
})

test('parallel logins and calls of one user lose nothing, and do not lock the user out', async (t) => {
  const { url, source, target } = await startWorld(t)
  const user = source.users.firstActiveCustomer()
  const sessions = await Promise.all(Array.from({ length: 20 }, () => login(url, 'customer', user)))
  assert.equal(target.journal.count('Session/login'), 1)
  const calls = sessions.flatMap(({ accessToken, sessionId }) => [
    call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(accessToken) }),
    call(url, 'customer', 'Customer/get_customer_info', {}, { authInfo: { session_id: sessionId } })
  ])
  for (const reply of await Promise.all(calls)) {
    assert.equal(reply.status, 200)
    assert.equal(reply.headers['x-dispatched-to'], 'source')
  }
})
