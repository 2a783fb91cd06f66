import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder } from './certificates.ts'

const late = (what: string) => `import { test } from 'node:test'
test('late', () => new Promise((resolve) => {
  setTimeout(resolve, 50)
  ${what}
}))`

for (const [name, what] of [
  ['a rejection that nobody handles', "Promise.resolve().then(() => { throw new Error('lost') })"],
  ['what a callback throws', "setImmediate(() => { throw new Error('lost') })"]
] as const) {
  test(`${name} fails its file, and is told with its stack`, async (t) => {
    const file = folder(t).write('late.test.mjs', late(what))
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const args = ['--import', join(import.meta.dirname, 'fewer-hooks.ts'), file]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(`${stdout}${stderr}`, /Error: lost\n +at .*late\.test\.mjs:4/)
  })
}
