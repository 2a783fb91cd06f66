/** Contract section 4: logins of single-home realms. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startWorld } from '../build.ts'
import { bearer, call, createJar, login } from '../client.ts'
import { soapLogin } from '../soap.ts'

const cookieOf = (headers: { 'set-cookie'?: string[] | undefined }) =>
  headers['set-cookie']?.find((line) => line.startsWith('pb_dispatch='))

suite('login forwarding', async () => {
  test("a moved customer's login reaches only the target", async (t) => {
    const { url, source, target } = await startWorld(t)
    const { reply } = await login(url, 'customer', target.users.firstActiveCustomer())
    assert.equal(reply.status, 200)
    assert.equal(reply.headers['x-dispatched-to'], 'target')
    assert.equal(cookieOf(reply.headers), undefined)
    assert.equal(target.journal.count('Session/login'), 1)
    assert.equal(source.journal.count(), 0)
  })

  test("an unmoved customer's login goes to the target, then the source, and sets the cookie", async (t) => {
    const { url, source, target } = await startWorld(t)
    const { reply } = await login(url, 'customer', source.users.firstActiveCustomer())
    assert.equal(reply.status, 200)
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.equal(cookieOf(reply.headers), 'pb_dispatch=authorized-by-remote; Path=/; HttpOnly; SameSite=Lax')
    assert.equal(target.journal.of('Session/login')[0]?.faultcode, 'Server.Session.auth_failed')
    const [first, second] = [target.journal.of('Session/login')[0], source.journal.of('Session/login')[0]]
    assert.ok(first && second && first.at <= second.at)
    assert.equal(first.bodySha256, second.bodySha256)
  })

  test('the second login of a source customer sends nothing to the target', async (t) => {
    const { url, source, target } = await startWorld(t)
    const user = source.users.firstActiveCustomer()
    await login(url, 'customer', user)
    target.journal.clear()
    const { reply } = await login(url, 'customer', user)
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.ok(cookieOf(reply.headers))
    assert.equal(target.journal.count(), 0)
  })

  test('a hint is only an order to ask in: a refusal still asks the other system', async (t) => {
    const world = await startWorld(t)
    const { url, source, target } = world
    const user = source.users.firstActiveCustomer()
    await login(url, 'customer', user)
    const { moveCustomer } = await import('../../simulator/index.ts')
    await moveCustomer(user.i_customer, source, target)
    source.journal.clear()
    const { reply } = await login(url, 'customer', user)
    assert.equal(reply.headers['x-dispatched-to'], 'target')
    assert.equal(source.journal.count('Session/login'), 1)
    const again = await login(url, 'customer', user)
    assert.equal(again.reply.headers['x-dispatched-to'], 'target')
    assert.equal(source.journal.count('Session/login'), 1)
  })

  test("a migration's word forgets all hints", async (t) => {
    const { url, opsUrl, source, target } = await startWorld(t)
    const user = source.users.firstActiveCustomer()
    await login(url, 'customer', user)
    target.journal.clear()
    const told = await fetch(`${opsUrl}/migrations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"i_customer": 7, "state": "started", "to": "target"}'
    })
    assert.equal(told.status, 200)
    await login(url, 'customer', user)
    assert.equal(target.journal.count('Session/login'), 1)
  })

  test('hints off: the target is asked each time', async (t) => {
    const { url, source, target } = await startWorld(t, { plugins: { 'login-forwarding': { hints: false } } })
    const user = source.users.firstActiveCustomer()
    await login(url, 'customer', user)
    await login(url, 'customer', user)
    assert.equal(target.journal.count('Session/login'), 2)
  })

  test('both refuse: the answer of the target is relayed', async (t) => {
    const { url, source, target } = await startWorld(t)
    const { reply } = await login(url, 'customer', { login: 'nobody', password: 'wrong' })
    assert.equal(reply.status, 500)
    assert.equal(reply.json().faultcode, 'Server.Session.auth_failed')
    assert.equal(reply.headers['x-dispatched-to'], 'target')
    assert.equal(target.journal.count('Session/login'), 1)
    assert.equal(source.journal.count('Session/login'), 1)
  })

  test('must change the password on the target: the user is there, nothing is forwarded', async (t) => {
    const { url, source, target } = await startWorld(t)
    const { reply } = await login(url, 'customer', target.users.mustChangeCustomer())
    assert.equal(reply.json().faultcode, 'Server.Session.alert_You_must_change_password')
    assert.equal(source.journal.count(), 0)
  })

  test('must change the password on the source is told, not the refusal of the target', async (t) => {
    const { url, source } = await startWorld(t)
    const { reply } = await login(url, 'customer', source.users.mustChangeCustomer())
    assert.equal(reply.json().faultcode, 'Server.Session.alert_You_must_change_password')
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.equal(cookieOf(reply.headers), undefined)
  })

  test('the target down still lets source customers in', async (t) => {
    const { url, source, target } = await startWorld(t)
    await target.stop()
    const { reply } = await login(url, 'customer', source.users.firstActiveCustomer())
    assert.equal(reply.status, 200)
    assert.ok(cookieOf(reply.headers))
  })

  test('the target down: nobody is told that the password is wrong', async (t) => {
    const { url, target } = await startWorld(t)
    const user = target.users.firstActiveCustomer()
    await target.stop()
    const { reply } = await login(url, 'customer', user)
    assert.equal(reply.status, 503)
    assert.equal(reply.json().faultcode, 'Server.Dispatcher.system_unavailable')
    assert.match(String(reply.json().faultstring), /target/)
    assert.ok(reply.headers['retry-after'])
  })

  test('the source down: a source customer is told so, a target customer gets in', async (t) => {
    const { url, source, target } = await startWorld(t)
    await source.stop()
    const unmoved = await login(url, 'customer', source.users.firstActiveCustomer())
    assert.equal(unmoved.reply.status, 503)
    assert.match(String(unmoved.reply.json().faultstring), /source/)
    const moved = await login(url, 'customer', target.users.firstActiveCustomer())
    assert.equal(moved.reply.status, 200)
  })

  test("the target's own 503 at a login is an unavailable target, and its fault is told when the source refuses", async (t) => {
    const { url, source, target } = await startWorld(t)
    target.faults.add({ match: { method: 'login' }, fault: { kind: 'status', status: 503, body: 'maintenance' } })
    const unmoved = await login(url, 'customer', source.users.firstActiveCustomer())
    assert.equal(unmoved.reply.status, 200)
    const nobody = await call(url, 'customer', 'Session/login', { login: 'nobody', password: 'x' })
    assert.equal(nobody.status, 503)
    assert.equal(nobody.text, 'maintenance')
  })

  test('a login never looks at an old session record or cookie', async (t) => {
    const { url, source, target } = await startWorld(t)
    const jar = createJar()
    const old = await login(url, 'customer', source.users.firstActiveCustomer())
    jar.take(old.reply)
    const { reply } = await login(url, 'customer', target.users.firstActiveCustomer(), {
      ...jar.header(),
      ...bearer(old.accessToken)
    })
    assert.equal(reply.headers['x-dispatched-to'], 'target')
  })

  test('a SOAP login is tried on the target, whatever old cookie comes with it', async (t) => {
    const { url, target } = await startWorld(t)
    const headers = { cookie: 'pb_dispatch=authorized-by-remote' }
    const { reply } = await soapLogin(url, 'customer', target.users.firstActiveCustomer(), { headers })
    assert.equal(reply.headers['x-dispatched-to'], 'target')
    assert.equal(target.journal.count(), 1)
  })

  test('too many logins of one address and login get 429 with Retry-After, another login does not', async (t) => {
    const { url, target } = await startWorld(t, {
      plugins: { 'login-forwarding': { rateLimit: { max: 2, window: 60_000 } } }
    })
    const user = target.users.firstActiveCustomer()
    await login(url, 'customer', user)
    await login(url, 'customer', user)
    const { reply } = await login(url, 'customer', user)
    assert.equal(reply.status, 429)
    assert.equal(reply.json().faultcode, 'Client.Dispatcher.too_many_logins')
    assert.ok(Number(reply.headers['retry-after']) > 0)
    assert.equal(target.journal.count('Session/login'), 2)
    const [, other] = target.users.activeCustomers(2)
    assert.ok(other)
    assert.equal((await login(url, 'customer', other)).reply.status, 200)
  })
})

suite('login and logout in one browser', () => {
  test('defect: a target customer could not log in after a source customer had logged out in the same browser', async (t) => {
    const { url, source, target } = await startWorld(t)
    const jar = createJar()
    const first = await login(url, 'customer', source.users.firstActiveCustomer())
    jar.take(first.reply)
    const stale = jar.get('pb_dispatch')
    assert.equal(stale, 'authorized-by-remote')

    const out = await call(
      url,
      'customer',
      'Session/logout',
      { access_token: first.accessToken },
      { headers: jar.header() }
    )
    assert.equal(out.status, 200)
    assert.match(cookieOf(out.headers) ?? '', /^pb_dispatch=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970/)
    const ended = await call(source.urls.customer, 'customer', 'Session/ping', { access_token: first.accessToken })
    assert.notEqual(ended.json().user_id, source.users.firstActiveCustomer().i_customer)

    // The cookie is stale on purpose: some browser, or tab, has kept it.
    const headers = { cookie: `pb_dispatch=${stale}` }
    const second = await login(url, 'customer', target.users.firstActiveCustomer(), headers)
    assert.equal(second.reply.headers['x-dispatched-to'], 'target')
    jar.take(second.reply)
    assert.equal(jar.get('pb_dispatch'), undefined)
    const info = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: jar.header() })
    assert.equal(info.status, 200)
    assert.equal(info.headers['x-dispatched-to'], 'target')
  })

  test('logout forgets every credential of the session', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    const out = await call(url, 'customer', 'Session/logout', { session_id: session.sessionId })
    assert.equal(out.headers['x-dispatched-to'], 'source')
    const after = await call(
      url,
      'customer',
      'Customer/get_customer_info',
      {},
      { headers: bearer(session.accessToken) }
    )
    assert.equal(after.status, 500)
  })

  test('a refresh goes where the session lives, and its new tokens are known', async (t) => {
    const { url, source, target } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    target.journal.clear()
    const refreshed = await call(url, 'customer', 'Session/refresh_access_token', {
      refresh_token: session.refreshToken
    })
    assert.equal(refreshed.status, 200)
    const token = String(refreshed.json().access_token)
    const info = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(token) })
    assert.equal(info.status, 200)
    assert.equal(info.headers['x-dispatched-to'], 'source')
    assert.equal(target.journal.count(), 0)
  })
})
