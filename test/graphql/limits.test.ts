import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema, parse } from 'graphql'
import { createLimits, type Limits, type Operation } from '../../graphql/limits.ts'
import { schema } from './endless.ts'

const limits: Limits = {
  depth: 8,
  nodesPerConnection: 500,
  nodes: 10_000,
  aliases: 15,
  batch: 10,
  queryBytes: 65_536
}

const judge = (...operations: Operation[]) => createLimits(schema, limits).judge(operations)
const repeat = (times: number, text: (index: number) => string) =>
  Array.from({ length: times }, (_, i) => text(i)).join(' ')
/** `levels` fields below the operation. */
const deep = (levels: number) => `{customer{${'on{'.repeat(levels - 2)}name${'}'.repeat(levels - 1)}}`
const customers = (first: number | string, below: string) => `customers(first:${first}){nodes{${below}}}`

const tooDeep = 'The query is 9 fields deep, the limit is 8'
const unreadable = 'The query nests deeper than can be read, the limit is 8 fields'
const tooMany = (nodes: number | string) => `The request may bring ${nodes} nodes, the limit is 10000`
const tooManyAliases = (aliases: number | string) => `The request has ${aliases} aliases, the limit is 15`
const tooLarge = (field: string, first: number | string) =>
  `${field} is asked for ${first} nodes, the limit is 500 per connection`
const query10k = `{${customers(500, 'accounts(first:19){totalCount}')}}`
const sized = (bytes: number, letter: string) =>
  `{session{realm}}#${letter.repeat((bytes - 17) / Buffer.byteLength(letter))}`
const $n = 'query($n:Int){customers(first:$n){totalCount}}'
const dense = (fields: number) => `{${'session{realm}'.repeat(fields)}}`

for (const [what, given, expected] of [
  ['8 fields deep', [deep(8)], null],
  ['9 fields deep', [deep(9)], tooDeep],
  ['9 fields deep, one of ten operations', [...Array(9).fill('{session{realm}}'), deep(9)], tooDeep],
  ['9 fields deep, before nine others', [deep(9), ...Array(9).fill('{session{realm}}')], tooDeep],
  ['9 unknown fields deep', [`${'{a'.repeat(9)}${'}'.repeat(9)}`], tooDeep],
  ['15 aliases', [`{${repeat(15, (i) => `a${i}:session{realm}`)}}`], null],
  ['16 aliases', [`{${repeat(16, (i) => `a${i}:session{realm}`)}}`], tooManyAliases(16)],
  ['16 aliases of unknown fields', [`{${repeat(16, (i) => `a${i}:nobody`)}}`], tooManyAliases(16)],
  ['8 and 8 aliases', Array(2).fill(`{${repeat(8, (i) => `a${i}:session{realm}`)}}`), tooManyAliases(16)],
  ['10 operations', Array(10).fill('{session{realm}}'), null],
  ['11 operations', Array(11).fill('{session{realm}}'), 'The batch has 11 operations, the limit is 10'],
  ['first: 500', [`{${customers(500, 'name')}}`], null],
  ['first: 501', [`{${customers(501, 'name')}}`], tooLarge('Query.customers', 501)],
  [
    'first: 501 before first: 1',
    [`{${customers(501, 'name')}}`, `{${customers(1, 'name')}}`],
    tooLarge('Query.customers', 501)
  ],
  [
    'first: 501 after first: 1',
    [`{${customers(1, 'name')}}`, `{${customers(501, 'name')}}`],
    tooLarge('Query.customers', 501)
  ],
  ['first: 501 below first: 0', [`{${customers(0, 'xdrs(first:501){totalCount}')}}`], tooLarge('Customer.xdrs', 501)],
  ['10,000 nodes', [query10k], null],
  ['10,001 nodes', [query10k, `{${customers(1, 'name')}}`], tooMany(10_001)],
  ['6,000 nodes', [`{${customers(500, 'accounts(first:11){totalCount}')}}`], null],
  ['6,000 nodes twice', Array(2).fill(`{${customers(500, 'accounts(first:11){totalCount}')}}`), tooMany(12_000)],
  ['64 KiB', [sized(65_536, '-')], null],
  ['64 KiB and a byte', [sized(65_537, '-')], 'The query text has 65537 bytes, the limit is 65536'],
  ['64 KiB and a byte in Greek', [sized(65_537, 'λ')], 'The query text has 65537 bytes, the limit is 65536'],
  ['64 KiB in two texts', [sized(32_768, '-'), sized(32_768, '-')], null],
  ['more in two texts', [sized(32_768, '-'), sized(32_769, '-')], 'The query text has 65537 bytes, the limit is 65536'],
  ['16,382 tokens', [dense(4095)], null],
  ['16,386 tokens', [dense(4096)], 'The query text has more tokens than the limit of 16384'],
  [
    'a document tree',
    [JSON.stringify(parse('{session{realm}}', { noLocation: true }))],
    'The query is a document tree, only GraphQL text can be measured'
  ],
  ['JSON that is no tree', ['{"query":"{session{realm}}"}'], null],
  ['JSON that is null', ['null'], null],
  ['no operation at all', [], null]
] as const) {
  test(`limits: ${what} ${expected === null ? 'is within' : 'is refused'}`, () => {
    assert.equal(judge(...given.map((query: string) => ({ query }))).tooComplex, expected)
  })
}

for (const [what, query, variables, expected] of [
  ['500', $n, { n: 500 }, null],
  ['501', $n, { n: 501 }, tooLarge('Query.customers', 501)],
  ['501 by its default', $n.replace('Int', 'Int=501'), {}, tooLarge('Query.customers', 501)],
  ['501 by its default, 500 given', $n.replace('Int', 'Int=501'), { n: 500 }, null],
  ['without end', $n, { n: 1e300 }, tooLarge('Query.customers', 'countless')],
  ['of text', $n, { n: '501' }, null],
  ['501 that is not used', `query($n:Int){${customers(1, 'name')}}`, { n: 501 }, null]
] as const) {
  test(`limits: first by a variable, ${what}, ${expected === null ? 'is within' : 'is refused'}`, () => {
    assert.equal(judge({ query, variables }).tooComplex, expected)
  })
}

test('limits: other limits than the usual ones hold', () => {
  const { judge } = createLimits(schema, {
    depth: 2,
    nodesPerConnection: 5,
    nodes: 20,
    aliases: 0,
    batch: 1,
    queryBytes: 99
  })
  for (const [query, tooComplex] of [
    [`{${customers(5, 'name')}}`, null],
    ['{customer{on{name}}}', 'The query is 3 fields deep, the limit is 2'],
    [`{${customers(6, 'name')}}`, 'Query.customers is asked for 6 nodes, the limit is 5 per connection'],
    ['{customers{totalCount}}', 'The request may bring 50 nodes, the limit is 20'],
    ['{a:session{realm}}', 'The request has 1 aliases, the limit is 0'],
    [sized(100, '-'), 'The query text has 100 bytes, the limit is 99'],
    [`{${'...{'.repeat(9)}__typename${'}'.repeat(10)}`, null]
  ] as const) {
    assert.equal(judge([{ query }]).tooComplex, tooComplex)
  }
  assert.match(judge([{ query: '{session{realm}}' }, { query: '{x}' }]).tooComplex ?? '', /^The batch has 2 operations/)
})

const named =
  'query A{session{realm}} query B{customers(first:501){totalCount}} mutation C{updateCustomer(iCustomer:1){name}}'
const nothing = { name: null, type: null, selected: [] }
const realm = ['Query.session', 'Session.realm']
for (const [what, operation, expected, tooComplex] of [
  ['the named operation', { query: named, operationName: 'A' }, { name: 'A', type: 'query', selected: realm }, null],
  [
    'a named mutation',
    { query: named, operationName: 'C' },
    { name: 'C', type: 'mutation', selected: ['Customer.name', 'Mutation.updateCustomer'] },
    null
  ],
  ['a named operation over a limit', { query: named, operationName: 'B' }, null, tooLarge('Query.customers', 501)],
  [
    'the only operation',
    { query: 'query A{session{realm}}', operationName: null },
    { name: 'A', type: 'query', selected: realm },
    null
  ],
  [
    'one without a name',
    { query: '{session{realm}}', variables: null },
    { name: null, type: 'query', selected: realm },
    null
  ],
  ['none of several', { query: named }, nothing, null],
  ['a name that is not there', { query: named, operationName: 'D' }, nothing, null],
  ['a name for one without', { query: '{session{realm}}', operationName: 'A' }, nothing, null],
  ['no GraphQL', { query: '{session{realm}' }, nothing, null],
  ['an unknown field', { query: '{session{realm} nobody}' }, nothing, null],
  ['an unknown field of a leaf', { query: '{session{realm{x}}}' }, nothing, null],
  ['an unknown fragment', { query: '{...nobody session{realm}}' }, nothing, null],
  ['an unknown type', { query: '{...on Nobody{__typename} session{realm}}' }, nothing, null],
  ['a fragment of an unknown type', { query: '{...f} fragment f on Nobody{__typename}' }, nothing, null],
  ['a fragment in itself', { query: '{...f} fragment f on Query{session{realm} ...f}' }, nothing, null],
  ['introspection that is not at the root', { query: '{session{__schema{types{name}}}}' }, nothing, null],
  [
    'a subscription',
    { query: 'subscription{customerMoved{name}}' },
    { name: null, type: 'subscription', selected: ['Customer.name', 'Subscription.customerMoved'] },
    null
  ]
] as const) {
  test(`judged: ${what}`, () => {
    const { operations, tooComplex: found } = judge({ query: '{customer{name}}' }, operation)
    assert.equal(found, tooComplex)
    const [first, second] = operations.map((judged) => ({ ...judged, selected: [...judged.selected].sort() }))
    assert.deepEqual(first, { name: null, type: 'query', selected: ['Customer.name', 'Query.customer'] })
    if (expected !== null) assert.deepEqual(second, expected)
  })
}

test('judged: an operation of which the schema has none', () => {
  const { judge } = createLimits(buildSchema('type Query { a: Int }'), limits)
  const nobody = { name: null, type: null, selected: new Set() }
  assert.deepEqual(judge([{ query: 'mutation{__typename}' }]), { tooComplex: null, operations: [nobody] })
})

test('judged: a batch over a limit has as many entries, of which nothing is known', () => {
  const { operations } = judge(...Array(11).fill({ query: '{session{realm}}' }))
  assert.deepEqual(operations, Array(11).fill({ name: null, type: null, selected: new Set() }))
})

test('memory: a text is read once, and what its variables ask for is judged each time', () => {
  const { judge } = createLimits(schema, limits)
  const run = (n: number) => judge([{ query: $n, variables: { n } }])
  const [first, refused, again] = [run(1), run(501), run(2)]
  assert.equal(refused.tooComplex, tooLarge('Query.customers', 501))
  assert.equal(again.tooComplex, null)
  assert.equal(again.operations[0]?.selected, first.operations[0]?.selected)
})

test('memory: what was refused is not remembered', () => {
  const { judge } = createLimits(schema, limits)
  const run = (n: number) => judge([{ query: $n, variables: { n } }]).operations[0]?.selected
  assert.notEqual(run(501), run(501))
})

test('memory: one text with several operations is several', () => {
  const { judge } = createLimits(schema, limits)
  const run = (operationName: string) => judge([{ query: named, operationName }])
  assert.equal(run('A').operations[0]?.name, 'A')
  assert.equal(run('C').operations[0]?.name, 'C')
  assert.equal(run('B').tooComplex, tooLarge('Query.customers', 501))
})

for (const [what, texts, length, isKept] of [
  ['499 other texts', 499, 20, true],
  ['500 other texts', 500, 20, false],
  ['15 long texts', 15, 65_000, true],
  ['17 long texts', 17, 65_000, false]
] as const) {
  test(`memory: a text is ${isKept ? 'still known' : 'forgotten'} after ${what}`, () => {
    const { judge } = createLimits(schema, limits)
    const selected = () => judge([{ query: '{session{realm}}' }]).operations[0]?.selected
    const before = selected()
    for (let index = 0; index < texts; index++) judge([{ query: `{session{realm}}#${index}`.padEnd(length) }])
    assert.equal(selected() === before, isKept)
  })
}

const spread = (from: number, to: number, body: (next: string) => string, end: string) =>
  `{...f${from}} ${repeat(to - from, (i) => `fragment f${from + i} on Query{${body(`...f${from + i + 1}`)}}`)} fragment f${to} on Query{${end}}`
const byVariable = (query: string) => `query($n:Int)${query}`
const pageOf = customers('$n', 'name')

/** This thread's own time, ms: what else the machine does is no part of it. */
function spent(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

for (const [what, operations, expected] of [
  ['2,000 aliases', [`{${repeat(2000, (i) => `a${i}:session{realm}`)}}`], tooManyAliases(2000)],
  ['500 operations', Array(500).fill('{session{realm}}'), 'The batch has 500 operations, the limit is 10'],
  ['depth 50', [deep(50)], tooDeep.replace('9', '50')],
  ['depth 1,000', [deep(1000)], tooDeep.replace('9', '1000')],
  ['depth 10,000', [`${'{a'.repeat(10_000)}${'}'.repeat(10_000)}`], unreadable],
  ['a list 60,000 deep', [`{customer(iCustomer:${'['.repeat(60_000)}`], unreadable],
  [
    'fragments that double their aliases',
    [spread(0, 60, (next) => `${next} x:session{realm} ${next}`, 'session{realm}')],
    tooManyAliases('countless')
  ],
  [
    'fragments that double their nodes',
    [spread(0, 60, (next) => `${next} ${next}`, customers(1, 'name'))],
    tooMany('countless')
  ],
  [
    'fragments that double a variable',
    [byVariable(spread(0, 60, (next) => `${next} ${next}`, pageOf))],
    tooMany('countless')
  ],
  [
    'fragments that double both at each level',
    [byVariable(spread(0, 60, (next) => `${next} ${pageOf} ${next}`, pageOf))],
    tooMany('countless')
  ],
  [
    'fragments that double 1,100 times, of no customer',
    [
      spread(0, 1100, (next) => `${next} ${next}`, 'xdrs(first:1){totalCount}')
        .replaceAll('on Query', 'on Customer')
        .replace('{...f0}', `{${customers(0, '...f0')}}`),
      query10k,
      query10k
    ],
    tooMany(20_000)
  ],
  ['fragments in a row', [spread(0, 1500, (next) => next, customers(1, 'name'))], null],
  [
    'fragments in a circle',
    [`{...f0} ${repeat(500, (i) => `fragment f${i} on Query{...f${(i + 1) % 500} ...f${(i * 7) % 500}}`)}`],
    null
  ],
  [
    'a wide fragment at many places',
    [byVariable(`{${'...f '.repeat(2500)}} fragment f on Query{${`${pageOf} `.repeat(700)}}`)],
    tooMany(2500 * 700 * 50)
  ],
  [
    'many variables far below',
    [byVariable(`{customer${'{on'.repeat(1000)}{${'xdrs(first:$n){totalCount} '.repeat(900)}}${'}'.repeat(1001)}`)],
    'The query is 1003 fields deep, the limit is 8'
  ],
  ['8,000 fields', [`{${'session '.repeat(8000)}}`], null],
  ['32,000 fields', [`{${'a '.repeat(32_000)}}`], 'The query text has more tokens than the limit of 16384'],
  [
    'first: with 60,000 digits',
    [`{${customers('9'.repeat(60_000), 'name')}}`],
    tooLarge('Query.customers', 'countless')
  ],
  ['30,000 comments', [`${'#\n'.repeat(30_000)}{session{realm}}`], null],
  ['JSON without end', [`{"kind":${'['.repeat(60_000)}`], null],
  ['1 MB', [`{${'a '.repeat(1 << 19)}}`], 'The query text has 1048578 bytes, the limit is 65536']
] as const) {
  test(`hostile: ${what} cost less than 50 ms`, () => {
    judge({ query: '{customers{nodes{name}}}' })
    const requests = operations.map((query: string) => ({ query }))
    const before = spent()
    const { tooComplex } = judge(...requests)
    const took = spent() - before
    assert.equal(tooComplex, expected)
    assert.ok(took < 50, `${took} ms`)
  })
}
