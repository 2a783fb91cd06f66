/** The GraphQL view's lists and records are the systems' own: the same rows in the same order, every digit as it came. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type System, systemNames } from '../../core/words.ts'
import { type JsonObject, parseJson, textOf } from '../../simulator/exact-json.ts'
import { moveCustomer } from '../../simulator/index.ts'
import { bearer, call, login } from '../client.ts'
import { shared } from '../failing-system.ts'
import { accountList, customerList, ownCall, rowsIn, type TextRow } from '../lists.ts'
import { post, type Result, startGraphqlWorld } from './client.ts'
import { askExactly, type ListField, nodesOf, pageOf, rawTexts } from './whole.ts'

// Before the first test: a file whose tests so far have all ended, while it awaits, is taken to be over.
const world = await startGraphqlWorld(shared, {}, { customers: 240, accounts: 600 })

/** Customer 2 has moved since the start, 6 has moved back; of the others every third is the target's. */
await moveCustomer(2, world.source, world.target)
await moveCustomer(6, world.target, world.source)
const placeOf = (id: number): System => (id === 2 || (id % 3 === 0 && id !== 6) ? 'target' : 'source')

/** The rows of the equal call of the API through the same gateway. */
async function restTexts(name: string, arrayKey: string, params: object, context?: System): Promise<string[]> {
  const headers = { ...bearer(world.session.accessToken), ...(context && { 'x-dispatcher-context': context }) }
  const reply = await call(world.url, 'admin', name, { ...params, limit: 1000 }, { headers })
  return rowsIn(reply, arrayKey).map(({ text }) => text)
}

suite('customers are those of the equal list of the API, in its order', async () => {
  const filters: readonly (readonly [filter: string, params: object, found?: number])[] = [
    ['', {}, 240],
    ['{}', {}, 240],
    ['{name: null, status: null, email: null, currency: null, parent: null}', {}, 240],
    ['{name: "%1%"}', { name: '%1%' }],
    ['{name: "ACME%"}', { name: 'ACME%' }],
    ['{name: "öresund%"}', { name: 'öresund%' }],
    ['{name: "omega 3"}', { name: 'omega 3' }, 1],
    ['{name: "omega"}', { name: 'omega' }, 0],
    ['{name: "%\\"%"}', { name: '%"%' }, 0],
    ['{email: "billing-2%"}', { email: 'billing-2%' }],
    ['{email: "BILLING-3@customers.example"}', { email: 'BILLING-3@customers.example' }, 1],
    ['{currency: "EUR"}', { iso_4217: 'EUR' }],
    ['{currency: "JPY"}', { iso_4217: 'JPY' }, 0],
    ['{parent: 10}', { i_parent: 10 }],
    ['{parent: 11}', { i_parent: 11 }, 0],
    ['{name: "%a%", currency: "USD", status: "O"}', { name: '%a%', iso_4217: 'USD', bill_status: 'O' }],
    ...(
      [
        ['O', 'open'],
        ['S', 'Suspended'],
        ['C', 'CLOSED'],
        ['E', 'exported'],
        ['D', 'deactivated']
      ] as const
    ).flatMap(([letter, word]) =>
      [letter, letter.toLowerCase(), word].map((status): readonly [string, object, number?] =>
        letter === 'D'
          ? [`{status: "${status}"}`, { bill_status: letter }, 0]
          : [`{status: "${status}"}`, { bill_status: letter }]
      )
    )
  ]
  for (const [filter, params, found] of filters) {
    test(`filter ${filter === '' ? 'absent' : filter}`, async () => {
      const args = filter === '' ? '' : `filter: ${filter}`
      const texts = rawTexts(await nodesOf(world, { name: 'customers', args }, { first: 50 }))
      assert.deepEqual(texts, await restTexts(customerList, 'customer_list', params))
      if (found === undefined) assert.ok(texts.length > 1 && texts.length < 240, `${texts.length} rows`)
      else assert.equal(texts.length, found)
    })
  }

  const orders = {
    I_CUSTOMER: 'i_customer',
    NAME: 'name',
    BALANCE: 'balance',
    CURRENCY: 'iso_4217',
    STATUS: 'bill_status',
    CREATION_DATE: 'creation_date'
  }
  for (const [field, by] of Object.entries(orders)) {
    const otherwise = field === 'BALANCE' ? ['', ', direction: null'] : []
    for (const [direction, written] of [
      ['desc', ', direction: DESC'],
      ...[', direction: ASC', ...otherwise].map((text) => ['asc', text] as const)
    ] as const) {
      test(`orderBy {field: ${field}${written}}`, async () => {
        const args = `orderBy: {field: ${field}${written}}`
        const texts = rawTexts(await nodesOf(world, { name: 'customers', args }, { first: 70 }))
        assert.equal(texts.length, 240)
        assert.deepEqual(
          texts,
          await restTexts(customerList, 'customer_list', { order_by: by, order_direction: direction })
        )
      })
    }
  }

  for (const system of systemNames) {
    for (const [args, params] of [
      ['', { skip_exported: 1 }],
      [
        'filter: {name: "%1%"}, orderBy: {field: BALANCE, direction: DESC}',
        { skip_exported: 1, name: '%1%', order_by: 'balance', order_direction: 'desc' }
      ],
      ['filter: {status: "exported"}', { bill_status: 'E' }]
    ] as const) {
      test(`system: ${system.toUpperCase()}, ${args}`, async () => {
        const field = { name: 'customers', args: `system: ${system.toUpperCase()}, ${args}` }
        const nodes = await nodesOf(world, field, { first: 50 })
        assert.deepEqual(rawTexts(nodes), await restTexts(customerList, 'customer_list', params, system))
        assert.ok(nodes.length > 0)
        // Where it is active, and not where the record is from.
        for (const node of nodes) {
          assert.equal(node.system, placeOf((node.raw as { i_customer: number }).i_customer).toUpperCase())
        }
      })
    }
  }

  test('fields are what their records say, amounts with all their digits', async () => {
    const selection = 'iCustomer name status billStatus balance currency email system raw'
    const nodes = await nodesOf(world, { name: 'customers' }, { selection, first: 100 })
    for (const { raw, ...node } of nodes) {
      const record = raw as JsonObject
      assert.deepEqual(node, {
        iCustomer: record.i_customer,
        name: record.name,
        status: record.status ?? null,
        billStatus: record.bill_status,
        balance: textOf(record.balance),
        currency: record.iso_4217,
        email: record.email === '' ? null : record.email,
        system: placeOf(Number(record.i_customer)).toUpperCase()
      })
    }
    const balances = nodes.map(({ balance }) => String(balance))
    for (const form of [/^1\.10$/, /^-23\.61693$/, /^0\.00$/, /^-\d+\.\d0$/]) {
      assert.ok(
        balances.some((balance) => form.test(balance)),
        String(form)
      )
    }
    assert.ok(nodes.some(({ status }) => status !== null) && nodes.some(({ email }) => email === null))
  })
})

suite('accounts are those of the equal list of the API', async () => {
  const filters: readonly (readonly [filter: string, params: object, found?: number])[] = [
    ['', {}, 630],
    ['{number: "1555%7"}', { id: '1555%7' }],
    ['{number: "ALIAS0000601"}', { id: 'alias0000601' }, 1],
    ['{number: "nobody"}', { id: 'nobody' }, 0],
    ['{status: "closed"}', { bill_status: 'C' }],
    ['{status: "exported"}', { bill_status: 'E' }],
    ['{iCustomer: 3}', { i_customer: 3 }],
    ['{iCustomer: 4, status: "open"}', { i_customer: 4, bill_status: 'O' }],
    ['{iCustomer: 2}', { i_customer: 2 }],
    ['{iCustomer: 6}', { i_customer: 6 }],
    ['{iCustomer: 99999}', { i_customer: 99_999 }, 0]
  ]
  for (const [filter, params, found] of filters) {
    test(`filter ${filter === '' ? 'absent' : filter}`, async () => {
      const args = filter === '' ? '' : `filter: ${filter}`
      const nodes = await nodesOf(world, { name: 'accounts', args }, { first: 50, selection: 'system iCustomer raw' })
      assert.deepEqual(rawTexts(nodes), await restTexts(accountList, 'account_list', params))
      if (found === undefined) assert.ok(nodes.length > 1 && nodes.length < 630, `${nodes.length} rows`)
      else assert.equal(nodes.length, found)
      for (const { iCustomer, system } of nodes) assert.equal(system, placeOf(Number(iCustomer)).toUpperCase())
    })
  }

  for (const id of [1, 2, 3, 4, 6]) {
    test(`accounts of customer ${id}, in it`, async () => {
      const nodes = await nodesOf(world, { name: 'accounts', of: `customer(iCustomer: ${id})` }, { first: 3 })
      assert.deepEqual(rawTexts(nodes), await restTexts(accountList, 'account_list', { i_customer: id }))
      assert.ok(nodes.length > 0)
    })
  }

  test("a reseller's customers: a system that does not have one has nothing of it, and lacks nothing", async () => {
    const session = await login(world.url, 'reseller', world.target.users.reseller())
    const run = async (query: string): Promise<Result<Record<string, Record<string, JsonObject[]>>>> =>
      JSON.parse((await post(world.url, { query }, { token: session.accessToken, realm: 'reseller' })).text)
    const { data } = await run('{ customers { nodes { iCustomer system } } }')
    const nodes = data.customers?.nodes ?? []
    assert.deepEqual([...new Set(nodes.map(({ system }) => system))].toSorted(), ['SOURCE', 'TARGET'])
    for (const { iCustomer } of nodes) {
      const answer = await run(`{ accounts(filter: {iCustomer: ${iCustomer}}) { nodes { iCustomer } missing } }`)
      assert.equal(answer.errors, undefined, JSON.stringify(answer.errors))
      assert.deepEqual(answer.data.accounts?.missing, [])
      assert.ok((answer.data.accounts?.nodes ?? []).length > 0)
    }
  })

  test('a customer whose accounts are walked through moves to and fro: each comes once', async () => {
    const field: ListField = { name: 'accounts', of: 'customer(iCustomer: 4)' }
    const whole = (await nodesOf(world, field, { selection: 'iAccount' })).map(({ iAccount }) => iAccount)
    assert.ok(whole.length > 15)
    const seen: unknown[] = []
    const from: unknown[] = []
    let after: string | null = null
    for (let at = 0; seen.length < whole.length; at++) {
      const page = await pageOf(world, field, { selection: 'iAccount system', first: 4, after })
      seen.push(...page.nodes.map(({ iAccount }) => iAccount))
      from.push(page.nodes[0]?.system)
      after = page.pageInfo.endCursor
      const [here, there] = at % 2 === 0 ? [world.source, world.target] : [world.target, world.source]
      await moveCustomer(4, here, there)
    }
    assert.deepEqual(seen, whole)
    assert.deepEqual(from.slice(0, 3), ['SOURCE', 'TARGET', 'SOURCE'])
    if (from.length % 2 === 1) await moveCustomer(4, world.target, world.source)
  })
})

suite('what is null is as good as absent', async () => {
  const within = 'from: "2026-01-01T00:00:00Z", to: "2026-07-01T00:00:00Z"'
  for (const [list, more, count] of [
    ['customers', '', 50],
    ['accounts', '', 50],
    ['accounts', 'filter: {iCustomer: 3}', null],
    ['xdrs', within, 100],
    ['invoices', '', 3]
  ] as const) {
    test(`first: null, after: null in ${list}(${more}): ${count ?? 'all'} rows`, async () => {
      const isOfCustomer = list === 'xdrs' || list === 'invoices'
      const field = (args: string) => {
        const text = `${list}${args === '' ? '' : `(${args})`} { nodes { id } pageInfo { hasNextPage } }`
        return isOfCustomer ? `customer(iCustomer: 3) { ${text} }` : text
      }
      const absent = await askExactly(world, `{ ${field(more)} }`)
      const written = await askExactly(world, `{ ${field(`first: null, after: null, ${more}`)} }`)
      const given = await askExactly(
        world,
        `query ($n: Int, $a: String) { ${field(`first: $n, after: $a, ${more}`)} }`,
        {
          n: null,
          a: null
        }
      )
      assert.deepEqual([written, given], [absent, absent])
      const { length } = JSON.stringify(absent).match(/"id"/g) ?? []
      if (count !== null) assert.equal(length, count)
    })
  }
})

suite('a single record', async () => {
  /** The record as a system has it. */
  async function own(system: System, kind: 'customer' | 'account', keys: object): Promise<string> {
    const name = `${kind === 'customer' ? 'Customer' : 'Account'}/get_${kind}_info`
    const reply = await ownCall(world[system], name, keys)
    assert.equal(reply.status, 200, reply.text)
    return JSON.stringify((parseJson(reply.text) as JsonObject)[`${kind}_info`])
  }

  for (const id of [1, 2, 3, 6]) {
    const place = placeOf(id)
    test(`of customer ${id} is the ${place}'s by each key, and each system's own where that is asked`, async () => {
      const { name } = JSON.parse(await own('source', 'customer', { i_customer: id })) as { name: string }
      for (const key of [`iCustomer: ${id}`, `name: "${name}"`, `iCustomer: ${id}, name: null, system: null`]) {
        const { customer } = await askExactly(world, `{ customer(${key}) { system iCustomer raw } }`)
        const { raw, ...node } = customer as JsonObject
        assert.deepEqual(node, { system: place.toUpperCase(), iCustomer: id }, key)
        assert.equal(JSON.stringify(raw), await own(place, 'customer', { i_customer: id }), key)
      }
      for (const system of systemNames) {
        const of = `customer(iCustomer: ${id}, system: ${system.toUpperCase()}) { system raw }`
        const { customer } = await askExactly(world, `{ ${of} }`)
        if (id === 1 && system === 'target') assert.equal(customer, null)
        else {
          const { raw, system: active } = customer as JsonObject
          assert.equal(JSON.stringify(raw), await own(system, 'customer', { i_customer: id }))
          assert.equal(active, place.toUpperCase())
        }
      }
    })

    test(`of account ${id} is the ${place}'s by each key`, async () => {
      const { id: number } = JSON.parse(await own('source', 'account', { i_account: id })) as { id: string }
      for (const key of [`iAccount: ${id}`, `number: "${number}"`]) {
        const { account } = await askExactly(world, `{ account(${key}) { system iAccount iCustomer number raw } }`)
        const { raw, ...node } = account as JsonObject
        assert.deepEqual(node, { system: place.toUpperCase(), iAccount: id, iCustomer: id, number }, key)
        assert.equal(JSON.stringify(raw), await own(place, 'account', { i_account: id }), key)
      }
    })
  }

  test('of nobody is null', async () => {
    const query = `{
      a: customer(iCustomer: 99999) { id } b: customer(name: "nobody") { id } c: customer(iCustomer: 1, system: TARGET) { id }
      d: account(iAccount: 99999) { id } e: account(number: "nobody") { id } f: account(iAccount: 1, system: TARGET) { id }
    }`
    assert.deepEqual(Object.values(await askExactly(world, query)), [null, null, null, null, null, null])
  })

  for (const field of [
    'customer',
    'customer(iCustomer: 1, name: "Omega 1")',
    'customer(iCustomer: null)',
    'account',
    'account(iAccount: 1, number: "15550000001")'
  ]) {
    test(`${field} has not exactly one key: bad input`, async () => {
      const { errors = [] } = await world.run(`{ ${field} { id } }`)
      assert.deepEqual(
        errors.map(({ extensions }) => extensions?.code),
        ['BAD_USER_INPUT']
      )
    })
  }

  test('keeps its id wherever it is and however it is read, and shares it with nothing else', async () => {
    const query = `{
      customer(iCustomer: 7) { id system billStatus accounts(first: 1) { nodes { id } } }
      byName: customer(name: "${JSON.parse(await own('source', 'customer', { i_customer: 7 })).name}") { id system }
      customers(filter: {email: "billing-7@customers.example"}) { nodes { id system } }
      account(iAccount: 7) { id system billStatus }
    }`
    type Read = Record<string, JsonObject | undefined>
    const read = async (system: string) => {
      const { customer, byName, customers, account } = (await askExactly(world, query)) as Read
      assert.deepEqual(byName, { id: customer?.id, system })
      assert.deepEqual(customers?.nodes, [byName])
      const { accounts } = customer as unknown as { accounts: { nodes: JsonObject[] } }
      assert.deepEqual(accounts.nodes, [{ id: account?.id }])
      assert.deepEqual([customer?.system, account?.system], [system, system])
      assert.deepEqual([customer?.billStatus, account?.billStatus], ['S', 'O'], 'the record that is in use')
      return [customer?.id, account?.id]
    }
    const before = await read('SOURCE')
    assert.notEqual(before[0], before[1])
    await moveCustomer(7, world.source, world.target)
    assert.deepEqual(await read('TARGET'), before)
    await moveCustomer(7, world.target, world.source)
    assert.deepEqual(await read('SOURCE'), before)
    const ids = (await nodesOf(world, { name: 'customers' }, { selection: 'id' })).map(({ id }) => id)
    assert.equal(new Set(ids).size, 240)
  })
})

suite('the things of a customer on both systems', async () => {
  interface Kind {
    readonly field: string
    readonly name: string
    readonly arrayKey: string
    readonly id: string
    readonly by: string
    readonly args: string
    readonly params: object
  }
  const invoices: Kind = {
    field: 'invoices',
    name: 'Invoice/get_invoice_list',
    arrayKey: 'invoice_list',
    id: 'i_invoice',
    by: 'issue_date',
    args: '',
    params: {}
  }
  const xdrs = (from: string, to: string, from_date: string, to_date: string): Kind => ({
    field: 'xdrs',
    name: 'Customer/get_customer_xdrs',
    arrayKey: 'xdr_list',
    id: 'i_xdr',
    by: 'bill_time',
    args: `from: "${from}", to: "${to}"`,
    params: { from_date, to_date }
  })
  const allXdrs = xdrs('2026-01-01T00:00:00Z', '2026-07-01T00:00:00Z', '2026-01-01', '2026-07-01')
  const fewXdrs = xdrs(
    '2026-05-20T02:00:00+02:00',
    '2026-06-10T11:59:59.999Z',
    '2026-05-20 00:00:00',
    '2026-06-10 11:59:59'
  )

  /** What a system has of a customer; nothing where it does not have the customer. */
  async function ownRows(system: System, { name, arrayKey, params }: Kind, id: number): Promise<TextRow[]> {
    const reply = await ownCall(world[system], name, { ...params, i_customer: id, limit: 10_000 })
    return reply.text.includes('Server.Customer.not_found') ? [] : rowsIn(reply, arrayKey)
  }

  /** Everything once, the newest first: what both have is the target's, unless the customer has moved back. */
  async function expected(kind: Kind, id: number): Promise<[system: string, text: string][]> {
    const number = ({ fields }: TextRow) => BigInt(textOf(fields[kind.id]) ?? '')
    const [source, target] = [await ownRows('source', kind, id), await ownRows('target', kind, id)]
    const ofTarget = new Set(target.map(number))
    const rows = [
      ...source.filter((row) => !ofTarget.has(number(row))).map((row) => ({ row, system: 'SOURCE' })),
      ...target.map((row) => ({ row, system: 'TARGET' }))
    ]
    const time = ({ row }: { row: TextRow }) => String(row.fields[kind.by])
    return rows
      .toSorted((a, b) => (time(a) < time(b) ? 1 : time(a) > time(b) ? -1 : number(a.row) < number(b.row) ? -1 : 1))
      .map(({ row, system }) => [system, row.text])
  }

  const fieldOf = ({ field, args }: Kind, id: number): ListField => ({
    name: field,
    args,
    of: `customer(iCustomer: ${id})`
  })

  for (const kind of [invoices, allXdrs, fewXdrs]) {
    for (const id of [1, 2, 3, 4, 6]) {
      test(`${kind.field}(${kind.args}) of customer ${id}: all of both, newest first, each once`, async () => {
        const whole = await expected(kind, id)
        assert.ok(whole.length > (kind === invoices ? 2 : 5), `${whole.length} rows`)
        for (const first of whole.length > 40 ? [30, 500] : [1, 7]) {
          const nodes = await nodesOf(world, fieldOf(kind, id), { first })
          assert.deepEqual(
            nodes.map(({ system, raw }) => [system, JSON.stringify(raw)]),
            whole,
            `pages of ${first}`
          )
        }
      })
    }
  }

  test('the older call records of a moved customer are from the source, ids above 2 ** 53 among them', async () => {
    const nodes = await nodesOf(world, fieldOf(allXdrs, 3), { selection: 'system iXdr billTime chargedAmount raw' })
    const systems = nodes.map(({ system }) => system)
    const firstOfSource = systems.indexOf('SOURCE')
    assert.ok(firstOfSource > 0)
    assert.deepEqual(new Set(systems.slice(0, firstOfSource)), new Set(['TARGET']))
    assert.deepEqual(new Set(systems.slice(firstOfSource)), new Set(['SOURCE']))
    for (const { iXdr, billTime, chargedAmount, raw } of nodes) {
      const record = raw as JsonObject
      assert.deepEqual(
        [iXdr, billTime, chargedAmount],
        [textOf(record.i_xdr), `${String(record.bill_time).replace(' ', 'T')}Z`, textOf(record.charged_amount)]
      )
    }
    assert.ok(nodes.some(({ iXdr }) => String(Number(iXdr)) !== iXdr))
    assert.ok(nodes.some(({ chargedAmount }) => /^\d\.\d{4}0$/.test(String(chargedAmount))))
  })

  test('both systems have the invoices of a moved customer, and amounts keep their zeros', async () => {
    const both = await Promise.all(systemNames.map((system) => ownRows(system, invoices, 3)))
    assert.deepEqual(both[0], both[1])
    const nodes = await nodesOf(world, fieldOf(invoices, 3), { selection: 'iInvoice amountDue amountPaid raw' })
    assert.equal(nodes.length, 3)
    for (const { iInvoice, amountDue, amountPaid, raw } of nodes) {
      const { i_invoice, amount_due, amount_paid } = raw as JsonObject
      assert.deepEqual([iInvoice, amountDue, amountPaid], [i_invoice, amount_due, amount_paid].map(textOf))
      assert.match(`${amountDue} ${amountPaid}`, /^\d+\.\d0 0\.00$/)
    }
  })

  test('a customer that one system alone has: nothing is missing', async () => {
    const created = await askExactly(
      world,
      'mutation { createCustomer(system: TARGET, input: {name: "Only there"}) { iCustomer } }'
    )
    const { iCustomer } = created.createCustomer as { iCustomer: number }
    for (const [id, system] of [
      [iCustomer, 'TARGET'],
      [1, 'SOURCE']
    ] as const) {
      const { nodes } = await pageOf(world, fieldOf(invoices, id), { selection: 'system', first: 10 })
      assert.deepEqual(nodes, [{ system }, { system }, { system }])
      const calls = await pageOf(world, fieldOf(allXdrs, id), { selection: 'system', first: 1 })
      assert.deepEqual(calls.nodes, id === 1 ? [{ system }] : [])
    }
  })

  test('a customer who moves while the call records are walked through: each comes once', async () => {
    const field = fieldOf(allXdrs, 4)
    const whole = (await expected(allXdrs, 4)).map(([, text]) => text)
    const seen: string[] = []
    let after: string | null = null
    let isThere = false
    for (let hasNextPage = true; hasNextPage; ) {
      const page = await pageOf(world, field, { selection: 'raw', first: 20, after })
      seen.push(...rawTexts(page.nodes))
      after = page.pageInfo.endCursor
      hasNextPage = page.pageInfo.hasNextPage
      if (isThere) await moveCustomer(4, world.target, world.source)
      else await moveCustomer(4, world.source, world.target)
      isThere = !isThere
    }
    if (isThere) await moveCustomer(4, world.target, world.source)
    assert.ok(whole.length > 100)
    assert.deepEqual(seen, whole)
  })
})
