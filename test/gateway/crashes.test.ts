import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCrashes } from '../../gateway/workers/crashes.ts'

function start() {
  let now = 0
  const crashes = createCrashes(() => now)
  return {
    crash: (workers: number) => crashes.note(workers),
    pass(ms: number) {
      now += ms
    }
  }
}

test('the pause grows with each crash, and a sixth within 30 s is one too many', () => {
  const { crash, pass } = start()
  const pauses = Array.from({ length: 6 }, () => {
    pass(4000)
    return crash(2)
  })
  assert.deepEqual(pauses, [50, 100, 200, 400, 800, null])
})

test('a crash of more than 30 s ago counts no more', () => {
  const { crash, pass } = start()
  for (let count = 0; count < 5; count++) crash(2)
  pass(30_001)
  assert.equal(crash(2), 50)
})

test('each of many workers may crash twice; the pause is 5 s at most', () => {
  const { crash } = start()
  const pauses = Array.from({ length: 65 }, () => crash(32))
  assert.deepEqual([pauses[31], pauses[63], pauses[64]], [5000, 5000, null])
})
