import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutRedisServer } from '../redis.ts'
import { runBench } from './run.ts'

// Whether it works, never how fast: that depends on who else uses the machine.
test('bench: stores fills each of them, looks sessions up and sees them expire', async (t) => {
  const { code, output, errors } = await runBench(t, 'stores --sessions 300'.split(' '))
  assert.equal(code, 0, errors + output)
  assert.match(output, /^\| 300 sessions \| bytes\/session \| writes\/s/m)
  for (const kind of ['memory', 'file', ...(withoutRedisServer ? [] : ['Redis'])]) {
    const row = output.split('\n').find((line) => line.startsWith(`| ${kind} `))
    assert.match(row ?? '', /\d/, `${kind} has a row of figures`)
    assert.doesNotMatch(row ?? '', /NaN|Infinity/)
  }
})
