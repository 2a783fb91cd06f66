/** Contract section 6: one page out of two systems' lists. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { RealmName } from '../../core/words.ts'
import { moveCustomer, type Simulator } from '../../simulator/index.ts'
import { hosts, startWorld } from '../build.ts'
import { type Ask, ask, bearer, call, createJar, login, type Reply, type Session, type User } from '../client.ts'
import {
  accountList,
  accounts,
  assertCost,
  clearJournals,
  customerList,
  customers,
  inOrder,
  type KnownList,
  type ListOrder,
  type ListWorld,
  mergedWhole,
  numbers,
  ownCall,
  type Place,
  rowsIn,
  sharedLists,
  startLists,
  type TextRow,
  upstreamCalls,
  wholeOfCustomers
} from '../lists.ts'

const textsOf = (rows: readonly { readonly text: string }[]) => rows.map(({ text }) => text)
const idsOf = (rows: readonly TextRow[], id = 'i_customer') => rows.map(({ fields }) => Number(fields[id]))

/** Pages until an empty one. */
async function pagesOf(list: (page: object) => Promise<Reply>, limit: number, { arrayKey }: KnownList = customers) {
  const pages: TextRow[][] = []
  for (;;) {
    const rows = rowsIn(await list({ limit, offset: pages.length * limit }), arrayKey)
    if (rows.length === 0) return pages
    pages.push(rows)
  }
}

/** The same pages out of a whole in the order of its ids, where a double stands right behind the target's row. */
function pagesWithoutDoubles(whole: readonly Place[], limit: number): string[][] {
  const ofTarget = new Set(whole.filter(({ system }) => system === 'target').map(({ id }) => id))
  return numbers(0, Math.ceil(whole.length / limit) - 1).map((page) =>
    textsOf(
      whole.slice(page * limit, (page + 1) * limit).filter(({ system, id }) => system === 'target' || !ofTarget.has(id))
    )
  )
}

const orderIn = ({
  order_by: by,
  order_direction: direction
}: Readonly<Record<string, string>>): Partial<ListOrder> => ({
  ...(by !== undefined && { by }),
  ...(direction !== undefined && { direction: direction as ListOrder['direction'] })
})

// Before the first test: a file whose tests so far have all ended, while it awaits, is taken to be over.
const small = await sharedLists()
const large = await sharedLists({}, { customers: 1200 })
const moving = await sharedLists({}, { customers: 600 })

suite('pages of the merged list of customers', async () => {
  const orders: readonly (readonly [name: string, params: object, order: ListOrder])[] = [
    ['the default order', {}, { by: 'i_customer', direction: 'asc' }],
    ['i_customer desc', { order_by: 'i_customer', order_direction: 'desc' }, { by: 'i_customer', direction: 'desc' }],
    ['desc without order_by', { order_direction: 'desc' }, { by: 'i_customer', direction: 'desc' }],
    ['name', { order_by: 'name' }, { by: 'name', direction: 'asc' }],
    ['name DESC', { order_by: 'name', order_direction: 'DESC' }, { by: 'name', direction: 'desc' }],
    ['balance', { order_by: 'balance', order_direction: 'asc' }, { by: 'balance', direction: 'asc' }],
    ['balance desc', { order_by: 'balance', order_direction: 'desc' }, { by: 'balance', direction: 'desc' }],
    ['creation_date', { order_by: 'creation_date' }, { by: 'creation_date', direction: 'asc' }],
    ['bill_status, all ties', { order_by: 'bill_status' }, { by: 'bill_status', direction: 'asc' }],
    [
      'bill_status desc',
      { order_by: 'bill_status', order_direction: 'desc' },
      { by: 'bill_status', direction: 'desc' }
    ],
    ['refnum, with nulls', { order_by: 'refnum' }, { by: 'refnum', direction: 'asc' }],
    ['refnum desc', { order_by: 'refnum', order_direction: 'desc' }, { by: 'refnum', direction: 'desc' }],
    ['companyname, null and empty', { order_by: 'companyname' }, { by: 'companyname', direction: 'asc' }],
    ['lastname, ties in another case', { order_by: 'lastname' }, { by: 'lastname', direction: 'asc' }],
    ['i_parent, nearly all null', { order_by: 'i_parent' }, { by: 'i_parent', direction: 'asc' }]
  ]
  const ofSixty = [0, 1, 2, 19, 30, 31, 52, 58, 59, 60, 61, 1000].flatMap((offset) =>
    [1, 2, 7, 25, 70].map((limit) => [offset, limit] as const)
  )
  const ofMany = [
    [0, 200],
    [1, 1],
    [333, 50],
    [599, 10],
    [600, 2],
    [1013, 300],
    [1199, 5],
    [1200, 5],
    [5000, 5],
    [0, 2000]
  ] as const

  // Read once: nobody changes in these worlds.
  const [ofSmall, ofLarge] = [wholeOfCustomers(small), wholeOfCustomers(large)]

  for (const [name, params, order] of orders) {
    for (const [size, world, places] of [
      [60, small, ofSixty],
      [1200, large, ofMany]
    ] as const) {
      test(`are slices of the whole, of ${size} by ${name}, and cost what they may`, async () => {
        const whole = inOrder(await (size === 60 ? ofSmall : ofLarge), order)
        assert.equal(whole.length, size)
        for (const [offset, limit] of places) {
          const what = `offset ${offset}, limit ${limit}`
          clearJournals(world)
          const reply = await world.list(customerList, { ...params, limit, offset })
          assert.equal(reply.status, 200, what)
          // As text: to read every number of so many rows exactly takes longer than all else here.
          const rows = textsOf(whole.slice(offset, offset + limit))
          assert.equal(reply.text, `{"customer_list":[${rows.join(',')}]}`, what)
          assert.equal(reply.headers['x-dispatched-to'], 'source,target')
          if (offset <= size) assertCost(upstreamCalls(world, customerList), limit, size, what)
        }
      })
    }
  }

  for (const [limit, params] of [
    [7, {}],
    [60, { order_by: 'name' }],
    [1, { order_by: 'bill_status', order_direction: 'desc' }],
    [13, { order_by: 'refnum', get_statuses: 1 }]
  ] as const) {
    test(`one after the other, ${limit} by ${limit} with ${JSON.stringify(params)}: everybody once, two calls each`, async () => {
      clearJournals(small)
      const seen: number[] = []
      for (let offset = 0; offset < 60; offset += limit) {
        const reply = await small.list(customerList, { ...params, limit, offset, of: 'a walk' })
        seen.push(...idsOf(rowsIn(reply, 'customer_list')))
      }
      assert.deepEqual(
        seen.toSorted((a, b) => a - b),
        numbers(1, 60)
      )
      assert.equal(upstreamCalls(small, customerList).length, 2 * Math.ceil(60 / limit))
    })
  }

  test('are searched once: the same page again, and the one behind it, take two calls each', async () => {
    const params = { order_by: 'firstname', of: 'a jump', limit: 10 }
    const costOf = async (page: object) => {
      clearJournals(small)
      await small.list(customerList, { ...params, ...page })
      return upstreamCalls(small, customerList).length
    }
    assert.ok((await costOf({ offset: 31 })) > 8)
    for (const page of [
      { offset: 31 },
      { offset: 41 },
      { offset: 31, limit: 3 },
      { offset: 41, limit: '20', get_total: 1 }
    ]) {
      assert.equal(await costOf(page), 2, JSON.stringify(page))
    }
  })

  test("are searched for each session: the place of an admin's page is not a reseller's", async () => {
    const { accessToken } = await login(small.url, 'reseller', small.target.users.reseller())
    const costOf = async (params: object) => {
      clearJournals(small)
      await call(
        small.url,
        'reseller',
        customerList,
        { limit: 1, offset: 2, ...params },
        { headers: bearer(accessToken) }
      )
      return upstreamCalls(small, customerList).length
    }
    await small.list(customerList, { limit: 1, offset: 2, of: 'somebody' })
    assert.equal(await costOf({ of: 'somebody' }), await costOf({ of: 'nobody' }))
  })

  test('cost the same at any offset', async () => {
    const costs = []
    for (const offset of [200, 1190]) {
      clearJournals(large)
      await large.list(customerList, { order_by: 'lastname', order_direction: 'desc', limit: 20, offset })
      costs.push(upstreamCalls(large, customerList))
    }
    const [near, far] = costs.map((calls) => calls.length)
    assert.ok(Number(far) - Number(near) <= 6, `${near} and ${far} calls`)
  })

  for (const held of ['source', 'target'] as const) {
    test(`are asked of both at once: the ${held} is held, and the other is asked all the same`, async (t) => {
      const world = await startLists(t)
      const other = held === 'source' ? world.target : world.source
      world[held].faults.add({ match: { method: 'get_customer_list' }, fault: { kind: 'hang' } })
      const asked = other.journal.next(({ method }) => method === 'get_customer_list')
      const reply = world.list(customerList, { limit: 5 })
      const first = await Promise.race([asked.then(() => 'asked'), reply.then(() => 'answered')])
      assert.equal(first, 'asked')
      await world[held].stop()
      assert.equal((await reply).status, 503)
    })
  }
})

suite('filters of the client', async () => {
  const filters: readonly (readonly [filter: object, count: number])[] = [
    [{ name: '%zebra%' }, 110],
    [{ name: 'nobody' }, 0],
    [{ search: { search_by: ['login', 'name'], value: 'customer-1%' } }, 312],
    [{ i_parent: 10 }, 15],
    [{ i_customer_type: '1', companyname: '%ltd' }, 784],
    [{ bill_status: 'S' }, 48],
    [{ bill_status: 'e' }, 400],
    [{ i_customer_type: 1, get_statuses: 1, skip_exported: 1 }, 1176]
  ]
  for (const [filter, count] of filters) {
    test(`narrow the merged list: ${JSON.stringify(filter)}`, async () => {
      const leavesOut = 'bill_status' in filter ? {} : { skip_exported: 1 }
      const whole = await mergedWhole(large, customers, { source: { ...filter, ...leavesOut }, target: filter })
      assert.equal(whole.length, count)
      for (const [offset, limit] of [
        ['0', '10'],
        ['5', '3'],
        [' 7 ', '20'],
        ['0', '2000'],
        [String(count), '4']
      ] as const) {
        const reply = await large.list(customerList, { ...filter, limit, offset, get_total: 1 })
        const from = Number(offset)
        const rows = textsOf(whole.slice(from, from + Number(limit)))
        assert.equal(reply.status, 200)
        const text = `{"customer_list":[${rows.join(',')}],"total":${count}}`
        assert.equal(reply.text, text, `offset ${offset}, limit ${limit}`)
      }
    })
  }

  const ofBody = (raw: string) => ({
    path: `/rest/${customerList}`,
    headers: { host: hosts.admin, 'content-type': 'application/json', ...bearer(small.session.accessToken) },
    body: `{"params":${raw}}`
  })

  for (const [own, added] of [
    ['', true],
    ['"name":"%","i_parent":""', true],
    ['"skip_exported":0', false],
    ['"skip_exported":"0"', false],
    ['"skip_exported":1', false],
    ['"skip_exported":"Y"', false],
    ['"bill_status":"O"', false],
    ['"bill_status":"E"', false],
    // What is empty filters nothing.
    ['"bill_status":""', true],
    ['"bill_status":null', true],
    ['"skip_exported":""', true],
    ['"skip_exported":null', true]
  ] as const) {
    test(`skip_exported is ${added ? 'added, for both systems,' : 'left to the client'}: {${own}}`, async () => {
      clearJournals(small)
      const reply = await ask(small.url, ofBody(`{${own}${own && ','}"limit":4,"offset":27,"of":"a search"}`))
      assert.equal(reply.status, 200, reply.text)
      const calls = upstreamCalls(small, customerList)
      assert.ok(calls.length > 2)
      const clients = JSON.parse(`{${own}}`).skip_exported
      for (const { params } of calls) {
        assert.equal(params.skip_exported, added ? 1 : clients)
      }
    })
  }

  test("the client's own text of params reaches both systems, but for limit and offset", async () => {
    const members = [
      '"name":"%\\u0061%\\/\\u00fc"',
      '"x":1.10',
      '"big":12345678901234567890',
      '"e":1E5',
      '"nested":{ "limit": 7, "s":"a,b}\\"\\\\" }',
      '"list":[{"offset":[1.0]}, null]'
    ]
    clearJournals(small)
    await ask(small.url, ofBody(` { ${members.join(' , ')}, "limit" : "3","offset":"0" ,"l\\u0069mit":"3"} `))
    const calls = upstreamCalls(small, customerList)
    assert.deepEqual(calls.map(({ system }) => system).toSorted(), ['source', 'target'])
    for (const { entry, params } of calls) {
      for (const member of members) assert.ok(entry.body.includes(member), `${member} in ${entry.body}`)
      const { name, x, big, e, nested, list, ...paging } = params
      assert.deepEqual(paging, { limit: 3, offset: 0, skip_exported: 1 })
      assert.equal(entry.body.toString().split('"limit"').length, 3, 'once at the top, once nested')
    }
  })

  for (const asked of [1, '1', 'Y', 'y', true]) {
    test(`get_total ${JSON.stringify(asked)}: the sum of both, and no probe asks for it`, async () => {
      clearJournals(small)
      const params = { get_total: asked, order_by: 'login', of: JSON.stringify(asked), limit: 5, offset: 33 }
      const reply = await small.list(customerList, params)
      assert.equal(reply.json().total, 60)
      const calls = upstreamCalls(small, customerList)
      const [ofPage, probes] = [
        calls.filter(({ params }) => Number(params.limit) > 1),
        calls.filter(({ params }) => params.limit === 1)
      ]
      assert.equal(ofPage.length, 2)
      assert.ok(probes.length >= 8)
      for (const { params } of ofPage) assert.equal(params.get_total, asked)
      for (const { params } of probes) assert.ok(!('get_total' in params))
    })
  }

  for (const params of [{}, { limit: 5, offset: 40 }, { get_total: 0, limit: 5 }, { get_total: 'N' }]) {
    test(`no total is asked for or given that the client did not ask for: ${JSON.stringify(params)}`, async () => {
      clearJournals(small)
      const reply = await small.list(customerList, params)
      assert.deepEqual(Object.keys(reply.json()), ['customer_list'])
      for (const asked of upstreamCalls(small, customerList)) {
        assert.ok(!['1', 'true', 'Y'].includes(String(asked.params.get_total)))
      }
    })
  }
})

suite('rows', async () => {
  test('are the bytes of the system that has them', async () => {
    const [onSource, onTarget] = await Promise.all([
      ownCall(small.source, customerList, { name: '% 1' }),
      ownCall(small.target, customerList, { name: '% 3' })
    ])
    const [first] = rowsIn(onSource, 'customer_list')
    const [third] = rowsIn(onTarget, 'customer_list')
    const reply = await small.list(customerList, { limit: 3 })
    assert.ok(first?.text.includes('"balance":1.10,') && reply.text.includes(first.text))
    assert.ok(third?.text.includes('"balance":-23.61693,') && reply.text.includes(third.text))
    assert.equal(reply.headers['content-type'], 'application/json; charset=UTF-8')
    assert.equal(reply.headers['content-length'], String(reply.body.length))
    assert.equal(reply.headers['transfer-encoding'], undefined)
    assert.equal(reply.headers['x-dispatched-to'], 'source,target')
  })

  /** Answers of both systems, whatever is asked. */
  async function canned(t: TestContext, bodies: { source: string; target: string }, overrides = {}) {
    const world = await startLists(t, overrides)
    const headers = { 'content-type': 'text/json;charset=utf-8', 'x-of': 'target', etag: '"2"' }
    for (const system of ['source', 'target'] as const) {
      world[system].faults.add({
        match: { path: /_list/ },
        fault: { kind: 'status', status: 200, body: bodies[system], headers: { ...headers, 'x-of': system } }
      })
    }
    return world
  }

  test('go on as they are, escapes, spaces and big numbers included, in the answer of the target', async (t) => {
    const ofSource = [
      '{"i_customer":1,"balance":-23.10,"t":"\\ud83d\\ude00 \\u00fc\\/"}',
      '{ "a":[1.0,{"b":null},"]},{"], "i_customer" : 4 }',
      '{"x":1e-7,"big":9007199254740993,"i_customer":"7"}'
    ]
    const ofTarget = ['{"i_customer" : 3 , "n":"Öresund \\"]},{\\" \\\\" , "c":1.10, "z":-0.0E+1}', '{"i_customer":6}']
    const target = (list: string, total: string) =>
      `{ "more" : {"customer_list":[1]},"total":${total}\t, "customer_list" : [${list}] ,"release":"MR115" }\n`
    const world = await canned(t, {
      source: `{"release":"MR100","only":1,"total":3,"customer_list":[${ofSource.join(',\n')}]}`,
      target: target(` ${ofTarget.join(' , ')} `, '"2"')
    })
    const reply = await world.list(customerList, { limit: 5, get_total: 1 })
    const [one, four, seven] = ofSource
    const [three, six] = ofTarget
    assert.equal(reply.text, target([one, three, four, six, seven].join(','), '"5"'))
    assert.equal(reply.headers['content-type'], 'text/json;charset=utf-8')
    assert.equal(reply.headers['content-length'], String(reply.body.length))
    assert.equal(reply.headers['x-of'], 'target')
    assert.equal(reply.headers.etag, undefined, 'it names the bytes of another answer')
    const cut = await world.list(customerList, { limit: 2, get_total: 1 })
    assert.equal(cut.text, target([one, three].join(','), '"5"'))
  })

  test('of a method that always gives a total: the sum of both', async (t) => {
    const world = await canned(t, {
      source: '{"customer_list":[{"i_customer":1}],"total":40}',
      target: '{"customer_list":[{"i_customer":2}],"total":2}'
    })
    const reply = await world.list(customerList, { limit: 5 })
    assert.deepEqual(reply.json(), { customer_list: [{ i_customer: 1 }, { i_customer: 2 }], total: 42 })
  })

  const things = {
    source: '{"things":[{"i_thing":3,"rank":"10"},{"i_thing":1,"rank":"9"}],"of":"source"}',
    target: '{"of":"target","things":[{"i_thing":2,"rank":"100"},{"i_thing":1,"rank":9}]}'
  }
  const idsOfThings = (reply: Reply) => {
    assert.equal(reply.status, 200, reply.text)
    return (reply.json().things as { i_thing: number }[]).map(({ i_thing }) => i_thing)
  }

  test("of a list that nobody knows: the target's, then the source's", async (t) => {
    const world = await canned(t, things)
    const whole = await world.list('Acme/get_thing_list')
    assert.deepEqual(idsOfThings(whole), [2, 1, 3, 1])
    assert.equal(whole.json().of, 'target')
    assert.equal(whole.headers['x-dispatched-to'], 'source,target')
    assert.deepEqual(idsOfThings(await world.list('Acme/get_thing_list', { limit: 3 })), [2, 1, 3])
    assert.deepEqual(idsOfThings(await world.list('Acme/get_thing_list', { limit: 1 })), [2])
    for (const { params } of upstreamCalls(world, 'Acme/get_thing_list')) assert.ok(!('skip_exported' in params))
  })

  test('of a list that the config describes are merged as it says', async (t) => {
    const methods = {
      'Acme/get_thing_list': {
        arrayKey: 'things',
        id: 'i_thing',
        orderBy: 'rank',
        direction: 'desc',
        compare: { rank: 'number' },
        skipExported: 'only_here',
        exportedFilters: ['only_here', 'state']
      }
    }
    const world = await canned(t, things, { plugins: { 'list-aggregation': { methods } } })
    assert.deepEqual(idsOfThings(await world.list('Acme/get_thing_list', { limit: 9 })), [2, 3, 1])
    await world.list('Acme/get_thing_list', { limit: 9, state: 'x' })
    const added = upstreamCalls(world, 'Acme/get_thing_list').map(({ params }) => [params.state, params.only_here])
    // A thing on both systems is taken to have moved meanwhile: the page is read again, three times at most.
    const leftOut = added.filter(([state]) => state === undefined)
    assert.deepEqual(leftOut, Array(6).fill([undefined, 1]))
    assert.deepEqual(
      added.filter(([state]) => state === 'x'),
      Array(2).fill(['x', undefined])
    )
  })

  test('of what the config calls no list come from one system, and of what it calls one from both', async (t) => {
    const methods = {
      'Product/get_product_list': false,
      'Acme/search_things': { arrayKey: 'things', id: 'i_thing', orderBy: 'i_thing', direction: 'desc' }
    }
    const world = await startLists(t, { plugins: { 'list-aggregation': { methods } } })
    const products = await world.list('Product/get_product_list')
    assert.equal(products.headers['x-dispatched-to'], 'target')
    assert.equal(world.source.journal.count('Product/get_product_list'), 0)
    for (const system of ['source', 'target'] as const) {
      const body = things[system].replace('2,"rank":"100"', '2,"rank":"1"')
      world[system].faults.add({ match: { service: 'Acme' }, fault: { kind: 'status', status: 200, body } })
    }
    assert.deepEqual(idsOfThings(await world.list('Acme/search_things', { limit: 9 })), [3, 2, 1])
  })
})

suite('rows that both systems hold', async () => {
  for (const [name, known, params] of [
    ['accounts', accounts, {}],
    ['accounts by their ids', { ...accounts, order: { by: 'id', direction: 'asc' } }, { order_by: 'id' }],
    [
      'log entries, the newest first',
      {
        name: 'WebLog/get_web_log_list',
        arrayKey: 'web_log_list',
        id: 'i_web_log',
        order: { by: 'timestamp', direction: 'desc' }
      },
      {}
    ],
    [
      'invoices, the newest first',
      {
        name: 'Invoice/get_invoice_list',
        arrayKey: 'invoice_list',
        id: 'i_invoice',
        order: { by: 'issue_date', direction: 'desc' }
      },
      {}
    ],
    [
      'numbers',
      {
        name: 'DID/get_number_list',
        arrayKey: 'number_list',
        id: 'i_did_number',
        order: { by: 'i_did_number', direction: 'asc' }
      },
      {}
    ],
    [
      'aliases',
      {
        name: 'Account/get_alias_list',
        arrayKey: 'alias_list',
        id: 'i_account',
        order: { by: 'i_account', direction: 'asc' }
      },
      {}
    ]
  ] as const) {
    test(`${name} are shown once, as the target has them; offsets and totals count both`, async () => {
      const whole = await mergedWhole(small, known, { source: params, target: params })
      const ids = new Set(whole.map(({ id }) => id))
      assert.ok(ids.size > 5 && ids.size < whole.length)
      for (const limit of [2, 7, 50]) {
        const pages = await pagesOf((page) => small.list(known.name, { ...params, ...page }), limit, known)
        assert.deepEqual(pages.map(textsOf), pagesWithoutDoubles(whole, limit))
        assert.deepEqual(
          idsOf(pages.flat(), known.id).toSorted((a, b) => a - b),
          [...ids].toSorted((a, b) => a - b)
        )
      }
      const reply = await small.list(known.name, { limit: 3, get_total: 1 })
      assert.equal(reply.json().total, whole.length)
    })
  }

  test('customers, where the client wants to see exported rows as well', async () => {
    const whole = await mergedWhole(small, customers)
    assert.equal(whole.length, 80)
    const pages = await pagesOf((page) => small.list(customerList, { skip_exported: 0, ...page }), 9)
    assert.deepEqual(pages.map(textsOf), pagesWithoutDoubles(whole, 9))
    assert.deepEqual(idsOf(pages.flat()), numbers(1, 60))
  })

  test('of a customer who was moved back are shown as the source has them, where it is not exported', async (t) => {
    const world = await startLists(t)
    await moveCustomer(3, world.target, world.source)
    for (const [name, arrayKey, id, params] of [
      [accountList, 'account_list', 'i_account', {}],
      [customerList, 'customer_list', 'i_customer', { skip_exported: 0 }]
    ] as const) {
      const rows = rowsIn(await world.list(name, { ...params, limit: 1000 }), arrayKey)
      const ids = idsOf(rows, id)
      assert.equal(new Set(ids).size, ids.length)
      const own = rows.filter(({ fields }) => fields.i_customer === 3)
      assert.ok(own.length > 0)
      for (const { fields } of own) assert.notEqual(fields.bill_status, 'E')
      for (const { fields } of rows) assert.notEqual(fields.bill_status, 'E')
    }
  })

  test('in an order that keeps them apart are shown once in a page at most', async () => {
    const whole = await small.list(accountList, { order_by: 'bill_status', limit: 1000 })
    const ids = idsOf(rowsIn(whole, 'account_list'), 'i_account')
    assert.equal(new Set(ids).size, ids.length)
  })

  for (const [name, arrayKey, id, count] of [
    ['Product/get_product_list', 'product_list', 'i_product', 12],
    ['Subscription/get_subscription_list', 'subscription_list', 'i_subscription', 7]
  ] as const) {
    test(`${name} comes once, whole and by pages`, async () => {
      const whole = await small.list(name)
      assert.equal(whole.text, (await ownCall(small.target, name, {})).text)
      assert.deepEqual(idsOf(rowsIn(whole, arrayKey), id), numbers(1, count))
      const pages = await pagesOf((page) => small.list(name, page), 5, { ...customers, arrayKey })
      assert.deepEqual(idsOf(pages.flat(), id), numbers(1, count))
    })
  }

  test('an account that is active on one system alone is nowhere twice: calls in progress', async () => {
    const name = 'BillingSession/get_active_sessions_list'
    const known: KnownList = {
      name,
      arrayKey: 'active_session_list',
      id: 'i_active_session',
      order: { by: 'i_active_session', direction: 'asc' }
    }
    const whole = await mergedWhole(large, known)
    assert.equal(new Set(whole.map(({ id }) => id)).size, whole.length)
    const reply = await large.list(name, { limit: 20, offset: 50, get_total: 1 })
    assert.deepEqual(textsOf(rowsIn(reply, known.arrayKey)), textsOf(whole.slice(50, 70)))
  })
})

suite('a list without a limit', async () => {
  for (const [name, params, order] of [
    ['the default order', {}, customers.order],
    ['name desc', { order_by: 'name', order_direction: 'desc' }, { by: 'name', direction: 'desc' }],
    ['bill_status', { order_by: 'bill_status' }, { by: 'bill_status', direction: 'asc' }]
  ] as const) {
    test(`by ${name}: as many of the merged list as one system gives`, async () => {
      clearJournals(large)
      const reply = await large.list(customerList, { ...params, get_total: 1 })
      const calls = upstreamCalls(large, customerList)
      const whole = await wholeOfCustomers(large, {}, order)
      assert.deepEqual(textsOf(rowsIn(reply, 'customer_list')), textsOf(whole.slice(0, 100)))
      assert.equal(reply.json().total, 1200)
      assert.ok(calls.length <= 4)
      for (const { params: asked } of calls) assert.ok(asked.limit === undefined || asked.limit === 1)
    })
  }

  test('is whole where neither system has to cut it', async () => {
    const whole = await wholeOfCustomers(small)
    assert.deepEqual(textsOf(rowsIn(await small.list(customerList), 'customer_list')), textsOf(whole))
    const none = await small.list(customerList, { name: 'nobody', get_total: 1 })
    assert.deepEqual(none.json(), { customer_list: [], total: 0 })
  })

  test('that one system alone has to cut ends where the next row is not certain', async (t) => {
    // 200 on the source, 100 on the target: the target gives all it has, the source half.
    const world = await startLists(t, {}, { customers: 300 })
    const reply = await world.list(customerList, { order_by: 'i_customer', order_direction: 'desc' })
    const whole = await wholeOfCustomers(world, {}, { by: 'i_customer', direction: 'desc' })
    assert.deepEqual(textsOf(rowsIn(reply, 'customer_list')), textsOf(whole.slice(0, 100)))
  })
})

suite('every wire form of a list', async () => {
  const form = 'application/x-www-form-urlencoded'
  const boundary = 'multipart/form-data; boundary=b0undary'
  const text = '{"name":"%","limit":"4","offset":"26","get_total":1,"x":1.10,"y":12345678901234567890}'
  const path = `/rest/${customerList}`
  const inPath = encodeURIComponent
  const multipart = (fields: Record<string, string>) =>
    `${Object.entries(fields)
      .map(([name, value]) => `--b0undary\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join('')}--b0undary--\r\n`
  const authOf = ({ sessionId }: Session) => JSON.stringify({ session_id: sessionId })
  const typed = (type: string, headers = {}) => ({ 'content-type': type, ...headers })

  const forms: readonly (readonly [name: string, make: (session: Session) => Ask])[] = [
    [
      'JSON, bearer',
      ({ accessToken }) => ({ headers: typed('application/json', bearer(accessToken)), body: `{"params":${text}}` })
    ],
    [
      'JSON, session id',
      (session) => ({
        headers: typed('application/json;charset=UTF-8'),
        body: `{"auth_info":${authOf(session)}, "params" : ${text} }`
      })
    ],
    [
      'JSON, access token inside',
      ({ accessToken }) => ({
        headers: typed('application/json'),
        body: `{"params":${text},"auth_info":{"access_token":"${accessToken}"}}`
      })
    ],
    [
      'JSON, cookies',
      ({ reply }) => {
        const jar = createJar()
        jar.take(reply)
        return { headers: typed('application/json', jar.header()), body: `{"params":${text}}` }
      }
    ],
    [
      'form, session id',
      (session) => ({
        headers: typed(form),
        body: new URLSearchParams({ params: text, auth_info: authOf(session) }).toString()
      })
    ],
    [
      'form, bearer',
      ({ accessToken }) => ({
        headers: typed(form, bearer(accessToken)),
        body: new URLSearchParams({ params: text }).toString()
      })
    ],
    [
      'multipart, session id',
      (session) => ({ headers: typed(boundary), body: multipart({ auth_info: authOf(session), params: text }) })
    ],
    [
      'multipart, bearer',
      ({ accessToken }) => ({ headers: typed(boundary, bearer(accessToken)), body: multipart({ params: text }) })
    ],
    ['URL path, session id', (session) => ({ path: `${path}/${inPath(authOf(session))}/${inPath(text)}` })],
    ['URL path, raw', (session) => ({ path: `${path}/${authOf(session)}/${text.replace('"name":"%",', '')}` })],
    ['URL path, bearer', ({ accessToken }) => ({ path: `${path}//${inPath(text)}`, headers: bearer(accessToken) })],
    ['URL path, GET', (session) => ({ method: 'GET', path: `${path}/${inPath(authOf(session))}/${inPath(text)}` })],
    [
      'a trailing slash',
      ({ accessToken }) => ({
        path: `${path}/`,
        headers: typed('application/json', bearer(accessToken)),
        body: `{"params":${text}}`
      })
    ]
  ]

  for (const [name, make] of forms) {
    test(`${name}: merged, with the session's own credential on each system`, async () => {
      const whole = await wholeOfCustomers(small)
      clearJournals(small)
      const { headers, ...more } = make(small.session)
      const reply = await ask(small.url, { path, ...more, headers: { host: hosts.admin, ...headers } })
      assert.deepEqual(textsOf(rowsIn(reply, 'customer_list')), textsOf(whole.slice(26, 30)))
      assert.equal(reply.json().total, 60)
      assert.equal(reply.headers['x-dispatched-to'], 'source,target')
      const calls = upstreamCalls(small, customerList)
      assert.ok(calls.length >= 2)
      for (const { entry, system } of calls) {
        assert.equal(entry.status, 200)
        assert.equal(entry.url, path)
        assert.ok(entry.body.includes('"x":1.10') && entry.body.includes('"y":12345678901234567890'))
        const said = `${entry.rawHeaders.join('\n')}\n${entry.body}`
        const names = [small.session.accessToken, small.session.sessionId]
        if (system === 'source') for (const one of names) assert.ok(!said.includes(one), 'not for the source')
        assert.equal(entry.rawHeaders[entry.rawHeaders.indexOf('X-Forwarded-For') + 1], '127.0.0.1')
      }
    })
  }

  test('without parameters at all', async () => {
    for (const body of ['{"params":{}}', '{}', '', undefined]) {
      const headers = { host: hosts.admin, ...typed('application/json', bearer(small.session.accessToken)) }
      const reply = await ask(small.url, { path, headers, body })
      assert.equal(rowsIn(reply, 'customer_list').length, 60)
    }
  })
})

suite('whose lists are merged', async () => {
  const staff: readonly (readonly [RealmName, (system: Simulator) => User, number])[] = [
    ['admin', ({ users }) => users.admin(), 60],
    ['reseller', ({ users }) => users.reseller(), 3],
    ['cc_staff', ({ users }) => users.ccStaff(), 60],
    ['distributor', ({ users }) => users.distributor(), 60],
    ['representative', ({ users }) => users.representative(), 60]
  ]
  for (const [realm, userOf, count] of staff) {
    test(`${realm}: everybody that the session may see on either system`, async () => {
      const user = userOf(small.target)
      const { accessToken } = await login(small.url, realm, user)
      const whole = await mergedWhole(small, customers, { source: { skip_exported: 1 } }, [realm, user])
      const reply = await call(small.url, realm, customerList, { limit: 70 }, { headers: bearer(accessToken) })
      assert.deepEqual(textsOf(rowsIn(reply, 'customer_list')), textsOf(whole))
      assert.equal(whole.length, count)
      assert.equal(reply.headers['x-dispatched-to'], 'source,target')
    })
  }

  for (const [realm, home] of [
    ['customer', 'source'],
    ['customer', 'target'],
    ['account', 'source']
  ] as const) {
    test(`${realm} on the ${home}: its lists come from there alone`, async () => {
      const { users } = small[home]
      const user = realm === 'customer' ? users.firstActiveCustomer() : users.firstActiveAccount()
      const { accessToken } = await login(small.url, realm, user)
      clearJournals(small)
      const name = realm === 'customer' ? accountList : 'Account/get_alias_list'
      const reply = await call(small.url, realm, name, { limit: 5 }, { headers: bearer(accessToken) })
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.headers['x-dispatched-to'], home)
      assert.equal(small[home === 'source' ? 'target' : 'source'].journal.count(), 0)
    })
  }

  for (const [name, params, home] of [
    [accountList, { i_customer: 1 }, 'source'],
    [accountList, { i_customer: '3' }, 'target'],
    ['Account/get_alias_list', { i_master_account: 40 }, 'source'],
    ['Customer/get_customer_xdrs', { i_customer: 3 }, 'target'],
    ['Customer/get_extensions_list', { i_customer: 1 }, 'source'],
    ['Invoice/get_invoice_list', { i_customer: 6 }, 'target']
  ] as const) {
    test(`${name} with ${JSON.stringify(params)} is the ${home}'s own answer`, async () => {
      const other = home === 'source' ? small.target : small.source
      other.journal.clear()
      const reply = await small.list(name, { ...params, limit: 3, offset: 1 })
      assert.equal(reply.headers['x-dispatched-to'], home)
      assert.equal(reply.text, (await ownCall(small[home], name, { ...params, limit: 3, offset: 1 })).text)
      assert.equal(other.journal.count(name), 0)
    })
  }

  test('a context asks one system, and gets its list as it is', async () => {
    const reply = await small.list(customerList, { limit: 6 }, { 'x-dispatcher-context': 'source' })
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.deepEqual(idsOf(rowsIn(reply, 'customer_list')), numbers(1, 6))
    assert.equal(reply.text, (await ownCall(small.source, customerList, { limit: 6 })).text)
  })

  for (const [host, system] of [
    ['www.100-admin.test', 'source'],
    ['www.115-admin.test', 'target']
  ] as const) {
    test(`${host} asks the ${system} alone`, async () => {
      const { accessToken } = await login(small.url, 'admin', small[system].users.admin(), { host })
      clearJournals(small)
      const headers = { host, ...bearer(accessToken) }
      const reply = await call(small.url, 'admin', customerList, { limit: 6 }, { headers })
      assert.equal(reply.text, (await ownCall(small[system], customerList, { limit: 6 })).text)
      assert.deepEqual(
        upstreamCalls(small, customerList).map((one) => one.system),
        [system, system]
      )
    })
  }

  test('the systems are told who asks, as they are with every call of a client', async (t) => {
    const { url, source, target } = await startWorld(t, { listen: [{ host: '::', port: 0 }] })
    const here = url.replace('[::]', '127.0.0.1')
    const { accessToken } = await login(here, 'admin', target.users.admin())
    for (const name of ['Customer/get_customer_info', customerList]) {
      const params = name === customerList ? { limit: 3 } : { name: 'nobody' }
      await call(here, 'admin', name, params, { headers: bearer(accessToken) })
    }
    const [plain] = target.journal.of('Customer/get_customer_info').slice(-1)
    const said = ({ rawHeaders }: { readonly rawHeaders: readonly string[] } = { rawHeaders: [] }) =>
      ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host'].map((name) => {
        const at = rawHeaders.indexOf(name)
        return at === -1 ? undefined : rawHeaders[at + 1]
      })
    assert.deepEqual(said(plain), ['127.0.0.1', 'http', hosts.admin])
    for (const system of [source, target]) assert.deepEqual(said(system.journal.of(customerList)[0]), said(plain))
  })

  test('who shows no session, or an unknown one, gets the fault of the target', async () => {
    small.source.journal.clear()
    const nobody = await call(small.url, 'admin', customerList)
    assert.equal(nobody.json().faultcode, 'Client.check_auth.envelope_missed')
    const stranger = await call(small.url, 'admin', customerList, {}, { authInfo: { session_id: 'f'.repeat(32) } })
    assert.equal(stranger.json().faultcode, 'Server.Session.check_auth.auth_failed')
    assert.equal(small.source.journal.count(customerList), 0)
  })
})

suite('bad input', async () => {
  for (const params of [
    { limit: -1 },
    { limit: '-1' },
    { limit: 1.5 },
    { limit: '1.5' },
    { limit: 'abc' },
    { limit: 1e21 },
    { limit: '9'.repeat(30) },
    { limit: true },
    { limit: [5] },
    { limit: { of: 5 } },
    { limit: 5, offset: -1 },
    { limit: 5, offset: 0.5 },
    { limit: 5, offset: 'x' },
    { limit: 5, offset: 2 ** 60 },
    { offset: 5 },
    { offset: '5', limit: '' },
    { offset: 5, limit: null }
  ]) {
    test(`${JSON.stringify(params)} is refused, and asked of nobody`, async () => {
      clearJournals(small)
      const reply = await small.list(customerList, params)
      assert.equal(reply.status, 400, reply.text)
      assert.equal(reply.json().faultcode, 'Client.Dispatcher.malformed_request')
      assert.match(
        String(reply.json().faultstring),
        'offset' in params && params.offset !== 5 ? /params\./ : /params\.limit/
      )
      assert.equal(upstreamCalls(small, customerList).length, 0)
    })
  }

  for (const params of [
    { order_by: 'nonsense', limit: 5 },
    { order_by: 'nonsense' },
    { order_by: 7, limit: 5, offset: 20 },
    { order_direction: 'sideways', limit: 5 },
    { offset: 0 },
    { limit: 10 ** 15 }
  ]) {
    test(`${JSON.stringify(params)} gets the fault of the target as it is`, async () => {
      const own = await ownCall(small.target, customerList, params)
      assert.equal(own.status, 500)
      const reply = await small.list(customerList, params)
      assert.deepEqual([reply.status, reply.text], [500, own.text])
      assert.equal(reply.headers['content-type'], own.headers['content-type'])
      assert.equal(reply.headers['x-dispatched-to'], 'target')
    })
  }

  test('that both systems refuse is refused by the target, whoever is faster', async (t) => {
    const world = await startLists(t)
    const match = { method: 'get_customer_list' }
    world.source.faults.add({ match, fault: { kind: 'fault', faultcode: 'Server.Source.was_faster' } })
    world.target.faults.add({ match, fault: { kind: 'delay', ms: 100 } })
    const reply = await world.list(customerList, { order_by: 'nonsense', limit: 5 })
    assert.match(String(reply.json().faultcode), /unknown_order$/)
    assert.equal(reply.headers['x-dispatched-to'], 'target')
  })

  for (const offset of [60, 61, 1000, 10 ** 14]) {
    test(`offset ${offset} is beyond the end: an empty page, and the total is right`, async () => {
      const reply = await small.list(customerList, { limit: 5, offset, get_total: 1 })
      assert.deepEqual(reply.json(), { customer_list: [], total: 60 })
    })
  }

  for (const params of [
    { limit: 0, get_total: 1 },
    { limit: '0', offset: 30, get_total: 1 },
    { limit: 0, offset: 10 ** 9, get_total: 1 }
  ]) {
    test(`${JSON.stringify(params)}: no rows, and the total is right`, async () => {
      clearJournals(small)
      const reply = await small.list(customerList, params)
      assert.deepEqual(reply.json(), { customer_list: [], total: 60 })
      assert.equal(upstreamCalls(small, customerList).length, 2)
    })
  }
})

suite('customers who move', async () => {
  /** Does something when the call of this number (from 1 on) has arrived, before it is executed. */
  function onArrival(t: TestContext, { source, target }: ListWorld, number: number, work: () => void) {
    const seen = new Set<unknown>()
    let isOver = false
    t.after(() => {
      isOver = true
    })
    for (const { journal } of [source, target]) {
      const waiting = journal.next((entry) => {
        if (isOver || entry.method !== 'get_customer_list' || entry.bodyBytes === 0 || seen.has(entry)) return isOver
        seen.add(entry)
        if (seen.size === number) work()
        return false
      })
      waiting.catch(assert.ifError)
    }
    return seen
  }

  for (const [what, params] of [
    ['in the default order', {}],
    ['by name', { order_by: 'name', order_direction: 'desc' }],
    ['by status', { order_by: 'bill_status' }]
  ] as const) {
    test(`between two pages ${what}: everybody is seen exactly once`, async (t) => {
      const world = await startLists(t)
      const order: ListOrder = { by: 'i_customer', direction: 'asc', ...orderIn(params) }
      const whole = await wholeOfCustomers(world, {}, order)
      const isOnSource = new Set(whole.filter(({ system }) => system === 'source').map(({ id }) => id))
      const seen: number[] = []
      let moves = 0
      for (let offset = 0; offset < 60; offset += 7) {
        const ids = idsOf(rowsIn(await world.list(customerList, { ...params, limit: 7, offset }), 'customer_list'))
        assert.equal(new Set(ids).size, ids.length)
        seen.push(...ids)
        // Far behind, just behind, just ahead and far ahead of where the next page begins.
        for (const at of [0, offset + 6, offset + 7, offset + 20]) {
          const id = whole[at]?.id ?? 0
          if (!isOnSource.delete(id)) continue
          await moveCustomer(id, world.source, world.target)
          moves++
        }
      }
      assert.deepEqual(
        seen,
        whole.map(({ id }) => id)
      )
      assert.ok(moves > 5)
    })
  }

  const arrivals = [
    ...[1, 2].map((number) => [number, 12 * number, 2] as const),
    ...numbers(1, 20).map((number) => [number, 250 + 12 * number, 18] as const)
  ]
  for (const [number, offset, least] of arrivals) {
    const what = `call ${number} of at least ${least} for a page arrives`
    test(`when ${what}: nobody twice in it, and nobody else is missing`, async (t) => {
      const { source, target } = moving
      const params = { limit: 12, of: `${number} of ${least}` }
      // The place of a page is known where the one before it was read.
      if (least === 2)
        for (let from = 0; from < offset; from += 12) await moving.list(customerList, { ...params, offset: from })
      const id = numbers(offset + 4, offset + 9).find((one) => target.users.customer(one) === undefined) ?? 0
      let hasMoved = false
      const calls = onArrival(t, moving, number, () => {
        moveCustomer(id, source, target).catch(assert.ifError)
        hasMoved = true
      })
      const ids = idsOf(rowsIn(await moving.list(customerList, { ...params, offset }), 'customer_list'))
      const expected = numbers(offset + 1, offset + 13).filter((one) => one !== id || ids.includes(id))
      assert.deepEqual(ids, expected.slice(0, 12))
      assert.ok(calls.size >= least)
      assert.ok(hasMoved || number > calls.size)
    })
  }

  test('while the answer of the target is held: the page is the one of before', async (t) => {
    const world = await startLists(t)
    world.target.faults.add({ match: { method: 'get_customer_list' }, fault: { kind: 'delay', ms: 300 }, times: 1 })
    const answered = world.source.journal.next(
      ({ method, status }) => method === 'get_customer_list' && status !== null
    )
    const executed = world.target.journal.next(
      ({ method, bodyBytes }) => method === 'get_customer_list' && bodyBytes > 0
    )
    const reply = world.list(customerList, { limit: 12 })
    await Promise.all([answered, executed])
    await moveCustomer(4, world.source, world.target)
    assert.deepEqual(idsOf(rowsIn(await reply, 'customer_list')), numbers(1, 12))
    assert.deepEqual(idsOf(rowsIn(await world.list(customerList, { limit: 12 }), 'customer_list')), numbers(1, 12))
  })

  test('and are on both systems for a moment: the page is read again, and has them once', async (t) => {
    const world = await startLists(t)
    const { source, target } = world
    const bundle = source.exportCustomer(4)
    target.importCustomer(bundle)
    source.importCustomer(bundle)
    // The third call is the first of the second reading.
    onArrival(t, world, 3, () => source.exportCustomer(4))
    clearJournals(world)
    const reply = await world.list(customerList, { limit: 12, get_total: 1 })
    assert.deepEqual(idsOf(rowsIn(reply, 'customer_list')), numbers(1, 12))
    assert.equal(upstreamCalls(world, customerList).length, 4)
    assert.equal(reply.json().total, 60)
  })

  test('and stay active on both: shown once, as the target has them', async (t) => {
    const world = await startLists(t)
    const { source, target } = world
    const bundle = source.exportCustomer(4)
    target.importCustomer({ ...bundle, customer: { ...bundle.customer, name: 'of the target' } })
    source.importCustomer(bundle)
    clearJournals(world)
    const rows = rowsIn(await world.list(customerList, { limit: 12 }), 'customer_list')
    assert.deepEqual(idsOf(rows), numbers(1, 11))
    assert.equal(rows[3]?.fields.name, 'of the target')
    assert.equal(upstreamCalls(world, customerList).length, 6)
  })

  test('and are on neither for a moment: everybody else is there', async (t) => {
    const world = await startLists(t)
    const bundle = world.source.exportCustomer(4)
    const during = await world.list(customerList, { limit: 12, offset: 2, get_total: 1 })
    assert.deepEqual(idsOf(rowsIn(during, 'customer_list')), [3, ...numbers(5, 15)])
    assert.equal(during.json().total, 59)
    world.target.importCustomer(bundle)
    const afterwards = await world.list(customerList, { limit: 12, offset: 2, get_total: 1 })
    assert.deepEqual(idsOf(rowsIn(afterwards, 'customer_list')), numbers(3, 14))
  })
})

suite('with plugins off', async () => {
  test('list-aggregation: lists come from the context, else from the target', async (t) => {
    const world = await startLists(t, { plugins: { 'list-aggregation': false } })
    for (const [headers, system] of [
      [{}, 'target'],
      [{ 'x-dispatcher-context': 'source' }, 'source'],
      [{ 'x-dispatcher-context': 'target' }, 'target']
    ] as const) {
      clearJournals(world)
      const reply = await world.list(customerList, { limit: 6, offset: 3 }, headers)
      assert.equal(reply.headers['x-dispatched-to'], system)
      assert.equal(upstreamCalls(world, customerList).length, 1)
      assert.equal(reply.text, (await ownCall(world[system], customerList, { limit: 6, offset: 3 })).text)
    }
    await world.list('Session/set_session_context', { context: 'source' })
    assert.equal((await world.list(customerList)).headers['x-dispatched-to'], 'source')
  })

  test('entity-location: lists of everybody are merged all the same', async (t) => {
    const world = await startLists(t, { plugins: { 'entity-location': false } })
    const reply = await world.list(customerList, { limit: 6, offset: 3 })
    assert.deepEqual(idsOf(rowsIn(reply, 'customer_list')), numbers(4, 9))
    const ofOne = await world.list(accountList, { i_customer: 1 })
    assert.equal(ofOne.headers['x-dispatched-to'], 'target')
  })

  test('remote-session: list-aggregation steps aside, and lists come from the target', async (t) => {
    const { url, target } = await startWorld(t, { plugins: { 'remote-session': false } })
    const { accessToken } = await login(url, 'admin', target.users.admin())
    const reply = await call(url, 'admin', customerList, { limit: 6 }, { headers: bearer(accessToken) })
    assert.equal(reply.headers['x-dispatched-to'], 'target')
  })
})
