/**
 * Queries that are known by their hashes: outside production a shorter way to say them, in production the only ones.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, type TestContext, test } from 'node:test'
import { hosts } from '../build.ts'
import { ask, bearer, type Reply } from '../client.ts'
import { clearJournals } from '../dual.ts'
import { type GraphqlWorld, post, type Sent, startGraphqlWorld } from './client.ts'
import { startInProduction } from './production.ts'

const known = 'query Known($n: Int!) { customers(first: $n) { nodes { iCustomer } } }'
const change = 'mutation Change { updateCustomer(iCustomer: 1, input: { note: "x" }) { iCustomer } }'
const several = 'query One { session { realm } } query Two { session { login } }'
const large = '{ customers(first: 501) { totalCount } }'
const other = '{ customers(first: 1) { nodes { iCustomer } } }'
const digest = (query: string) => hash('sha256', query)

const atEnd = { after: (close: unknown) => after(() => (close as () => unknown)()) }
const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-persisted-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'queries.json')
writeFileSync(
  file,
  JSON.stringify(Object.fromEntries([known, change, several, large].map((one) => [digest(one), one])))
)
const withFile = { plugins: { graphql: { persistedQueries: file } } }

const open = await startGraphqlWorld(atEnd, withFile)
const closed = await startInProduction(atEnd, withFile)
const worlds = { 'outside production': open, 'in production': closed }
// It was read with the config.
rmSync(file)

beforeEach(() => {
  clearJournals(open)
  clearJournals(closed)
})

const asked = ({ source, target }: GraphqlWorld) =>
  [...source.journal.entries, ...target.journal.entries].map(({ url }) => url)

type Send = (world: GraphqlWorld, sent: Sent) => Promise<Reply>

const byPost: Send = ({ url, session }, sent) => post(url, sent, { token: session.accessToken })

const textual = ([name, value]: [string, unknown]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]

const byGet: Send = ({ url, session }, sent) => {
  const path = `/graphql?${new URLSearchParams(Object.fromEntries(Object.entries(sent).map(textual)))}`
  return ask(url, { method: 'GET', path, headers: { host: hosts.admin, ...bearer(session.accessToken) } })
}

const apollo = (query: string, more: object = {}): Sent => ({
  extensions: { persistedQuery: { version: 1, sha256Hash: digest(query) } },
  ...more
})
const byId = (query: string, more: object = {}): Sent => ({ documentId: `sha256:${digest(query)}`, ...more })
const byBareId = (query: string, more: object = {}): Sent => ({ documentId: digest(query), ...more })
const withEmptyText = (query: string, more: object = {}): Sent => ({ ...apollo(query, more), query: '' })

const names = { apollo, byId, byBareId, withEmptyText }
const variables = { n: 2 }
const ofTwo = { data: { customers: { nodes: [{ iCustomer: 1 }, { iCustomer: 2 }] } } }

for (const [where, world] of Object.entries(worlds)) {
  for (const [name, named] of Object.entries(names)) {
    for (const [how, send] of Object.entries({ POST: byPost, GET: byGet })) {
      test(`${where}: a known query by its hash, ${name} by ${how}`, async () => {
        const { status, text } = await send(world, named(known, { variables }))
        assert.deepEqual([status, JSON.parse(text)], [200, ofTwo])
      })
    }
  }

  test(`${where}: a known query by its text`, async () => {
    assert.deepEqual((await byPost(world, { query: known, variables })).json(), ofTwo)
    assert.deepEqual((await byGet(world, { query: known, variables })).json(), ofTwo)
  })

  test(`${where}: a batch of known queries, by hashes and texts`, async () => {
    const sent = [apollo(known, { variables }), byId(change), { query: known, variables }]
    const { text } = await post(world.url, sent, { token: world.session.accessToken })
    assert.deepEqual(JSON.parse(text), [ofTwo, { data: { updateCustomer: { iCustomer: 1 } } }, ofTwo])
  })

  test(`${where}: the named operation of a known text with several`, async () => {
    const { text } = await byPost(world, apollo(several, { operationName: 'Two' }))
    assert.deepEqual(JSON.parse(text), { data: { session: { login: 'admin' } } })
  })

  for (const [name, sent] of [
    ['a hash that nobody knows', apollo('{ nobody }')],
    ['an id that nobody knows', byId('{ nobody }')],
    ['a hash that is a name of every object', { documentId: 'constructor' }]
  ] as const) {
    test(`${where}: ${name} is not found, and no system is asked`, async () => {
      const expected = {
        data: null,
        errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }]
      }
      for (const { status, text } of [
        await byPost(world, sent),
        await byGet(world, sent),
        await post(world.url, [apollo(known, { variables }), sent], { token: world.session.accessToken })
      ]) {
        assert.deepEqual([status, JSON.parse(text)], [200, expected])
      }
      assert.deepEqual(asked(world), [])
    })
  }

  test(`${where}: a known query is within the limits as any other`, async () => {
    const { text } = await byPost(world, apollo(large))
    assert.match(text, /QUERY_TOO_COMPLEX/)
    assert.deepEqual(asked(world), [])
  })

  test(`${where}: a known mutation is not sent by GET`, async () => {
    assert.equal((await byGet(world, apollo(change))).status, 405)
    assert.deepEqual(asked(world), [])
  })
}

test('outside production any query runs, whatever hash it comes with', async () => {
  const expected = { data: { customers: { nodes: [{ iCustomer: 1 }] } } }
  for (const sent of [{ query: other }, { ...apollo(other), query: other }, { ...byId(known), query: other }]) {
    assert.deepEqual((await byPost(open, sent)).json(), expected)
  }
})

/** A known text with anything changed is another one. */
const unknown: readonly (readonly [what: string, sent: Sent])[] = [
  ['another text', { query: other }],
  ['another text with a known hash', { ...apollo(known), query: other }],
  ['another text with a known id', { ...byId(known), query: other }],
  ['a known text and a space', { query: `${known} `, variables }],
  ['a known text as a list', { query: [known.replace('customers', 'accounts')] as never, variables }],
  ['introspection', { query: '{ __schema { types { name } } }' }]
]

for (const [what, sent] of unknown) {
  test(`in production ${what} is refused, and no system is asked`, async () => {
    const expected = {
      data: null,
      errors: [{ message: 'Only known queries run here', extensions: { code: 'BAD_USER_INPUT' } }]
    }
    const batch = [apollo(known, { variables }), sent]
    for (const { status, text } of [
      await byPost(closed, sent),
      await post(closed.url, batch, { token: closed.session.accessToken })
    ]) {
      assert.deepEqual([status, JSON.parse(text)], [200, expected])
    }
    assert.deepEqual(asked(closed), [])
  })
}

test('without a file every hash is unknown, and in production any query runs', async (t: TestContext) => {
  const world = await startInProduction(t)
  assert.match((await byPost(world, apollo(known, { variables }))).text, /PERSISTED_QUERY_NOT_FOUND/)
  assert.deepEqual((await byPost(world, { query: known, variables })).json(), ofTwo)
})
