/**
 * The drill's command, in its shortest form: it does all that it names, and finds nothing wrong.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { phaseNames } from '../../fleet/drill/phases.ts'
import { withoutPrograms as skip } from './programs.ts'

const main = fileURLToPath(new URL('../../fleet/main.ts', import.meta.url))

async function run(t: TestContext, flags: string) {
  const child = spawn(process.execPath, [main, '--drill', ...flags.split(' ')], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGTERM'))
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { output, errors, code: code as number | null }
}

const rowsOf = (output: string) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))

test('drill: a short one passes, names its phases, and what clients saw by cause', { skip }, async (t) => {
  const { output, errors, code } = await run(t, '--seconds 1 --seed 11 --rate 30 --customers 60')
  assert.equal(code, 0, `${output}\n${errors}`)
  assert.match(output, /^npm run fleet -- --drill --seconds 1 --seed 11 /m, 'how to repeat it')
  const rows = rowsOf(output)
  const { exchange: _withWorkersAlone, ...names } = phaseNames
  for (const name of Object.values(names)) {
    assert.ok(
      rows.some(([, phase, , requests]) => phase === name && Number(requests) > 0),
      name
    )
  }
  const stops = rows.find(([, phase, cause]) => phase === phaseNames.rolling && cause === 'WebSocket closed with 1001')
  assert.equal(stops?.[3], 'a gateway that stops')
  assert.match(output, /^PASS {2}writes doubled: 0$/m)
  assert.doesNotMatch(output, /^FAIL|NaN/m)
})

test('drill: it tells its flags, and those that are wrong', async (t) => {
  const told = await run(t, '--help')
  assert.equal(told.code, 0)
  assert.match(told.output, /--workers N/)
  const wrong = await run(t, '--workers none')
  assert.equal(wrong.code, 1)
  assert.match(wrong.errors, /--workers: "none" is not a whole number from 1 up\nTry --help/)
})
