/**
 * GraphiQL: served by this host alone, seen in a real browser, and absent without harm where its packages are.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import mercurius, { type MercuriusContext } from 'mercurius'
import type { Page } from 'playwright-core'
import { graphiql } from '../../graphql/graphiql/index.ts'
import { sharedBrowser } from '../browser.ts'
import { until } from '../until.ts'

const places = { endpoint: '/graphql', path: '/graphiql' }
const token = 'Bearer sesame'
const openBrowser = sharedBrowser()

const schema = `
  type Query { shown: String }
  type Subscription { told: String }
`

const resolvers = {
  Query: {
    shown: (_root: unknown, _given: unknown, { reply }: MercuriusContext) => reply.request.headers.authorization
  },
  Subscription: {
    told: {
      async *subscribe(_root: unknown, _given: unknown, context: object) {
        const connected = 'connected' in context ? Object.entries(context.connected as object) : []
        yield { told: connected.map(([name, value]) => `${name}=${value}`).join() }
      }
    }
  }
}

/** An endpoint that answers with what it was shown, and GraphiQL for it. */
async function startApp(t: TestContext): Promise<{ app: FastifyInstance; origin: string }> {
  const app = Fastify()
  t.after(() => app.close())
  app.register(mercurius, {
    schema,
    resolvers,
    path: places.endpoint,
    subscription: {
      onConnect: ({ payload }) => ({ connected: payload })
    }
  })
  app.register(graphiql, places)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, origin: `127.0.0.1:${(app.server.address() as AddressInfo).port}` }
}

/** The plugin as it is installed without development: its files, and none of its packages. */
async function withoutPackages(t: TestContext): Promise<typeof graphiql> {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-graphiql-'))
  t.after(() => rmSync(directory, { recursive: true }))
  cpSync(join(import.meta.dirname, '../../graphql/graphiql'), directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  const copy = (await import(join(directory, 'index.ts'))) as { graphiql: typeof graphiql }
  return copy.graphiql
}

async function appOf(t: TestContext, plugin: typeof graphiql, options = places): Promise<FastifyInstance> {
  const app = Fastify()
  t.after(() => app.close())
  app.register(plugin, options)
  await app.ready()
  return app
}

const loaded = createRequire(import.meta.url).cache
const isBundlerLoaded = () => Object.keys(loaded).some((file) => file.includes('/node_modules/esbuild/'))

const children: ChildProcess[] = []
subscribe('child_process', (message) => children.push((message as { process: ChildProcess }).process))
/** Tests of other files, which share the process, start others. A child has its name only once it is told of. */
const started = () => children.filter(({ spawnfile }) => spawnfile?.includes('esbuild'))
const haveAllEnded = () => started().every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)

// The first in this file: what it builds is there for all others.
test('nothing is loaded before the page is opened; the bundler ends with its app or its work', async (t) => {
  const app = await appOf(t, graphiql)
  assert.ok(!isBundlerLoaded())
  const opening = app.inject(places.path)
  await until(() => started().length === 1)
  assert.ok(isBundlerLoaded())
  await app.close()
  assert.equal((await opening).statusCode, 500)
  await until(haveAllEnded)

  const next = await appOf(t, graphiql)
  assert.equal((await next.inject(places.path)).statusCode, 200)
  assert.equal(started().length, 2)
  await until(haveAllEnded)
})

for (const path of [places.path, `${places.path}/client.js`]) {
  test(`without its packages ${path} says what to install`, async (t) => {
    const app = await appOf(t, await withoutPackages(t))
    const { statusCode, headers, body } = await app.inject(path)
    assert.deepEqual([statusCode, headers['content-type']], [501, 'text/plain; charset=utf-8'])
    for (const name of ['esbuild', 'graphiql', '@graphiql/toolkit', 'react', 'react-dom', 'npm ci']) {
      assert.ok(body.includes(name), body)
    }
    assert.match(body, /^[^\n]+\n$/, 'one line')
  })
}

const script = 'text/javascript; charset=utf-8'
const served = [
  { path: '', type: 'text/html; charset=utf-8' },
  { path: '/client.js', type: script },
  { path: '/editor.worker.js', type: script },
  { path: '/graphql.worker.js', type: script },
  { path: '/json.worker.js', type: script },
  { path: '/graphiql.css', type: 'text/css; charset=utf-8' }
]

test('the page and its assets are kept by the browser, which asks whether they are the same', async (t) => {
  const { app } = await startApp(t)
  for (const { path, type } of served) {
    const { statusCode, headers, body } = await app.inject(places.path + path)
    assert.deepEqual([path, statusCode, headers['content-type']], [path, 200, type])
    assert.equal(headers['cache-control'], 'no-cache')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self'; /)
    assert.doesNotMatch(String(headers['content-security-policy']), /https?:|wss?:|blob:|\*|eval/)
    assert.ok(body.length > 100)
    if (path === '') continue
    const again = { url: places.path + path, headers: { 'if-none-match': `W/${headers.etag}` } }
    assert.deepEqual([(await app.inject(again)).statusCode, (await app.inject(again)).body], [304, ''])
    const other = { url: places.path + path, headers: { 'if-none-match': '"another"' } }
    assert.equal((await app.inject(other)).statusCode, 200)
  }
})

test('the page names no other host, and what is not there is not found', async (t) => {
  const { app } = await startApp(t)
  const { body } = await app.inject(places.path)
  assert.doesNotMatch(body, /:?\/\/|@import/)
  assert.match(body, /<title>[^<]*WebDispatcher<\/title>/)
  assert.equal((await app.inject(`${places.path}/index.ts`)).statusCode, 404)
})

test('the page takes its paths as text', async (t) => {
  const app = await appOf(t, graphiql, { endpoint: '/"><script>&', path: '/graphiql' })
  const { body } = await app.inject('/graphiql')
  assert.ok(body.includes('data-endpoint="/&quot;><script>&amp;"'), body)
})

/** Opens GraphiQL with a query and gives it a header. */
async function open(page: Page, origin: string, query: string, header: object) {
  await page.goto(`http://${origin}${places.path}?query=${encodeURIComponent(query)}`)
  // Monaco hides its text field; a click goes to the lines above it.
  await page.locator('[aria-label=Headers] .graphiql-editor:not(.hidden) .view-lines').click()
  await page.keyboard.insertText(JSON.stringify(header))
}

const run = (page: Page) => page.getByRole('button', { name: /^Execute query/ }).click()
const answerOn = (page: Page) => page.locator('.result-window')
const keptBy = (page: Page) => page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')
const tabsKeptBy = (page: Page) => page.evaluate<string | null>("localStorage.getItem('graphiql:tabState')")

test('in a browser a query is run with its header, and nothing is asked of another host', async (t) => {
  const { origin } = await startApp(t)
  const browser = await openBrowser(t)
  if (browser === null) return
  const { page, requests, complaints } = browser
  await open(page, origin, '{ shown }', { Authorization: token })
  await run(page)
  await answerOn(page).getByText(token).waitFor()
  assert.match(await page.title(), /WebDispatcher/)
  const workers = ['editor', 'graphql', 'json'].map((name) => `http://${origin}${places.path}/${name}.worker.js`)
  await until(() => workers.every((url) => page.workers().some((worker) => worker.url() === url)))
  const elsewhere = requests.filter((url) => !url.startsWith(`http://${origin}/`))
  assert.deepEqual(elsewhere, [])
  assert.deepEqual(complaints, [])
})

test('in a browser queries are kept, and tokens are not', async (t) => {
  const { origin } = await startApp(t)
  const browser = await openBrowser(t)
  if (browser === null) return
  const { page } = browser
  await open(page, origin, '{ shown }', { Authorization: token })
  // Edits are kept a while later, the tabs last: once they have this one, all that was written before it is settled.
  await page.locator('.graphiql-query-editor .view-lines').click()
  await page.keyboard.insertText('# settled')
  await until(async () => (await tabsKeptBy(page))?.includes('# settled') ?? false)
  await run(page)
  await answerOn(page).getByText(token).waitFor()
  const kept = await keptBy(page)
  assert.ok(!kept.includes('sesame'), kept)
})

test('in a browser a subscription has its header in connectionParams, in one spelling', async (t) => {
  const { app, origin } = await startApp(t)
  const protocols: (string | undefined)[] = []
  app.server.on('upgrade', ({ headers }) => protocols.push(headers['sec-websocket-protocol']))
  const browser = await openBrowser(t)
  if (browser === null) return
  const { page, requests, complaints } = browser
  await open(page, origin, 'subscription { told }', { authorization: token })
  await run(page)
  // Monaco's spaces do not break.
  await answerOn(page)
    .getByText(/Authorization=Bearer\ssesame/)
    .waitFor()
  assert.deepEqual(protocols, ['graphql-transport-ws'])
  assert.deepEqual(
    requests.filter((url) => url.startsWith('ws')),
    [`ws://${origin}${places.endpoint}`]
  )
  assert.deepEqual(complaints, [])
})
