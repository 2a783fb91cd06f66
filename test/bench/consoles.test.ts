import assert from 'node:assert/strict'
import { test } from 'node:test'
import { riseOf, shareOf } from '../../bench/consoles.ts'
import { runBench } from './run.ts'

// Whether it works, never how much: that depends on who else uses the machine.
test('bench: consoles opens them, and tells what they cost', async (t) => {
  const { code, output, errors } = await runBench(t, 'consoles --consoles 3 --seconds 2'.split(' '))
  assert.equal(code, 0, errors + output)
  assert.match(output, /^\| s +\| CPU s, 3 consoles \| CPU s, none \| RSS MB, 3 consoles \| RSS MB, none \|$/m)
  assert.match(output, /^limit 5% of one core: -?\d+\.\d\d%, not judged below 60 s$/m)
  assert.match(output, /^limit 8 MB of growing memory: -?\d+\.\d MB, not judged below 60 s$/m)
})

test('bench: consoles cost what their gateway spends beyond the other one', () => {
  const taken = [
    { seconds: 0, cpu: [2, 2] },
    { seconds: 50, cpu: [5, 4] },
    { seconds: 100, cpu: [16, 10] }
  ] as const
  assert.equal(shareOf(taken), 0.06)
})

test('bench: memory rises where the last third is above the first, beyond the other gateway', () => {
  const taken = [100, 100, 110, 110, 130, 130].map((one, at) => ({ megabytes: [one, 90 + at] as const }))
  assert.equal(riseOf(taken), 26)
})
