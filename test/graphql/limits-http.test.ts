/**
 * A request over a limit costs nobody anything: it is refused at once, and no system is asked.
 */
import assert from 'node:assert/strict'
import { after, beforeEach, type TestContext, test } from 'node:test'
import { Client } from 'undici'
import { hosts } from '../build.ts'
import { ask, bearer } from '../client.ts'
import { clearJournals } from '../dual.ts'
import { type GraphqlWorld, post, type Result, type Sent, startGraphqlWorld } from './client.ts'
import { startInProduction } from './production.ts'

const graphql = (options: object) => ({ plugins: { graphql: options } })

const atEnd = { after: (close: unknown) => after(() => (close as () => unknown)()) }
const world = await startGraphqlWorld(atEnd)
/** One connection that stays. */
const connection = new Client(world.url)
after(() => connection.destroy())
// The view is loaded when the first request comes.
await post(world.url, { query: '{ session { realm } }' }, { token: world.session.accessToken })

beforeEach(() => clearJournals(world))

const asked = ({ source, target }: Pick<GraphqlWorld, 'source' | 'target'>) =>
  [...source.journal.entries, ...target.journal.entries].map(({ url }) => url)

async function send(sent: Sent | readonly Sent[] | string): Promise<Result<Record<string, unknown>>> {
  const { body } = await connection.request({
    method: 'POST',
    path: '/graphql',
    headers: { host: hosts.admin, 'content-type': 'application/json', ...bearer(world.session.accessToken) },
    body: typeof sent === 'string' ? sent : JSON.stringify(sent)
  })
  return (await body.json()) as Result<Record<string, unknown>>
}

const repeat = <One>(times: number, text: (at: number) => One) => Array.from({ length: times }, (_, at) => text(at))
/** `levels` fields below the operation; the schema itself has no such depth. */
const deep = (levels: number) => `{customer${'{on'.repeat(levels - 2)}{name}${'}'.repeat(levels - 1)}`
const aliases = (times: number) => `{${repeat(times, (at) => `a${at}:session{realm}`).join(' ')}}`
const batch = (times: number) => repeat(times, () => ({ query: '{session{realm}}' }))
/** A text of so many bytes; the last of its characters take two of them. */
const sized = (bytes: number) => `{session{realm}}#${'é'.repeat(20)}`.padEnd(bytes - 20, '-')
const customers = (first: number) => `customers(first:${first}){totalCount}`
/** 20 customers with 499 accounts each. */
const tenThousand = 'customers(first:20){nodes{accounts(first:499){nodes{number}}}}'
const doubling = (levels: number) =>
  `{...f0} ${repeat(levels, (at) => `fragment f${at} on Query{...f${at + 1} ...f${at + 1}}`).join(' ')} fragment f${levels} on Query{${customers(1)}}`

/** What is sent, and what of it is over a limit. */
const over: readonly (readonly [what: string, sent: Sent | readonly Sent[] | string, message: string])[] = [
  ['depth 9', { query: deep(9) }, 'The query is 9 fields deep, the limit is 8'],
  ['16 aliases', { query: aliases(16) }, 'The request has 16 aliases, the limit is 15'],
  [
    '16 aliases in a batch',
    [{ query: aliases(8) }, { query: aliases(8) }],
    'The request has 16 aliases, the limit is 15'
  ],
  ['11 batched', batch(11), 'The batch has 11 operations, the limit is 10'],
  [
    'first 501',
    { query: `{${customers(501)}}` },
    'Query.customers is asked for 501 nodes, the limit is 500 per connection'
  ],
  [
    'first 501 by a variable',
    { query: 'query($n:Int!){customers(first:$n){totalCount}}', variables: { n: 501 } },
    'Query.customers is asked for 501 nodes, the limit is 500 per connection'
  ],
  [
    '10,001 nodes',
    { query: `{${tenThousand} one:${customers(1)}}` },
    'The request may bring 10001 nodes, the limit is 10000'
  ],
  [
    '10,001 nodes in a batch',
    [{ query: `{${tenThousand}}` }, { query: `{${customers(1)}}` }],
    'The request may bring 10001 nodes, the limit is 10000'
  ],
  ['64 KiB and a byte', { query: sized(65_537) }, 'The query text has 65537 bytes, the limit is 65536'],
  [
    '64 KiB and a byte in a batch',
    [{ query: sized(65_000) }, { query: sized(537) }],
    'The query text has 65537 bytes, the limit is 65536'
  ],
  ['2,000 aliases', { query: aliases(2000) }, 'The request has 2000 aliases, the limit is 15'],
  ['500 batched', batch(500), 'The batch has 500 operations, the limit is 10'],
  ['depth 50', { query: deep(50) }, 'The query is 50 fields deep, the limit is 8'],
  ['fragments that multiply', { query: doubling(60) }, 'The request may bring countless nodes, the limit is 10000'],
  ['a query of 1 MB', { query: sized(1_000_000) }, 'The query text has 1000000 bytes, the limit is 65536'],
  ['a body of 3 MB', { query: sized(3_000_000) }, 'The request is larger than any may be']
]

/** Most CPU of this thread that a refusal may take, ms: what is over a limit must not cost its sender less than it costs us. */
const refusedWithin = 50

for (const [what, sent, message] of over) {
  test(`${what}: refused at once, and no system is asked`, async () => {
    const body = JSON.stringify(sent)
    let least = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 3; attempt++) {
      // Not by the clock: it counts what others on this machine do meanwhile.
      const before = process.threadCpuUsage()
      const answer = await send(body)
      const { user, system } = process.threadCpuUsage(before)
      least = Math.min(least, (user + system) / 1000)
      assert.deepEqual(answer, { data: null, errors: [{ message, extensions: { code: 'QUERY_TOO_COMPLEX' } }] })
    }
    assert.deepEqual(asked(world), [])
    assert.ok(least < refusedWithin, `${least} ms`)
  })
}

test('over a limit: the same by GET', async () => {
  const path = `/graphql?query=${encodeURIComponent(aliases(16))}`
  const headers = { host: hosts.admin, ...bearer(world.session.accessToken) }
  const { status, text } = await ask(world.url, { method: 'GET', path, headers })
  assert.equal(status, 200)
  assert.match(text, /^\{"data":null,"errors":\[\{[^{]*\{"code":"QUERY_TOO_COMPLEX"\}\}\]\}$/)
  assert.deepEqual(asked(world), [])
})

test('over a limit: a request without a session is told the same', async () => {
  const { status, text } = await post(world.url, { query: aliases(16) })
  assert.equal(status, 200)
  assert.match(text, /QUERY_TOO_COMPLEX/)
})

for (const [what, sent] of [
  ['15 aliases', { query: aliases(15) }],
  ['10 batched', batch(10)],
  ['first 500', { query: `{${customers(500)}}` }],
  ['10,000 nodes', { query: `{${tenThousand}}` }],
  ['10,000 nodes in a batch', [{ query: `{${customers(500)}}` }, { query: `{${tenThousand.replace('20', '19')}}` }]],
  ['64 KiB', { query: sized(65_536) }]
] as const) {
  test(`${what}: served`, async () => {
    for (const { data, errors } of [await send(sent)].flat()) {
      assert.equal(errors, undefined)
      assert.ok(data)
    }
  })
}

test('depth 8: GraphQL itself says what is wrong with it', async () => {
  const { errors = [] } = await send({ query: deep(8) })
  assert.deepEqual([...new Set(errors.map(({ extensions }) => extensions?.code))], ['GRAPHQL_VALIDATION_FAILED'])
})

test('limits of the config: each is kept', async (t) => {
  const limits = { depth: 2, nodesPerConnection: 5, nodes: 10, aliases: 1, batch: 2, queryBytes: 200 }
  const strict = await startGraphqlWorld(t, graphql({ limits }))
  const run = async (sent: Sent | readonly Sent[]) => {
    clearJournals(strict)
    const { text } = await post(strict.url, sent, { token: strict.session.accessToken })
    return ([JSON.parse(text)] as Result<unknown>[]).flat()
  }
  const one = { query: '{session{realm}}' }
  for (const [within, beyond] of [
    ['{customers(first:1){nodes{name}}}', '{customers(first:1){nodes{accounts(first:1){totalCount}}}}'],
    [`{${customers(5)}}`, `{${customers(6)}}`],
    [
      `{${customers(5)} accounts(first:5){totalCount}}`,
      `{${customers(5)} accounts(first:5){totalCount} a:${customers(1)}}`
    ],
    [aliases(1), aliases(2)],
    [sized(200), sized(201)]
  ] as const) {
    for (const { errors } of await run({ query: within })) assert.equal(errors, undefined, within)
    const [refused] = await run({ query: beyond })
    assert.equal(refused?.errors?.[0]?.extensions?.code, 'QUERY_TOO_COMPLEX', beyond)
    assert.deepEqual(asked(strict), [])
  }
  for (const { errors } of await run([one, one])) assert.equal(errors, undefined)
  const [refused] = await run([one, one, one])
  assert.equal(refused?.errors?.[0]?.extensions?.code, 'QUERY_TOO_COMPLEX')
})

test('limits of the config: a larger body limit lets no larger text in', async (t) => {
  const { url, session } = await startGraphqlWorld(t, { bodyLimit: 2_000_000 })
  const { text } = await post(url, { query: sized(1_500_000) }, { token: session.accessToken })
  assert.match(text, /^\{"data":null,"errors":\[\{"message":"The query text has 1500000 bytes, the limit is 65536"/)
})

// Introspection.

const introspection = '{ __schema { queryType { name } types { name } } __type(name: "Customer") { fields { name } } }'

const starts: Readonly<Record<string, (t: TestContext, overrides?: Record<string, unknown>) => Promise<GraphqlWorld>>> =
  {
    'outside production': startGraphqlWorld,
    'in production': startInProduction
  }

for (const [where, options, isOpen] of [
  ['outside production', {}, true],
  ['outside production', { introspection: false }, false],
  ['in production', {}, false],
  ['in production', { introspection: true }, true]
] as const) {
  test(`introspection: ${isOpen ? 'allowed' : 'refused'} ${where} with ${JSON.stringify(options)}`, async (t) => {
    const { url, session, run, source, target } = await (starts[where] ?? assert.fail(where))(t, graphql(options))
    clearJournals({ source, target })
    const { data, errors = [] } = await run<Record<string, unknown> | null>(introspection)
    assert.equal(data !== null, isOpen)
    assert.equal(errors.length > 0, !isOpen)
    for (const { extensions } of errors) assert.equal(extensions?.code, 'GRAPHQL_VALIDATION_FAILED')
    const path = `/graphql?query=${encodeURIComponent(introspection)}`
    const got = await ask(url, { method: 'GET', path, headers: { host: hosts.admin, ...bearer(session.accessToken) } })
    assert.deepEqual([got.status, got.text.includes('"CustomerConnection"')], [isOpen ? 200 : 400, isOpen])
    const batched = await post(url, [{ query: introspection }], { token: session.accessToken })
    assert.equal(batched.text.includes('"CustomerConnection"'), isOpen)
    assert.deepEqual(asked({ source, target }), [])
    assert.deepEqual(await run('{ __typename }'), { data: { __typename: 'Query' } })
  })
}

/** A wrong name, and the right one that is near it. */
const misspelt: readonly (readonly [what: string, sent: Sent, near: string])[] = [
  ['a field', { query: '{ custmer(iCustomer: 1) { name } }' }, 'customer'],
  ['an argument', { query: '{ customer(iCustmer: 1) { name } }' }, 'iCustomer'],
  ['a type', { query: '{ customer(iCustomer: 1) { ... on Custmer { name } } }' }, 'Customer'],
  ['an enum value', { query: '{ customers(system: SOURC) { totalCount } }' }, 'SOURCE'],
  ['an input field', { query: '{ customers(filter: { nam: "x" }) { totalCount } }' }, 'name'],
  [
    'an enum value in a variable',
    { query: 'query($s: System) { customers(system: $s) { totalCount } }', variables: { s: 'TARGE' } },
    'TARGET'
  ],
  [
    'an input field in a variable',
    { query: 'query($f: CustomerFilter) { customers(filter: $f) { totalCount } }', variables: { f: { emai: 'x' } } },
    'email'
  ]
]

test('a wrong name: what is near is told where the schema can be asked for, and nowhere else', async (t) => {
  const closed = await startGraphqlWorld(t, graphql({ introspection: false }))
  for (const { url, session, isOpen } of [
    { ...world, isOpen: true },
    { ...closed, isOpen: false }
  ]) {
    for (const [what, sent, near] of misspelt) {
      const one = await post(url, sent, { token: session.accessToken })
      const many = await post(url, [sent, sent], { token: session.accessToken })
      for (const { text } of [one, many]) {
        assert.match(text, /GRAPHQL_VALIDATION_FAILED/, what)
        assert.equal(text.includes(`\\"${near}\\"`), isOpen, `${what}: ${text}`)
        assert.equal(/did you mean/i.test(text), isOpen, what)
      }
    }
  }
})
