/** A store that is away, hangs, or comes back empty: what goes on, what is refused clearly, and that it heals by itself. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RealmName } from '../../core/words.ts'
import { hosts, type World } from '../build.ts'
import { ask, bearer, call, login, type Reply, type Session } from '../client.ts'
import { assertFrom, customerInfo, moved, openPair, restarted, unmoved } from '../dual.ts'
import { startTwo } from '../fleet.ts'
import { startTestRedis, withoutRedisServer } from '../redis.ts'
import { scrape } from '../scrape.ts'
import { until } from '../until.ts'

const ofCustomer = ({ url }: World, { accessToken }: Session) =>
  call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(accessToken) })
const ofStaff = ({ url }: World, { accessToken }: Session, iCustomer = unmoved) =>
  customerInfo(url, 'admin', iCustomer, bearer(accessToken))

const assertAway = (reply: Reply) => {
  assert.equal(reply.status, 503, reply.text)
  assert.equal(reply.json().faultcode, 'Server.Dispatcher.store_unavailable')
  assert.equal(reply.headers['retry-after'], '1')
}

/** Nobody waits for the store: what a request may take although it is away, on a machine that is busy, ms. */
const boundMs = 1000

async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  const begun = performance.now()
  const result = await work
  assert.ok(performance.now() - begun < boundMs, `it took ${performance.now() - begun} ms`)
  return result
}

const isUp = async ({ opsUrl }: World) => (await scrape(opsUrl)).get('store_up')

suite('Redis', { skip: withoutRedisServer }, async () => {
  test('stops, and comes back empty', async (t) => {
    const redis = await startTestRedis(t)
    const { one, other } = await startTwo(t, redis.url)
    const { source, target } = one
    const user = source.users.firstActiveCustomer()
    const logIn = (at: World, realm: RealmName) => login(at.url, realm, realm === 'admin' ? target.users.admin() : user)

    const known = { staff: (await openPair(one)).session, customer: await logIn(one, 'customer') }
    assertFrom(await ofStaff(one, known.staff), 'source')
    // Known to nobody who lives: its gateway is gone.
    const third = await restarted(t, one, { store: redis.url })
    const forgotten = { customer: await logIn(third, 'customer'), staff: await logIn(third, 'admin') }
    await third.stop()
    await redis.stop()

    // Logins, what this process knows, and what the systems can be asked about.
    const meanwhile = { customer: await inTime(logIn(one, 'customer')), staff: await inTime(logIn(one, 'admin')) }
    for (const session of [known.customer, meanwhile.customer, forgotten.customer]) {
      for (const at of [one, other]) assertFrom(await inTime(ofCustomer(at, session)), 'source')
    }
    for (const session of [known.staff, meanwhile.staff]) {
      assertFrom(await inTime(ofStaff(one, session)), 'source')
      assertFrom(await ofStaff(one, session, moved), 'target')
      assertAway(await inTime(ofStaff(other, session)))
    }
    assertAway(await ofStaff(one, forgotten.staff))
    // What was asked before it stopped counts for some seconds more.
    await until(async () => (await isUp(one)) === 0)
    assert.equal((await ask(one.opsUrl, { method: 'GET', path: '/health/ready' })).status, 200)

    await redis.start()
    await until(async () => (await isUp(one)) === 1 && (await isUp(other)) === 1)
    // What one process knew, or began meanwhile, is whole at the other too.
    for (const session of [known.staff, meanwhile.staff]) {
      await until(async () => (await ofStaff(other, session)).status === 200)
      assertFrom(await ofStaff(other, session), 'source')
      assertFrom(await ofStaff(other, session, moved), 'target')
    }
    for (const session of [known.customer, meanwhile.customer, forgotten.customer]) {
      for (const at of [one, other]) assertFrom(await ofCustomer(at, session), 'source')
    }
    // Of a session that may be half of one nobody sees half of the customers: it has ended.
    await until(async () => (await ofStaff(other, forgotten.staff)).status !== 503)
    const ended = await ofStaff(other, forgotten.staff)
    assert.equal(ended.status, 500)
    assert.equal(ended.json().faultcode, 'Server.Session.check_auth.auth_failed')
    const headers = bearer(forgotten.staff.accessToken)
    const list = await call(one.url, 'admin', 'Customer/get_customer_list', { limit: 5 }, { headers })
    assert.equal(list.json().faultcode, 'Server.Session.check_auth.auth_failed')
    // A browser is not left before a fault: it gets the page, whose calls then lead to a new login.
    const page = await ask(other.url, { method: 'GET', path: '/', headers: { host: hosts.admin, ...headers } })
    assert.equal(page.status, 302, 'to the login')
    assertFrom(page, 'target')
    assert.equal((await ofStaff(other, forgotten.staff)).status, 500, 'the page has not made it a whole one')
    const again = await logIn(other, 'admin')
    for (const at of [one, other]) assertFrom(await ofStaff(at, again), 'source')
  })

  test('hangs, and goes on', async (t) => {
    const redis = await startTestRedis(t)
    const { one, other } = await startTwo(t, redis.url)
    const { session } = await openPair(one)
    redis.hang()
    t.after(redis.goOn)
    assertFrom(await inTime(ofStaff(one, session)), 'source')
    assertAway(await inTime(ofStaff(other, session)))
    const fresh = await inTime(login(one.url, 'customer', one.source.users.firstActiveCustomer()))
    assertFrom(fresh.reply, 'source')
    assertFrom(await inTime(ofCustomer(other, fresh)), 'source')
    redis.goOn()
    await until(async () => (await ofStaff(other, session)).status === 200)
    assertFrom(await ofStaff(other, session), 'source')
    const record = { kind: 'access_token', value: fresh.accessToken } as const
    await until(async () => (await other.app.homes.find(record))?.by === 'record')
  })
})
