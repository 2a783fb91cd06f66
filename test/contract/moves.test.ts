/** Contract section 5, entities that move: a place that is stale is noticed, and forgotten at the first word. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { otherSystem, type System } from '../../core/words.ts'
import { type FaultRule, moveCustomer, type Simulator } from '../../simulator/index.ts'
import { startWorld, type World } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'
import { createExplanations, type Done, moveUnderLoad } from '../moving.ts'
import { clearJournals, enter, lookups, onlyAt, reached } from '../reached.ts'

/** Every third of sixty customers has moved; account n is customer n's. Some were closed before. */
const usable = Array.from({ length: 60 }, (_, at) => at + 1).filter((id) => ![14, 22].includes(id))
const unmoved = usable.filter((id) => id % 3 !== 0)
const moved = usable.filter((id) => id % 3 === 0)
const idAt = (ids: readonly number[], at: number) => ids[at] ?? assert.fail('the world is too small')

const directions = [
  { what: 'to the target', ids: unmoved, from: 'source', to: 'target' },
  { what: 'back to the source', ids: moved, from: 'target', to: 'source' }
] as const

/** A call about customer and account `id`, and what else makes the system that the customer has left say so. */
interface Stale {
  readonly what: string
  readonly name: string
  readonly path?: string
  params(id: number): object
  readonly answer?: FaultRule['fault']
}

const report = { name: 'Customer/get_custom_xdr_report', params: (id: number) => ({ i_customer: id }) }
const says = (body: string): FaultRule['fault'] => ({ kind: 'status', status: 200, body })
const refuses = (faultcode: string): FaultRule['fault'] => ({ kind: 'fault', faultcode })

const reads: readonly Stale[] = [
  { what: 'an exported customer', name: 'Customer/get_customer_info', params: (id) => ({ i_customer: id }) },
  { what: 'one by login', name: 'Customer/get_customer_info', params: (id) => ({ login: `customer-${id}` }) },
  { what: 'an exported account', name: 'Account/get_account_info', params: (id) => ({ i_account: id }) },
  {
    what: 'one by id',
    name: 'Account/get_account_info',
    params: (id) => ({ id: `155500000${`${id}`.padStart(2, '0')}` })
  },
  {
    what: 'an exported fault',
    name: 'CallControl/get_sip_calls_list',
    path: '/callcontrol/CallControl/get_sip_calls_list',
    params: (id) => ({ i_customer: id })
  },
  { what: 'a not-found fault', ...report, answer: refuses('Server.Customer.not_found') },
  { what: 'a not-found fault about something else', ...report, answer: refuses('Server.Invoice.not_found') },
  { what: 'an empty object', ...report, answer: says('{}') },
  { what: 'null', ...report, answer: says('null') },
  {
    what: 'an empty record',
    name: 'Customer/get_customer_info',
    params: (id) => ({ i_customer: id }),
    answer: says('{"customer_info":{}}')
  },
  {
    what: 'a record that is exported by its status',
    name: 'Account/get_account_info',
    params: (id) => ({ i_account: id }),
    answer: says('{"account_info":{"i_account":1,"i_customer":1,"status":"exported"}}')
  }
]

type Admin = Awaited<ReturnType<typeof enter>>

/** Has the gateway remember where customer `id` is, and moves it without a word. Returns what sends the call. */
async function moveUnnoticed(
  world: World,
  admin: Admin,
  { id, from, to }: { readonly id: number; readonly from: System; readonly to: System },
  { name, path, params, answer }: Omit<Stale, 'what'>
) {
  const send = () => admin.send(path ?? `/rest/${name}`, params(id))
  await admin.call('Account/get_account_list', { i_customer: id })
  await admin.call('Account/get_xdr_list', { i_account: id })
  // What is named by other keys is remembered by having been asked for.
  if (name.endsWith('_info')) await send()
  await moveCustomer(id, world[from], world[to])
  world[from].faults.clear()
  const method = name.split('/')[1] ?? ''
  if (answer !== undefined) world[from].faults.add({ match: { method }, fault: answer })
  clearJournals(world)
  return send
}

for (const { what, ids, from, to } of directions) {
  test(`a read whose entity has moved ${what} unnoticed is sent once more, there`, async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    const there = { 'x-dispatcher-context': to }
    for (const [at, row] of reads.entries()) {
      await t.test(row.what, async () => {
        const id = idAt(ids, at)
        const send = await moveUnnoticed(world, admin, { id, from, to }, row)
        if (row.name.startsWith('CallControl/')) {
          await admin.call('CallControl/enable_api_notifications', { i_customer: id }, there)
          clearJournals(world)
        }
        const reply = await send()
        assert.equal(reply.status, 200, reply.text)
        assert.equal(reply.headers['x-dispatched-to'], to)
        assert.deepEqual(reached(world), { [from]: [row.name], [to]: [row.name] })
        assert.deepEqual(lookups(world), [1, 1])
        assert.deepEqual((await admin.call(row.name, row.params(id), there)).text, reply.text, 'its own answer')

        clearJournals(world)
        assert.equal((await send()).text, reply.text)
        assert.deepEqual(reached(world), onlyAt(to, row.name), 'it is known where it is')
        assert.deepEqual(lookups(world), [0, 0])
      })
    }
  })
}

const writes: readonly Stale[] = [
  { what: 'a customer', name: 'Customer/update_customer', params: (id) => ({ customer_info: { i_customer: id } }) },
  { what: 'an account', name: 'Account/update_account', params: (id) => ({ account_info: { i_account: id } }) },
  {
    what: 'a new account',
    name: 'Account/add_account',
    params: (id) => ({ account_info: { i_customer: id, id: `n${id}` } })
  },
  { what: 'the end of a customer', name: 'Customer/terminate_customer', params: (id) => ({ i_customer: id }) },
  {
    what: 'a setting of PortaSIP',
    name: 'Voicemail/update_settings',
    path: '/portasip/rest/Voicemail/update_settings',
    params: (id) => ({ i_account: id, settings: { greeting: 'x' } })
  },
  { what: 'a call', name: 'CallControl/originate_call', params: (id) => ({ i_customer: id, to: '1' }) }
]
const updating: Omit<Stale, 'what' | 'answer'> = {
  name: 'Customer/update_customer',
  params: (id) => ({ customer_info: { i_customer: id } })
}
/** Whatever the answer says, a write is not sent again. */
const answers: readonly Stale[] = [
  { what: 'a not-found fault', ...updating, answer: refuses('Server.Customer.not_found') },
  { what: 'an empty object', ...updating, answer: says('{}') },
  { what: 'null', ...updating, answer: says('null') }
]

for (const { what, ids, from, to } of directions) {
  test(`a write whose entity has moved ${what} unnoticed gets the fault of where it was; the next one lands`, async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    for (const [at, row] of [...writes, ...answers].entries()) {
      await t.test(row.answer === undefined ? row.what : `${row.what}, whatever it is`, async () => {
        const send = await moveUnnoticed(world, admin, { id: idAt(ids, at), from, to }, row)
        const reply = await send()
        assert.equal(reply.headers['x-dispatched-to'], from)
        if (row.answer === undefined) {
          assert.equal(reply.status, 500)
          assert.match(String(reply.json().faultcode), /^Server\.(?:Customer|Account)\.exported$/)
        }
        assert.deepEqual(reached(world), onlyAt(from, row.name), 'sent once')
        assert.deepEqual(lookups(world), [0, 0])

        clearJournals(world)
        const next = await send()
        assert.deepEqual([next.status, next.headers['x-dispatched-to']], [200, to], next.text)
        assert.deepEqual(reached(world), onlyAt(to, row.name))
        assert.deepEqual(lookups(world), [1, 1])
      })
    }
  })
}

/** Customer 1 has moved to the target, unnoticed. */
async function stale(t: TestContext, call: Omit<Stale, 'what'>) {
  const world = await startWorld(t)
  const admin = await enter(world)
  const send = await moveUnnoticed(world, admin, { id: 1, from: 'source', to: 'target' }, call)
  return { world, admin, send }
}

test('a read is sent once more at most', async (t) => {
  const answer = refuses('Server.Customer.not_found')
  const { world, send } = await stale(t, { ...report, answer })
  world.target.faults.add({ match: { method: 'get_custom_xdr_report' }, fault: answer })
  const reply = await send()
  assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [500, 'target'])
  assert.deepEqual(reached(world), { source: [report.name], target: [report.name] })
})

test('a read whose body had to be read and is over 64 KiB is not sent again', async (t) => {
  const { world, admin } = await stale(t, { ...report, answer: says('{}') })
  const send = () => admin.send(`/rest/${report.name}`, { i_customer: 1, note: 'x'.repeat(65_536) })
  assert.equal((await send()).text, '{}')
  assert.deepEqual(reached(world), onlyAt('source', report.name))
  assert.equal((await send()).headers['x-dispatched-to'], 'target')
})

test('a read whose body was not kept gets the answer as it is, and the next one lands', async (t) => {
  const { world, admin } = await stale(t, { ...report, answer: says('{}') })
  const part = (head: string, content: string) =>
    `--b0undary\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`
  const params = part('name="params"', '{"i_customer":1}')
  const body = `${params}${part('name="file"; filename="f"', 'x'.repeat(200_000))}--b0undary--\r\n`
  const headers = { 'content-type': 'multipart/form-data; boundary=b0undary' }
  const send = () => admin.send(`/rest/${report.name}`, {}, { headers, body })
  assert.equal((await send()).text, '{}')
  assert.deepEqual(reached(world), onlyAt('source', report.name))
  assert.equal((await send()).headers['x-dispatched-to'], 'target')
})

/** Answers about an entity that is still where it was: the read is not sent again, and only a miss is worth a question. */
const settled: readonly (readonly [what: string, answer: FaultRule['fault'], lookups: number])[] = [
  ['a fault that is no miss', refuses('Server.Invoice.locked'), 0],
  ['a small success', says('{"success":1}'), 0],
  ['nothing', says(''), 0],
  ['a not-found fault about something else', refuses('Server.Invoice.not_found'), 1]
]
for (const [what, answer, questions] of settled) {
  test(`${what} about an entity that has not moved is relayed, after ${questions} questions`, async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    await admin.call('Account/get_account_list', { i_customer: 1 })
    clearJournals(world)
    world.source.faults.add({ match: { method: 'get_custom_xdr_report' }, fault: answer, times: 1 })
    const reply = await admin.call(report.name, report.params(1))
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.deepEqual(reached(world), onlyAt('source', report.name))
    assert.deepEqual(lookups(world), [questions, questions])
  })
}

for (const fault of [
  { kind: 'reset', at: 'request' },
  { kind: 'reset', at: 'before-headers' },
  { kind: 'garbage' }
] as const) {
  test(`a write that ends in ${Object.values(fault).join(' ')} is not sent again`, async (t) => {
    const { world, send } = await stale(t, { ...updating, answer: fault })
    const reply = await send()
    assert.deepEqual([reply.status, reply.json().faultcode], [502, 'Server.Dispatcher.bad_gateway'])
    assert.deepEqual(reached(world), onlyAt('source', updating.name))
  })
}

for (const first of ['customer', 'account'] as const) {
  test(`a call of a customer and its account, of which only the ${first} was known before the move, is no contradiction`, async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    if (first === 'customer') await admin.call('Account/get_account_list', { i_customer: 1 })
    else await admin.call('Account/get_xdr_list', { i_account: 1 })
    await moveCustomer(1, world.source, world.target)
    const params = { account_info: { i_account: 1, i_customer: 1 } }
    const reply = await admin.call('Account/update_account', params)
    assert.ok(reply.status !== 400, reply.text)
    const next = await admin.call('Account/update_account', params)
    assert.deepEqual([next.status, next.headers['x-dispatched-to']], [200, 'target'], next.text)
  })
}

type Word = (id: number, to: System) => object

const customerEvent =
  (step: string): Word =>
  (id) => ({ event_type: `Customer/Status/${step}`, variables: { i_customer: id } })
const accountEvent =
  (step: string): Word =>
  (id) => ({ event_type: `Account/Status/${step}`, variables: { i_account: id } })
const told =
  (state: string, more: object = {}): Word =>
  (id) => ({ i_customer: id, state, ...more })

/** What is told of a move, in this order. */
const words: readonly (readonly [what: string, ...told: Word[]])[] = [
  ['the end', told('finished')],
  ['a failure', told('failed')],
  ['all of it', told('started'), (id, to) => told('finished', { to })(id, to)],
  ['an exported customer', customerEvent('Exported')],
  ['an imported customer', customerEvent('Imported')],
  ['an exported account', accountEvent('Exported')],
  ['an imported account', accountEvent('Imported')],
  ['events in order', ...['Exported', 'Imported'].flatMap((step) => [customerEvent(step), accountEvent(step)])],
  ['events out of order', ...['Imported', 'Exported'].flatMap((step) => [accountEvent(step), customerEvent(step)])],
  ['an event twice', customerEvent('Imported'), customerEvent('Imported')],
  ['an id as a text', (id) => ({ event_type: 'Customer/Status/Imported', variables: { i_customer: `${id}` } })],
  ["an account's id as a text", (id) => ({ event_type: 'Account/Status/Imported', variables: { i_account: `${id}` } })],
  ['both ids', (id) => ({ event_type: 'Account/Status/Imported', variables: { i_account: id, i_customer: id } })],
  ['an id among others', (id) => ({ event_type: 'Customer/Status/Imported', variables: { i_env: 1, i_customer: id } })],
  ['no id', () => ({ event_type: 'Customer/Status/Imported', variables: { name: 'x' } })],
  ['no id that can be read', () => ({ event_type: 'Account/Status/Exported', variables: { i_account: 'x' } })],
  ['no variables', () => ({ event_type: 'Account/Status/Exported' })]
]

async function tell({ opsUrl }: World, body: object) {
  const headers = { 'content-type': 'application/json' }
  const reply = await ask(opsUrl, { path: '/migrations', headers, body: JSON.stringify(body) })
  assert.deepEqual([reply.status, reply.text], [200, '{"success":1}'])
}

test('after any word of a move the very next write lands, there and back', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  for (const [at, [what, ...said]] of words.entries()) {
    await t.test(what, async () => {
      const id = idAt(unmoved, at)
      const landing: readonly (readonly [name: string, params: object])[] = [
        ['Customer/update_customer', { customer_info: { i_customer: id } }],
        ['Account/update_account', { account_info: { i_account: id } }]
      ]
      for (const to of ['target', 'source'] as const) {
        for (const [name, params] of landing) {
          const from = otherSystem(to)
          const where = [
            await admin.call('Account/get_account_list', { i_customer: id }),
            await admin.call('Account/get_xdr_list', { i_account: id })
          ].map(({ headers }) => headers['x-dispatched-to'])
          assert.deepEqual(where, [from, from])
          await moveCustomer(id, world[from], world[to])
          for (const word of said) await tell(world, word(id, to))
          clearJournals(world)
          const reply = await admin.call(name, params)
          assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [200, to], reply.text)
          assert.deepEqual(reached(world), onlyAt(to, name))
          // A word that says where is believed.
          const questions = what === 'all of it' ? 0 : 1
          assert.deepEqual(lookups(world), [questions, questions])
          // Back, for the next kind of write.
          if (name !== landing.at(-1)?.[0]) {
            await moveCustomer(id, world[to], world[from])
            await tell(world, told('finished')(id, from))
          }
        }
      }
    })
  }
})

test('a word about one leaves the others where they are known to be', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  for (const id of [1, 2, 4, 5]) await admin.call('Account/get_xdr_list', { i_account: id })
  const said: readonly object[] = [
    told('finished')(1, 'target'),
    { event_type: 'Customer/Status/Imported', variables: { i_customer: '4' } },
    { event_type: 'Account/Status/Imported', variables: { i_account: '5' } },
    accountEvent('Exported')(59, 'target')
  ]
  for (const word of said) await tell(world, word)
  for (const [id, questions] of [
    [2, 0],
    [1, 1],
    [4, 1],
    [5, 1]
  ] as const) {
    clearJournals(world)
    await admin.call('Account/get_account_list', { i_customer: id })
    assert.deepEqual(lookups(world), [questions, questions], `customer ${id}`)
  }
})

test('a word about an account that nobody has asked for: the next write of it lands', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  await admin.call('Account/get_account_list', { i_customer: 1 })
  await moveCustomer(1, world.source, world.target)
  await tell(world, accountEvent('Imported')(1, 'target'))
  const reply = await admin.call('Account/update_account', { account_info: { i_account: 1 } })
  assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [200, 'target'], reply.text)
})

test('one who was moved back is listed once, as active, and counted once', async (t) => {
  const world = await startWorld(t)
  const admin = await enter(world)
  await moveCustomer(3, world.target, world.source)
  type Page = { customer_list: { i_customer: number; bill_status: string }[]; total?: number }
  const list = async (paging: object) =>
    (await admin.call('Customer/get_customer_list', paging)).json() as unknown as Page
  const { customer_list: whole, total } = await list({ limit: 100, get_total: 1 })
  assert.deepEqual(
    whole.filter(({ i_customer: id }) => id === 3).map(({ bill_status }) => bill_status),
    ['O']
  )
  assert.equal(total, 60)
  const pages = await Promise.all(Array.from({ length: 9 }, (_, at) => list({ limit: 7, offset: at * 7 })))
  const shown = pages.flatMap(({ customer_list: rows }) => rows.map(({ i_customer: id }) => id))
  assert.deepEqual(
    shown,
    Array.from({ length: 60 }, (_, at) => at + 1)
  )
})

/** What a system says of a customer whom it does not serve. */
const clearFaults = /^Server\.(?:Customer|Account)\.(?:exported|not_found)$/

type Rows = Record<string, unknown>[]

test('4,000 calls during 200 moves to and fro: no write is lost or done twice, no read is of the wrong system', async (t) => {
  const world = await startWorld(t)
  const { source, target } = world
  for (const { journal } of [source, target]) journal.limit = 1_000_000
  const realms = ['admin', 'admin', 'admin', 'admin', 'cc_staff'] as const
  const members = await Promise.all(
    realms.map(async (realm, at) => ({ realm, inBody: at === 1, session: (await enter(world, realm)).session }))
  )
  const ids = usable.slice(0, 30)
  const plan = { ids, members, calls: 4000, atOnce: 50, moves: 200 }
  const { done, moves, places, markOf } = await moveUnderLoad(world, plan)
  const { isMoving, isUnnoticed, placeDuring } = createExplanations(done, moves)
  assert.deepEqual([done.length, moves.length], [4000, 200])
  const show = (call: Done) => JSON.stringify({ ...call, json: JSON.stringify(call.json).slice(0, 200) })

  await t.test('a call fails by a clear fault alone, and only where a move explains it', () => {
    for (const call of done) {
      if (call.status === 200) continue
      const faultcode = String(call.json.faultcode)
      if (call.id === null) {
        assert.deepEqual([call.status, faultcode], [502, 'Server.Dispatcher.list_out_of_order'], show(call))
        assert.ok(
          ids.some((id) => isMoving(call, id)),
          show(call)
        )
        continue
      }
      assert.equal(call.status, 500, show(call))
      assert.match(faultcode, clearFaults, show(call))
      assert.ok(isMoving(call) || (call.mark !== '' && isUnnoticed(call)), show(call))
    }
  })

  await t.test('no read is of an exported copy, unless its customer was moving', () => {
    const wrong = done.filter((call) => {
      const { kind, id, json } = call
      if (id === null || call.status !== 200 || isMoving(call)) return false
      if (kind === 'customer_info') return (json.customer_info as Rows[0]).bill_status === 'E'
      if (kind === 'account_info') return (json.account_info as Rows[0]).bill_status === 'E'
      // Nothing in a list's answer tells that its customer has gone: it is right again once another call has noticed.
      if (kind !== 'account_list' || isUnnoticed(call)) return false
      return (json.account_list as Rows).some(({ bill_status }) => bill_status === 'E')
    })
    assert.deepEqual(wrong.map(show), [])
  })

  await t.test('a read has what was written last', () => {
    for (const call of done) {
      if (call.kind !== 'customer_info' || call.status !== 200 || !call.expected || isMoving(call)) continue
      assert.equal((call.json.customer_info as Rows[0]).firstname, call.expected, show(call))
    }
  })

  await t.test('each write was sent once, and was executed if and only if its client was told so', async () => {
    const sent = await Promise.all(([source, target] as const).map(writesOn))
    const answered = new Map(done.filter(({ mark }) => mark !== '').map((call) => [call.mark, call]))
    const seen = new Set<string>()
    for (const { mark, isExecuted, role } of sent.flat()) {
      assert.ok(!seen.has(mark), `${mark} was sent twice`)
      seen.add(mark)
      const call = answered.get(mark) ?? assert.fail(`${mark} was not asked for`)
      assert.equal(call.status === 200, isExecuted, show(call))
      if (isExecuted && !isMoving(call)) assert.equal(role, placeDuring(call), show(call))
    }
    assert.equal(seen.size, answered.size)
  })

  await t.test('at the end the active system has all that was written', async () => {
    for (const id of ids) {
      const at = places.get(id) ?? 'source'
      const { customer_info: info } = await direct(world, at, 'Customer/get_customer_info', { i_customer: id })
      assert.notEqual((info as Rows[0]).bill_status, 'E')
      if (markOf(id) !== '') assert.equal((info as Rows[0]).firstname, markOf(id))
      const { customer_info: copy } = await direct(world, otherSystem(at), 'Customer/get_customer_info', {
        i_customer: id
      })
      assert.equal((copy as Rows[0] | undefined)?.bill_status ?? 'E', 'E')
      const { account_list: accounts } = await direct(world, at, 'Account/get_account_list', {
        i_customer: id,
        limit: 1000
      })
      const added = (accounts as Rows).map((account) => String(account.id)).filter((text) => text.startsWith('mark-'))
      const told = done.filter((call) => call.kind === 'add_account' && call.id === id && call.status === 200)
      assert.deepEqual(added.sort(), told.map(({ mark }) => mark).sort())
    }
  })

  /** The lists of everybody that were answered. */
  const lists = done.flatMap((call) => {
    if (call.id !== null || call.status !== 200) return []
    return [{ call, rows: call.json.customer_list as { i_customer: number; bill_status: string }[] }]
  })

  await t.test('a list of everybody shows nobody twice, and all who stay where they are', () => {
    for (const { call, rows } of lists) {
      const shown = rows.map(({ i_customer: id }) => id)
      assert.deepEqual(
        shown,
        [...new Set(shown)].sort((a, b) => a - b)
      )
      if (call.kind === 'page') continue
      const staying = usable.filter((id) => !isMoving(call, id))
      assert.deepEqual(
        staying.filter((id) => !shown.includes(id)),
        []
      )
    }
  })

  await t.test('a list of everybody shows nobody as exported who is active', () => {
    for (const { call, rows } of lists) {
      const exported = rows.filter(({ bill_status, i_customer: id }) => bill_status === 'E' && !isMoving(call, id))
      assert.deepEqual(
        exported.map(({ i_customer: id }) => id),
        []
      )
    }
  })

  await t.test('words about those who move do not make the others be asked for again and again', () => {
    for (const count of lookups(world)) assert.ok(count < done.length / 2, `${count} lookups`)
  })

  t.diagnostic(`${summaryOf(done)}; ${lookups(world).join(' and ')} lookups`)
})

function summaryOf(done: readonly Done[]) {
  const counts = Map.groupBy(done, ({ kind, status }) => `${kind} ${status}`)
  return [...counts].map(([name, { length }]) => `${name}: ${length}`).join(', ')
}

/** The writes that reached a system, by their marks. */
async function writesOn({ journal, role }: Simulator) {
  // An entry is over once its connection has taken the answer.
  while (journal.count(({ status, aborted }) => status === null && !aborted) > 0) await new Promise(setImmediate)
  return journal.entries.flatMap(({ write, body, status, faultcode }) => {
    const mark = /mark-\d+/.exec(write ? body.toString() : '')?.[0]
    return mark === undefined ? [] : [{ mark, role, isExecuted: status === 200 && faultcode === null }]
  })
}

/** What a system itself says to its own admin. */
const tokens = new WeakMap<Simulator, string>()
async function direct(world: World, at: System, name: string, params: object) {
  const system = world[at]
  const url = system.urls.admin
  const token = tokens.get(system) ?? (await login(url, 'admin', system.users.admin())).accessToken
  tokens.set(system, token)
  return (await call(url, 'admin', name, params, { headers: bearer(token) })).json()
}
