/** What a process keeps in front of a store that others share, and how it goes on while that is away. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../../../core/faults.ts'
import { until } from '../../until.ts'
import { createFleet } from './fleet.ts'

const minute = 60_000
const isAway = (error: unknown) => error instanceof Fault && error.fault === 'store_unavailable'

/** Enough failures that the breaker opens. */
async function untilAway({ guard, get }: ReturnType<ReturnType<typeof createFleet>['createProcess']>) {
  for (let at = 0; guard.isUp; at++) await get(`nobody ${at}`).catch(() => {})
}

suite('in front of a store that is well', async () => {
  test('what is in use is read once, and by questions of one moment once', async (t) => {
    const { createProcess } = createFleet(t)
    const [one, other] = [createProcess(), createProcess()]
    await one.set('a', '1', minute)
    assert.equal(await one.get('a'), '1')
    assert.equal(one.asked.reads, 0, 'it has written it itself')
    assert.deepEqual(await Promise.all([other.get('a'), other.get('a')]), ['1', '1'])
    for (let at = 0; at < 100; at++) await other.get('a')
    assert.equal(other.asked.reads, 1)
  })

  test('what another process changes, deletes or clears is seen at once', async (t) => {
    const { createProcess } = createFleet(t)
    const [one, other] = [createProcess(), createProcess()]
    const heard: (readonly string[] | null)[] = []
    other.onChanged((keys) => heard.push(keys))
    await one.setAll(['a', 'b', 'c'].map((key) => ({ key, value: '1', ttlMs: minute })))
    for (const key of ['a', 'b', 'c']) await other.get(key)
    await one.set('a', '2', minute)
    await one.delete('b')
    assert.deepEqual([await other.get('a'), await other.get('b'), await other.get('c')], ['2', undefined, '1'])
    await one.clear()
    assert.equal(await other.get('c'), undefined)
    assert.deepEqual(heard, [['a', 'b', 'c'], ['a'], ['b'], null])
  })

  test('what was read while it changed is not kept', async (t) => {
    const { createProcess } = createFleet(t)
    const [one, other] = [createProcess(), createProcess()]
    await one.set('a', '1', minute)
    const reading = other.get('a')
    await one.set('a', '2', minute)
    await reading
    assert.equal(await other.get('a'), '2')
  })

  test('what was read before an own write had reached the store is not kept', async (t) => {
    const { createProcess, memory } = createFleet(t)
    const [one, other] = [createProcess(), createProcess()]
    await other.set('a', '1', minute)
    const reached = Promise.withResolvers<void>()
    const write = memory.write.bind(memory)
    t.mock.method(memory, 'write', async (...args: Parameters<typeof write>) => {
      await reached.promise
      return write(...args)
    })
    const deleting = one.delete('a')
    assert.equal(await one.get('a'), '1', 'it is there still')
    reached.resolve()
    await deleting
    assert.equal(await one.get('a'), undefined)
  })

  test('what may have been told while nobody listened is read again', async (t) => {
    const { createProcess, memory } = createFleet(t)
    const one = createProcess()
    await one.set('a', '1', minute)
    await memory.write('records', [{ key: 'a', value: '2', ttlMs: minute }])
    assert.equal(await one.get('a'), '1')
    one.hears(false)
    one.hears(true)
    assert.equal(await one.get('a'), '2')
  })

  test('what has expired is gone, in front too', async (t) => {
    const { createProcess } = createFleet(t)
    const one = createProcess()
    const now = performance.now.bind(performance)
    let passed = 0
    t.mock.method(performance, 'now', () => now() + passed)
    await one.set('a', '1', 1000)
    passed = 1500
    assert.equal(await one.get('a'), undefined)
  })

  test('all processes count together, and are told by each other', async (t) => {
    const { createProcess } = createFleet(t)
    const [one, other] = [createProcess(), createProcess()]
    const told: string[] = []
    one.onTold((text) => told.push(`one ${text}`))
    other.onTold((text) => told.push(`other ${text}`))
    one.tell('hello')
    await until(() => told.length > 0)
    assert.deepEqual(told, ['other hello'])
    await one.increment('a', minute)
    assert.equal((await other.increment('a', minute)).count, 2)
  })
})

suite('while the store is away', async () => {
  test('nobody waits longer than a moment, and after some failures not at all', async (t) => {
    const { createProcess } = createFleet(t)
    const one = createProcess()
    one.setWire('silent')
    const begun = performance.now()
    await assert.rejects(one.get('a'), isAway)
    assert.ok(performance.now() - begun < 500)
    await untilAway(one)
    const { reads } = one.asked
    await assert.rejects(one.get('a'), isAway)
    assert.equal(one.asked.reads, reads, 'it was not even asked')
    one.setWire('good')
  })

  test('what lasts is believed, however old; what may have moved is not', async (t) => {
    const { createProcess } = createFleet(t)
    const [records, locations] = [createProcess(), createProcess('locations', false)]
    const now = performance.now.bind(performance)
    let passed = 0
    t.mock.method(performance, 'now', () => now() + passed)
    for (const store of [records, locations]) {
      await store.set('a', '1', 60 * minute)
      store.setWire('broken')
      await untilAway(store)
      assert.equal(await store.get('a'), '1')
    }
    passed = 10 * minute
    assert.equal(await records.get('a'), '1')
    await assert.rejects(locations.get('a'), isAway)
  })

  test('that nothing is kept is known too, where that is wanted, until somebody keeps something', async (t) => {
    const { createProcess } = createFleet(t)
    const [one, other] = [createProcess('contexts', true, true), createProcess('contexts', true, true)]
    for (const _ of [1, 2]) assert.equal(await one.get('a'), undefined)
    assert.equal(one.asked.reads, 1)
    one.setWire('broken')
    await untilAway(one)
    assert.equal(await one.get('a'), undefined)
    one.setWire('good')
    await until(() => one.guard.isUp)
    await other.set('a', '1', minute)
    assert.equal(await one.get('a'), '1')
  })

  test('each process counts for itself', async (t) => {
    const { createProcess } = createFleet(t)
    const one = createProcess()
    one.setWire('broken')
    assert.deepEqual([(await one.increment('a', minute)).count, (await one.increment('a', minute)).count], [1, 2])
  })

  test('what is written is known here at once, and to the others once it is back, in its order', async (t) => {
    const { createProcess, memory } = createFleet(t)
    const [one, other] = [createProcess(), createProcess()]
    await one.set('gone', '1', minute)
    await other.get('gone')
    one.setWire('broken')
    await one.set('a', '1', minute)
    await one.set('a', '2', minute)
    await one.delete('gone')
    await untilAway(one)
    assert.deepEqual([await one.get('a'), await one.get('gone')], ['2', undefined])
    assert.equal(one.guard.owed, 2)
    one.setWire('good')
    await until(() => one.guard.isUp)
    assert.equal(one.guard.owed, 0)
    assert.deepEqual([await other.get('a'), await other.get('gone')], ['2', undefined])
    assert.equal((await memory.get('records', 'a'))?.value, '2')
  })

  test('one write that was too slow is made up for, though the breaker never opens; a newer one is not undone by it', async (t) => {
    const { createProcess, memory } = createFleet(t)
    const one = createProcess()
    one.setWire('silent')
    await Promise.all([one.set('a', '1', minute), one.set('b', '1', minute)])
    assert.equal(one.guard.owed, 2)
    one.setWire('good')
    // A wire keeps the order of what is sent.
    await new Promise(setImmediate)
    await one.set('b', '2', minute)
    await until(() => one.guard.owed === 0)
    assert.ok(one.guard.isUp)
    assert.deepEqual([(await memory.get('records', 'a'))?.value, (await memory.get('records', 'b'))?.value], ['1', '2'])
  })

  test('a write that ends badly after a newer one, or after all was forgotten, is not made up for', async (t) => {
    const { createProcess, memory } = createFleet(t)
    const one = createProcess()
    one.setWire('silent')
    const older = one.set('a', '1', minute)
    one.setWire('good', false)
    await one.set('a', '2', minute)
    await older
    assert.equal(one.guard.owed, 0)
    one.setWire('silent', false)
    const forgotten = one.set('b', '1', minute)
    one.setWire('good', false)
    await one.clear()
    await forgotten
    assert.equal(one.guard.owed, 0)
    assert.deepEqual(await Array.fromAsync(memory.entries('records')), [])
  })

  test('what was cleared is cleared when it is back, and what was written since stays', async (t) => {
    const { createProcess, memory } = createFleet(t)
    const one = createProcess()
    await one.set('old', '1', minute)
    one.setWire('broken')
    await one.set('older', '1', minute)
    await one.clear()
    await one.set('new', '1', minute)
    assert.equal(await one.get('old'), undefined, 'not read from it before it is told')
    one.setWire('good')
    await until(() => one.guard.owed === 0)
    assert.deepEqual(await Array.fromAsync(memory.entries('records')), [['new', '1']])
  })
})

test('what a store has lost is written back by whoever knows it, but not over what is newer, nor what does not last', async (t) => {
  const { createProcess, memory } = createFleet(t)
  const [one, locations] = [createProcess(), createProcess('locations', false)]
  await one.set('a', '1', minute)
  await one.set('b', '1', minute)
  await locations.set('c', '1', minute)
  await memory.clear('records')
  await memory.clear('locations')
  await memory.write('records', [{ key: 'b', value: '2', ttlMs: minute }])
  await Promise.all([one.restore(), locations.restore()])
  const left = await Array.fromAsync(memory.entries('records'))
  assert.deepEqual(left.toSorted(), [
    ['a', '1'],
    ['b', '2']
  ])
  assert.deepEqual(await Array.fromAsync(memory.entries('locations')), [])
})
