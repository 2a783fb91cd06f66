/**
 * The night's command, in its shortest form: customers move under writes, and nothing is wrong.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { wrongs } from '../../night/book.ts'
import { withoutPrograms as skip } from '../fleet/programs.ts'

const main = fileURLToPath(new URL('../../night/main.ts', import.meta.url))

async function run(t: TestContext, flags: string) {
  const child = spawn(process.execPath, [main, ...flags.split(' ')], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGTERM'))
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { output, errors, code: code as number | null }
}

test('night: thirty customers move under writes, and no write is lost, doubled or astray', { skip }, async (t) => {
  const { output, errors, code } = await run(
    t,
    '--customers 30 --batch 10 --writes 30 --seed 7 --wait 500 --gateways 1 --store memory'
  )
  assert.equal(code, 0, `${output}\n${errors}`)
  assert.match(output, /^npm run night -- --customers 30 .*--seed 7 /m, 'how to repeat it')
  for (const wrong of Object.values(wrongs)) assert.ok(output.includes(`PASS  ${wrong}: 0\n`), wrong)
  for (const way of ['administrator, SOAP', 'administrator, GraphQL', 'customer, own session']) {
    assert.match(output, new RegExp(`^\\| ${way} +\\| 200 +\\| \\d+ +\\|$`, 'm'))
  }
  assert.doesNotMatch(output, /^FAIL|NaN/m)
})

test('night: it tells its flags, and those that are wrong', async (t) => {
  const told = await run(t, '--help')
  assert.equal(told.code, 0)
  assert.match(told.output, /--batch N/)
  for (const [flags, error] of [
    ['--batch none', /--batch: "none" is not a whole number from 1 up\nTry --help/],
    ['--store file', /--store: "file" is neither redis nor memory\nTry --help/],
    ['--store memory', /--store memory: gateways that share nothing are no fleet\nTry --help/]
  ] as const) {
    const wrong = await run(t, flags)
    assert.equal(wrong.code, 1)
    assert.match(wrong.errors, error)
  }
})
