import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import pino from 'pino'
import { Fault } from '../../core/faults.ts'
import type { Reference } from '../../core/references.ts'
import type { Credential, RealmName, System } from '../../core/words.ts'
import entityLocation, { type Locator } from '../../plugins/entity-location/index.ts'
import store from '../../plugins/store/index.ts'
import upstreams from '../../plugins/upstreams/index.ts'
import { moveCustomer, type Simulator, startSimulator } from '../../simulator/index.ts'
import { secret, testConfig } from '../build.ts'
import { login, type User } from '../client.ts'

const customer = (number: number): Reference => ({ kind: 'customer', keys: { i_customer: number } })
const account = (number: number): Reference => ({ kind: 'account', keys: { i_account: number } })
const customerInfo = 'Customer/get_customer_info'
const accountInfo = 'Account/get_account_info'

/** Two systems and the plugin before them: every third of sixty customers has moved, account n is customer n's. */
async function start(t: TestContext, { ttl = 60_000 } = {}) {
  const [source, target] = await Promise.all([
    startSimulator({ customers: 60, release: 'MR100', role: 'source' }),
    startSimulator({ customers: 60, release: 'MR115', role: 'target' })
  ])
  const systems: Record<System, Simulator> = { source, target }
  let log = ''
  const loggerInstance = pino({ level: 'trace' }, { write: (line) => (log += line) })
  const app = Fastify({ loggerInstance })
  t.after(async () => {
    await app.close()
    await Promise.all([source.close(), target.close()])
  })
  await app.register(store)
  await app.register(upstreams, { systems: testConfig({ source: source.urls, target: target.urls }).systems })
  await app.register(entityLocation, { ttl, secret, restPrefix: '/rest' })

  /** Somebody who has logged in on both systems. */
  async function comes(
    realm: RealmName,
    userOf: (system: Simulator) => User,
    kind: Credential['kind'] = 'access_token'
  ) {
    const sessions = await Promise.all(
      [source, target].map((system) => login(system.urls[realm], realm, userOf(system)))
    )
    const [onSource, onTarget] = sessions.map(({ reply, accessToken, sessionId }): Credential => {
      assert.equal(reply.status, 200, reply.text)
      return { kind, value: kind === 'access_token' ? accessToken : sessionId }
    })
    assert.ok(onSource !== undefined && onTarget !== undefined)
    const credentials = { source: onSource, target: onTarget }
    const locator: Locator = {
      realm,
      client: { addresses: '192.0.2.1', proto: 'http', host: 'www.admin.test' },
      session: onTarget.value,
      credentialOn: (system) => credentials[system]
    }
    return locator
  }
  const admin = () => comes('admin', (system) => system.users.admin())

  /** How many questions each system has had. */
  function questions(call?: string): number[] {
    const asked = (system: Simulator) =>
      system.journal.count(({ service, method }) => {
        const name = `${service}/${method}`
        return call === undefined ? name === customerInfo || name === accountInfo : name === call
      })
    return [asked(source), asked(target)]
  }
  function clear() {
    source.journal.clear()
    target.journal.clear()
  }
  /** The system's answer to the next question is there, though perhaps not sent. */
  const answered = (system: Simulator) =>
    system.journal.next(({ method, status }) => (method ?? '').endsWith('_info') && status !== null)

  async function remembered(): Promise<Record<string, string>> {
    const all: Record<string, string> = {}
    for await (const [key, value] of app.store('locations').entries()) all[key] = value
    return all
  }
  const { locate, forget, forgetReferences, forgetAll } = app.entityLocation
  return {
    ...{ app, source, target, systems, comes, admin, questions, clear, answered, remembered, log: () => log },
    ...{ locate, forget, forgetReferences, forgetAll, isRemembered: app.entityLocation.remembered }
  }
}

type World = Awaited<ReturnType<typeof start>>

const malformed = (error: unknown) => error instanceof Fault && error.fault === 'malformed_request'
const ambiguous = (error: unknown) => error instanceof Fault && error.fault === 'ambiguous_entity'
const unavailable = (error: unknown) => error instanceof Fault && error.fault === 'system_unavailable'

test('an entity is where it is active', async (t) => {
  const { locate, admin } = await start(t)
  const locator = await admin()
  const rows: readonly (readonly [what: string, reference: Reference, at: System | null])[] = [
    ['a customer who has not moved', customer(1), 'source'],
    ['one who has', customer(3), 'target'],
    ['one who was closed before', customer(22), 'source'],
    ['nobody', customer(999), null],
    ['an account', account(2), 'source'],
    ['one that has moved', account(6), 'target'],
    ['one that was closed', account(14), 'source'],
    ['no account', account(999), null]
  ]
  for (const [what, reference, at] of rows) assert.equal(await locate([reference], locator), at, what)
  assert.equal(await locate([], locator), null)
})

test('each system is asked once, in the name of the session, by token or by session id', async (t) => {
  const { locate, comes, systems, questions, clear } = await start(t)
  const { source, target } = systems
  const withToken = await comes('admin', (system) => system.users.admin())
  assert.equal(await locate([account(1)], withToken), 'source')
  assert.deepEqual(questions(), [1, 1])
  for (const system of ['source', 'target'] as const) {
    const [entry] = systems[system].journal.of(accountInfo)
    const headers = new Map(
      entry?.rawHeaders.flatMap((name, at, all) => (at % 2 ? [] : [[name.toLowerCase(), all[at + 1]]]))
    )
    assert.equal(headers.get('authorization'), `Bearer ${withToken.credentialOn(system)?.value}`)
    assert.equal(headers.get('x-forwarded-for'), '192.0.2.1')
    assert.equal(headers.get('content-type'), 'application/json')
    assert.deepEqual(JSON.parse(String(entry?.body)), { params: { i_account: 1 } })
  }
  clear()
  const withId = await comes('admin', (system) => system.users.admin(), 'session_id')
  assert.equal(await locate([customer(3)], withId), 'target')
  const body = JSON.parse(String(target.journal.of(customerInfo)[0]?.body))
  assert.deepEqual(body, { auth_info: { session_id: withId.credentialOn('target')?.value }, params: { i_customer: 3 } })
  assert.equal(source.journal.of(customerInfo)[0]?.rawHeaders.includes('Authorization'), false)
})

test("an entity that is active on both systems is nobody's to guess", async (t) => {
  const { locate, admin, source, target, remembered } = await start(t)
  const bundle = target.exportCustomer(3)
  target.importCustomer(bundle)
  source.importCustomer(bundle)
  const locator = await admin()
  await assert.rejects(locate([customer(3)], locator), ambiguous)
  await assert.rejects(locate([account(3)], locator), ambiguous)
  await assert.rejects(locate([account(3), customer(3)], locator), ambiguous)
  assert.deepEqual(await remembered(), {})
})

for (const sessions of [1, 5]) {
  test(`500 calls of ${sessions} sessions at once over 50 customers are 50 questions`, async (t) => {
    const { locate, admin, questions } = await start(t)
    const locators = await Promise.all(Array.from({ length: sessions }, admin))
    const places = await Promise.all(
      Array.from({ length: 500 }, (_, at) =>
        locate([customer((at % 50) + 1)], locators[Math.floor(at / 50) % sessions] as Locator)
      )
    )
    for (const [at, place] of places.entries()) assert.equal(place, ((at % 50) + 1) % 3 === 0 ? 'target' : 'source')
    assert.deepEqual(questions(), [50, 50])
  })
}

test('what is nowhere is asked once by a session at a time, and not remembered', async (t) => {
  const { locate, admin, questions, remembered } = await start(t)
  const locators = await Promise.all([admin(), admin()])
  const places = await Promise.all(
    Array.from({ length: 100 }, (_, at) => locate([customer(999)], locators[at % 2] as Locator))
  )
  assert.deepEqual(new Set(places), new Set([null]))
  assert.deepEqual(questions(), [2, 2])
  assert.deepEqual(await remembered(), {})
})

test('a place is remembered for the ttl', async (t) => {
  const { locate, admin, questions, isRemembered } = await start(t, { ttl: 400 })
  const locator = await admin()
  assert.equal(await isRemembered([customer(1)]), undefined)
  await locate([customer(1)], locator)
  assert.equal(await locate([customer(1)], locator), 'source')
  assert.equal(await isRemembered([customer(1)]), 'source')
  assert.deepEqual(questions(), [1, 1])
  while ((await isRemembered([customer(1)])) !== undefined) await delay(10)
  await locate([customer(1)], locator)
  assert.deepEqual(questions(), [2, 2])
})

test('a ttl of 0 remembers nothing, and shares questions all the same', async (t) => {
  const { locate, admin, questions, remembered, isRemembered } = await start(t, { ttl: 0 })
  const locator = await admin()
  await Promise.all([locate([account(1)], locator), locate([account(1)], locator)])
  assert.deepEqual(questions(), [1, 1])
  await locate([account(1)], locator)
  assert.deepEqual(questions(), [2, 2])
  assert.deepEqual(await remembered(), {})
  assert.equal(await isRemembered([account(1)]), undefined)
})

test('an account makes its customer known, and a word about the customer forgets its accounts', async (t) => {
  const { locate, forget, admin, source, target, questions, clear, remembered } = await start(t)
  const locator = await admin()
  assert.equal(await locate([account(1)], locator), 'source')
  assert.equal(await locate([account(61)], locator), 'source')
  assert.equal(await locate([customer(1)], locator), 'source')
  assert.deepEqual(await remembered(), { 'account:1': '1', 'account:61': '1', 'customer:1': 'source' })
  assert.deepEqual(
    [questions(accountInfo), questions(customerInfo)],
    [
      [2, 2],
      [0, 0]
    ]
  )

  clear()
  await moveCustomer(1, source, target)
  await forget({ iCustomer: 1 })
  assert.equal(await locate([account(61)], locator), 'target')
  assert.equal(await locate([account(1)], locator), 'target')
  assert.deepEqual(
    [questions(accountInfo), questions(customerInfo)],
    [
      [0, 0],
      [1, 1]
    ]
  )
})

test('a word about an account forgets its customer', async (t) => {
  const { locate, forget, admin, source, target } = await start(t)
  const locator = await admin()
  await locate([account(1), customer(1)], locator)
  await moveCustomer(1, source, target)
  assert.equal(await locate([customer(1)], locator), 'source', 'still remembered')
  await forget({ iAccount: 1 })
  assert.equal(await locate([customer(1)], locator), 'target')
  assert.equal(await locate([account(1)], locator), 'target')
})

test('words come in any order and more than once, of a move back too', async (t) => {
  const { locate, forget, admin, source, target } = await start(t)
  const locator = await admin()
  const references = [account(3), customer(3)]
  for (const [from, to, place] of [
    [target, source, 'source'],
    [source, target, 'target']
  ] as const) {
    await locate(references, locator)
    await moveCustomer(3, from, to)
    await Promise.all([forget({ iAccount: 3 }), forget({ iCustomer: 3 }), forget({ iAccount: 63 })])
    await forget({ iCustomer: 3, iAccount: 3 })
    await forget({})
    assert.equal(await locate(references, locator), place)
  }
})

test('an answer that says that an entity is not there forgets as a word does', async (t) => {
  const { locate, forgetReferences, admin, source, target, isRemembered } = await start(t)
  const locator = await admin()
  const byName: Reference = { kind: 'customer', keys: { login: 'customer-1' } }
  for (const reference of [customer(1), account(1), byName]) {
    const from = (await locate([reference], locator)) === 'source' ? source : target
    await moveCustomer(1, from, from === source ? target : source)
    await forgetReferences([reference])
    assert.equal(await isRemembered([customer(1)]), undefined)
    assert.equal(await locate([reference], locator), from === source ? 'target' : 'source')
  }
})

test('everything is forgotten at one word', async (t) => {
  const { locate, forgetAll, admin, remembered } = await start(t)
  const locator = await admin()
  await locate([account(1), customer(1)], locator)
  await forgetAll()
  assert.deepEqual(await remembered(), {})
})

const words: readonly (readonly [what: string, say: (world: World) => Promise<void>])[] = [
  ['about the customer', ({ forget }) => forget({ iCustomer: 1 })],
  ['about an account', ({ forget }) => forget({ iAccount: 1 })],
  ['by an answer', ({ forgetReferences }) => forgetReferences([account(1)])],
  ['about everything', ({ forgetAll }) => forgetAll()]
]
for (const [what, say] of words) {
  test(`a word ${what} during a question: it is asked once more, and joined by nobody`, async (t) => {
    const world = await start(t)
    const { locate, admin, source, target, questions, answered, isRemembered } = world
    const locator = await admin()
    target.faults.add({ match: { method: 'get_account_info' }, fault: { kind: 'delay', ms: 500 }, times: 1 })
    const onSource = answered(source)
    const onTarget = target.journal.next(({ method, bodyBytes }) => method === 'get_account_info' && bodyBytes > 0)
    const before = locate([account(1)], locator)
    await Promise.all([onSource, onTarget])
    await moveCustomer(1, source, target)
    await say(world)
    assert.equal(await locate([account(1)], locator), 'target', 'a question of its own')
    assert.equal(await before, 'target', 'the fresh place')
    assert.deepEqual(questions(), [3, 3])
    assert.equal(await isRemembered([account(1)]), 'target')
  })
}

test('a stale answer is not remembered, though a second word disturbs its repetition', async (t) => {
  const { locate, forget, admin, source, target, questions, answered, remembered } = await start(t)
  const locator = await admin()
  target.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 200 }, times: 2 })
  const place = locate([customer(1)], locator)
  for (const _ of [1, 2]) {
    await answered(source)
    await forget({ iCustomer: 1 })
  }
  assert.equal(await place, 'source')
  assert.deepEqual(questions(), [2, 2])
  assert.deepEqual(await remembered(), {})
})

test('a word about somebody else disturbs no question: a batch of moves must not undo all that is found', async (t) => {
  const { locate, forget, admin, source, target, questions, answered, isRemembered } = await start(t)
  const locator = await admin()
  target.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 200 }, times: 1 })
  const place = locate([customer(1)], locator)
  await answered(source)
  await forget({ iCustomer: 5, iAccount: 7 })
  assert.equal(await locate([customer(1)], locator), 'source', 'joins')
  assert.equal(await place, 'source')
  assert.deepEqual(questions(), [1, 1])
  assert.equal(await isRemembered([customer(1)]), 'source')
})

test('a reseller\'s "not visible" is not the admin\'s', async (t) => {
  const { locate, admin, comes, questions, clear, remembered } = await start(t)
  const [ofAdmin, ofReseller] = await Promise.all([admin(), comes('reseller', (system) => system.users.reseller())])
  assert.equal(await locate([customer(1)], ofReseller), null)
  assert.deepEqual(await remembered(), {})
  clear()

  const places = [ofReseller, ofAdmin, ofAdmin, ofReseller].map((locator) => locate([customer(1)], locator))
  assert.deepEqual(await Promise.all(places), [null, 'source', 'source', null])
  assert.deepEqual(questions(), [2, 2])
  assert.equal(await locate([customer(9)], ofReseller), 'target', 'one of its own')
})

test('a system that is down: what the other has active is known, the rest is perhaps there', async (t) => {
  const { locate, admin, source, target, remembered } = await start(t)
  const locator = await admin()
  await source.stop()
  assert.equal(await locate([customer(3)], locator), 'target')
  assert.equal(await locate([customer(1)], locator), 'source', 'its own fault will tell')
  assert.deepEqual(await remembered(), { 'customer:3': 'target' })
  await target.stop()
  await assert.rejects(locate([customer(1)], locator), unavailable, 'no guess')
  assert.equal(await locate([customer(1), customer(3)], locator), 'target', 'as far as is remembered')
  await source.start()
  assert.equal(await locate([customer(1)], locator), 'source')
  assert.deepEqual(await remembered(), { 'customer:3': 'target', 'customer:1': 'source' })
})

test('a system without an answer to read is one that cannot tell', async (t) => {
  const { locate, admin, source, target } = await start(t)
  const locator = await admin()
  const match = { method: 'get_customer_info' }
  for (const fault of [
    { kind: 'reset', at: 'before-headers' },
    { kind: 'garbage' },
    { kind: 'half' },
    { kind: 'status', status: 503 }
  ] as const) {
    target.faults.add({ match, fault })
    assert.equal(await locate([customer(999)], locator), 'target', fault.kind)
    assert.equal(await locate([customer(3)], locator), 'target', fault.kind)
  }
  source.faults.add({ match, fault: { kind: 'fault', faultcode: 'pb_delta.connection_failed' } })
  await assert.rejects(
    locate([customer(997)], locator),
    unavailable,
    'the one has said nothing, the other nothing of use'
  )
  target.faults.clear()
  assert.equal(await locate([customer(998)], locator), 'source')
})

test('a session without a credential on a system has nobody asked there', async (t) => {
  const { locate, admin, questions } = await start(t)
  const locator = await admin()
  const onTarget: Locator = {
    ...locator,
    credentialOn: (system) => (system === 'target' ? locator.credentialOn(system) : null)
  }
  assert.equal(await locate([customer(3)], onTarget), 'target')
  assert.equal(await locate([customer(1)], onTarget), 'source')
  assert.deepEqual(questions(), [0, 2])
})

test('a credential that HTTP cannot carry finds nothing, and spoils nothing', async (t) => {
  const { locate, admin, questions } = await start(t)
  const odd: Locator = {
    ...(await admin()),
    session: 'odd',
    credentialOn: () => ({ kind: 'access_token', value: 'a\nb' })
  }
  assert.equal(await locate([customer(1)], odd), null)
  assert.deepEqual(questions(), [0, 0])
})

test('entities of one call: one place, or a malformed request', async (t) => {
  const { locate, isRemembered, admin, source } = await start(t)
  const locator = await admin()
  assert.equal(await isRemembered([]), undefined)
  assert.equal(await locate([account(1), customer(1)], locator), 'source')
  assert.equal(await locate([account(3), customer(6)], locator), 'target')
  assert.equal(await isRemembered([account(1), customer(1)]), 'source')
  assert.equal(await isRemembered([account(1), customer(999)]), undefined)
  await assert.rejects(locate([account(1), customer(3)], locator), malformed)
  await assert.rejects(isRemembered([account(1), customer(3)]), malformed)
  assert.equal(await locate([account(999), customer(3)], locator), 'target')
  assert.equal(await locate([account(1), customer(999)], locator), 'source')
  await source.stop()
  assert.equal(
    await locate([account(999), customer(3)], locator),
    'target',
    'perhaps on the source is no contradiction'
  )
})

test('natural keys find, are remembered by their customer, and forgotten with it', async (t) => {
  const { locate, forget, admin, source, target, questions, clear, isRemembered } = await start(t)
  const locator = await admin()
  const keys = { login: 'customer-3', name: source.users.customer(3)?.name ?? '' }
  const byName: Reference = { kind: 'customer', keys }
  const otherwise: Reference = { kind: 'customer', keys: { name: keys.name, login: keys.login } }
  const byId: Reference = { kind: 'account', keys: { id: source.users.account(3)?.id ?? '' } }
  assert.equal(await locate([byName], locator), 'target')
  assert.equal(await isRemembered([customer(3)]), 'target')
  assert.equal(await locate([byId], locator), 'target')
  assert.deepEqual(questions(), [2, 2])
  assert.equal(await locate([otherwise], locator), 'target')
  assert.equal(await isRemembered([byId]), 'target')
  assert.deepEqual(questions(), [2, 2])

  clear()
  await moveCustomer(3, target, source)
  await forget({ iCustomer: 3 })
  assert.deepEqual(await Promise.all([byName, byId, account(3)].map((reference) => locate([reference], locator))), [
    'source',
    'source',
    'source'
  ])
  assert.deepEqual(
    [questions(customerInfo), questions(accountInfo)],
    [
      [1, 1],
      [1, 1]
    ]
  )
  assert.equal(await locate([{ kind: 'account', keys: { login: 'nobody' } }], locator), null)
})

test('a closed account does not tell where its customer is, and is found by its customer from then on', async (t) => {
  const { locate, admin, questions, clear, remembered } = await start(t)
  const locator = await admin()
  assert.equal(await locate([account(14)], locator), 'source')
  assert.deepEqual(await remembered(), { 'account:14': '14' })
  clear()
  for (const _ of [1, 2]) assert.equal(await locate([account(14)], locator), 'source')
  assert.deepEqual(
    [questions(customerInfo), questions(accountInfo)],
    [
      [1, 1],
      [0, 0]
    ]
  )
})

test('an account of nobody known is remembered by itself', async (t) => {
  const { locate, forget, admin, source, remembered } = await start(t)
  const locator = await admin()
  const body = JSON.stringify({ account_info: { i_account: 1, bill_status: 'O' } })
  source.faults.add({ match: { method: 'get_account_info' }, fault: { kind: 'status', status: 200, body } })
  assert.equal(await locate([account(1)], locator), 'source')
  assert.deepEqual(await remembered(), { 'account:1': 'source' })
  await forget({ iAccount: 1 })
  assert.deepEqual(await remembered(), {})
  assert.equal(await locate([{ kind: 'account', keys: { id: 'x' } }], locator), 'source')
  assert.deepEqual(await remembered(), {}, 'no word could forget it')
})

test('a customer whom the session may not see: its account is asked for', async (t) => {
  const { locate, forget, admin, systems, questions, clear } = await start(t)
  const locator = await admin()
  await locate([account(1)], locator)
  for (const system of Object.values(systems)) {
    const fault = { kind: 'fault', faultcode: 'Server.Customer.get_customer_info.access_denied' } as const
    system.faults.add({ match: { method: 'get_customer_info' }, fault })
  }
  clear()
  await forget({ iCustomer: 1 })
  assert.equal(await locate([account(1)], locator), 'source')
  assert.deepEqual(
    [questions(customerInfo), questions(accountInfo)],
    [
      [1, 1],
      [1, 1]
    ]
  )
})

test("neither the store's keys nor the log tell a secret or a name", async (t) => {
  const { locate, admin, source, remembered, log } = await start(t)
  const locator = await admin()
  const { name = '', login: loginName = '' } = source.users.customer(1) ?? {}
  const { id = '' } = source.users.account(1) ?? {}
  await locate([{ kind: 'customer', keys: { name, login: loginName } }], locator)
  await locate([{ kind: 'account', keys: { id } }], locator)
  await locate([account(2), customer(2)], locator)
  const stored = Object.entries(await remembered())
  assert.equal(stored.length, 5)
  for (const [key, value] of stored) {
    assert.match(key, /^(customer:\d+|account:\d+|natural:[\w-]{43})$/)
    assert.match(value, /^(source|target|\d+)$/)
  }
  const credentials = (['source', 'target'] as const).map((system) => locator.credentialOn(system)?.value ?? '')
  assert.match(log(), /asked both systems for an entity/)
  for (const text of [name, loginName, id, ...credentials]) {
    assert.ok(text.length > 3)
    assert.ok(!(log() + JSON.stringify(stored)).includes(text), text)
  }
})
