import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { configOf, ended, start, write } from './command.ts'
import type { Noted } from './note-loads.ts'
import { supervisedConfig } from './supervised.ts'

const root = join(import.meta.dirname, '../..')
const hook = pathToFileURL(join(import.meta.dirname, 'note-loads.ts')).href

/** What each process of a gateway has loaded that listens, and stops. */
async function startAndStop(t: TestContext, config: string): Promise<Noted[]> {
  const file = write(t, { 'a.yaml': config, noted: '' })
  // As it is without the suite: its own place for what V8 makes of code.
  const env = { NODE_COMPILE_CACHE: '', NODE_OPTIONS: `--import ${hook}`, NOTED_IN: file('noted') }
  const child = start(t, ['--config', file('a.yaml')], env)
  const end = ended(child)
  let log = ''
  child.stdout?.on('data', (text: string) => {
    log += text
  })
  while (!log.includes('"msg":"listening"')) {
    await Promise.race([
      once(child.stdout as NonNullable<typeof child.stdout>, 'data'),
      end.then(({ err }) => assert.fail(err))
    ])
  }
  child.kill('SIGTERM')
  assert.equal((await end).code, 0)
  return readFileSync(file('noted'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Noted)
}

const everyStart: readonly [what: string, of: RegExp][] = [
  ["TypeBox's builder, and all of it that is not for checks", /\/typebox\/build\/(?:type|value|compile)\//],
  ['GraphQL, which nobody has asked', /\/node_modules\/(?:graphql|graphql-ws|mercurius)\//],
  ['stores that the config does not name', /\/node_modules\/redis\/|\/plugins\/store\/redis\//],
  ['sessions of operators, before one signs in', /\/node_modules\/@fastify\/session\//],
  ['all of JOSE', /\/jose\/dist\/webapi\/index\.js$/],
  ["Fastify's compilers of schemas, which no route has", /\/node_modules\/(?:ajv|@fastify\/ajv-compiler)\//],
  ['the simulator', /\/simulator\//]
]

test('start: a gateway that listens has loaded what it needs for that', async (t) => {
  const [gateway, ...others] = await startAndStop(t, configOf({}))
  assert.deepEqual(others, [])
  const loaded = gateway?.loaded ?? []
  for (const needed of ['/undici/index.js', '/fastify/fastify.js']) {
    assert.ok(
      loaded.some((one) => one.endsWith(needed)),
      needed
    )
  }
  for (const [what, of] of everyStart) assert.deepEqual(loaded.filter((one) => of.test(one)).slice(0, 3), [], what)
})

test('start: workers load nothing that reads a config, and V8 does the work of all processes once', async (t) => {
  const noted = await startAndStop(t, supervisedConfig({ url: 'http://127.0.0.1:9' }))
  const workers = noted.filter(({ isWorker }) => isWorker)
  assert.deepEqual([noted.length, workers.length], [3, 2])
  for (const { loaded } of workers) {
    const unwanted = [...everyStart, ['what checks a config', /\/node_modules\/(?:typebox|yaml)\//] as const]
    for (const [what, of] of unwanted) assert.deepEqual(loaded.filter((one) => of.test(one)).slice(0, 3), [], what)
  }
  // One place: V8's version and flags are in its name.
  const places = new Set(noted.map(({ cache }) => cache))
  assert.equal(places.size, 1)
  assert.ok([...places].join().startsWith(join(root, 'node_modules/.cache/node/')), [...places].join())
})
