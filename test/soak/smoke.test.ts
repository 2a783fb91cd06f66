/**
 * The soak's command, in its shortest form: it runs, prints its table and finds nothing wrong.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../soak/main.ts', import.meta.url))

function start(t: TestContext, args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]).then(
    ([output, errors, [code]]) => ({ output, errors, code: code as number | null })
  )
  return { child, ended }
}

const rowOf = (output: string, figure: string) =>
  output
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .find((cells) => cells[1] === figure)?.[2] ?? assert.fail(`no row "${figure}" in ${output}`)

test('soak: a short one passes, shows every figure, and judges no latency', async (t) => {
  const { output, errors, code } = await start(t, '--seconds 3 --seed 11 --rate 200 --customers 300'.split(' ')).ended
  assert.equal(code, 0, `${output}\n${errors}`)
  assert.match(output, /^npm run soak -- --seconds 3 --seed 11 /m, 'how to repeat it')
  const zeros = ['wrong-system arrivals', 'answers of a wrong system or customer', 'wrong merged pages']
  for (const figure of [...zeros, 'writes lost', 'writes doubled', 'writes sent again']) {
    assert.equal(rowOf(output, figure), '0', figure)
  }
  for (const figure of ['success', 'arrivals at the systems', 'writes carried out', 'restarts']) {
    assert.ok(Number(rowOf(output, figure)) > 0, figure)
  }
  assert.match(rowOf(output, 'requests'), /^\d+ in /)
  assert.match(rowOf(output, 'moves'), /^[1-9]/)
  for (const figure of ['resident memory', 'heap in use']) assert.match(rowOf(output, figure), /MB -> [\d.]+ MB/)
  for (const figure of ['sockets', 'timers']) assert.match(rowOf(output, figure), /^\d+ -> \d+$/)
  assert.match(output, /^not judged, too short {2}p99 of target customers/m)
  assert.match(output, /^PASS {2}writes lost: 0$/m)
  assert.doesNotMatch(output, /^FAIL|NaN/m)
})

test('soak: Ctrl-C ends it and everything that it has started', async (t) => {
  const { child, ended } = start(t, ['--seconds', '60', '--seed', '1'])
  child.stdout.once('data', () =>
    child.stdout.on('data', (chunk) => `${chunk}`.includes('warm-up') && child.kill('SIGINT'))
  )
  const { code, errors } = await ended
  assert.equal(code, 130, errors)
  assert.match(errors, /^ended before its time$/m)
})

test('soak: a flag that is wrong is told', async (t) => {
  const { code, errors } = await start(t, ['--seconds', 'many']).ended
  assert.equal(code, 1)
  assert.match(errors, /--seconds: "many" is not a whole number from 3 up/)
})
