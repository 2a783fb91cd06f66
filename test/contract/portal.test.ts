/** Contract sections 3 and 7: realms by host, versioned hosts, and what names a system's own host. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { realmNames } from '../../core/words.ts'
import { hosts, startWorld } from '../build.ts'
import { ask, bearer, call, createJar, login } from '../client.ts'

const host = hosts.customer

suite('realms', async () => {
  test('each host reaches the URL of its own realm', async (t) => {
    const { url, target } = await startWorld(t)
    for (const realm of realmNames) {
      target.journal.clear()
      await ask(url, { path: '/rest/Generic/get_version', headers: { host: `${hosts[realm].toUpperCase()}:8444` } })
      assert.equal(target.journal.entries[0]?.realm, realm)
    }
  })

  test('an unknown host is in the default realm where there is one', async (t) => {
    const { url, target } = await startWorld(t, { defaultRealm: 'reseller' })
    await ask(url, { path: '/rest/Generic/get_version', headers: { host: 'stranger.test' } })
    assert.equal(target.journal.entries[0]?.realm, 'reseller')
  })
})

suite('versioned hosts', async () => {
  const versioned = { source: 'www.100-customer.test', target: 'www.115-customer.test' }
  test('pin the system, whatever the session says', async (t) => {
    const { url, source, target } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    const headers = { ...bearer(session.accessToken), cookie: 'pb_dispatch=authorized-by-remote' }
    for (const system of ['source', 'target'] as const) {
      const page = await ask(url, { method: 'GET', path: '/login', headers: { ...headers, host: versioned[system] } })
      assert.match(page.text, system === 'source' ? /MR100/ : /MR115/)
      const called = await ask(url, {
        path: '/rest/Generic/get_version',
        headers: { ...headers, host: versioned[system] }
      })
      assert.equal(called.headers['x-dispatched-to'], system)
    }
    assert.equal(target.journal.count('Session/ping'), 0)
  })

  test('send a login to that system alone, and set no cookie', async (t) => {
    const { url, source, target } = await startWorld(t)
    const user = source.users.firstActiveCustomer()
    const refused = await login(url, 'customer', user, { host: versioned.target })
    assert.equal(refused.reply.json().faultcode, 'Server.Session.auth_failed')
    assert.equal(source.journal.count(), 0)
    const accepted = await login(url, 'customer', user, { host: versioned.source })
    assert.equal(accepted.reply.status, 200)
    assert.equal(
      accepted.reply.headers['set-cookie']?.some((line) => line.startsWith('pb_dispatch=')),
      false
    )
    // The session is known all the same where no host pins.
    target.journal.clear()
    const called = await call(
      url,
      'customer',
      'Customer/get_customer_info',
      {},
      { headers: bearer(accepted.accessToken) }
    )
    assert.equal(called.status, 200)
    assert.equal(target.journal.count(), 0)
  })
})

suite("a system's own host", async () => {
  test('in Location becomes the one that the client asked', async (t) => {
    const { url, source, target } = await startWorld(t)
    const anonymous = await ask(url, { method: 'GET', path: '/', headers: { host } })
    assert.equal(anonymous.status, 302)
    assert.equal(anonymous.headers.location, `http://${host}/login`)
    const jar = createJar()
    jar.take((await login(url, 'customer', source.users.firstActiveCustomer())).reply)
    const known = await ask(url, { method: 'GET', path: '/', headers: { host: `${host}:8444`, ...jar.header() } })
    assert.equal(known.headers.location, `http://${host}:8444/dashboard`)
    target.faults.add({
      match: { method: 'get_version' },
      fault: { kind: 'headers', headers: [['Location', 'https://elsewhere.test/x']] }
    })
    const elsewhere = await ask(url, { path: '/rest/Generic/get_version', headers: { host } })
    assert.equal(elsewhere.headers.location, 'https://elsewhere.test/x')
  })

  test('in a cookie’s Domain goes, so that the browser keeps the cookie', async (t) => {
    const { url, target } = await startWorld(t, {}, { cookieDomain: '127.0.0.1' })
    const { reply } = await login(url, 'customer', target.users.firstActiveCustomer())
    const cookies = reply.headers['set-cookie'] ?? []
    assert.ok(cookies.some((line) => line.startsWith('session_id=')))
    assert.ok(
      cookies.every((line) => !/domain/i.test(line)),
      cookies.join()
    )
  })
})

test('pages follow the session through a whole visit: source customer, logout, target customer', async (t) => {
  const { url, source, target } = await startWorld(t)
  const jar = createJar()
  const page = (path: string) =>
    ask(url, { method: 'GET', path, headers: { host, accept: 'text/html', ...jar.header() } })

  assert.match((await page('/login')).text, /MR115/)
  const unmoved = await login(url, 'customer', source.users.firstActiveCustomer(), jar.header())
  jar.take(unmoved.reply)
  assert.match((await page('/dashboard')).text, /MR100/)
  jar.take(await call(url, 'customer', 'Session/logout', { session_id: unmoved.sessionId }, { headers: jar.header() }))
  const moved = await login(url, 'customer', target.users.firstActiveCustomer(), jar.header())
  jar.take(moved.reply)
  assert.match((await page('/dashboard')).text, /MR115/)
})
