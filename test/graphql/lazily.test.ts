import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import { lazily } from '../../graphql/lazily.ts'
import { post, startGraphqlWorld } from './client.ts'

test('lazily: made once, however many want it at the same time', async () => {
  let times = 0
  const { get, ifMade } = lazily(async () => ++times)
  assert.equal(await ifMade(), null)
  assert.deepEqual(await Promise.all([get(), get(), ifMade()]), [1, 1, 1])
  assert.deepEqual([await get(), await ifMade(), times], [1, 1, 1])
})

test('lazily: what failed is tried anew', async () => {
  let times = 0
  const { get, ifMade } = lazily(async () => {
    if (++times === 1) throw new Error('the first time')
    return times
  })
  const first = Promise.allSettled([get(), get()])
  assert.equal(await ifMade(), null)
  assert.deepEqual(
    (await first).map(({ status }) => status),
    ['rejected', 'rejected']
  )
  assert.equal(await ifMade(), null)
  assert.equal(await get(), 2)
})

test('a view that could not be loaded is loaded by the next request, and the gateway stops all the same', async (t) => {
  const { url, session, stop } = await startGraphqlWorld(t)
  const ask = () => post(url, { query: '{ session { realm } }' }, { token: session.accessToken })
  const { readFileSync } = fs
  const broken = t.mock.method(fs, 'readFileSync', (...given: Parameters<typeof readFileSync>) => {
    if (String(given[0]).endsWith('schema.graphql')) throw new Error('too many open files')
    return readFileSync(...given)
  })
  syncBuiltinESMExports()
  const failed = await ask().finally(() => {
    broken.mock.restore()
    syncBuiltinESMExports()
  })
  assert.equal(failed.status, 502)
  assert.doesNotMatch(failed.text, /open files/)
  assert.deepEqual((await ask()).json(), { data: { session: { realm: 'admin' } } })
  await stop()
})

test('a view that could not be loaded at all keeps no gateway from stopping', async (t) => {
  const { url, session, stop } = await startGraphqlWorld(t)
  t.mock.method(fs, 'readFileSync', () => {
    throw new Error('too many open files')
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  const { status } = await post(url, { query: '{ session { realm } }' }, { token: session.accessToken })
  assert.equal(status, 502)
  await stop()
})
