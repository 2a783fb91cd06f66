/** The GraphQL view's writes: each goes where its entity is active, once, with every digit of it, or not at all. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { otherSystem, type System, systemNames } from '../../core/words.ts'
import { type JournalEntry, moveCustomer, type SimulatedFault } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'
import { clearJournals, endAllOn, openPair, restarted, staffOf, startClock, startUnlikeWorld } from '../dual.ts'
import { begin, shared, startSystems } from '../failing-system.ts'
import { type GraphqlError, post, type Result } from './client.ts'
import { type Asked, errorsOf, marginMs, patienceMs, startFaulty } from './faulty.ts'

// Its writes stay; each test has entities of its own.
const world = await startFaulty(shared, await startSystems())
const { run } = world

const word = (system: System) => system.toUpperCase()
const dispatcher = (fault: string) => `Server.Dispatcher.${fault}`
const json = 'application/json'

const isWrite = ({ write }: JournalEntry) => write
const nameOf = ({ service, method }: JournalEntry) => `${service}/${method}`
const writesOn = (system: System) => world[system].journal.entries.filter(isWrite)

/** The writes that arrived, on both systems together. */
const written = () => systemNames.flatMap((system) => writesOn(system).map((entry) => `${system} ${nameOf(entry)}`))

/** What the only write that arrived holds, as it was written. */
function bodyOf(to: System): string {
  const [entry, ...others] = writesOn(to)
  assert.ok(entry !== undefined && others.length === 0)
  return entry.body.toString()
}

function runFresh(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Asked> {
  clearJournals(world)
  return run(query, variables, headers)
}

suite('a write goes where its entity is active, once, and the record is what it left there', async () => {
  const rows: readonly (readonly [mutation: string, to: System, method: string, params: object, data: object])[] = [
    ...systemNames.map(
      (to) =>
        [
          `createCustomer(system: ${word(to)}, input: { name: "made on the ${to}", currency: "EUR" }) { system name currency }`,
          to,
          'Customer/add_customer',
          { customer_info: { name: `made on the ${to}`, iso_4217: 'EUR' } },
          { system: word(to), name: `made on the ${to}`, currency: 'EUR' }
        ] as const
    ),
    ...(
      [
        [1, 'source'],
        [3, 'target']
      ] as const
    ).flatMap(
      ([number, to]) =>
        [
          [
            `updateCustomer(iCustomer: ${number}, input: { firstname: "Zoë", iTimeZone: 7 }) { system iCustomer raw }`,
            to,
            'Customer/update_customer',
            { customer_info: { i_customer: number, firstname: 'Zoë', i_time_zone: 7 } },
            { system: word(to), iCustomer: number, raw: { firstname: 'Zoë', i_time_zone: 7 } }
          ],
          [
            `createAccount(input: { iCustomer: ${number}, number: "n${number}", iProduct: 2 }) { system iCustomer number }`,
            to,
            'Account/add_account',
            { account_info: { i_customer: number, id: `n${number}`, i_product: 2 } },
            { system: word(to), iCustomer: number, number: `n${number}` }
          ],
          [
            `updateAccount(iAccount: ${number}, input: { h323Password: "p", blocked: false }) { system iAccount raw }`,
            to,
            'Account/update_account',
            { account_info: { i_account: number, h323_password: 'p', blocked: 'N' } },
            { system: word(to), iAccount: number, raw: { h323_password: 'p', blocked: 'N' } }
          ]
        ] as const
    )
  ]
  for (const [mutation, to, method, params, data] of rows) {
    test(`${mutation.split(' {', 1)[0]}: the ${to}`, async () => {
      const asked = await runFresh(`mutation { it: ${mutation} }`)
      assert.equal(asked.errors, undefined)
      assert.deepEqual(written(), [`${to} ${method}`])
      assert.deepEqual(JSON.parse(bodyOf(to)), { params })
      assert.partialDeepStrictEqual(asked.data, { it: data })
    })
  }

  test('several of one request are made one after the other, each at its own', async () => {
    const asked = await runFresh(`mutation {
      a: updateCustomer(iCustomer: 4, input: { note: "a" }) { system }
      b: updateCustomer(iCustomer: 6, input: { note: "b" }) { system }
      c: updateCustomer(iCustomer: 4, input: { note: "c" }) { raw }
    }`)
    assert.partialDeepStrictEqual(asked.data, {
      a: { system: 'SOURCE' },
      b: { system: 'TARGET' },
      c: { raw: { note: 'c' } }
    })
    assert.deepEqual(
      systemNames.map((system) =>
        writesOn(system).map(({ body }) => JSON.parse(body.toString()).params.customer_info.note)
      ),
      [['a', 'c'], ['b']]
    )
  })

  test('a creation is never looked up: its system is named, or its customer has one', async () => {
    await runFresh('mutation { createCustomer(system: SOURCE, input: { name: "alone" }) { iCustomer } }')
    assert.equal(world.target.journal.count(), 0)
  })

  test('on a versioned host, and in a context, that system alone has it', async () => {
    const onSource = { host: 'www.100-admin.test' }
    const update = (iCustomer: number) =>
      `mutation { updateCustomer(iCustomer: ${iCustomer}, input: { note: "x" }) { system } }`
    for (const headers of [onSource, { 'x-dispatcher-context': 'source' }]) {
      assert.deepEqual((await runFresh(update(1), {}, headers)).data, { updateCustomer: { system: 'SOURCE' } })
      const moved = await runFresh(update(3), {}, headers)
      assert.deepEqual(errorsOf(moved), ['["updateCustomer"] SOURCE Server.Customer.exported'])
      assert.equal(world.target.journal.count(), 0)
    }
    const other = await runFresh(
      'mutation { createCustomer(system: TARGET, input: { name: "x" }) { name } }',
      {},
      onSource
    )
    assert.deepEqual(other.errors?.[0]?.extensions, { faultcode: 'Client.Dispatcher.malformed_request' })
    assert.deepEqual(written(), [])
  })
})

suite('values arrive as they were given:', async () => {
  const update = 'mutation Update($input: CustomerInput!) { updateCustomer(iCustomer: 2, input: $input) { raw } }'
  const rows: readonly (readonly [what: string, input: string, info: string])[] = [
    ['an amount', '{"creditLimit":"12.50"}', '"credit_limit":12.50'],
    ['an amount below none', '{"creditLimit":"-0.10"}', '"credit_limit":-0.10'],
    [
      'an amount of many digits',
      '{"creditLimit":"12345678901234567890.123456789"}',
      '"credit_limit":12345678901234567890.123456789'
    ],
    ['an amount as a number', '{"creditLimit":12.50}', '"credit_limit":12.50'],
    [
      'nulls, which empty fields',
      '{"creditLimit":null,"email":null,"iParent":null}',
      '"email":null,"i_parent":null,"credit_limit":null'
    ],
    ['an empty text, which is none', '{"email":""}', '"email":""'],
    ['truth', '{"blocked":true}', '"blocked":"Y"'],
    ['nothing at all', '{}', ''],
    ['a number in another spelling', '{"iTimeZone":7.0}', '"i_time_zone":7'],
    ['more by its own name', '{"extra":{"cont1":"Ann"}}', '"cont1":"Ann"'],
    [
      'more, with all that JSON has',
      '{"note":"n","extra":{"a":{"b":[1,{"c":null},"\\u00fc\\u0007"],"d":{}},"e":[],"f":true}}',
      '"note":"n","a":{"b":[1,{"c":null},"ü\\u0007"],"d":{}},"e":[],"f":true'
    ],
    [
      'every digit of more',
      '{"extra":{"a":1.10,"b":[12345678901234567890,-0.0000001,1E+2]}}',
      '"a":1.10,"b":[12345678901234567890,-0.0000001,100]'
    ],
    ['no more', '{"note":"n","extra":null}', '"note":"n"']
  ]
  for (const [what, input, info] of rows) {
    const expected = `{"params":{"customer_info":{"i_customer":2${info === '' ? '' : ','}${info}}}}`
    test(what, async () => {
      clearJournals(world)
      const body = `{"query":${JSON.stringify(update)},"variables":{"input":${input}}}`
      const { text } = await post(world.url, body, { token: world.session.accessToken })
      assert.equal(JSON.parse(text).errors, undefined, text)
      assert.equal(bodyOf('source'), expected)
    })

    test(`${what}, written in the query`, async () => {
      const literal = input.replaceAll(/"(\w+)":/g, '$1:')
      const { errors } = await runFresh(`mutation { updateCustomer(iCustomer: 2, input: ${literal}) { raw } }`)
      // A literal of an Int is one.
      if (input.includes('7.0')) assert.equal(errors?.[0]?.extensions?.code, 'GRAPHQL_VALIDATION_FAILED')
      else assert.deepEqual([errors, bodyOf('source')], [undefined, expected])
    })
  }

  test('an amount is read back as it was written', async () => {
    const { data } = await runFresh('mutation { updateCustomer(iCustomer: 2, input: { creditLimit: "1.10" }) { raw } }')
    assert.ok(data !== null)
    const { text } = await post(
      world.url,
      { query: '{ customer(iCustomer: 2) { raw } }' },
      { token: world.session.accessToken }
    )
    assert.match(text, /"credit_limit":1\.10,/)
  })
})

suite('input that cannot be served is an error, and no system hears of it:', async () => {
  const customer = (input: string) => `mutation { updateCustomer(iCustomer: 1, input: ${input}) { name } }`
  const account = (input: string) => `mutation { updateAccount(iAccount: 1, input: ${input}) { number } }`
  const bad = 'BAD_USER_INPUT'
  const invalid = 'GRAPHQL_VALIDATION_FAILED'
  const rows: readonly (readonly [mutation: string, code: string, told: RegExp])[] = [
    ...['i_customer', 'i_account', 'name', 'iso_4217', 'credit_limit', 'h323_password'].map(
      (name) =>
        [
          name === 'h323_password' ? account(`{ extra: { ${name}: 1 } }`) : customer(`{ extra: { a: 1, ${name}: 1 } }`),
          bad,
          new RegExp(`^extra\\.${name} has a field of its own$`)
        ] as const
    ),
    [account('{ extra: { id: "x" } }'), bad, /^extra\.id has a field of its own$/],
    ...['[1]', '"x"', '1', '1.10', 'true'].map(
      (value) => [customer(`{ extra: ${value} }`), bad, /^extra is no object$/] as const
    ),
    ...[
      '"1e5"',
      '1e5',
      '"01"',
      '"1."',
      '".5"',
      '"1,5"',
      '" 1"',
      '"1 "',
      '"NaN"',
      '"-"',
      '""',
      'true',
      '"0x1"',
      '"１"'
    ].map((value) => [customer(`{ creditLimit: ${value} }`), invalid, /A Decimal is a text such as "12\.50"/] as const),
    [customer('{ nobody: 1 }'), invalid, /nobody/],
    [customer('{ iCustomer: 2 }'), invalid, /iCustomer/],
    ['mutation { createAccount(input: { number: "x" }) { number } }', bad, /^input\.iCustomer is needed/],
    ['mutation { createAccount(input: { iCustomer: null }) { number } }', bad, /^input\.iCustomer is needed/],
    [account('{ iCustomer: 2 }'), bad, /^input\.iCustomer: an account stays its customer's$/],
    ...['0', '-1'].flatMap(
      (number) =>
        [
          [
            `mutation { updateCustomer(iCustomer: ${number}, input: {}) { name } }`,
            bad,
            /^iCustomer is not a whole number above 0$/
          ],
          [
            `mutation { updateAccount(iAccount: ${number}, input: {}) { number } }`,
            bad,
            /^iAccount is not a whole number above 0$/
          ],
          [
            `mutation { createAccount(input: { iCustomer: ${number} }) { number } }`,
            bad,
            /^iCustomer is not a whole number above 0$/
          ]
        ] as const
    ),
    ['mutation { createCustomer(input: { name: "x" }) { name } }', invalid, /system/],
    ['mutation { updateCustomer(iCustomer: 12345678901, input: {}) { name } }', invalid, /32-bit/]
  ]
  for (const [mutation, code, told] of rows) {
    test(mutation, async () => {
      const { reply, data, errors } = await runFresh(mutation)
      assert.equal(reply.status, code === bad ? 200 : 400)
      assert.equal(data, null)
      assert.deepEqual([errors?.length, errors?.[0]?.extensions], [1, { code }])
      assert.match(String(errors?.[0]?.message), told)
      assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
    })
  }

  test('an object that would be the prototype of all', async () => {
    clearJournals(world)
    const query = 'mutation Update($extra: JSON) { updateCustomer(iCustomer: 1, input: { extra: $extra }) { name } }'
    const body = `{"query":${JSON.stringify(query)},"variables":{"extra":{"__proto__":{"name":"x"}}}}`
    const reply = await post(world.url, body, { token: world.session.accessToken })
    assert.deepEqual([reply.status, written()], [400, []])
  })
})

suite('a write whose answer is lost', async () => {
  const ways: readonly (readonly [name: string, fault: SimulatedFault, faultcode: string])[] = [
    ['the connection is cut once it was executed', { kind: 'reset', at: 'before-headers' }, dispatcher('bad_gateway')],
    ['the connection is cut behind the headers', { kind: 'reset', at: 'after-headers' }, dispatcher('bad_gateway')],
    ['half of the answer', { kind: 'half' }, dispatcher('bad_gateway')],
    ['no HTTP', { kind: 'garbage' }, dispatcher('bad_gateway')],
    ['no answer in time', { kind: 'hang' }, dispatcher('system_timeout')],
    ['503', { kind: 'status', status: 503 }, dispatcher('system_unavailable')]
  ]
  const mutations: readonly (readonly [field: string, method: string, to: System, input: string])[] = [
    ['createCustomer', 'add_customer', 'target', '(system: TARGET, input: { name: "lost" }) { name }'],
    ['updateCustomer', 'update_customer', 'source', '(iCustomer: 5, input: { note: "lost" }) { name }']
  ]
  for (const [name, fault, faultcode] of ways) {
    for (const [field, method, to, rest] of mutations) {
      test(`is never made again: ${field}, ${name}`, async (t: TestContext) => {
        const broken = world[to].faults.add({ match: { method }, fault })
        t.after(() => broken.remove())
        const asked = await runFresh(
          `mutation { it: ${field}${rest} second: updateCustomer(iCustomer: 7, input: { note: "never" }) { name } }`
        )
        assert.deepEqual([asked.reply.status, asked.data], [200, null])
        assert.deepEqual(errorsOf(asked), [`["it"] ${word(to)} ${faultcode}`])
        assert.equal(written().length, 1)
        assert.ok(asked.ms < patienceMs + marginMs)
      })
    }
  }

  test('and the record behind one that was made cannot be read: an error, and one write', async (t) => {
    await run('{ customer(iCustomer: 8) { name } }')
    const broken = world.source.faults.add({
      match: { method: 'get_customer_info' },
      fault: { kind: 'status', status: 503 }
    })
    t.after(() => broken.remove())
    const asked = await runFresh('mutation { updateCustomer(iCustomer: 8, input: { note: "made" }) { name } }')
    assert.deepEqual(errorsOf(asked), [`["updateCustomer"] SOURCE ${dispatcher('system_unavailable')}`])
    assert.match(asked.errors?.[0]?.message ?? '', /^The write is done, but its record could not be read: /)
    assert.equal(asked.errors?.[0]?.extensions?.written, true)
    assert.deepEqual(written(), ['source Customer/update_customer'])
  })

  test('to a system that is away, nothing was sent, and the other is not asked instead', async (t) => {
    await world.target.stop()
    t.after(() => world.target.start())
    const asked = await runFresh('mutation { createCustomer(system: TARGET, input: { name: "away" }) { name } }')
    assert.deepEqual(errorsOf(asked), [`["createCustomer"] TARGET ${dispatcher('system_unavailable')}`])
    assert.deepEqual(written(), [])
  })
})

suite("a system's own refusal of a write", async () => {
  test('is told in its own words; as the fields are never null, no later write is made and no data is left', async () => {
    const name = world.source.users.customer(11)?.name ?? ''
    const asked = await runFresh(
      `mutation Several($taken: String) {
        a: updateCustomer(iCustomer: 10, input: { note: "first" }) { name }
        b: createCustomer(system: SOURCE, input: { name: $taken }) { name }
        c: updateCustomer(iCustomer: 10, input: { note: "third" }) { name }
      }`,
      { taken: name }
    )
    assert.equal(asked.reply.status, 200)
    assert.equal(asked.data, null)
    assert.deepEqual(
      asked.errors?.map(({ message, path, extensions }) => ({ message, path, extensions })),
      [
        {
          message: 'A customer with this name exists already',
          path: ['b'],
          extensions: { system: 'SOURCE', faultcode: 'Server.Customer.duplicate_name' }
        }
      ]
    )
    assert.deepEqual(written(), ['source Customer/update_customer', 'source Customer/add_customer'])
    const { data } = await run('{ customer(iCustomer: 10) { raw } }')
    assert.partialDeepStrictEqual(data, { customer: { raw: { note: 'first' } } })
  })

  test('in a batch stays with its own operation', async () => {
    clearJournals(world)
    const one = (note: string, iCustomer: number) => ({
      query: `mutation { updateCustomer(iCustomer: ${iCustomer}, input: { note: "${note}" }) { iCustomer } }`
    })
    const reply = await post(world.url, [one('a', 13), one('b', 999), one('c', 15)], {
      token: world.session.accessToken
    })
    const [first, second, third] = JSON.parse(reply.text) as Result<unknown>[]
    assert.deepEqual(
      [first?.data, third?.data],
      [{ updateCustomer: { iCustomer: 13 } }, { updateCustomer: { iCustomer: 15 } }]
    )
    assert.equal(second?.data, null)
    assert.deepEqual(errorsOf(second ?? {}), ['["updateCustomer"] TARGET Server.Customer.not_found'])
    assert.deepEqual(written().toSorted(), [
      'source Customer/update_customer',
      'target Customer/update_customer',
      'target Customer/update_customer'
    ])
  })

  test('because its customer is on its way: it is not made again, and the next one goes where that has arrived', async () => {
    const update = 'mutation { updateCustomer(iCustomer: 14, input: { note: "x" }) { system } }'
    assert.deepEqual((await run(update)).data, { updateCustomer: { system: 'SOURCE' } })
    const bundle = world.source.exportCustomer(14)
    const refused = await runFresh(update)
    assert.deepEqual(errorsOf(refused), ['["updateCustomer"] SOURCE Server.Customer.exported'])
    assert.equal(refused.errors?.[0]?.message, 'The customer has been exported to another system')
    assert.deepEqual(written(), ['source Customer/update_customer'])
    world.target.importCustomer(bundle)
    assert.deepEqual((await runFresh(update)).data, { updateCustomer: { system: 'TARGET' } })
    assert.deepEqual(written(), ['target Customer/update_customer'])
  })

  test('of an account, likewise', async () => {
    const update = 'mutation { updateAccount(iAccount: 16, input: { lastname: "x" }) { system } }'
    await run(update)
    await moveCustomer(16, world.source, world.target)
    assert.deepEqual(errorsOf(await runFresh(update)), ['["updateAccount"] SOURCE Server.Account.exported'])
    assert.deepEqual((await runFresh(update)).data, { updateAccount: { system: 'TARGET' } })
  })

  test('who is active on both systems is written on neither', async () => {
    const bundle = world.target.exportCustomer(18)
    world.target.importCustomer(bundle)
    world.source.importCustomer(bundle)
    for (const mutation of [
      'updateCustomer(iCustomer: 18, input: {}) { name }',
      'createAccount(input: { iCustomer: 18, number: "n18" }) { number }'
    ]) {
      const asked = await runFresh(`mutation { it: ${mutation} }`)
      assert.deepEqual(
        asked.errors?.map(({ extensions }) => extensions),
        [{ faultcode: 'Client.Dispatcher.ambiguous_entity' }]
      )
      assert.deepEqual(written(), [])
    }
  })

  test('because its half of the session has expired: renewed, and made once', async (t) => {
    const pass = startClock(t)
    const world = await startUnlikeWorld(t, { source: { simulator: { tokenLifetimeSeconds: 60 } } })
    const { session } = await openPair(world)
    pass(61)
    const query = 'mutation { createCustomer(system: SOURCE, input: { name: "once" }) { name } }'
    const { text } = await post(world.url, { query }, { token: session.accessToken })
    assert.deepEqual(JSON.parse(text), { data: { createCustomer: { name: 'once' } } })
    assert.deepEqual(
      world.source.journal.of('Customer/add_customer').map(({ faultcode }) => faultcode),
      ['Client.Session.check_auth.failed_to_process_access_token', null]
    )
  })
})

test('a session that ends behind a write: the client must log in, and is told that the write is done', async (t) => {
  const own = await startWorld(t)
  const { accessToken: token } = await login(own.url, 'admin', staffOf(own, 'admin'))
  // The record is read behind the write; by then the session is over.
  const ended = own.source.journal
    .next(({ method, status }) => method === 'update_customer' && status !== null)
    .then(() => [own.source, own.target].forEach(endAllOn))
  const query = 'mutation { updateCustomer(iCustomer: 1, input: { note: "done" }) { name } }'
  const sent = post(own.url, [{ query }], { token })
  await ended
  const [{ data, errors }] = JSON.parse((await sent).text)
  assert.equal(data, null)
  assert.deepEqual(
    errors.map(({ extensions }: GraphqlError) => extensions),
    [{ code: 'UNAUTHENTICATED', written: true }]
  )
  assert.match(errors[0].message, /do not send that again$/)
  assert.equal(own.source.journal.count('Customer/update_customer'), 1)
  const again = JSON.parse((await post(own.url, { query }, { token })).text)
  assert.deepEqual(again.errors[0].extensions, { code: 'UNAUTHENTICATED' })
})

suite('what no mutation may come by:', async () => {
  const query = 'mutation { updateCustomer(iCustomer: 1, input: { note: "sneaked in" }) { name } }'
  const shown = () => ({
    host: hosts.admin,
    cookie: `access_token=${world.session.accessToken}; session_id=${world.session.sessionId}`
  })
  const inUrl = `/graphql?query=${encodeURIComponent(query)}`
  const inJson = JSON.stringify({ query })
  const inForm = new URLSearchParams({ query }).toString()
  const part = `--b\r\nContent-Disposition: form-data; name="query"\r\n\r\n${query}\r\n--b--\r\n`
  const rows: readonly (readonly [
    name: string,
    method: string,
    path: string,
    type: string | null,
    body: string | undefined,
    status: number
  ])[] = [
    ['GET', 'GET', inUrl, null, undefined, 405],
    [
      'GET, one of several operations',
      'GET',
      `/graphql?operationName=B&query=${encodeURIComponent(`query A { session { login } } ${query.replace('mutation', 'mutation B')}`)}`,
      null,
      undefined,
      405
    ],
    ['GET with a body', 'GET', '/graphql', json, inJson, 400],
    ['plain text', 'POST', '/graphql', 'text/plain', inJson, 415],
    ['plain text that is said to be JSON', 'POST', '/graphql', 'text/plain; application/json', inJson, 415],
    ['a form', 'POST', '/graphql', 'application/x-www-form-urlencoded', inForm, 415],
    ['multipart', 'POST', '/graphql', 'multipart/form-data; boundary=b', part, 415],
    ['no content type', 'POST', '/graphql', null, inJson, 415],
    ['a URL that is posted to', 'POST', inUrl, null, undefined, 400],
    ['a URL, and a body of nothing', 'POST', inUrl, json, '{}', 400]
  ]
  for (const [name, method, path, type, body, status] of rows) {
    test(name, async () => {
      clearJournals(world)
      const headers = { ...shown(), ...(type !== null && { 'content-type': type }) }
      const reply = await ask(world.url, { method, path, headers, body })
      assert.equal(reply.status, status, reply.text)
      assert.deepEqual(written(), [])
    })
  }

  test('JSON by POST is what they may come by', async () => {
    clearJournals(world)
    await ask(world.url, { path: '/graphql', headers: { ...shown(), 'content-type': json }, body: inJson })
    assert.deepEqual(written(), ['source Customer/update_customer'])
  })
})

suite('a client that leaves', async () => {
  interface Left {
    readonly world: World
    readonly token: string
  }
  async function open(t: TestContext): Promise<Left> {
    const own = await startWorld(t)
    const { accessToken } = await login(own.url, 'admin', staffOf(own, 'admin'))
    clearJournals(own)
    return { world: own, token: accessToken }
  }
  const send = ({ world: { url }, token }: Left, query: string) =>
    begin(
      url,
      { path: '/graphql', headers: { host: hosts.admin, 'content-type': json, ...bearer(token) } },
      JSON.stringify({ query })
    )
  /** Whatever the gateway still did would come before this. */
  const settle = ({ world: { url }, token }: Left) =>
    call(url, 'admin', 'Generic/get_version', {}, { headers: bearer(token) })

  test('from a write: that is finished, and nothing else is begun', { timeout: 10_000 }, async (t) => {
    const left = await open(t)
    const { source } = left.world
    source.faults.add({ match: { method: 'update_customer' }, fault: { kind: 'delay', ms: 100 } })
    const isUpdate = ({ method }: JournalEntry) => method === 'update_customer'
    const arrived = source.journal.next((entry) => isUpdate(entry) && entry.bodyBytes > 0)
    const over = source.journal.next((entry) => isUpdate(entry) && (entry.status !== null || entry.aborted))
    const going = send(
      left,
      `mutation {
      a: updateCustomer(iCustomer: 1, input: { note: "finished" }) { name }
      b: updateCustomer(iCustomer: 1, input: { note: "never begun" }) { name }
    }`
    )
    await arrived
    source.journal.clear()
    going.leave()
    const { status, aborted } = await over
    assert.deepEqual([status, aborted], [200, false])
    await settle(left)
    assert.deepEqual(source.journal.entries.filter(isWrite), [])
    const { data } = JSON.parse(
      (await post(left.world.url, { query: '{ customer(iCustomer: 1) { raw } }' }, left)).text
    )
    assert.equal(data.customer.raw.note, 'finished')
  })

  test('from a read: it is cancelled on both systems, and nothing else is begun', { timeout: 10_000 }, async (t) => {
    const left = await open(t)
    const pairs = systemNames.map((system) => {
      const { faults, journal } = left.world[system]
      faults.add({ match: { method: 'get_invoice_list' }, fault: { kind: 'hang' } })
      const isIt = ({ method }: JournalEntry) => method === 'get_invoice_list'
      return {
        arrived: journal.next((entry) => isIt(entry) && entry.bodyBytes > 0),
        gone: journal.next((entry) => isIt(entry) && entry.aborted)
      }
    })
    const going = send(left, '{ customers(first: 50) { nodes { invoices { nodes { id } } } } }')
    await Promise.all(pairs.map(({ arrived }) => arrived))
    going.leave()
    await Promise.all(pairs.map(({ gone }) => gone))
    await settle(left)
    // Of the fifty no more than were under way at once.
    for (const system of systemNames) assert.ok(left.world[system].journal.count('Invoice/get_invoice_list') <= 6)
    assert.ok(!left.world.lines.some(({ level }) => level >= 50))
  })

  test('while its session is looked for: nothing is begun', { timeout: 10_000 }, async (t) => {
    const left = await open(t)
    const other = { ...left, world: await restarted(t, left.world) }
    for (const system of systemNames) {
      left.world[system].faults.add({ match: { method: 'ping' }, fault: { kind: 'delay', ms: 100 } })
    }
    const { journal } = left.world.target
    const asked = journal.next(({ method, bodyBytes }) => method === 'ping' && bodyBytes > 0)
    const told = journal.next(({ method, status }) => method === 'ping' && status !== null)
    const going = send(other, '{ customers { nodes { name } } }')
    await asked
    going.leave()
    await told
    await settle(other)
    assert.equal(journal.count('Customer/get_customer_list'), 0)
  })
})

test('a write on the system where the session does not live is refused, and made nowhere', async (t) => {
  const own = await startWorld(t)
  own.source.faults.add({
    match: { method: 'login' },
    fault: { kind: 'fault', faultcode: 'Server.Session.auth_failed' }
  })
  const { accessToken } = await login(own.url, 'admin', staffOf(own, 'admin'))
  clearJournals(own)
  const query = 'mutation { createCustomer(system: SOURCE, input: { name: "nowhere" }) { name } }'
  const result = JSON.parse((await post(own.url, { query }, { token: accessToken })).text) as Result<unknown>
  assert.equal(result.data, null)
  assert.deepEqual(errorsOf(result), [`["createCustomer"] SOURCE ${dispatcher('system_unavailable')}`])
  assert.equal(own[otherSystem('target')].journal.count(), 0)
  assert.equal(own.target.journal.count(isWrite), 0)
})
