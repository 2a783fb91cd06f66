/** The store's contract, over each of its backends. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createMemoryStore } from '../../plugins/store/memory.ts'

const backends = [{ name: 'memory', create: () => createMemoryStore() }]

for (const { name, create } of backends) {
  suite(`store: ${name}`, async () => {
    test('gives back what was set, until it is deleted or cleared', async () => {
      const store = create()
      await store.set('a', '1', 1000)
      await store.set('b', '2', 1000)
      await store.set('a', '3', 1000)
      assert.equal(await store.get('a'), '3')
      await store.delete('a', 'nothing')
      assert.equal(await store.get('a'), undefined)
      await store.clear()
      assert.equal(await store.get('b'), undefined)
    })

    test('forgets what has expired', async (t) => {
      t.mock.timers.enable({ apis: ['Date', 'setTimeout'] })
      const realNow = performance.now.bind(performance)
      let passed = 0
      t.mock.method(performance, 'now', () => realNow() + passed)
      const store = create()
      await store.set('a', '1', 1000)
      await store.set('b', '2', 5000)
      passed = 2000
      t.mock.timers.tick(2000)
      assert.equal(await store.get('a'), undefined)
      assert.equal(await store.get('b'), '2')
    })
  })
}

test('the memory store is bounded: the least recently used makes room', async () => {
  const store = createMemoryStore(3)
  for (const key of ['a', 'b', 'c']) await store.set(key, key, 1000)
  await store.get('a')
  await store.set('d', 'd', 1000)
  assert.equal(await store.get('b'), undefined)
  assert.equal(await store.get('a'), 'a')
  assert.equal((await Array.fromAsync(store.entries())).length, 3)
})
