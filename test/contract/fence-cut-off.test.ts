/**
 * A gateway that the shared store does not reach: the others give it up and fence without it, so it must have stopped writing
 * by then, for as long as anybody could be fenced.
 */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { startWorld, type World } from '../build.ts'
import { ask, bearer, call, login, type Reply } from '../client.ts'
import { customerInfo, restarted } from '../dual.ts'
import { startTwo } from '../fleet.ts'
import { startTestRedis, withoutRedisServer } from '../redis.ts'
import { until } from '../until.ts'

/** Of sixty customers every third has moved: these are at the source. */
const fenced = 1
const free = 2
const earlier = 5

/** Given ms pass at once for what is measured by the clock that never goes back: leases. Timers do not know of it. */
function startLeaps(t: TestContext): (ms: number) => void {
  const realNow = performance.now.bind(performance)
  let passed = 0
  t.mock.method(performance, 'now', () => realNow() + passed)
  return (ms) => {
    passed += ms
  }
}

async function tell({ opsUrl }: World, state: string, iCustomer = fenced) {
  const body = JSON.stringify({ i_customer: iCustomer, state, to: 'target' })
  const reply = await ask(opsUrl, { path: '/migrations', headers: { 'content-type': 'application/json' }, body })
  assert.equal(reply.status, 200, reply.text)
}

/** A gateway, and an administrator who has logged in there. */
async function withStaff(world: World) {
  const { accessToken } = await login(world.url, 'admin', world.target.users.admin())
  const headers = bearer(accessToken)
  const params = (iCustomer: number) => ({ customer_info: { i_customer: iCustomer, note: 'x' } })
  return {
    ...world,
    read: (iCustomer: number) => customerInfo(world.url, 'admin', iCustomer, headers),
    write: (iCustomer = free) => call(world.url, 'admin', 'Customer/update_customer', params(iCustomer), { headers })
  }
}

async function isDone(replying: Promise<Reply>) {
  const { status, text } = await replying
  assert.equal(status, 200, text)
}

async function isRefused(replying: Promise<Reply>) {
  const { status, headers, text } = await replying
  assert.equal(status, 503, text)
  assert.match(text, /Server\.Dispatcher\.store_unavailable/)
  assert.equal(headers['retry-after'], '1')
}

const members = ({ app }: World) => app.store('fence-members')
const areKnown = async (at: World, count: number) => (await Array.fromAsync(members(at).entries())).length === count

async function startBoth(t: TestContext, overrides = {}) {
  const redis = await startTestRedis(t)
  const { one, other } = await startTwo(t, redis.url, overrides)
  const both = [await withStaff(one), await withStaff(other)]
  for (const { write } of both) await isDone(write())
  return { redis, one, other, both, leap: startLeaps(t) }
}

/** Redis, and a client of the test's own. */
async function startWatched(t: TestContext) {
  const redis = await startTestRedis(t)
  const { createClient } = await import('redis')
  const client = createClient({ url: redis.url, socket: { reconnectStrategy: false } }).on('error', () => {})
  await client.connect()
  return { ...redis, client }
}

suite('a gateway that the shared store does not reach', { skip: withoutRedisServer }, async () => {
  test('writes for ten seconds while somebody is fenced, and then for nobody; reads go on', async (t) => {
    const { redis, one, both, leap } = await startBoth(t)
    await tell(one, 'started')
    await redis.stop()
    // It was heard of some seconds before that.
    leap(5_000)
    for (const { write } of both) await isDone(write())
    leap(5_000)
    for (const { write, read } of both) {
      await isRefused(write())
      await isRefused(write(fenced))
      await isDone(read(fenced))
    }
  })

  test('writes on where nobody moves, and for write-fence.expiry after the last word does not', async (t) => {
    const expiry = 60_000
    const { redis, one, other, both, leap } = await startBoth(t, { plugins: { 'write-fence': { expiry } } })
    await redis.stop()
    leap(20_000)
    for (const { write } of both) await isDone(write())

    await redis.start()
    await until(() => areKnown(one, 2))
    await tell(one, 'started')
    await tell(one, 'failed')
    await until(() => !other.app.writeFence.isUp)
    await redis.stop()
    leap(10_000)
    for (const { write } of both) await isRefused(write())
    leap(expiry - 20_000)
    for (const { write } of both) await isRefused(write())
    leap(10_000)
    for (const { write } of both) await isDone(write())
  })

  test('writes for nobody when it is back before it has read who was fenced meanwhile', async (t) => {
    const { url, client } = await startWatched(t)
    const far = (...rules: string[]) => client.sendCommand(['ACL', 'SETUSER', 'far', ...rules])
    await far('on', '>far', '~*', '&*', '+@all')
    const one = await startWorld(t, { store: url })
    const other = await restarted(t, one, { store: url.replace('//', '//far:far@') })
    const { write } = await withStaff(other)
    await isDone(write())
    await tell(one, 'started', earlier)

    const leap = startLeaps(t)
    await far('off')
    await client.sendCommand(['CLIENT', 'KILL', 'USER', 'far'])
    leap(10_000)
    // As after the 15 seconds for which the others wait for it.
    for await (const [key] of members(one).entries()) await members(one).delete(key)
    await tell(one, 'started')
    assert.equal(other.app.writeFence.get(fenced), undefined, 'it has not heard of it')
    await isRefused(write(fenced))

    await far('on', '-scan')
    await until(() => areKnown(one, 2))
    for (const iCustomer of [fenced, free]) await isRefused(write(iCustomer))
    await far('+scan')
    await until(async () => (await write()).status === 200)
    assert.match((await write(fenced)).text, /migration_in_progress/)
  })

  test('hands over whoever has moved meanwhile, once it is back', async (t) => {
    const { redis, one, other } = await startBoth(t)
    const { accessToken } = await login(other.url, 'customer', one.source.users.firstActiveCustomer())
    const info = () => call(other.url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(accessToken) })
    const { i_customer: iCustomer } = (await info()).json().customer_info as { i_customer: number }
    await tell(one, 'started', iCustomer)
    // From here on it knows whose the session is, and that no word tells where its customer is.
    await isDone(info())
    await redis.stop()
    await tell(one, 'finished', iCustomer)
    await isDone(info())
    await redis.start()
    await until(async () => (await info()).json().faultcode === 'Server.Session.check_auth.auth_failed')
  })

  test('is waited for by the others for longer than it writes by itself', async (t) => {
    const { url, client } = await startWatched(t)
    await startWorld(t, { store: url })
    const [key = ''] = await client.keys('*:fence-members:*')
    const restMs = await until(async () => {
      const rest = await client.pTTL(key)
      return rest > 12_000 && rest
    })
    assert.ok(Number(restMs) <= 15_000, `${restMs} ms`)
  })
})
