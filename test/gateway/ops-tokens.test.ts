import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../core/faults.ts'
import { bearerIn, createTokenCheck, mostWrong, networkOf } from '../../gateway/ops/access/tokens.ts'
import { until } from '../until.ts'

const quiet = { warn() {} }
const right = 'an ops token for tests'
const isTooMany = (error: unknown) => error instanceof Fault && error.fault === 'too_many_tokens'

const networks: readonly [address: string, network: string][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['1::', '1:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0']
]
for (const [address, network] of networks) {
  test(`${address} counts as ${network}`, () => assert.equal(networkOf(address), network))
}

const shown: readonly [authorization: string, token: string][] = [
  ['Bearer abc', 'abc'],
  ['bearer  a b', 'a b'],
  ['Bearer', ''],
  ['Basic abc', ''],
  ['abc', ''],
  [' Bearer abc', '']
]
for (const [authorization, token] of shown) {
  test(`${JSON.stringify(authorization)} shows ${JSON.stringify(token)}`, () =>
    assert.equal(bearerIn(authorization), token))
}

async function showWrong(isRight: ReturnType<typeof createTokenCheck>, address: string, times = mostWrong) {
  for (let at = 0; at < times; at++) assert.equal(await isRight(`wrong ${at}`, address), false)
}

test('an address is not heard any more after several wrong tokens, not even with the right one', async () => {
  const warnings: object[] = []
  const isRight = createTokenCheck(right, { warn: (fields: object) => warnings.push(fields) } as never, { pauseMs: 1 })
  await showWrong(isRight, '2001:db8::1')
  await assert.rejects(isRight(right, '2001:db8::2'), isTooMany)
  await assert.rejects(isRight(right, '2001:db8::1'), (error: Fault) => Number(error.retryAfter) > 50)
  assert.equal(await isRight(right, '2001:db8:1::1'), true)
  assert.deepEqual(warnings, [{ address: '2001:db8::1' }])
})

test('it is heard again when the window is over', async () => {
  const isRight = createTokenCheck(right, quiet, { pauseMs: 1, windowMs: 100 })
  const began = performance.now()
  await showWrong(isRight, '10.0.0.1')
  for (;;) {
    try {
      assert.equal(await isRight(right, '10.0.0.1'), true)
      break
    } catch (error) {
      assert.ok(isTooMany(error))
      await new Promise(setImmediate)
    }
  }
  assert.ok(performance.now() - began >= 90)
})

test('the window begins with the first wrong token, however late the last comes', async (t) => {
  const realNow = performance.now.bind(performance)
  let passed = 0
  t.mock.method(performance, 'now', () => realNow() + passed)
  const isRight = createTokenCheck(right, quiet, { pauseMs: 0, windowMs: 60_000 })
  await showWrong(isRight, '10.0.0.1', mostWrong - 1)
  passed = 50_000
  await showWrong(isRight, '10.0.0.1', 1)
  await assert.rejects(isRight(right, '10.0.0.1'), isTooMany)
  passed = 60_001
  // The cache looks at the clock once in a millisecond.
  assert.ok(await until(() => isRight(right, '10.0.0.1')))
})

test('each wrong token is late, also after many', async () => {
  const isRight = createTokenCheck(right, quiet, { pauseMs: 20, mostHeld: 1 })
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) {
    const began = performance.now()
    assert.equal(await isRight('wrong', address), false)
    assert.ok(performance.now() - began >= 19)
  }
})

test('a right token waits for nobody, also while as many wrong ones are held as may be', async () => {
  const isRight = createTokenCheck(right, quiet, { pauseMs: 300, mostHeld: 2 })
  const began = performance.now()
  const held = ['10.0.0.1', '10.0.0.2'].map((address) => isRight('wrong', address))
  assert.equal(await isRight('wrong', '10.0.0.3'), false)
  assert.equal(await isRight(right, '10.0.0.1'), true)
  assert.ok(performance.now() - began < 250)
  assert.deepEqual(await Promise.all(held), [false, false])
  assert.ok(performance.now() - began >= 290)
})

test('no more addresses are remembered than may be', async () => {
  const isRight = createTokenCheck(right, quiet, { pauseMs: 0, mostAddresses: 3 })
  await showWrong(isRight, '10.0.0.1')
  for (const address of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) await showWrong(isRight, address, 1)
  assert.equal(await isRight(right, '10.0.0.1'), true)
})
