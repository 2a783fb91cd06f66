import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '../../gateway/config.ts'
import { mistakesIn, parse } from './config.ts'

const graphql = (options: unknown) => ({ plugins: { graphql: options } })

/** keys, the one mistake that they are */
const mistakes: readonly (readonly [object, string])[] = [
  [graphql({ path: '/' }), 'plugins.graphql.path: "/" is not a path such as /rest'],
  [graphql({ path: 'graphql' }), 'plugins.graphql.path: "graphql" is not a path such as /rest'],
  [graphql({ path: '/rest' }), 'plugins.graphql.path: /rest belongs to the API at /rest'],
  [graphql({ path: '/rest/graphql' }), 'plugins.graphql.path: /rest/graphql belongs to the API at /rest'],
  [graphql({ path: '/doc/api/2' }), 'plugins.graphql.path: /doc/api/2 belongs to the API at /doc/api'],
  [graphql({ path: '/portasip/x/y' }), 'plugins.graphql.path: /portasip/x/y belongs to the API at /portasip'],
  [graphql({ path: '/callcontrol' }), 'plugins.graphql.path: /callcontrol belongs to the API at /callcontrol'],
  [
    { ...graphql({ path: '/api/view' }), apis: { billing: ['/rest', '/api'] } },
    'plugins.graphql.path: /api/view belongs to the API at /api'
  ],
  [{ apis: { billing: ['/graphql'] } }, 'plugins.graphql.path: /graphql belongs to the API at /graphql'],
  [
    { ...graphql({}), apis: { callcontrol: ['/graphql'] } },
    'plugins.graphql.path: /graphql belongs to the API at /graphql'
  ],
  [graphql({ persistedQueries: '' }), 'plugins.graphql.persistedQueries: "" is not the name of a file'],
  [graphql({ persistedQueries: 7 }), 'plugins.graphql.persistedQueries: 7 is not the name of a file'],
  [graphql({ limits: { depth: 0 } }), 'plugins.graphql.limits.depth: 0 is not a whole number of at least 1'],
  [graphql({ limits: { dept: 1 } }), 'plugins.graphql.limits.dept: is not a known key; did you mean depth?'],
  [graphql({ introspection: 'no' }), 'plugins.graphql.introspection: "no" is not true or false']
]

for (const [keys, mistake] of mistakes) {
  test(`${JSON.stringify(keys)}: ${mistake}`, () => assert.deepEqual(mistakesIn(keys), [mistake]))
}

for (const keys of [
  graphql({ path: '/restful' }),
  graphql({ path: '/doc' }),
  graphql({ path: '/doc/apis' }),
  graphql({ path: '/view/rest' }),
  { ...graphql(false), apis: { billing: ['/graphql'] } },
  // It steps aside then.
  { plugins: { 'entity-location': false }, apis: { billing: ['/graphql'] } },
  { ...graphql({ path: '/rest' }), apis: { billing: ['/api'] } }
]) {
  test(`${JSON.stringify(keys)} is no mistake`, () => assert.deepEqual(mistakesIn(keys), []))
}

test('the file and the path are each a line', () => {
  const lines = mistakesIn(graphql({ path: '/rest', persistedQueries: 'none.json' }))
  assert.equal(lines.length, 2)
})

const query = '{ session { realm } }'
const digest = hash('sha256', query)

function directoryOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-test-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const noObject = 'holds no JSON object of queries by their SHA-256'
const notIts = (key: string) => `"${key}" is not the SHA-256 of its query`

/** what the file holds, what of it is wrong */
const files: readonly (readonly [what: string, text: string, mistake: string])[] = [
  ['no JSON', '{"', ` ${noObject}`],
  ['nothing', '', ` ${noObject}`],
  ['a list', JSON.stringify([query]), ` ${noObject}`],
  ['null', 'null', ` ${noObject}`],
  ['a key that is a name', JSON.stringify({ realm: query }), `: ${notIts('realm')}`],
  ['a key in capitals', JSON.stringify({ [digest.toUpperCase()]: query }), `: ${notIts(digest.toUpperCase())}`],
  ['a key that is long', JSON.stringify({ ['x'.repeat(500)]: query }), `: ${notIts('x'.repeat(64))}`],
  ['the hash of another text', JSON.stringify({ [digest]: `${query} ` }), `: ${notIts(digest)}`],
  ['a value that is no text', JSON.stringify({ [digest]: { query } }), `: ${notIts(digest)}`],
  ['one good key and a bad one', JSON.stringify({ [digest]: query, x: query }), `: ${notIts('x')}`]
]

for (const [what, text, mistake] of files) {
  test(`a file of known queries with ${what} is refused`, (t) => {
    const directory = directoryOf(t, { 'queries.json': text })
    const line = `plugins.graphql.persistedQueries: ${join(directory, 'queries.json')}${mistake}`
    assert.deepEqual(mistakesIn(graphql({ persistedQueries: 'queries.json' }), {}, directory), [line])
  })
}

test('a file of known queries that is not there is refused', (t) => {
  const directory = directoryOf(t, {})
  for (const name of ['queries.json', '.']) {
    const line = `plugins.graphql.persistedQueries: ${join(directory, name)} cannot be read`
    assert.deepEqual(mistakesIn(graphql({ persistedQueries: name }), {}, directory), [line])
  }
})

test('a file of known queries is not read where the plugin is off', (t) => {
  const plugins = { 'list-aggregation': false, graphql: { persistedQueries: 'queries.json' } }
  assert.deepEqual(mistakesIn({ plugins }, {}, directoryOf(t, {})), [
    'plugins.graphql: needs list-aggregation, which is off; turn list-aggregation on or graphql off'
  ])
})

test('a file of known queries is beside the config, and its name may come from the environment', (t) => {
  const directory = directoryOf(t, { 'queries.json': JSON.stringify({ [digest]: query }), 'none.json': '{}' })
  const nameIn = (config: ReturnType<typeof parse>) =>
    config.plugins.find(({ name }) => name === 'graphql')?.options?.persistedQueries
  const whole = join(directory, 'queries.json')
  assert.equal(nameIn(parse(graphql({ persistedQueries: 'queries.json' }), {}, directory)), whole)
  assert.equal(nameIn(parse(graphql({ persistedQueries: whole }), {}, '/')), whole)
  assert.equal(nameIn(parse(graphql({ persistedQueries: 'none.json' }), {}, directory)), join(directory, 'none.json'))
  assert.equal(nameIn(parse(graphql(true))), undefined)
  const yaml = `listen: [{ port: 0 }]
secret: ${'x'.repeat(32)}
systems:
  source: { release: MR100, url: https://10.0.0.2 }
  target: { release: MR115, url: https://10.0.0.3 }
plugins: { graphql: { persistedQueries: '\${QUERIES}' } }
`
  writeFileSync(join(directory, 'dispatcher.yaml'), yaml)
  assert.equal(nameIn(loadConfig(join(directory, 'dispatcher.yaml'), { QUERIES: 'queries.json' })), whole)
})
