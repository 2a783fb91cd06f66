import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBench } from './run.ts'

// Whether it works, never how fast: that depends on who else uses the machine.
test('bench: forward measures every peer and shows them in one table', async (t) => {
  const { code, output, errors } = await runBench(t, 'forward --seconds 0.02 --rounds 1 --connections 4'.split(' '))
  assert.equal(code, 0, errors)
  assert.match(output, /^command: npm run bench -- forward --seconds 0\.02 --rounds 1 --connections 4$/m)
  assert.match(output, /^node v\d+\.\d+\.\d+, \d+ cores/m)
  assert.match(output, /^\| peer +\| CPU us\/request +\| x bare http-proxy \| requests\/s +\| p99 ms +\|$/m)
  const peers = ['a known bearer token', 'the routing cookie', "an administrator's call"].map(
    (name) => `gateway, ${name}`
  )
  for (const peer of [...peers, '@fastify/http-proxy, bare']) {
    const row = output.split('\n').find((line) => line.startsWith(`| ${peer}`))
    assert.match(row ?? '', /\d \(/, `${peer} has a row of figures`)
    assert.doesNotMatch(row ?? '', /NaN|Infinity/)
  }
  assert.match(output, /^limit 0\.7 x bare http-proxy, .*: \d\.\d\d, not judged below 5 rounds$/m)
})

test('bench: layers measures the gateway without each of them', async (t) => {
  const { code, output, errors } = await runBench(t, 'layers --seconds 0.02 --rounds 1 --connections 4'.split(' '))
  assert.equal(code, 0, errors)
  for (const peer of [
    'gateway, everything on',
    'without circuit-breaker',
    'without console',
    'without all five',
    '@fastify/http-proxy'
  ]) {
    assert.match(output, new RegExp(`^\\| ${peer}.*\\d \\(`, 'm'))
  }
})
