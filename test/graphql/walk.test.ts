/** Cursors: a walk by them holds while customers move, goes on from any row, and believes nothing that a client has written. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { clearJournals, everyNameOn, namesOf } from '../dual.ts'
import { shared } from '../failing-system.ts'
import { upstreamCalls } from '../lists.ts'
import { type Result, startGraphqlWorld } from './client.ts'
import { gatherCrowd, idsOf, readPage, type WalkOrder, walk } from './walking.ts'

// Before the first test: a file whose tests so far have all ended, while it awaits, is taken to be over.
const world = await startGraphqlWorld(shared, {}, { customers: 5000, accounts: 5200 })
const crowd = await gatherCrowd(world)

const orders: readonly WalkOrder[] = [
  { field: 'I_CUSTOMER', direction: 'ASC' },
  { field: 'NAME', direction: 'ASC' },
  { field: 'BALANCE', direction: 'DESC' }
]
const named = ({ field, direction }: WalkOrder) => `${field} ${direction}`

for (const [at, order] of orders.entries()) {
  const seed = at + 1
  test(`of 5,000 by ${named(order)} 50 move, 15 of them back: nobody comes twice, all come who did not move; seed ${seed}`, async (t) => {
    const places = new Map(crowd.inOrder(order).map((id) => [id, crowd.placeOf(id)]))
    const plan = { order, seed, movers: 50, back: 15, sizes: [7, 50, 100] }
    const { whole, shown, all, moved, returned, excused, pages } = await walk(world, crowd, plan)
    assert.deepEqual([whole.length, moved.size, returned.size], [5000, 50, 15])

    const ids = shown.map(({ iCustomer }) => iCustomer)
    const cameUp = new Set(ids)
    assert.deepEqual(
      ids,
      whole.filter((id) => cameUp.has(id)),
      'in order, each once'
    )
    const missing = whole.filter((id) => !cameUp.has(id))
    assert.deepEqual(
      missing.filter((id) => !excused.has(id)),
      [],
      'nobody misses who was not moving while their own page was read'
    )
    for (const { iCustomer, system } of shown) {
      if (!moved.has(iCustomer)) assert.equal(system, places.get(iCustomer)?.toUpperCase(), `customer ${iCustomer}`)
    }
    const within = all.filter(({ moment }) => moment !== 'before').length
    const toTarget = [...moved].filter((id) => places.get(id) === 'source').length
    assert.ok(within > 20 && toTarget > 10 && toTarget < 40, 'in both directions, between pages and within')
    t.diagnostic(`${pages} pages, ${all.length} moves, ${within} of them within a page; ${missing.length} missed`)
  })
}

/** The cursor of the 2,500th of a list. */
async function middleOf(order: WalkOrder): Promise<string> {
  let after: string | null = null
  for (let at = 0; at < 5; at++) {
    const { pageInfo } = await readPage(world, order, 500, after)
    after = pageInfo.endCursor
  }
  return after ?? assert.fail('an empty list')
}

for (const order of orders) {
  test(`from any row of a page by ${named(order)} exactly the rest follows, also when others have moved meanwhile`, async () => {
    const whole = crowd.inOrder(order)
    const { edges } = await readPage(world, order, 20, await middleOf(order))
    assert.deepEqual(idsOf(edges), whole.slice(2500, 2520))
    for (const [at, { cursor }] of edges.entries()) {
      const rest = await readPage(world, order, 19 - at, cursor)
      assert.deepEqual(rest.edges, edges.slice(at + 1))
      if (at < 19) assert.equal(rest.pageInfo.hasNextPage, true)
    }
    for (const id of whole.slice(2000, 2495)) if (id % 9 === 0) await crowd.move(id)
    for (const at of [0, 7, 19]) {
      const rest = await readPage(world, order, 30, edges[at]?.cursor ?? '')
      assert.deepEqual(idsOf(rest.edges), whole.slice(2501 + at, 2531 + at))
    }
  })
}

suite('a cursor', async () => {
  const order: WalkOrder = { field: 'I_CUSTOMER', direction: 'ASC' }
  let middle: Promise<string> | undefined
  const packed = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unpacked = (cursor: string): unknown[] => JSON.parse(Buffer.from(cursor, 'base64url').toString())

  /** What each list selects, with a place for `after`. */
  const lists: Readonly<Record<string, string>> = {
    customers: 'customers(first: 2, after: $after) #',
    'customers by name': 'customers(first: 2, after: $after, orderBy: {field: NAME}) #',
    'customers by name, last first': 'customers(first: 2, after: $after, orderBy: {field: NAME, direction: DESC}) #',
    'customers with a name': 'customers(first: 2, after: $after, filter: {name: "%1%"}) #',
    'open customers': 'customers(first: 2, after: $after, filter: {status: "open"}) #',
    'customers of the source': 'customers(first: 2, after: $after, system: SOURCE) #',
    'customers of the target': 'customers(first: 2, after: $after, system: TARGET) #',
    accounts: 'accounts(first: 2, after: $after) #',
    'open accounts': 'accounts(first: 2, after: $after, filter: {status: "O"}) #',
    'accounts of customer 3': 'customer(iCustomer: 3) { accounts(first: 1, after: $after) # }',
    'accounts of customer 4': 'customer(iCustomer: 4) { accounts(first: 1, after: $after) # }',
    'invoices of customer 3': 'customer(iCustomer: 3) { invoices(first: 1, after: $after) # }',
    'invoices of customer 4': 'customer(iCustomer: 4) { invoices(first: 1, after: $after) # }',
    'call records of customer 3':
      'customer(iCustomer: 3) { xdrs(first: 1, after: $after, from: "2026-01-01T00:00:00Z", to: "2026-07-01T00:00:00Z") # }',
    'call records of another month':
      'customer(iCustomer: 3) { xdrs(first: 1, after: $after, from: "2026-06-01T00:00:00Z", to: "2026-07-01T00:00:00Z") # }'
  }

  interface Listed {
    readonly nodes: readonly { readonly id: string }[]
    readonly pageInfo: { readonly endCursor: string | null }
  }

  const ask = (list: string, after: unknown, selection = 'nodes { id } pageInfo { endCursor }') =>
    world.run<Record<string, object> | null>(
      `query ($after: String) { ${(lists[list] ?? '').replace('#', `{ ${selection} }`)} }`,
      { after }
    )

  /** The connection is the only field of the query, or the only one of its customer. */
  function connectionIn({ data, errors }: Result<Record<string, object> | null>): Listed {
    assert.equal(errors, undefined)
    const [top = {}] = Object.values(data ?? {})
    const [nested = {}] = Object.values(top)
    return ('nodes' in top ? top : nested) as Listed
  }

  const firstCursor = async (list: string) =>
    connectionIn(await ask(list, null)).pageInfo.endCursor ?? assert.fail(list)

  const codesOf = ({ errors = [] }: Pick<Result<unknown>, 'errors'>) => errors.map(({ extensions }) => extensions?.code)

  const garbage: readonly (readonly [what: string, cursor: string])[] = [
    ['nothing', ''],
    ['a word', 'x'],
    ['no base64', '%%%'],
    ['other letters', 'Öresund'],
    ['a number', packed(1)],
    ['null', packed(null)],
    ['an object', packed({ key: 1 })],
    ['an empty array', packed([])],
    ['half a cursor', packed(['', 1]).slice(0, 5)],
    ['arrays in arrays', Buffer.from('['.repeat(5000)).toString('base64url')],
    ['more than any cursor has', 'A'.repeat(10_000)],
    ['an offset', '100']
  ]
  for (const [what, cursor] of garbage) {
    test(`that is ${what} is bad input, and asks nobody`, async () => {
      clearJournals(world)
      for (const list of ['customers', 'customers by name', 'accounts']) {
        assert.deepEqual(codesOf(await ask(list, cursor)), ['BAD_USER_INPUT'], list)
      }
      assert.deepEqual([world.source.journal.count(), world.target.journal.count()], [0, 0])
    })
  }

  test('that is longer than any is bad input, whatever it says', async () => {
    const text = Buffer.from(await firstCursor('customers'), 'base64url')
    const padded = (length: number) => Buffer.from(`${text}${' '.repeat(length)}`).toString('base64url')
    assert.deepEqual(codesOf(await ask('customers', padded(1000))), [])
    assert.deepEqual(codesOf(await ask('customers', padded(8192))), ['BAD_USER_INPUT'])
  })

  test('is good for its own list alone: not for another one, another filter, order or system', async () => {
    for (const list of Object.keys(lists)) {
      const cursor = await firstCursor(list)
      for (const other of Object.keys(lists)) {
        const answer = await ask(other, cursor)
        if (other !== list) assert.deepEqual(codesOf(answer), ['BAD_USER_INPUT'], `${list}, ${other}`)
        else assert.ok(connectionIn(answer).nodes.length > 0, list)
      }
    }
  })

  test('is good for its list whatever else is selected', async () => {
    const selections = ['nodes { id } pageInfo { endCursor }', 'nodes { id status } pageInfo { endCursor } totalCount']
    for (const list of ['customers', 'accounts', 'accounts of customer 3']) {
      const pages = await Promise.all(
        selections.map(async (selection) => connectionIn(await ask(list, await firstCursor(list), selection)))
      )
      const [plain = [], more] = pages.map(({ nodes }) => nodes.map(({ id }) => id))
      assert.ok(plain.length > 0)
      assert.deepEqual(more, plain, list)
      const { pageInfo } = pages[1] ?? assert.fail()
      assert.deepEqual(codesOf(await ask(list, pageInfo.endCursor)), [], list)
    }
  })

  const places: readonly (readonly [what: string, source: unknown, target: unknown])[] = [
    ['below 0', -1, -7],
    ['far below 0', -Number.MAX_SAFE_INTEGER, -1e300],
    ['0', 0, 0],
    ['beyond the end', 4000, 4000],
    ["at the end of what a list's place can be", 2 ** 31 - 2, 2 ** 31 - 1],
    ['beyond that', 2 ** 31, 2 ** 53],
    ['no number of JavaScript', 1e300, Number.MAX_SAFE_INTEGER + 2],
    ['halves', 0.5, 1665.5],
    ['texts', '1666', '833'],
    ['arrays and objects', [1], { place: 1 }],
    ["one system's alone", 1666, null],
    ['absent', undefined, undefined]
  ]
  for (const [what, source, target] of places) {
    test(`whose places are ${what} gives the right page all the same`, async () => {
      const whole = crowd.inOrder(order)
      middle ??= middleOf(order)
      const [of, value, id] = unpacked(await middle)
      clearJournals(world)
      const { edges } = await readPage(world, order, 20, packed([of, value, id, source, target]))
      assert.deepEqual(idsOf(edges), whole.slice(2500, 2520))
      // A page's two calls, and a search through 2 ** 31 places, up and down.
      const calls = upstreamCalls(world, 'Customer/get_customer_list')
      assert.ok(calls.length <= 2 * (2 * 31 + 3), `${calls.length} calls`)
      const rows = calls.reduce((sum, { params }) => sum + Number(params.limit), 0)
      assert.ok(rows <= 2 * (20 + 2 + 20 + 4) + calls.length, `${rows} rows`)
    })
  }

  const keys: readonly (readonly [what: string, value: unknown, id: unknown, first: number | null])[] = [
    ['a number as digits', { n: '2500' }, '2500', 2501],
    ['nothing, which is before everything', null, '1', 1],
    ['below all', -5, '1', 1],
    ['above all', 1e300, '1', null],
    ['above all, as digits', { n: '9'.repeat(99) }, '1', null],
    ['a text, which is behind all numbers', 'x', '1', null],
    ['a fraction', 2500.5, '1', 2501]
  ]
  for (const [what, value, id, first] of keys) {
    test(`whose key is ${what} gives what follows that key`, async () => {
      const [of] = unpacked(await firstCursor('customers'))
      const sent = packed([of, value, id, 7, 7])
      const { data, errors } = await world.run<{ customers: { nodes: { iCustomer: number }[] } }>(
        'query ($after: String) { customers(first: 3, after: $after) { nodes { iCustomer } } }',
        { after: sent }
      )
      assert.equal(errors, undefined)
      assert.deepEqual(
        data.customers.nodes.map(({ iCustomer }) => iCustomer),
        first === null ? [] : [first, first + 1, first + 2]
      )
    })
  }

  for (const [what, value, id] of [
    ['a truth', true, '1'],
    ['an array', [1], '1'],
    ['an object', { m: 1 }, '1'],
    ['digits that are none', { n: '1e5' }, '1'],
    ['without an id', 1, ''],
    ['with an id that is no text', 1, 1],
    ['absent', undefined, undefined]
  ] as const) {
    test(`whose key is ${what} is bad input`, async () => {
      const [of] = unpacked(await firstCursor('customers'))
      assert.deepEqual(codesOf(await ask('customers', packed([of, value, id, 1, 1]))), ['BAD_USER_INPUT'])
    })
  }

  test('holds nothing of a credential, and no name of a parameter', async () => {
    const { session, source, target } = world
    const secrets = [...Object.values(namesOf(session)), ...everyNameOn(source), ...everyNameOn(target)]
    assert.ok(secrets.length >= 9 && secrets.every((secret) => secret.length > 10))
    for (const list of Object.keys(lists)) {
      const cursor = await firstCursor(list)
      assert.match(cursor, /^[\w-]+$/)
      const text = `${cursor} ${Buffer.from(cursor, 'base64url')}`
      for (const secret of secrets) assert.ok(!text.includes(secret), list)
      assert.doesNotMatch(text, /get_|i_customer|name|http|127\.0/, list)
    }
  })

  test('makes no mistake of the gateway, whatever it is', () => {
    assert.deepEqual(
      world.lines.filter(({ level }) => level >= 50),
      []
    )
  })
})
