import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type GraphQLObjectType, getNamedType, isObjectType, Kind, parse } from 'graphql'
import { countless, type Figures, figuresOf, type Variables } from '../../graphql/figures.ts'
import { readSelection } from '../../graphql/selection.ts'
import { schema } from './endless.ts'

/** The figures of the only operation. */
function measure(query: string, variables: Variables = {}): Figures & { isSound: boolean; selected: string[] } {
  const document = parse(query)
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  assert.ok(operation)
  const selection = readSelection(schema, document, operation, 500)
  return { ...figuresOf(selection, variables), isSound: selection.isSound, selected: [...selection.selected].sort() }
}

for (const [query, depth, aliases, nodes] of [
  ['{__typename}', 0, 0, 0],
  ['{session{realm}}', 2, 0, 0],
  ['{session{r:realm} s:session{realm}}', 2, 2, 0],
  ['{customers{nodes{name}}}', 2, 0, 50],
  ['{customers{edges{node{name}}}}', 3, 0, 50],
  ['{customers{pageInfo{endCursor}}}', 2, 0, 50],
  ['{customers{__typename}}', 1, 0, 50],
  ['{customers{totalCount counts{totalCount}}}', 3, 0, 50],
  ['{customers(first:7){nodes{name} edges{cursor node{name}}}}', 3, 0, 7],
  ['{customers(first:7){nodes{accounts(first:2){totalCount}} edges{node{xdrs(first:3){totalCount}}}}}', 4, 0, 42],
  ['{customers(first:0){nodes{xdrs{nodes{cli}}}}}', 3, 0, 0],
  ['{customers(first:-5){totalCount}}', 2, 0, 0],
  ['{customers(first:null){totalCount}}', 2, 0, 50],
  ['{customers(first:"7"){totalCount}}', 2, 0, 50],
  ['{customers(after:"7" first:3){totalCount}}', 2, 0, 3],
  ['{customers(first:3){nodes{name xdrs{nodes{cli}}}}}', 3, 0, 303],
  ['{customers(first:3){nodes{accounts(first:4){nodes{customer{xdrs(first:5){nodes{cli}}}}}}}}', 5, 0, 75],
  ['{customers(first:3){totalCount} customer{accounts(first:4){totalCount}}}', 3, 0, 7],
  ['{customer{unsized{totalCount}}}', 3, 0, 500],
  ['{owner{accounts(first:4){nodes{number}}}}', 3, 0, 4],
  ['{anyone{...on Customer{accounts(first:4){totalCount}} ...on Account{number}}}', 3, 0, 4],
  ['{...{...@include(if:false){customers(first:6){totalCount}}}}', 2, 0, 6],
  ['{...f ...f ...f} fragment f on Query{a:session{realm} customers(first:6){totalCount}}', 2, 3, 18],
  [
    '{customers(first:2){...f}} fragment f on CustomerConnection{nodes{...g} edges{node{...g}}} fragment g on Customer{n:name xdrs(first:3){totalCount}}',
    4,
    2,
    14
  ],
  ['{session{realm}} fragment f on Query{a:session{realm} customers(first:6){totalCount}}', 2, 0, 0],
  ['mutation{updateCustomer(iCustomer:1){accounts(first:9){totalCount}}}', 3, 0, 9],
  ['subscription{customerMoved{accounts(first:9){totalCount}}}', 3, 0, 9],
  [
    '{__schema{t:types{fields{type{ofType{ofType{ofType{n:name}}}}}}} __type(name:"Query"){...t}} fragment t on __Type{k:kind}',
    0,
    3,
    0
  ]
] as const) {
  test(`figures: ${query}: depth ${depth}, aliases ${aliases}, nodes ${nodes}`, () => {
    const found = measure(query)
    assert.deepEqual([found.depth, found.aliases, found.nodes, found.isSound], [depth, aliases, nodes, true])
  })
}

const both = 'query($n:Int=7,$m:Int){customers(first:$n){nodes{xdrs(first:$m){totalCount}}}}'
for (const [query, variables, nodes, asked] of [
  [both, { n: 2, m: 3 }, 8, ['Customer.xdrs', 3]],
  [both, { m: 3 }, 28, ['Query.customers', 7]],
  [both, { n: 2 }, 202, ['Query.customers', 2]],
  [both, { n: 0, m: 3 }, 0, ['Customer.xdrs', 3]],
  [both, { n: -1, m: 2 }, 0, ['Customer.xdrs', 2]],
  [both, { n: null, m: null }, 5050, null],
  [both, { n: 2.5, m: '3' }, 5050, null],
  [both, { n: [2], m: true }, 5050, null],
  [both, Object.create({ n: 2, m: 3 }), 707, ['Query.customers', 7]],
  [both.replace('7', 'null'), {}, 5050, null],
  ['query($n:Int){customers(first:9){nodes{xdrs(first:$n){totalCount}}}}', { n: 3 }, 36, ['Query.customers', 9]],
  [
    'query($n:Int){customers{nodes{accounts(first:4){totalCount} xdrs(first:$n){totalCount}}}}',
    { n: 3 },
    400,
    ['Customer.accounts', 4]
  ],
  [
    'query($n:Int){...f ...f customers(first:1){nodes{...g}}} fragment f on Query{customers(first:$n){totalCount}} fragment g on Customer{a:xdrs(first:$n){totalCount} b:xdrs(first:$n){totalCount}}',
    { n: 3 },
    13,
    ['Query.customers', 3]
  ],
  [
    'query($n:Int){customer{on{xdrs(first:$n){totalCount} accounts(first:$n){totalCount} on{xdrs(first:2){totalCount}}}}}',
    { n: 3 },
    8,
    ['Customer.xdrs', 3]
  ]
] as const) {
  test(`figures: ${query} with ${JSON.stringify(variables)}: nodes ${nodes}, asked for ${asked}`, () => {
    const found = measure(query, variables)
    assert.deepEqual([found.nodes, found.asked && [found.asked.field, found.asked.first]], [nodes, asked])
  })
}

for (const [query, expected] of [
  ['{session{realm}}', ['Query.session', 'Session.realm']],
  [
    '{customers{t:totalCount ...f}} fragment f on CustomerConnection{__typename nodes{status} ...g} fragment g on CustomerConnection{pageInfo{endCursor}}',
    [
      'Customer.status',
      'CustomerConnection.nodes',
      'CustomerConnection.pageInfo',
      'CustomerConnection.totalCount',
      'PageInfo.endCursor',
      'Query.customers',
      'Query.customers/nodes',
      'Query.customers/pageInfo',
      'Query.customers/totalCount'
    ]
  ],
  [
    '{owner{accounts{...{totalCount}}}}',
    [
      'AccountConnection.totalCount',
      'Customer.accounts',
      'Customer.accounts/totalCount',
      'Owner.accounts',
      'Owner.accounts/totalCount',
      'Query.owner'
    ]
  ],
  ['{__schema{types{name}} __typename}', []]
] as const) {
  test(`selected: ${query}`, () => assert.deepEqual(measure(query).selected, expected))
}

test('figures: none is beyond counting', () => {
  const { nodes, asked } = measure(`{customers(first:${'9'.repeat(400)}){nodes{xdrs{totalCount}}}}`)
  assert.deepEqual([nodes, asked?.first], [countless, countless])
})

test('figures: a wide fragment at many places, deep or not, is not written out', () => {
  const wide = 'customers{totalCount} '.repeat(100)
  const document = parse(`{${'...f '.repeat(100)} ...g} fragment f on Query{${wide}} fragment g on Query{...f ...f}`)
  const [operation] = document.definitions
  assert.ok(operation?.kind === Kind.OPERATION_DEFINITION)
  const { steps, last } = readSelection(schema, document, operation, 500)
  assert.ok(steps.reduce((total, { below }) => total + 1 + below.length, last.length) < 500)
})

/** What is drawn: a field with what is below it, or selections that stand there several times, in a fragment perhaps. */
type Drawn = { readonly size: number; readonly below: readonly Drawn[] } & (Field | Group)
interface Field {
  readonly field: string
  readonly text: string
  /** Of a connection alone. */
  readonly first: number | null
}
interface Group {
  readonly times: number
  readonly on: string
  readonly fragment: string | null
}

/** What is drawn for `first`, and the number that it is with these variables; null is the argument's default. */
const firsts = [
  ['', null],
  ['(first:3)', 3],
  ['(first:0)', 0],
  ['(first:$a)', 2],
  ['(first:$b)', 5],
  ['(first:$c)', null]
] as const
const heading = 'query($a:Int,$b:Int=5,$c:Int)'
const given = { a: 2, c: null }

const sizeOf = (drawn: readonly Drawn[]) => drawn.reduce((total, { size }) => total + size, 0)

/** Draws by a tape of numbers; at its end the plainest of everything. */
function draw(tape: number[]): Drawn[] {
  const pick = (below: number) => (tape.shift() ?? 0) % below
  const groups: (Group & { below: readonly Drawn[] })[] = []

  function drawGroup(type: GraphQLObjectType): Drawn {
    const earlier = groups.filter(({ on }) => on === type.name)[pick(4)]
    const times = 1 + pick(3)
    const below = earlier?.below ?? drawBelow(type)
    const fragment = earlier ? earlier.fragment : pick(3) > 0 ? `f${groups.length}` : null
    const group = { times, on: type.name, fragment, below }
    if (earlier === undefined) groups.push(group)
    return { ...group, size: times * sizeOf(below) }
  }

  function drawField(type: GraphQLObjectType): Drawn {
    const fields = Object.values(type.getFields()).filter(({ name }) => name !== 'owner' && name !== 'anyone')
    const leaf = fields.findIndex((field) => !isObjectType(getNamedType(field.type)))
    const field = fields[tape.length === 0 ? Math.max(leaf, 0) : pick(fields.length)]
    assert.ok(field)
    const below = getNamedType(field.type)
    const [written, number] = firsts[pick(firsts.length)] ?? firsts[0]
    const usual = Number(field.args.find(({ name }) => name === 'first')?.defaultValue ?? 500)
    const isPage = below.name.endsWith('Connection')
    const text = `${pick(4) === 1 ? 'a:' : ''}${field.name}${isPage ? written : ''}`
    const drawn = isObjectType(below) ? drawBelow(below) : []
    return { field: field.name, text, first: isPage ? (number ?? usual) : null, below: drawn, size: 1 + sizeOf(drawn) }
  }

  function drawBelow(type: GraphQLObjectType): Drawn[] {
    return Array.from({ length: 1 + pick(3) }, () => (pick(3) === 2 ? drawGroup(type) : drawField(type)))
  }

  const root = schema.getQueryType()
  assert.ok(root)
  return drawBelow(root)
}

/** With every group written down where it stands, or as fragments, which go into `fragments`. */
function written(drawn: readonly Drawn[], fragments: Map<string, string> | null): string {
  const textOf = (one: Drawn): string => {
    const inner = one.below.length > 0 ? written(one.below, fragments) : ''
    if ('field' in one) return inner === '' ? one.text : `${one.text}{${inner}}`
    if (fragments === null) return `${inner} `.repeat(one.times)
    if (one.fragment === null) return `...on ${one.on}{${inner}} `.repeat(one.times)
    fragments.set(one.fragment, `fragment ${one.fragment} on ${one.on}{${inner}}`)
    return `...${one.fragment} `.repeat(one.times)
  }
  return drawn.map(textOf).join(' ')
}

/** The figures by the definition, field by field. */
function counted(drawn: readonly Drawn[]): { depth: number; aliases: number; nodes: number } {
  const total = { depth: 0, aliases: 0, nodes: 0 }
  for (const one of drawn) {
    const below = counted(one.below)
    const isField = 'field' in one
    const times = isField ? 1 : one.times
    const level = isField && !['edges', 'nodes', 'pageInfo'].includes(one.field) ? 1 : 0
    total.depth = Math.max(total.depth, level + below.depth)
    total.aliases += times * (below.aliases + (isField && one.text.startsWith('a:') ? 1 : 0))
    total.nodes += isField && one.first !== null ? one.first * (1 + below.nodes) : times * below.nodes
  }
  return total
}

test('figures: a query with fragments has those of the same query written out, which are those of the definition', () => {
  const tapes = fc.array(fc.nat(1000), { minLength: 10, maxLength: 100, size: 'max' })
  fc.assert(
    fc.property(tapes, (tape) => {
      const drawn = draw([...tape])
      fc.pre(sizeOf(drawn) < 2000)
      const fragments = new Map<string, string>()
      const body = written(drawn, fragments)
      const inFragments = measure(`${heading}{${body}} ${[...fragments.values()].join(' ')}`, given)
      const writtenOut = measure(`${heading}{${written(drawn, null)}}`, given)
      assert.deepEqual(inFragments, writtenOut)
      const { depth, aliases, nodes } = inFragments
      // Beyond, the definition's sum is no whole number any more.
      const byDefinition = counted(drawn)
      fc.pre(byDefinition.nodes < Number.MAX_SAFE_INTEGER)
      assert.deepEqual({ depth, aliases, nodes }, byDefinition)
      assert.ok(inFragments.isSound)
    }),
    { numRuns: 300 }
  )
})
