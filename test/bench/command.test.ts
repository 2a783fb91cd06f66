import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBench } from './run.ts'

const mistakes = [
  { args: ['--seconds', '0'], says: /--seconds: "0" is not a number above 0/ },
  { args: ['--rounds', '1.5'], says: /--rounds: "1\.5" is not a whole number above 0/ },
  {
    args: ['sideways'],
    says: /"sideways" is no part; there are forward, layers, memory, lists, graphql, workers, stores, consoles/
  },
  { args: ['--customers', 'many'], says: /--customers: "many" is not a whole number above 0/ },
  { args: ['--fast'], says: /--fast/ }
] as const

for (const { args, says } of mistakes) {
  test(`bench: ${args.join(' ')} is a mistake`, async (t) => {
    const { code, errors } = await runBench(t, args)
    assert.equal(code, 1)
    assert.match(errors, says)
  })
}

test('bench: --help names the parts and the flags', async (t) => {
  const { code, output } = await runBench(t, ['--help'])
  assert.equal(code, 0)
  for (const word of [
    'forward',
    'layers',
    'memory',
    'lists',
    'graphql',
    'workers',
    'stores',
    'consoles',
    '--seconds',
    '--rounds',
    '--connections',
    '--megabytes',
    '--customers',
    '--sessions',
    '--consoles'
  ]) {
    assert.ok(output.includes(word), word)
  }
})
