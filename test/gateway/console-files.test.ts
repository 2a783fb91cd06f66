/** The console's files as a browser gets them: whole, typed, out of this installation alone, and nothing else of it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { registerPage } from '../../gateway/ops/console-files.ts'

const directory = join(import.meta.dirname, '../../console')
const read = (name: string) => readFileSync(join(directory, name), 'utf8')

function appWith(t: TestContext, csrf = '') {
  const app = Fastify()
  t.after(() => app.close())
  registerPage(app, { csrfOf: () => csrf })
  return app
}

const importsIn = (html: string): Record<string, string> => {
  const [, map = ''] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html) ?? []
  return (JSON.parse(map) as { imports: Record<string, string> }).imports
}

test('the page holds its session’s token, escaped, and is kept nowhere', async (t) => {
  const { statusCode, headers, body } = await appWith(t, 'a"&<b').inject('/console')
  assert.deepEqual(
    [statusCode, headers['content-type'], headers['cache-control']],
    [200, 'text/html; charset=utf-8', 'no-store']
  )
  assert.ok(body.includes('<meta name="csrf-token" content="a&quot;&amp;&lt;b">'), body)
  assert.ok(!body.includes('{{'), 'no place is left open')
})

test('the policy lets nothing run but files of this host and the one import map', async (t) => {
  const { headers, body } = await appWith(t).inject('/console')
  const policy = String(headers['content-security-policy'])
  const [, map = ''] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(body) ?? []
  const digest = createHash('sha256').update(map).digest('base64')
  assert.ok(policy.includes(`script-src 'self' 'sha256-${digest}'`), policy)
  assert.match(policy, /default-src 'none'.*frame-ancestors 'none'.*require-trusted-types-for 'script'/)
  assert.doesNotMatch(policy, /unsafe|\*|http|data:/)
  assert.doesNotMatch(
    body,
    /<script(?![^>]*(?:src=|importmap))|<style|\son\w+=|style=/,
    'nothing stands in the page itself'
  )
})

test('every file of the page is served with its type, and asked for again by its digest', async (t) => {
  const app = appWith(t)
  const types: Record<string, RegExp> = {
    js: /^text\/javascript/,
    css: /^text\/css/,
    svg: /^image\/svg\+xml/,
    txt: /^text\/plain/
  }
  const own = globSync('**/*.{js,css,svg}', { cwd: directory }).map((name) => `/console/${name}`)
  const named = [
    ...Object.values(importsIn(read('index.html'))),
    ...[...read('index.html').matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path = '']) => path)
  ]
  assert.ok(own.length > 20 && named.length > 10)
  for (const path of new Set([...own, ...named, '/console/licences.txt'])) {
    const { statusCode, headers, rawPayload } = await app.inject(path)
    assert.equal(statusCode, 200, path)
    assert.ok(rawPayload.length > 100, path)
    assert.match(String(headers['content-type']), types[path.split('.').at(-1) ?? ''] ?? /^$/, path)
    assert.deepEqual([headers['x-content-type-options'], headers['cache-control']], ['nosniff', 'no-cache'])
    const again = await app.inject({ url: path, headers: { 'if-none-match': `"other", ${headers.etag}` } })
    assert.deepEqual([again.statusCode, again.body], [304, ''], path)
  }
})

test('whatever a module imports is served or in the import map', async (t) => {
  const app = appWith(t)
  const map = importsIn(read('index.html'))
  const scripts = [
    ...globSync('**/*.js', { cwd: directory }),
    ...Object.values(map).map((path) => path.replace('/console/', ''))
  ]
  for (const name of scripts) {
    const { body } = await app.inject(`/console/${name}`)
    for (const [, specifier = ''] of body.matchAll(/\b(?:from|import)\s*["']([\w./-]+)["']/g)) {
      const found = specifier.startsWith('.') ? new URL(specifier, `http://a/console/${name}`).pathname : map[specifier]
      assert.ok(found !== undefined, `${name} imports ${specifier}`)
      assert.equal((await app.inject(found)).statusCode, 200, `${name} imports ${specifier}`)
    }
    assert.doesNotMatch(body, /sourceMappingURL/, name)
    if (!name.startsWith('modules/')) assert.doesNotMatch(body, /innerHTML|outerHTML|insertAdjacent|eval\(/i, name)
  }
})

test('the licences of what is served are served', async (t) => {
  const { body } = await appWith(t).inject('/console/licences.txt')
  for (const sign of ['preact', 'htm', 'uplot', 'Jason Miller', 'Apache License', 'Leon Sorokin'])
    assert.ok(body.includes(sign), sign)
})

const others = [
  'index.html',
  '../package.json',
  '%2e%2e/package.json',
  '..%2fpackage.json',
  'modules/../../package.json',
  'constructor',
  '__proto__',
  'style',
  '',
  'modules/fastify.js'
]
for (const name of others) {
  test(`nothing is served as /console/${name}`, async (t) => {
    assert.equal((await appWith(t).inject(`/console/${name}`)).statusCode, 404)
  })
}
