/**
 * The night's command, in its shortest form: customers move under writes, and nothing is wrong.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { wrongs } from '../../night/judgement.ts'
import { parseNight } from '../../night/options.ts'
import { withoutPrograms as skip } from '../fleet/programs.ts'

const main = fileURLToPath(new URL('../../night/main.ts', import.meta.url))

async function run(t: TestContext, flags: string) {
  const child = spawn(process.execPath, [main, ...flags.split(' ')], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGTERM'))
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { output, errors, code: code as number | null }
}

test('night: customers move under writes, and no write is lost, doubled or astray', { skip }, async (t) => {
  const { output, errors, code } = await run(
    t,
    '--customers 20 --batch 10 --writes 30 --seed 7 --wait 500 --gateways 1 --store memory'
  )
  assert.equal(code, 0, `${output}\n${errors}`)
  assert.match(output, /^npm run night -- --customers 20 .*--seed 7 /m, 'how to repeat it')
  for (const wrong of Object.values(wrongs)) assert.ok(output.includes(`PASS  ${wrong}: 0\n`), wrong)
  for (const way of ['administrator, SOAP', 'administrator, GraphQL', 'customer, own session']) {
    assert.match(output, new RegExp(`^\\| ${way} +\\| 200 +\\| \\d+ +\\|$`, 'm'))
  }
  assert.doesNotMatch(output, /^FAIL|NaN/m)
})

test('night: it tells its flags, and those that are wrong', async (t) => {
  const wrong = await run(t, '--batch none')
  assert.equal(wrong.code, 1)
  assert.match(wrong.errors, /--batch: "none" is not a whole number from 1 up\nTry --help/)
  assert.equal(parseNight(['--help']), null)
  assert.throws(() => parseNight(['--store', 'file']), /neither redis nor memory/)
  assert.throws(() => parseNight(['--store', 'memory']), /gateways that share nothing are no fleet/)
  assert.deepEqual(parseNight(['--store', 'memory', '--gateways', '1', '--seed', '5']), {
    ...{ customers: 2000, writes: 200, batch: 100, seed: 5, gateways: 1, workers: 1, store: 'memory', waitMs: 30_000 }
  })
})
