/** What the lists of the GraphQL view cost the systems: how many calls, for how many rows, and how many at a time. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type System, systemNames } from '../../core/words.ts'
import { type JournalEntry, moveCustomer } from '../../simulator/index.ts'
import { shared } from '../failing-system.ts'
import { accountList, clearJournals, customerList, numbers, upstreamCalls } from '../lists.ts'
import { becomes } from '../scrape.ts'
import { post, startGraphqlWorld } from './client.ts'
import { gatherCrowd, idsOf, readPage, type WalkOrder } from './walking.ts'

// Before the first test: a file whose tests so far have all ended, while it awaits, is taken to be over.
const world = await startGraphqlWorld(shared, {}, { customers: 1200, accounts: 1500 })
/** One system's customers follow each other: all that may come together are of one system, unless the others are let in. */
const small = await startGraphqlWorld(shared, {}, { customers: 60, moved: (iCustomer) => iCustomer > 30 })

/** The calls of a list that reached each system: from which row on, and how many rows. */
function callsOf(name = customerList): Record<System, { readonly offset: number; readonly limit: number }[]> {
  const calls = upstreamCalls(world, name)
  const of = (system: System) =>
    calls
      .filter((one) => one.system === system)
      .map(({ params }) => ({ offset: Number(params.offset), limit: Number(params.limit) }))
  return { source: of('source'), target: of('target') }
}

const byNumber: WalkOrder = { field: 'I_CUSTOMER', direction: 'ASC' }

suite('the pages of a list', async () => {
  const orders: readonly WalkOrder[] = [
    byNumber,
    { field: 'NAME', direction: 'ASC' },
    { field: 'BALANCE', direction: 'DESC' }
  ]

  for (const order of orders) {
    for (const first of [1, 7, 40, 300]) {
      test(`the first ${first} by ${order.field}: one call to each system, for one row more`, async () => {
        clearJournals(world)
        await readPage(world, order, first, null)
        const whole = [{ offset: 0, limit: first + 1 }]
        assert.deepEqual(callsOf(), { source: whole, target: whole })
      })
    }

    test(`all further ones by ${order.field}: one call to each system, for two rows more`, async () => {
      const first = 40
      let { edges, pageInfo } = await readPage(world, order, first, null)
      let seen = edges.length
      while (pageInfo.hasNextPage) {
        clearJournals(world)
        ;({ edges, pageInfo } = await readPage(world, order, first, pageInfo.endCursor))
        const { source, target } = callsOf()
        assert.deepEqual([source.length, target.length], [1, 1], `behind ${seen}`)
        for (const { limit } of [...source, ...target]) assert.ok(limit <= first + 2, `behind ${seen}`)
        seen += edges.length
      }
      assert.equal(seen, 1200)
    })
  }

  test('that ends with all rows of a system, and a round number of them: it is asked whether it gives no more at a time', async () => {
    clearJournals(world)
    await readPage(world, byNumber, 500, null)
    const first = { offset: 0, limit: 501 }
    assert.deepEqual(callsOf(), { source: [first], target: [first, { offset: 400, limit: 1 }] })
  })

  /** To find where a row is now that was `d` places away: core/following.ts. */
  const probesAtMost = (d: number) => 2 * Math.floor(Math.log2(d)) + 1

  for (const [d, first] of [
    [1, 40],
    [2, 40],
    [7, 40],
    [40, 40],
    [100, 20]
  ] as const) {
    test(`behind ${d} rows that have left a system, and come to the other: few calls more, and once`, async (t) => {
      const crowd = await gatherCrowd(world)
      const whole = crowd.inOrder(byNumber)
      const { pageInfo } = await readPage(world, byNumber, 500, null)
      const behind = whole.slice(0, 500).filter((id) => crowd.placeOf(id) === 'source')
      for (const id of behind.slice(-d)) await crowd.move(id)
      clearJournals(world)
      const page = await readPage(world, byNumber, first, pageInfo.endCursor)
      assert.deepEqual(idsOf(page.edges), whole.slice(500, 500 + first))
      const { source, target } = callsOf()
      const probes = (calls: typeof source) => calls.filter(({ limit }) => limit === 1).length
      assert.deepEqual([source.length - probes(source), target.length - probes(target)], [2, 2])
      assert.ok(probes(source) <= probesAtMost(d), `${probes(source)} probes`)
      assert.ok(probes(target) <= (d <= first ? 0 : probesAtMost(d)), `${probes(target)} probes`)
      for (const { limit } of [...source, ...target]) assert.ok(limit <= first + 4)
      t.diagnostic(`source: ${source.length} calls, target: ${target.length} calls`)

      clearJournals(world)
      const next = await readPage(world, byNumber, first, page.pageInfo.endCursor)
      assert.deepEqual(idsOf(next.edges), whole.slice(500 + first, 500 + 2 * first))
      assert.deepEqual(
        systemNames.map((system) => callsOf()[system].length),
        [1, 1]
      )
    })
  }

  test('moves of those who are still to come cost nothing', async () => {
    const crowd = await gatherCrowd(world)
    const whole = crowd.inOrder(byNumber)
    const { pageInfo } = await readPage(world, byNumber, 500, null)
    for (const id of whole.slice(500, 530)) await crowd.move(id)
    clearJournals(world)
    const { edges } = await readPage(world, byNumber, 40, pageInfo.endCursor)
    assert.deepEqual(idsOf(edges), whole.slice(500, 540))
    assert.deepEqual(
      systemNames.map((system) => callsOf()[system].length),
      [1, 1]
    )
  })
})

suite('totals and statuses', async () => {
  /** What is asked of both systems, or of the customer's: lists, and what besides. */
  const cases: readonly (readonly [asked: string, query: string, more?: object])[] = [
    ['customers', '{ customers { nodes { name billStatus raw } pageInfo { endCursor } missing } }'],
    ['customers get_total', '{ customers { totalCount } }'],
    ['customers get_total', '{ customers { counts { system } } }'],
    ['customers get_total', '{ all: customers { number: totalCount } }'],
    [
      'customers get_total',
      '{ customers { ...Page } } fragment Page on CustomerConnection { nodes { id } totalCount }'
    ],
    [
      'customers get_total',
      '{ ...All } fragment All on Query { customers { ... on CustomerConnection { counts { totalCount } } } }'
    ],
    [
      'customers',
      'query Names { customers { nodes { name } } } query Total { customers { totalCount } }',
      { operationName: 'Names' }
    ],
    [
      'customers get_total',
      'query Names { customers { nodes { name } } } query Total { customers { totalCount } }',
      { operationName: 'Total' }
    ],
    ['customers get_statuses', '{ customers { nodes { status } } }'],
    ['customers get_statuses', '{ customers { edges { node { state: status } } } }'],
    ['customers get_statuses', '{ customers { nodes { ...Well } } } fragment Well on Customer { status }'],
    ['customers get_statuses', '{ customers { nodes { ... on Node { ... on Customer { status } } } } }'],
    ['customers get_total get_statuses', '{ customers { edges { node { status } } counts { totalCount } } }'],
    [
      'customers get_statuses',
      'query ($many: Int) { customers(first: $many, filter: {status: "open"}) { nodes { status } } }',
      { variables: { many: 3 } }
    ],
    [
      'customers',
      'query ($filter: CustomerFilter) { customers(filter: $filter) { nodes { name } } }',
      { variables: { filter: { status: 'S' } } }
    ],
    ['accounts', '{ accounts { nodes { number } } }'],
    ['accounts get_total', '{ accounts { totalCount } }'],
    ['accounts get_statuses', '{ accounts { nodes { status } } }'],
    ['customers, accounts', '{ customers(first: 1) { nodes { accounts { nodes { id } } } } }'],
    ['customers get_total, accounts', '{ customers(first: 1) { totalCount nodes { accounts { nodes { id } } } } }'],
    [
      'customers get_total, customers',
      '{ a: customers(first: 1) { totalCount } b: customers(first: 2) { nodes { id } } }'
    ],
    [
      'customers get_total',
      '{ customers { ...all } } fragment all on CustomerConnection { ... on CustomerConnection { ...more } } fragment more on CustomerConnection { totalCount }'
    ],
    ['customers, accounts get_total', '{ customers(first: 1) { nodes { accounts { totalCount } } } }'],
    ['customers, accounts get_statuses', '{ customers(first: 1) { nodes { accounts { nodes { status } } } } }'],
    ['customers get_statuses, accounts', '{ customers(first: 1) { nodes { status accounts { nodes { id } } } } }']
  ]

  function asked(): string {
    const ofList = (list: string, name: string) =>
      upstreamCalls(world, name).map(({ params }) =>
        [list, ...['get_total', 'get_statuses'].filter((flag) => flag in params)].join(' ')
      )
    return [...new Set([...ofList('customers', customerList), ...ofList('accounts', accountList)])].join(', ')
  }

  for (const [expected, query, more = {}] of cases) {
    test(`${expected}: ${query} ${Object.keys(more).length > 0 ? JSON.stringify(more) : ''}`, async () => {
      clearJournals(world)
      const reply = await post(world.url, { query, ...more }, { token: world.session.accessToken })
      assert.equal(JSON.parse(reply.text).errors, undefined, reply.text)
      assert.equal(asked(), expected)
    })
  }

  test('a total is of both systems, is the same on every page, and no search asks for it', async () => {
    const query = `query ($after: String) {
      customers(first: 10, after: $after) { totalCount counts { system totalCount } pageInfo { endCursor } }
    }`
    type Counted = { customers: { totalCount: number; counts: object[]; pageInfo: { endCursor: string } } }
    const before = await world.run<Counted>(query)
    const crowd = await gatherCrowd(world)
    for (const id of [1, 2]) await crowd.move(id)
    clearJournals(world)
    const after = await world.run<Counted>(query, { after: before.data.customers.pageInfo.endCursor })
    const totals = crowd.inOrder(byNumber).map((id) => crowd.placeOf(id))
    const countOf = (system: System) => totals.filter((place) => place === system).length
    assert.deepEqual([before.data.customers.totalCount, after.data.customers.totalCount], [1200, 1200])
    assert.deepEqual(after.data.customers.counts, [
      { system: 'SOURCE', totalCount: countOf('source') },
      { system: 'TARGET', totalCount: countOf('target') }
    ])
    const calls = upstreamCalls(world, customerList)
    const probes = calls.filter(({ params }) => params.limit === 1)
    assert.ok(probes.length > 0)
    for (const { params } of calls) assert.equal('get_total' in params, params.limit !== 1)
  })
})

/** How many calls each system has under way, from now on; `most` of either and of both. */
function watch(systems: Pick<typeof small, System>, method: string) {
  const open: Record<System, Set<JournalEntry>> = { source: new Set(), target: new Set() }
  const most = { source: 0, target: 0, both: 0, together: false }
  function look(system: System, entry: JournalEntry) {
    if (entry.method !== method) return
    if (entry.status === null && !entry.aborted) open[system].add(entry)
    else open[system].delete(entry)
    most[system] = Math.max(most[system], open[system].size)
    most.both = Math.max(most.both, open.source.size + open.target.size)
    most.together ||= open.source.size > 0 && open.target.size > 0
  }
  for (const system of systemNames) {
    void systems[system].journal.next((entry) => {
      look(system, entry)
      return false
    })
  }
  return most
}

suite('a list in each of fifty customers', async () => {
  const name = 'FiftyCustomers'
  const query = `query ${name} { customers(first: 50) { nodes { iCustomer system accounts(first: 10) { nodes { id } } } } }`

  test('is two calls, and one on the system of each: eight at a time, six on one of them', async (t) => {
    await moveCustomer(2, small.source, small.target)
    await moveCustomer(40, small.target, small.source)
    const placeOf = (id: number): System => (id === 2 || (id > 30 && id !== 40) ? 'target' : 'source')
    const ofAccounts = watch(small, 'get_account_list')
    const ofCustomers = watch(small, 'get_customer_list')
    for (const system of systemNames) {
      // Long enough for all that may come together to be there before the first is answered.
      const slow = small[system].faults.add({ match: { path: /_list$/ }, fault: { kind: 'delay', ms: 100 } })
      t.after(() => slow.remove())
    }
    clearJournals(small)
    const { data, errors } = await small.run<{
      customers: { nodes: { iCustomer: number; system: string; accounts: { nodes: object[] } }[] }
    }>(query)
    assert.equal(errors, undefined)
    assert.deepEqual(
      data.customers.nodes.map(({ iCustomer, system }) => [iCustomer, system]),
      numbers(1, 50).map((id) => [id, placeOf(id).toUpperCase()])
    )
    assert.ok(data.customers.nodes.every(({ accounts }) => accounts.nodes.length > 0))
    assert.deepEqual(
      upstreamCalls(small, customerList).map(({ system, params }) => [system, params.limit]),
      systemNames.map((system) => [system, 51])
    )
    const calls = upstreamCalls(small, accountList).map(({ system, params }) => [
      params.i_customer,
      system,
      params.limit
    ])
    assert.deepEqual(
      calls.toSorted((a, b) => Number(a[0]) - Number(b[0])),
      numbers(1, 50).map((id) => [id, placeOf(id), 11])
    )
    assert.equal(small.source.journal.count() + small.target.journal.count(), 52, 'nothing else is asked')
    assert.deepEqual(ofCustomers, { source: 1, target: 1, both: 2, together: true })
    assert.deepEqual(ofAccounts, { source: 6, target: 6, both: 8, together: true })
    await becomes(small, `graphql_upstream_calls_sum{operation="${name}"}`, 52)
    await becomes(small, `graphql_upstream_calls_count{operation="${name}"}`, 1)
  })

  test('fifteen customers of whom nobody knows where they are are looked up eight calls at a time, too', async (t) => {
    const most = watch(small, 'get_customer_info')
    for (const system of systemNames) {
      const slow = small[system].faults.add({ match: { path: /_info$/ }, fault: { kind: 'delay', ms: 100 } })
      t.after(() => slow.remove())
    }
    await small.app.entityLocation.forgetAll()
    const fields = Array.from({ length: 15 }, (_, at) => `c${at}: customer(iCustomer: ${at + 10}) { name }`)
    const { data, errors } = await small.run<Record<string, { name: string }>>(`{ ${fields.join(' ')} }`)
    assert.deepEqual([errors, Object.values(data).filter(({ name }) => name !== '').length], [undefined, 15])
    assert.deepEqual([most.both <= 8, most.source <= 6, most.target <= 6, most.together], [true, true, true, true])
    assert.equal(most.both, 8)
  })

  test('with more of each hangs on both systems: still eight at a time', async (t) => {
    const most = { invoices: watch(small, 'get_invoice_list'), xdrs: watch(small, 'get_customer_xdrs') }
    for (const system of systemNames) {
      const slow = small[system].faults.add({ match: { path: /invoice|xdr/ }, fault: { kind: 'delay', ms: 10 } })
      t.after(() => slow.remove())
    }
    clearJournals(small)
    const { errors } = await small.run(`query Both { customers(first: 20) { nodes {
      invoices(first: 1) { nodes { id } }
      xdrs(first: 1, from: "2026-01-01T00:00:00Z", to: "2026-12-01T00:00:00Z") { nodes { id } }
    } } }`)
    assert.equal(errors, undefined)
    const countOf = (method: string) =>
      systemNames.map((system) => small[system].journal.count((one) => one.method === method))
    assert.deepEqual(
      [countOf('get_invoice_list'), countOf('get_customer_xdrs')],
      [
        [20, 20],
        [20, 20]
      ]
    )
    for (const { source, target, both, together } of Object.values(most)) {
      assert.ok(source <= 6 && target <= 6 && both <= 8 && together)
    }
    await becomes(small, 'graphql_upstream_calls_sum{operation="Both"}', 82)
  })
})
