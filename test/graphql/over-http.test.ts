/**
 * What is no GraphQL request, and what is one but cannot be served by HTTP, or by GET.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { hosts } from '../build.ts'
import { ask, bearer, type Reply } from '../client.ts'
import { clearJournals } from '../dual.ts'
import { post, startGraphqlWorld } from './client.ts'

const world = await startGraphqlWorld({ after: (close) => after(() => (close as () => unknown)()) })
const token = world.session.accessToken

const one = '{ session { realm } }'
const two = 'query A { session { realm } } query B { session { login } }'
const subscription = 'subscription { systemStatus { system } }'
const change = 'mutation { updateCustomer(iCustomer: 1, input: { note: "x" }) { name } }'

const send = (sent: Parameters<typeof post>[1]) => post(world.url, sent, { token })
const get = (query: Record<string, string>) => {
  const path = `/graphql?${new URLSearchParams(query)}`
  return ask(world.url, { method: 'GET', path, headers: { host: hosts.admin, ...bearer(token) } })
}
const typed = (type: string, body: string) =>
  ask(world.url, { path: '/graphql', headers: { host: hosts.admin, 'content-type': type, ...bearer(token) }, body })

const none = [400, 'BAD_REQUEST', 'This is no GraphQL request in JSON'] as const
const nameless = [200, 'BAD_USER_INPUT', 'operationName names no operation of the query'] as const
const noSubscription = [200, 'BAD_USER_INPUT', 'A subscription needs a WebSocket'] as const
const byPostAlone = [405, 'BAD_REQUEST', 'A mutation is sent by POST'] as const

const cases: readonly (readonly [
  what: string,
  ask: () => Promise<Reply>,
  expected: readonly [number, string, string]
])[] = [
  ['nothing', () => send({}), none],
  ['an empty text', () => send({ query: '' }), none],
  ['an empty text in a batch', () => send([{ query: one }, { query: '' }]), none],
  ['no text in a batch', () => send([{ query: one }, {}]), none],
  ['a number', () => send('7'), none],
  ['null', () => send('null'), none],
  ['a list of numbers', () => send('[7]'), none],
  ['no JSON', () => send('{"query"'), none],
  ['a form', () => typed('application/x-www-form-urlencoded', `query=${one}`), [415, none[1], none[2]]],
  ['plain text', () => typed('text/plain', JSON.stringify({ query: one })), [415, none[1], none[2]]],
  ['a GET of nothing', () => get({}), none],
  ['a GET with broken variables', () => get({ query: one, variables: '{' }), none],
  ['a GET of several operations', () => get({ query: two }), nameless],
  ['a GET of an unknown operation', () => get({ query: two, operationName: 'C' }), nameless],
  ['a GET of an operation without a name by a name', () => get({ query: one, operationName: 'A' }), nameless],
  ['a GET of a mutation', () => get({ query: change }), byPostAlone],
  ['a GET of a subscription', () => get({ query: subscription }), noSubscription],
  ['a subscription', () => send({ query: subscription }), noSubscription],
  ['a subscription in a batch', () => send([{ query: one }, { query: subscription }]), noSubscription]
]

for (const [what, ask, [status, code, message]] of cases) {
  test(`${what}: ${status} ${message}`, async () => {
    clearJournals(world)
    const failures = world.lines.filter(({ level }) => level >= 50).length
    const reply = await ask()
    assert.equal(reply.status, status)
    assert.deepEqual(reply.json(), { data: null, errors: [{ message, extensions: { code } }] })
    assert.deepEqual([...world.source.journal.entries, ...world.target.journal.entries], [])
    // It is no failure of ours.
    assert.equal(world.lines.filter(({ level }) => level >= 50).length, failures)
  })
}

test('a GET of a text that is not GraphQL: GraphQL says what is wrong', async () => {
  for (const [query, operationName] of [
    ['{', 'A'],
    ['{ nobody }', undefined],
    ['query A { nobody } query B { nobody }', 'A']
  ] as const) {
    const { status, text } = await get({ query, ...(operationName && { operationName }) })
    assert.deepEqual([status, text.includes('GRAPHQL_VALIDATION_FAILED')], [400, true], text)
  }
})

test('a GET of the named operation is served', async () => {
  assert.deepEqual((await get({ query: two, operationName: 'B' })).json(), { data: { session: { login: 'admin' } } })
})
