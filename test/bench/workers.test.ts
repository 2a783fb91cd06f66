import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findTool } from '../../bench/peers/tools.ts'
import { runBench } from './run.ts'

const missing = ['wrk', 'haproxy'].filter((name) => findTool(name) === null)
const isCi = process.env.CI === 'true'
const skip = missing.length > 0 && !isCi && `not on PATH: ${missing.join(', ')}`

// Whether it works, never how fast: that depends on who else uses the machine.
test('bench: workers measures two against one, and the machine', { skip }, async (t) => {
  assert.deepEqual(missing, [], 'CI has all tools')
  const { code, output, errors } = await runBench(t, 'workers --seconds 1 --rounds 1 --connections 8'.split(' '))
  assert.equal(code, 0, errors)
  for (const row of ['workers: 1', 'workers: 2', 'two processes that count, against one']) {
    assert.match(output, new RegExp(`^\\| ${row} .*\\d`, 'm'))
  }
  assert.doesNotMatch(output, /NaN|Infinity/)
  assert.match(output, /^goal 1\.7 x one worker, on two cores: \d\.\d\d, not judged below 5 rounds$/m)
})
