/** Contract section 8, the handoff: a customer who is moved while logged in has to log in again, and then is there. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { hosts, startWorld, type World } from '../build.ts'
import { ask, bearer, call, createJar, login, type Session } from '../client.ts'
import { restarted } from '../dual.ts'
import { clearJournals } from '../reached.ts'
import { temporaryFolder } from '../redis.ts'
import { until } from '../until.ts'

const ended = 'Server.Session.check_auth.auth_failed'
const tell = ({ opsUrl }: World, word: object) =>
  ask(opsUrl, { path: '/migrations', headers: { 'content-type': 'application/json' }, body: JSON.stringify(word) })
const info = ({ url }: World, { accessToken }: Session, cookie = '') =>
  call(
    url,
    'customer',
    'Customer/get_customer_info',
    {},
    { headers: { ...bearer(accessToken), ...(cookie && { cookie }) } }
  )
const routing = 'pb_dispatch=authorized-by-remote'
const cleared = /^pb_dispatch=; Max-Age=0; Path=\//

async function enter(world: World) {
  const user = world.source.users.firstActiveCustomer()
  const session = await login(world.url, 'customer', user)
  assert.match(String(session.reply.headers['set-cookie']), /authorized-by-remote/)
  const record = (await info(world, session)).json().customer_info as { i_customer: number }
  return { user, session, iCustomer: record.i_customer }
}

function move({ source, target }: World, iCustomer: number) {
  target.importCustomer(source.exportCustomer(iCustomer))
}

suite('a customer who is moved while logged in', async () => {
  test("gets the source's own fault, loses record and cookie, and lands on the target at the next login", async (t) => {
    const world = await startWorld(t)
    const { user, session, iCustomer } = await enter(world)
    await tell(world, { i_customer: iCustomer, state: 'started', to: 'target' })
    move(world, iCustomer)
    const direct = await call(
      world.source.urls.customer,
      'customer',
      'Customer/get_customer_info',
      {},
      {
        headers: bearer(session.accessToken)
      }
    )
    const reply = await info(world, session, routing)
    assert.equal(reply.status, 500)
    assert.equal(reply.text, direct.text, 'its own words')
    assert.match(String(reply.headers['set-cookie']), cleared)
    const known = await world.app.homes.find({ kind: 'access_token', value: session.accessToken })
    assert.equal(known, null)
    await tell(world, { i_customer: iCustomer, state: 'finished' })
    clearJournals(world)
    const next = await login(world.url, 'customer', user)
    assert.equal(next.reply.headers['x-dispatched-to'], 'target')
    assert.equal(world.source.journal.count('Session/login'), 0)
    assert.equal((await info(world, next)).headers['x-dispatched-to'], 'target')
  })

  for (const isKnown of [true, false]) {
    test(`is told so by the gateway where the source ${isKnown ? 'would still serve' : 'was never asked whose'} the session`, async (t) => {
      const world = await startWorld(t)
      const { session, iCustomer } = await enter(world)
      if (isKnown) {
        await tell(world, { i_customer: iCustomer, state: 'started', to: 'target' })
        assert.equal((await info(world, session)).status, 200)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
      await tell(world, { i_customer: iCustomer, state: 'finished', to: 'target' })
      clearJournals(world)
      for (const _ of ['once', 'and again']) {
        const reply = await info(world, session, routing)
        assert.deepEqual([reply.status, reply.json().faultcode], [500, ended])
        assert.match(String(reply.headers['set-cookie']), cleared)
      }
      const token = { kind: 'access_token', value: session.accessToken } as const
      await until(async () => (await world.app.homes.find(token)) === null)
      const asked = world.source.journal.count('Customer/get_customer_info')
      assert.equal(asked, isKnown ? 0 : 1, 'at most whose it is')
      const page = await ask(world.url, {
        method: 'GET',
        path: '/',
        headers: { host: hosts.customer, cookie: `${routing}; session_id=${session.sessionId}`, accept: 'text/html' }
      })
      assert.deepEqual([page.status, page.headers['x-dispatched-to']], [302, 'target'])
      assert.match(String(page.headers['set-cookie']), cleared)
    })
  }

  test('whose session the source has ended before anybody asked whose it is is led there by none of its cookies', async (t) => {
    const world = await startWorld(t)
    const { session, iCustomer } = await enter(world)
    const jar = createJar()
    jar.take(session.reply)
    await tell(world, { i_customer: iCustomer, state: 'started', to: 'target' })
    move(world, iCustomer)
    await tell(world, { i_customer: iCustomer, state: 'finished' })
    const headers = { host: hosts.customer, 'content-type': 'application/json' }
    const body = '{"params":{}}'
    const path = '/rest/Customer/get_customer_info'
    const reply = await ask(world.url, { path, body, headers: { ...headers, ...jar.header() } })
    assert.deepEqual([reply.status, reply.json().faultcode], [500, ended])
    jar.take(reply)
    assert.equal(jar.get('pb_dispatch'), undefined)
    assert.ok(jar.get('session_id') !== undefined && jar.get('access_token') !== undefined)
    const shown = { host: hosts.customer, accept: 'text/html', ...jar.header() }
    const page = await ask(world.url, { method: 'GET', path: '/dashboard', headers: shown })
    assert.deepEqual([page.status, page.headers['x-dispatched-to']], [302, 'target'])
  })

  test('is told so by a gateway that started after the word, and had never seen the session', async (t) => {
    const store = `file:${join(temporaryFolder(t), 'store.db')}`
    const world = await startWorld(t, { store })
    const { session, iCustomer } = await enter(world)
    await tell(world, { i_customer: iCustomer, state: 'finished', to: 'target' })
    await world.stop()
    const next = await restarted(t, world, { store })
    const reply = await info(next, session, routing)
    assert.deepEqual([reply.status, reply.json().faultcode], [500, ended])
    // Its owner is known to whoever starts next, though its record is gone.
    await next.stop()
    const last = await restarted(t, world, { store })
    clearJournals(world)
    assert.equal((await info(last, session, routing)).json().faultcode, ended)
    assert.equal(world.source.journal.count('Customer/get_customer_info'), 0)
  })

  test('is told so in the account realm as well, and not on a host of a release', async (t) => {
    const world = await startWorld(t)
    const { accessToken } = await login(world.url, 'account', world.source.users.firstActiveAccount())
    const headers = bearer(accessToken)
    const own = (host?: string) =>
      call(
        world.url,
        'account',
        'Account/get_account_info',
        {},
        { headers: host === undefined ? headers : { ...headers, host } }
      )
    const { account_info: info } = (await own()).json() as { account_info: { i_customer: number } }
    await tell(world, { i_customer: info.i_customer, state: 'finished', to: 'target' })
    assert.equal((await own()).json().faultcode, ended)
    assert.equal((await own('www.100-account.test')).status, 200)
  })

  test('whose session it is is asked once, also where nobody can say', async (t) => {
    const world = await startWorld(t)
    const { accessToken } = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
    await tell(world, { i_customer: 5, state: 'started', to: 'target' })
    const fault = { kind: 'fault', faultcode: 'Server.Odd' } as const
    world.source.faults.add({ match: { method: 'get_customer_info' }, fault })
    for (const _ of ['once', 'and again']) {
      const headers = bearer(accessToken)
      const reply = await call(world.url, 'customer', 'Invoice/get_invoice_list', { limit: 1 }, { headers })
      assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [200, 'source'])
    }
    assert.equal(world.source.journal.count('Customer/get_customer_info'), 1)
  })

  test('goes on where nobody knows where the customer is, since nobody has ended the move', async (t) => {
    const world = await startWorld(t, { plugins: { 'write-fence': { expiry: 50 } } })
    const session = await login(world.url, 'customer', world.target.users.firstActiveCustomer())
    const record = (await info(world, session)).json().customer_info as { i_customer: number }
    await tell(world, { i_customer: record.i_customer, state: 'started', to: 'target' })
    await until(() => world.app.writeFence.counts.expired === 1)
    await until(async () => (await world.app.entityLocation.lastWordOf(record.i_customer))?.by === 'expired')
    const reply = await info(world, session)
    assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [200, 'target'])
  })

  test('and logs in where the word was wrong stays there: there is no loop', async (t) => {
    const world = await startWorld(t)
    const { user, session, iCustomer } = await enter(world)
    await tell(world, { i_customer: iCustomer, state: 'finished', to: 'target' })
    assert.equal((await info(world, session)).json().faultcode, ended)
    const again = await login(world.url, 'customer', user)
    for (let at = 0; at < 3; at++) {
      const reply = await info(world, again)
      assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [200, 'source'])
    }
  })

  test('back to the source is told so as well', async (t) => {
    const world = await startWorld(t)
    const session = await login(world.url, 'customer', world.target.users.firstActiveCustomer())
    const record = (await info(world, session)).json().customer_info as { i_customer: number }
    await tell(world, { i_customer: record.i_customer, state: 'finished', to: 'source' })
    assert.equal((await info(world, session)).json().faultcode, ended)
  })

  test('whose pages a browser shows gets the login of the target, and is there after it', async (t) => {
    const world = await startWorld(t)
    const { user, iCustomer } = await enter(world)
    const jar = createJar()
    jar.take((await login(world.url, 'customer', user)).reply)
    const get = async (path: string) => {
      const headers = { host: hosts.customer, accept: 'text/html', ...jar.header() }
      const reply = await ask(world.url, { method: 'GET', path, headers })
      jar.take(reply)
      return reply
    }
    assert.equal((await get('/')).headers['x-dispatched-to'], 'source')
    await tell(world, { i_customer: iCustomer, state: 'started', to: 'target' })
    assert.equal((await get('/')).headers['x-dispatched-to'], 'source')
    move(world, iCustomer)
    await tell(world, { i_customer: iCustomer, state: 'finished' })
    for (const path of ['/', '/login']) {
      const page = await get(path)
      assert.equal(page.headers['x-dispatched-to'], 'target', path)
      assert.equal(page.status, path === '/' ? 302 : 200)
    }
    assert.equal(jar.get('pb_dispatch'), undefined)
    const back = await login(world.url, 'customer', user, jar.header())
    jar.take(back.reply)
    assert.equal(back.reply.headers['x-dispatched-to'], 'target')
    const page = await get('/dashboard')
    assert.deepEqual([page.status, page.headers['x-dispatched-to']], [200, 'target'])
  })
})

test('whose session it is nobody is asked where nobody moves', async (t) => {
  const world = await startWorld(t)
  const { session } = await enter(world)
  clearJournals(world)
  for (let at = 0; at < 3; at++) await info(world, session)
  assert.equal(world.source.journal.count(), 3)
  assert.deepEqual(await Array.fromAsync(world.app.store('owners').entries()), [])
})
