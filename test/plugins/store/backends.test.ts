/** What every backend of the store does, over each of them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Backend } from '../../../plugins/store/backend.ts'
import { createFileBackend } from '../../../plugins/store/file/index.ts'
import { createMemoryBackend } from '../../../plugins/store/memory.ts'
import { createRedisBackend } from '../../../plugins/store/redis/index.ts'
import { startTestRedis, temporaryFolder, testRedisUrl, withoutRedis, withoutRedisServer } from '../../redis.ts'
import { until } from '../../until.ts'
import { openProcess, type Process } from './hearing.ts'
import { startCluster, startSentinel } from './redis-forms.ts'

interface Kind {
  readonly name: string
  readonly skip: string | false
  readonly isShared: boolean
  /** Gives what makes the backend of one more process. */
  prepare(t: TestContext): Promise<() => Backend>
}

const prefix = `test-${process.pid}`
const overRedis = (url: string) => () => createRedisBackend(`${url}?prefix=${prefix}`)

const kinds: readonly Kind[] = [
  { name: 'memory', skip: false, isShared: false, prepare: async () => createMemoryBackend },
  {
    name: 'file',
    skip: false,
    isShared: true,
    async prepare(t) {
      const path = join(temporaryFolder(t), 'store.db')
      return () => createFileBackend(path)
    }
  },
  { name: 'Redis', skip: withoutRedis, isShared: true, prepare: async (t) => overRedis(await testRedisUrl(t)) },
  {
    name: 'Redis by Sentinel',
    skip: withoutRedisServer,
    isShared: true,
    prepare: async (t) => overRedis(await startSentinel(t, await startTestRedis(t)))
  },
  {
    name: 'Redis Cluster',
    skip: withoutRedisServer,
    isShared: true,
    prepare: async (t) => overRedis(await startCluster(t))
  }
]

const hour = 3_600_000
const set = (key: string, value: string, ttlMs = hour) => ({ key, value, ttlMs })

/** Messages come within this, ms: what the gateway promises of a logout. */
const soonMs = 100

type Contract = (one: Process, other: Process, purpose: string) => Promise<void>

/** What all of them do. Where nothing is shared, the other process is the same one. */
const contract: Readonly<Record<string, Contract>> = {
  async 'gives what was written, until it is deleted or cleared'({ backend }, other, purpose) {
    await backend.write(purpose, [set('a', '1'), set('b', '2')])
    await backend.write(purpose, [set('a', '3')])
    assert.equal((await other.backend.get(purpose, 'a'))?.value, '3')
    await backend.write(purpose, [
      { key: 'a', value: null },
      { key: 'nothing', value: null }
    ])
    assert.equal(await other.backend.get(purpose, 'a'), undefined)
    assert.equal(await backend.get(`${purpose}-x`, 'b'), undefined, 'purposes are apart')
    await backend.clear(purpose)
    assert.equal(await backend.get(purpose, 'b'), undefined)
    await backend.write(purpose, [set('b', '4')])
    assert.equal((await backend.get(purpose, 'b'))?.value, '4')
  },
  async 'gives everything of a purpose, and of no other'({ backend }, other, purpose) {
    const keys = Array.from({ length: 1203 }, (_, at) => `key:${at}`)
    await backend.write(
      purpose,
      keys.map((key) => set(key, `of ${key}`))
    )
    await backend.write(`${purpose}-x`, [set('x', 'x')])
    const entries = new Map(await Array.fromAsync(other.backend.entries(purpose)))
    assert.deepEqual([...entries.keys()].toSorted(), keys.toSorted())
    assert.equal(entries.get('key:7'), 'of key:7')
    await backend.clear(purpose)
    assert.deepEqual(await Array.fromAsync(backend.entries(purpose)), [])
    await backend.write(purpose, [set('new', '1'), set('short', '1', 1)])
    await until(async () => (await Array.fromAsync(backend.entries(purpose))).join() === 'new,1')
  },
  async 'tells for how long more, and forgets what has expired'({ backend }, other, purpose) {
    await backend.write(purpose, [set('long', '1'), set('short', '2', 30), set('over', '3', 0)])
    const { restMs = 0 } = (await other.backend.get(purpose, 'long')) ?? {}
    assert.ok(restMs > hour - 10_000 && restMs <= hour, `${restMs} ms`)
    assert.equal(await backend.get(purpose, 'over'), undefined)
    await until(async () => (await backend.get(purpose, 'short')) === undefined)
  },
  async 'leaves what is there already, if only new is to be written'({ backend }, other, purpose) {
    await backend.write(purpose, [set('a', 'old'), set('gone', 'old', 1)])
    await until(async () => (await backend.get(purpose, 'gone')) === undefined)
    await other.backend.write(purpose, [set('a', 'new'), set('b', 'new'), set('gone', 'new')], true)
    const values = await Promise.all(['a', 'b', 'gone'].map((key) => backend.get(purpose, key)))
    assert.deepEqual(
      values.map((found) => found?.value),
      ['old', 'new', 'new']
    )
  },
  async 'counts each of many at once, in a window that ends'({ backend }, other, purpose) {
    const processes = [backend, other.backend]
    const counted = await Promise.all(
      Array.from({ length: 60 }, (_, at) => processes[at % 2]?.increment(purpose, 'a', hour))
    )
    assert.deepEqual(
      counted.map((one) => one?.count).toSorted((a = 0, b = 0) => a - b),
      counted.map((_, at) => at + 1)
    )
    for (const { restMs } of counted as { restMs: number }[]) assert.ok(restMs > hour - 10_000 && restMs <= hour)
    await backend.increment(purpose, 'b', 30)
    await until(async () => (await backend.increment(purpose, 'b', 30)).count === 1)
  }
}

/** What only shared ones do. */
const sharedContract: Readonly<Record<string, Contract>> = {
  async 'tells the others what has changed, and never itself'(one, other, purpose) {
    const before = performance.now()
    await one.backend.write(purpose, [set('a', '1'), set('b', '2')])
    const at = await other.hears(`changed ${purpose} a,b`)
    assert.ok((other.heardAt[at - 1] ?? 0) - before < soonMs, 'within the promised time')
    await one.backend.tell(purpose, 'something "else"')
    await other.hears(`told ${purpose} something "else"`)
    await other.backend.tell(purpose, 'back')
    await one.hears(`told ${purpose} back`)
    assert.deepEqual(
      one.heard.filter((line) => line.includes(`${purpose} `)),
      [`told ${purpose} back`]
    )
  },
  async 'what another has cleared is gone once that is heard'(one, other, purpose) {
    for (const round of [1, 2, 3]) {
      await other.backend.write(purpose, [set('a', String(round))])
      await one.hears(`changed ${purpose} a`)
      const after = other.heard.length
      const before = performance.now()
      await one.backend.clear(purpose)
      const at = await other.hears(`changed ${purpose} *`, after)
      assert.ok((other.heardAt[at - 1] ?? 0) - before < soonMs, 'within the promised time')
      assert.equal(await other.backend.get(purpose, 'a'), undefined)
      await other.backend.write(purpose, [set('a', 'again')])
      assert.equal((await one.backend.get(purpose, 'a'))?.value, 'again')
    }
  },
  async 'two that clear at once agree'(one, other, purpose) {
    await Promise.all([one, other, one, other].map(({ backend }) => backend.clear(purpose)))
    await until(async () => {
      await one.backend.write(purpose, [set('a', '1')])
      return (await other.backend.get(purpose, 'a'))?.value === '1'
    })
    await other.backend.write(purpose, [set('b', '2')])
    assert.equal((await one.backend.get(purpose, 'b'))?.value, '2')
  }
}

for (const { name, skip, isShared, prepare } of kinds) {
  test(`a backend of the store: ${name}`, { skip }, async (t) => {
    const create = await prepare(t)
    const one = await openProcess(t, create())
    const other = isShared ? await openProcess(t, create()) : one
    assert.equal(one.backend.isShared, isShared)
    assert.equal(one.backend.lostAt, null)
    assert.deepEqual(one.heard, ['hears true'])
    const all = Object.entries({ ...contract, ...(isShared && sharedContract) })
    for (const [at, [does, prove]] of all.entries()) {
      await t.test(`${name}: ${does}`, () => prove(one, other, `purpose-${at}`))
    }
  })
}

test('the memory is bounded: the least recently used makes room', async () => {
  const backend = createMemoryBackend(3)
  for (const key of ['a', 'b', 'c']) await backend.write('p', [set(key, key)])
  await backend.get('p', 'a')
  await backend.write('p', [set('d', 'd')])
  assert.equal(await backend.get('p', 'b'), undefined)
  assert.equal((await backend.get('p', 'a'))?.value, 'a')
  assert.equal((await Array.fromAsync(backend.entries('p'))).length, 3)
})
