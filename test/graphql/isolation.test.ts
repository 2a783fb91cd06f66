/** Two users of the GraphQL view never share anything: not a loader, not a cache entry, not a credential; and no log tells. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { type RealmName, type System, systemNames } from '../../core/words.ts'
import type { JournalEntry } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { ask, bearer, login, type Session, type User } from '../client.ts'
import {
  clearJournals,
  everyNameOn,
  type SystemSession,
  seenBy,
  sessionsOn,
  startClock,
  startUnlikeWorld
} from '../dual.ts'
import { customers, mergedWhole } from '../lists.ts'
import { post, type Result, type Sent } from './client.ts'

/** Among so many there are several resellers, who have different customers. */
const size = { customers: 250 }

interface Person {
  readonly name: string
  readonly realm: RealmName
  readonly user: User
  readonly session: Session
  /** What each system calls the session. */
  readonly own: Readonly<Record<System, SystemSession>>
  /** The names of all customers that the systems themselves show to this user, in order, by number. */
  readonly visible: ReadonlyMap<number, string>
}

const onlyNew = (before: readonly SystemSession[], now: readonly SystemSession[]): SystemSession => {
  const [session, ...others] = now.filter((one) => !before.includes(one))
  assert.ok(session !== undefined && others.length === 0)
  return session
}

async function enter(world: World, name: string, realm: RealmName, user: User): Promise<Person> {
  const rows = await mergedWhole(
    world,
    { ...customers, order: { by: 'name', direction: 'asc' } },
    { source: { skip_exported: 1 } },
    [realm, user]
  )
  const before = { source: sessionsOn(world.source), target: sessionsOn(world.target) }
  const session = await login(world.url, realm, user)
  assert.equal(session.reply.headers['x-dispatched-to'], 'source,target', session.reply.text)
  const own = {
    source: onlyNew(before.source, sessionsOn(world.source)),
    target: onlyNew(before.target, sessionsOn(world.target))
  }
  return { name, realm, user, session, own, visible: new Map(rows.map(({ id, fields }) => [id, String(fields.name)])) }
}

async function enterAll(world: World): Promise<readonly Person[]> {
  const { users } = world.target
  const people: readonly (readonly [name: string, realm: RealmName, user: User])[] = [
    ['an admin', 'admin', users.admin()],
    ['the same admin once more', 'admin', users.admin()],
    ['a reseller', 'reseller', users.reseller(0)],
    ['another reseller', 'reseller', users.reseller(1)],
    ['a third one', 'reseller', users.reseller(2)],
    ['staff', 'cc_staff', users.ccStaff()]
  ]
  const entered: Person[] = []
  for (const [name, realm, user] of people) entered.push(await enter(world, name, realm, user))
  return entered
}

/** Some of each reseller, the resellers themselves, and of nobody; some have moved and some have not. */
const looked = [1, 3, 9, 10, 49, 110, 210]
const entities = looked.map(
  (number) => `c${number}: customer(iCustomer: ${number}) { iCustomer name accounts(first: 1) { nodes { iCustomer } } }`
)

const listQuery = `query List($first: Int, $after: String) {
  session { login }
  customers(first: $first, after: $after, orderBy: { field: NAME }) {
    nodes { iCustomer name accounts(first: 2) { nodes { iCustomer } } invoices(first: 1) { nodes { raw } } }
    pageInfo { endCursor }
    totalCount
  }
}`
const entityQuery = `{ session { login } ${entities.join(' ')} }`

interface Owned {
  readonly iCustomer: number
  readonly name: string
  readonly accounts: { readonly nodes: readonly { readonly iCustomer: number }[] }
  readonly invoices?: { readonly nodes: readonly { readonly raw: { readonly i_customer: number } }[] }
}

interface Listed {
  readonly session: { readonly login: string }
  readonly customers: {
    readonly nodes: readonly Owned[]
    readonly pageInfo: { readonly endCursor: string }
    readonly totalCount: number
  }
}

function assertOwned({ name, visible }: Person, customer: Owned) {
  const { iCustomer, accounts, invoices } = customer
  assert.equal(customer.name, visible.get(iCustomer), `${name}, customer ${iCustomer}`)
  for (const account of accounts.nodes) assert.equal(account.iCustomer, iCustomer)
  for (const { raw } of invoices?.nodes ?? []) assert.equal(raw.i_customer, iCustomer)
}

function assertList(person: Person, { data, errors }: Result<Listed>, first: number, from = 0) {
  assert.deepEqual([errors, data.session.login], [undefined, person.user.login], person.name)
  const expected = [...person.visible.keys()].slice(from, from + first)
  assert.deepEqual(
    data.customers.nodes.map(({ iCustomer }) => iCustomer),
    expected,
    person.name
  )
  assert.equal(data.customers.totalCount, person.visible.size)
  for (const customer of data.customers.nodes) assertOwned(person, customer)
}

function assertEntities(person: Person, { data, errors }: Result<Record<string, Owned | null>>) {
  assert.equal(errors, undefined, person.name)
  for (const number of looked) {
    const customer = data[`c${number}`]
    assert.equal(customer !== null, person.visible.has(number), `${person.name}, customer ${number}`)
    if (customer) assertOwned(person, customer)
  }
}

/** Each request brings a trace of its own, which every call that is made for it carries to the systems. */
function createTraces() {
  const askers = new Map<string, Person>()
  return {
    begin(person: Person): Record<string, string> {
      const id = randomBytes(16).toString('hex')
      askers.set(id, person)
      return { traceparent: `00-${id}-${randomBytes(8).toString('hex')}-01` }
    },
    askerOf: (entry: JournalEntry): Person | undefined =>
      askers.get(headerOf(entry, 'traceparent')?.split('-')[1] ?? '')
  }
}

function headerOf({ rawHeaders }: JournalEntry, wanted: string): string | undefined {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === wanted)
  return at === -1 ? undefined : rawHeaders[at + 1]
}

/** All that an entry shows to prove a session. */
function shownBy(entry: JournalEntry): string[] {
  const { auth_info: inBody = {}, params = {} } = JSON.parse(entry.body.toString())
  const { access_token: token, session_id: id, refresh_token: refresh } = { ...params, ...inBody }
  const inHeader = headerOf(entry, 'authorization')?.replace(/^Bearer /, '')
  return [inHeader, headerOf(entry, 'cookie'), token, id, refresh].filter((value) => value !== undefined)
}

/** Each call that arrived showed exactly the credential that its own session has on that system. */
function assertCredentials(world: World, people: readonly Person[], { askerOf }: ReturnType<typeof createTraces>) {
  const askers = new Set<Person>()
  for (const system of systemNames) {
    assert.ok(world[system].journal.count() > 0)
    for (const entry of world[system].journal.entries) {
      const person = askerOf(entry)
      assert.ok(person !== undefined, `${entry.url} is asked for somebody`)
      askers.add(person)
      const { id, refreshToken, tokens } = person.own[system]
      const mine = new Set([id, refreshToken, ...tokens])
      const shown = shownBy(entry)
      assert.ok(shown.length > 0, entry.url)
      for (const credential of shown) assert.ok(mine.has(credential), `${person.name} on the ${system}: ${entry.url}`)
      assert.equal(entry.realm, person.realm)
    }
    const other = world[system === 'source' ? 'target' : 'source']
    const seen = seenBy(world[system])
    for (const name of everyNameOn(other)) assert.ok(!seen.includes(name))
  }
  assert.equal(askers.size, people.length)
}

suite('users who ask the same at the same time', async () => {
  /** Whatever one person asks at once; each checks its own answer. */
  function asksOf(
    world: World,
    person: Person,
    headers: () => Record<string, string>
  ): readonly (() => Promise<void>)[] {
    const send = async (sent: Sent | readonly Sent[]) => {
      const { realm, session } = person
      const reply = await post(world.url, sent, { token: session.accessToken, realm, headers: headers() })
      assert.equal(reply.status, 200)
      return JSON.parse(reply.text)
    }
    const list = (first: number, after: string | null = null) => ({ query: listQuery, variables: { first, after } })
    return [
      async () => assertList(person, await send(list(8)), 8),
      async () => {
        const first: Result<Listed> = await send(list(1))
        assertList(person, await send(list(4, first.data.customers.pageInfo.endCursor)), 4, 1)
      },
      async () => assertEntities(person, await send({ query: entityQuery })),
      async () => {
        const [a, b, c] = await send([list(3), { query: entityQuery }, list(2)])
        assertList(person, a, 3)
        assertEntities(person, b)
        assertList(person, c, 2)
      }
    ]
  }

  /** All at once, in an order that puts neighbours of different people together, round after round. */
  async function askAll(world: World, people: readonly Person[], rounds: number) {
    const traces = createTraces()
    const asks = people.map((person) => asksOf(world, person, () => traces.begin(person)))
    for (let round = 0; round < rounds; round++) {
      const kinds = asks[0]?.length ?? 0
      await Promise.all(
        Array.from({ length: kinds * people.length }, (_, at) => asks[at % people.length]?.[(at + round) % kinds]?.())
      )
    }
    return traces
  }

  test('see what is theirs, and each call is made with their own credential', async (t) => {
    // Nothing is remembered for long, so that people meet at the same questions.
    const world = await startWorld(t, { plugins: { 'entity-location': { ttl: 20 } } }, size)
    const people = await enterAll(world)
    assert.equal(new Set(people.map(({ visible }) => visible.size)).size, 4, 'each reseller sees something else')
    clearJournals(world)
    assertCredentials(world, people, await askAll(world, people, 3))
  })

  test("have their own halves renewed, each by its own session's refresh token", async (t) => {
    const simulator = size
    const world = await startUnlikeWorld(t, {
      source: { simulator: { ...simulator, tokenLifetimeSeconds: 60 } },
      target: { simulator }
    })
    const pass = startClock(t)
    const people = await enterAll(world)
    pass(61)
    clearJournals(world)
    assertCredentials(world, people, await askAll(world, people, 1))
    assert.equal(world.source.journal.count('Session/refresh_access_token'), people.length)
  })

  test("gain nothing by another's cursor", async (t) => {
    const world = await startWorld(t, {}, size)
    const people = await enterAll(world)
    const cursors = await Promise.all(
      people.map(async ({ realm, session }) => {
        const sent = { query: listQuery, variables: { first: 2 } }
        const reply = await post(world.url, sent, { token: session.accessToken, realm })
        const { data } = JSON.parse(reply.text) as Result<Listed>
        return { after: data.customers.pageInfo.endCursor, last: data.customers.nodes.at(-1)?.name ?? '' }
      })
    )
    const isBehind = (name: string, last: string) => name.toLowerCase() > last.toLowerCase()
    for (const person of people) {
      for (const { after, last } of cursors) {
        const sent = { query: listQuery, variables: { first: 5, after } }
        const reply = await post(world.url, sent, { token: person.session.accessToken, realm: person.realm })
        const { data } = JSON.parse(reply.text) as Result<Listed>
        const behind = [...person.visible].filter(([, name]) => isBehind(name, last)).slice(0, 5)
        assert.deepEqual(
          data.customers.nodes.map(({ iCustomer }) => iCustomer),
          behind.map(([number]) => number)
        )
      }
    }
  })

  test("cannot write what is another's", async (t) => {
    const world = await startWorld(t, {}, size)
    const people = await enterAll(world)
    const [admin, , one, other] = people
    assert.ok(admin && one && other)
    const run = async ({ realm, session }: Person, query: string) =>
      JSON.parse((await post(world.url, { query }, { token: session.accessToken, realm })).text) as Result<unknown>
    for (const [iCustomer] of one.visible) {
      // Whoever may see it has had it looked up: where it is, is known.
      await run(admin, `{ customer(iCustomer: ${iCustomer}) { name } }`)
      const note = `mutation { updateCustomer(iCustomer: ${iCustomer}, input: { note: "other" }) { iCustomer } }`
      const { data, errors } = await run(other, note)
      assert.equal(data, null)
      assert.equal(errors?.[0]?.extensions?.faultcode, 'Server.Customer.not_found')
      const read = await run(one, `{ customer(iCustomer: ${iCustomer}) { iCustomer raw } }`)
      assert.partialDeepStrictEqual(read.data, { customer: { iCustomer } })
      assert.doesNotMatch(JSON.stringify(read.data), /"note":"other"/)
    }
  })
})

test('no credential, no password and nothing of a cursor is in any log line', async (t) => {
  const world = await startWorld(t, {}, size)
  const [person] = await enterAll(world)
  assert.ok(person)
  const { session, user } = person
  const secret = 'hunter2-given-by-the-client'
  const run = (sent: Sent | string, headers: Record<string, string> = {}) =>
    post(world.url, sent, { token: session.accessToken, headers })
  const list = '{ customers(first: 2, orderBy: { field: NAME }) { nodes { name } pageInfo { endCursor } } }'
  const { data } = JSON.parse((await run({ query: list })).text) as Result<Listed>
  const after = data.customers.pageInfo.endCursor
  const next = `query Next($after: String) { customers(first: 2, after: $after, orderBy: { field: NAME }) { nodes { name } } }`
  const variables = JSON.stringify({ after })

  // What is sent well, badly and in the wrong place.
  await run({ query: next, variables: { after } })
  const query = new URLSearchParams({ query: next, variables }).toString()
  await ask(world.url, {
    method: 'GET',
    path: `/graphql?${query}`,
    headers: { host: hosts.admin, ...bearer(session.accessToken) }
  })
  await ask(world.url, { method: 'GET', path: `/graphql?query={&token=${secret}`, headers: { host: hosts.admin } })
  await run({ query: next, variables: { after: `${after}x` } })
  const write = (field: string) =>
    `mutation { updateCustomer(iCustomer: 1, input: { ${field}: "${secret}" }) { name } }`
  for (const field of ['password', 'nobody', 'iParent', 'creditLimit']) await run({ query: write(field) })
  await run({
    query: 'mutation M($input: CustomerInput!) { updateCustomer(iCustomer: 1, input: $input) { name } }',
    variables: { input: { password: [secret] } }
  })
  await run(`{"query":"{","password":"${secret}"`)
  await run({ query: `{ ${secret.replaceAll('-', '_')} }` })
  await run({ query: '{ session { login } }', operationName: secret })
  await post(world.url, { query: '{ session { login } }' }, { token: `${secret}.${secret}.${secret}` })
  await run({ query: '{ session { login } }' }, { cookie: `session_id=${secret}` })

  // Systems that fail in every way while credentials are on their way.
  for (const fault of [
    { kind: 'reset', at: 'before-headers' },
    { kind: 'garbage' },
    { kind: 'half' },
    { kind: 'status', status: 200, body: '{"customer_list":[{"i_customer":"x"}],"total":1}' },
    { kind: 'fault', faultcode: 'Client.Session.check_auth.failed_to_process_access_token' }
  ] as const) {
    for (const system of systemNames) world[system].faults.add({ match: { service: 'Customer' }, fault })
    await run({ query: next, variables: { after } })
    await run({ query: '{ customers(system: TARGET) { nodes { iCustomer } } }' })
    await run({ query: write('password') })
    for (const system of systemNames) world[system].faults.clear()
  }
  await Promise.all([world.source.stop(), world.target.stop()])
  await run({ query: next, variables: { after } })
  await world.stop()

  const lines = world.lines.filter(({ msg }) => msg === 'request' || msg.startsWith('a GraphQL'))
  assert.ok(lines.length > 20)
  assert.ok(
    lines.some(({ level }) => level === 50),
    'a mistake of ours was among it'
  )
  const text = world.logText()
  const decoded = Buffer.from(after, 'base64url').toString()
  const [, shownName = ''] = /"([^"]+ \d+)"/.exec(decoded) ?? []
  assert.ok(shownName.length > 3)
  const secrets = [
    secret,
    'hunter2',
    after,
    decoded,
    user.password,
    shownName,
    ...systemNames.flatMap((system) => everyNameOn(world[system]))
  ]
  assert.ok(secrets.length > 20)
  for (const one of secrets) assert.ok(!text.includes(one), `${one} is in the log`)
})
