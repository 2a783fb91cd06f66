import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBench } from './run.ts'

test('bench: graphql brings what the equal calls bring, and says what both cost', async (t) => {
  const { code, output, errors } = await runBench(t, 'graphql --rounds 1'.split(' '))
  assert.equal(code, 0, errors + output)
  const rows = output.split('\n').filter((line) => /^\| (one|50) customer/.test(line))
  assert.deepEqual(
    rows.map((line) => line.split('|')[2]?.trim()),
    ['1', '1', '51']
  )
  for (const row of rows) assert.doesNotMatch(row, /NaN|Infinity/)
})
