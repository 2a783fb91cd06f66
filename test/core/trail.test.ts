import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Trail } from '../../core/trail.ts'

/** A trail on a clock that only the test moves. */
function start(t: TestContext) {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const trail = new Trail({ id: 'a', begun: null, replaces: false })
  return {
    trail,
    pass(ms: number) {
      now += ms
    }
  }
}

test('a trail begins with nothing but its time and its trace', (t) => {
  const { trail } = start(t)
  const { startedAt, to, reason, fault, answeredAfter, elsewhereMs } = trail
  assert.deepEqual([startedAt, to, reason, fault, answeredAfter, elsewhereMs], [1000, null, null, null, null, 0])
})

test('waits one after the other add up', (t) => {
  const { trail, pass } = start(t)
  for (const ms of [10, 20]) {
    trail.beginWait()
    pass(ms)
    trail.endWait()
    pass(5)
  }
  assert.equal(trail.elsewhereMs, 30)
})

test('waits at the same time count once', (t) => {
  const { trail, pass } = start(t)
  trail.beginWait()
  pass(10)
  trail.beginWait()
  pass(10)
  trail.endWait()
  pass(10)
  trail.endWait()
  pass(10)
  assert.equal(trail.elsewhereMs, 30)
})

test('a wait that goes on counts up to now', (t) => {
  const { trail, pass } = start(t)
  trail.beginWait()
  pass(7)
  assert.equal(trail.elsewhereMs, 7)
  pass(7)
  assert.equal(trail.elsewhereMs, 14)
})

test('an end without a beginning ends nothing', (t) => {
  const { trail, pass } = start(t)
  trail.endWait()
  trail.beginWait()
  pass(3)
  trail.endWait()
  trail.endWait()
  pass(3)
  assert.equal(trail.elsewhereMs, 3)
})

test('a wait that is shorter than asked for was none', (t) => {
  const { trail, pass } = start(t)
  trail.beginWait()
  pass(0.4)
  trail.endWait(1)
  assert.equal(trail.elsewhereMs, 0)
  trail.beginWait()
  pass(1)
  trail.endWait(1)
  assert.equal(trail.elsewhereMs, 1)
})

test('waiting for a promise gives its value, or its failure, and ends either way', async (t) => {
  const { trail, pass } = start(t)
  const later = Promise.withResolvers<number>()
  const waited = trail.waitFor(later.promise)
  pass(4)
  later.resolve(1)
  assert.equal(await waited, 1)
  await assert.rejects(trail.waitFor(Promise.reject(new Error('no'))), /no/)
  pass(4)
  assert.equal(trail.elsewhereMs, 4)
})
