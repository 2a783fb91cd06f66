/** The write fence of gateways that share a store: none lets a write through that another has fenced. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import type { World } from '../build.ts'
import { ask, bearer, call, type Session } from '../client.ts'
import { openPair, restarted } from '../dual.ts'
import { startTwo } from '../fleet.ts'
import { startTestRedis, temporaryFolder, withoutRedisServer } from '../redis.ts'
import { until } from '../until.ts'

const fenced = 1
const tell = ({ opsUrl }: World, word: unknown) =>
  ask(opsUrl, { path: '/migrations', headers: { 'content-type': 'application/json' }, body: JSON.stringify(word) })
const word = (state: string, iCustomer = fenced) => ({ i_customer: iCustomer, state, to: 'target' })
const write = ({ url }: World, { accessToken }: Session, iCustomer = fenced) => {
  const params = { customer_info: { i_customer: iCustomer, note: 'x' } }
  return call(url, 'admin', 'Customer/update_customer', params, { headers: bearer(accessToken) })
}
const isRefused = async (at: World, session: Session) => (await write(at, session)).status === 503
const members = ({ app }: World) => app.store('fence-members')

const stores = [
  {
    name: 'a file',
    skip: false as string | false,
    start: async (t: TestContext) => `file:${join(temporaryFolder(t), 'store.db')}`
  },
  { name: 'Redis', skip: withoutRedisServer, start: async (t: TestContext) => (await startTestRedis(t)).url }
]

for (const { name, skip, start } of stores) {
  suite(`a fence over ${name}`, { skip }, async () => {
    test('is up and down everywhere at once, and waits for the writes of every gateway', async (t) => {
      const place = await start(t)
      const { one, other } = await startTwo(t, place)
      const { session } = await openPair(one)
      for (const at of [one, other]) assert.equal((await write(at, session)).status, 200)

      one.source.faults.add({ match: { method: 'update_customer' }, fault: { kind: 'delay', ms: 500 }, times: 1 })
      let isWritten = false
      const writing = write(other, session).then((reply) => {
        isWritten = true
        return reply
      })
      await until(() =>
        one.source.journal.entries.some(({ method, status }) => method === 'update_customer' && status === null)
      )
      const starting = tell(one, word('started'))
      await until(() => other.app.writeFence.isUp)
      assert.ok(!isWritten, 'it is up before the last write has ended')
      assert.ok(await isRefused(other, session))
      assert.equal((await starting).status, 200)
      assert.ok(isWritten || (await writing).status === 200)
      assert.equal((await writing).status, 200)
      for (const at of [one, other]) assert.ok(await isRefused(at, session))

      const third = await restarted(t, one, { store: place })
      assert.equal(third.app.writeFence.get(fenced)?.to, 'target', 'one that starts knows them before it serves')
      assert.ok(await isRefused(third, session))

      one.target.importCustomer(one.source.exportCustomer(fenced))
      assert.equal((await tell(other, word('finished'))).status, 200)
      for (const at of [one, other, third]) {
        await until(() => !at.app.writeFence.isUp)
        const moved = await write(at, session)
        assert.deepEqual([moved.status, moved.headers['x-dispatched-to']], [200, 'target'])
      }
      const fourth = await restarted(t, one, { store: place })
      assert.equal(fourth.app.writeFence.isUp, false)
    })

    test('waits for a gateway that was killed until nobody counts on it, and not for one that was stopped', async (t) => {
      const place = await start(t)
      const { one, other } = await startTwo(t, place, { plugins: { 'write-fence': { patience: 2500 } } })
      await other.stop()
      const begun = performance.now()
      assert.equal((await tell(one, word('started', 2))).status, 200)
      assert.ok(performance.now() - begun < 900)

      await members(one).set('one that was killed', '1', 700)
      assert.equal((await tell(one, word('started'))).status, 200)
      assert.ok(performance.now() - begun > 600, 'its writes may still have been at work')

      await members(one).set('one that does not answer', '1', 60_000)
      const late = await tell(one, word('started'))
      assert.deepEqual([late.status, late.json().faultcode], [504, 'Server.Dispatcher.fence_unsettled'])
      assert.equal(one.app.writeFence.get(fenced)?.iCustomer, fenced, 'it stands')
    })
  })
}

test('a fence is not raised while the store is away, and one that stands stays; its end is told when the store is back', {
  skip: withoutRedisServer
}, async (t) => {
  const redis = await startTestRedis(t)
  const { one, other } = await startTwo(t, redis.url)
  const { session } = await openPair(one)
  for (const at of [one, other]) assert.equal((await write(at, session, 2)).status, 200)
  assert.equal((await tell(one, word('started'))).status, 200)
  await redis.stop()
  const refused = await tell(one, [word('started'), word('started', 2)])
  assert.deepEqual([refused.status, refused.json().faultcode], [503, 'Server.Dispatcher.store_unavailable'])
  assert.equal(one.app.writeFence.get(2), undefined)
  for (const at of [one, other]) assert.notEqual(at.app.writeFence.get(fenced), undefined)
  assert.equal((await tell(one, word('failed'))).status, 200)
  assert.equal(one.app.writeFence.get(fenced), undefined)
  assert.notEqual(other.app.writeFence.get(fenced), undefined, 'it has not heard of it')
  await redis.start()
  await until(() => other.app.writeFence.get(fenced) === undefined)
  await until(async () => (await write(other, session, 2)).status === 200)
})

test('a fence that the store has lost is there again for a gateway that starts later, though who raised it is gone', {
  skip: withoutRedisServer
}, async (t) => {
  const redis = await startTestRedis(t)
  const { one, other } = await startTwo(t, redis.url)
  assert.equal((await tell(one, word('started'))).status, 200)
  await one.stop()
  await redis.stop()
  await redis.start()
  await until(async () => (await Array.fromAsync(other.app.store('fences').entries())).length === 1)
  const third = await restarted(t, one, { store: redis.url })
  assert.equal(third.app.writeFence.get(fenced)?.to, 'target')
})

test('a gateway that starts while the store is away lets no write through until it has read who is fenced', {
  skip: withoutRedisServer
}, async (t) => {
  const redis = await startTestRedis(t)
  const { one } = await startTwo(t, redis.url)
  await redis.stop()
  const late = await restarted(t, one, { store: redis.url })
  const { session } = await openPair(late)
  const refused = await write(late, session)
  assert.deepEqual([refused.status, refused.json().faultcode], [503, 'Server.Dispatcher.store_unavailable'])
  await redis.start()
  await until(async () => (await write(late, session)).status === 200)
})

suite('what gateways tell each other of fences', async () => {
  async function startPair(t: TestContext) {
    const { one, other } = await startTwo(t, `file:${join(temporaryFolder(t), 'store.db')}`, { drain: 50 })
    const fences = one.app.store('fences')
    return { one, other, fences, say: (message: object) => fences.tell(JSON.stringify(message)) }
  }

  test('is of thousands in parts, and all of them are kept and ended', async (t) => {
    const { one, other, fences } = await startPair(t)
    const words = (state: string) => Array.from({ length: 1001 }, (_, at) => word(state, at + 1))
    assert.equal((await tell(one, words('started'))).status, 200)
    assert.equal(other.app.writeFence.list().length, 1001)
    assert.equal((await Array.fromAsync(fences.entries())).length, 1001)
    assert.equal((await tell(one, words('failed'))).status, 200)
    await until(() => !other.app.writeFence.isUp)
    assert.deepEqual(await Array.fromAsync(fences.entries()), [])
  })

  test('may come late: an end is of the fence that it names, and one that has ended does not come up', async (t) => {
    const { one, other, say } = await startPair(t)
    assert.equal((await tell(one, word('started'))).status, 200)
    say({ kind: 'end', ends: [[fenced, 'an earlier one'], [2, 'one that is over']] }) // biome-ignore format: a pair each
    const now = Date.now()
    const row = (iCustomer: number, token: string) => [iCustomer, 'target', now, now + 60_000, token]
    say({ kind: 'raise', id: 'a word', rows: [row(2, 'one that is over'), row(3, 'a new one')] })
    await until(() => other.app.writeFence.get(3) !== undefined)
    assert.equal(other.app.writeFence.get(2), undefined)
    assert.notEqual(other.app.writeFence.get(fenced), undefined)
  })

  test('may be missed: a fence that is kept no more has ended if somebody has said so, and by no event of a system', async (t) => {
    const { one, other, fences } = await startPair(t)
    assert.equal((await tell(one, [word('started'), word('started', 2), word('started', 4)])).status, 200)
    const event = { event_type: 'Customer/Status/Exported', variables: { i_customer: fenced } }
    assert.equal((await tell(one, event)).status, 200)
    one.app.entityLocation.noteMove({ iCustomer: 2, state: 'failed', to: 'target' })
    await fences.delete(String(fenced), '4', '2')
    await until(() => other.app.writeFence.get(2) === undefined)
    for (const iCustomer of [fenced, 4]) assert.notEqual(other.app.writeFence.get(iCustomer), undefined)
  })

  test('is told again to one that is there and has not answered', async (t) => {
    const { one, other } = await startPair(t)
    await members(one).set('one that has just started', '1', 60_000)
    const heard = other.app.store('fences')
    let times = 0
    heard.onTold((text) => {
      const { kind, id } = JSON.parse(text) as { kind: string; id: string }
      if (kind !== 'raise' || ++times < 2) return
      heard.tell(JSON.stringify({ kind: 'settled', id, by: 'one that has just started' }))
    })
    assert.equal((await tell(one, word('started'))).status, 200)
    assert.equal(times, 2)
  })

  test('an end that is told to one without the fence ends what others have kept', async (t) => {
    const { one, fences } = await startPair(t)
    await fences.set('3', JSON.stringify([3, 'target', Date.now(), Date.now() + 60_000, 'of one that is gone']), 60_000)
    assert.equal((await tell(one, word('failed', 3))).status, 200)
    assert.deepEqual(await Array.fromAsync(fences.entries()), [])
  })

  test('is no farewell of one whose writes may still be at work', async (t) => {
    const { one, other } = await startPair(t)
    const { session } = await openPair(one)
    assert.equal((await write(other, session, 2)).status, 200)
    one.source.faults.add({ match: { method: 'update_customer' }, fault: { kind: 'delay', ms: 1_000 }, times: 1 })
    const writing = write(other, session, 2).catch(() => {})
    await until(() =>
      one.source.journal.entries.some(({ method, status }) => method === 'update_customer' && status === null)
    )
    await other.stop()
    assert.equal((await Array.fromAsync(members(one).entries())).length, 2)
    await writing
  })
})
