/** Contract section 8, the write fence: nobody writes for a customer who is being moved, however the write is sent. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { suite, type TestContext, test } from 'node:test'
import type { RealmName } from '../../core/words.ts'
import type { Simulator } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { type Ask, ask, bearer, call, login, type Reply } from '../client.ts'
import { restarted } from '../dual.ts'
import { clearJournals, enter } from '../reached.ts'
import { until } from '../until.ts'

/** Every third of sixty customers has moved; account n is customer n's. */
const fenced = 1
const other = 2

const json = { 'content-type': 'application/json' }

const tell = ({ opsUrl }: Pick<World, 'opsUrl'>, word: unknown) =>
  ask(opsUrl, { path: '/migrations', headers: json, body: JSON.stringify(word) })
const start = async (world: Pick<World, 'opsUrl'>, iCustomer = fenced) => {
  const reply = await tell(world, { i_customer: iCustomer, state: 'started', to: 'target' })
  assert.equal(reply.status, 200, reply.text)
}
const moving = async ({ opsUrl }: Pick<World, 'opsUrl'>) =>
  (await ask(opsUrl, { method: 'GET', path: '/migrations' })).json() as {
    moving: { i_customer: number; to: string; since: string; until: string }[]
    counts: Record<string, number>
  }

const faultcode = 'Server.Dispatcher.migration_in_progress'

function assertFenced(reply: Reply, what = '') {
  assert.equal(reply.status, 503, `${what} ${reply.text}`)
  assert.ok(reply.text.includes(faultcode), `${what} ${reply.text}`)
  const after = Number(reply.headers['retry-after'])
  assert.ok(after >= 1 && after <= 5, `${what} ${after}`)
}

const writesOn = ({ journal }: Simulator) => journal.entries.filter(({ write }) => write).length
const noWrites = ({ source, target }: World) => assert.deepEqual([writesOn(source), writesOn(target)], [0, 0])

const multipart = (params: string) =>
  `--b0\r\nContent-Disposition: form-data; name="params"\r\n\r\n${params}\r\n--b0--\r\n`

const envelope = (method: string, inner: string) =>
  `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><${method}>${inner}</${method}></soap:Body></soap:Envelope>`

interface Form {
  readonly what: string
  of(id: number): Ask
}

const update = (id: number) => JSON.stringify({ customer_info: { i_customer: id, note: 'x' } })

/** A write for a customer in each form that there is. */
const forms: readonly Form[] = [
  {
    what: 'JSON',
    of: (id) => ({ path: '/rest/Customer/update_customer', headers: json, body: `{"params":${update(id)}}` })
  },
  {
    what: 'a form',
    of: (id) => ({
      path: '/rest/Customer/update_customer',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ params: update(id) }).toString()
    })
  },
  {
    what: 'multipart',
    of: (id) => ({
      path: '/rest/Customer/update_customer',
      headers: { 'content-type': 'multipart/form-data; boundary=b0' },
      body: multipart(update(id))
    })
  },
  { what: 'a URL path', of: (id) => ({ path: `/rest/Customer/update_customer/{}/${encodeURIComponent(update(id))}` }) },
  {
    what: 'JSON without a Content-Type',
    of: (id) => ({ path: '/rest/Customer/update_customer', body: `{"params":${update(id)}}` })
  },
  {
    what: 'a form without a Content-Type',
    of: (id) => ({
      path: '/rest/Customer/update_customer',
      body: new URLSearchParams({ params: update(id) }).toString()
    })
  },
  {
    what: 'SOAP',
    of: (id) => ({
      path: '/soap/Customer',
      headers: { 'content-type': 'text/xml; charset=utf-8' },
      body: envelope('update_customer', `<customer_info><i_customer>${id}</i_customer><note>x</note></customer_info>`)
    })
  },
  {
    what: 'an account',
    of: (id) => ({
      path: '/rest/Account/update_account',
      headers: json,
      body: JSON.stringify({ params: { account_info: { i_account: id } } })
    })
  },
  {
    what: 'an alias of an account',
    of: (id) => ({
      path: '/rest/Account/add_alias',
      headers: json,
      body: JSON.stringify({ params: { alias_info: { i_master_account: id, id: `9${id}` } } })
    })
  },
  {
    what: 'a setting of PortaSIP',
    of: (id) => ({
      path: '/portasip/rest/Voicemail/update_settings',
      headers: json,
      body: JSON.stringify({ params: { i_account: id, settings: { greeting: 'x' } } })
    })
  },
  {
    what: 'a call',
    of: (id) => ({
      path: '/callcontrol/CallControl/originate_call',
      headers: json,
      body: JSON.stringify({ params: { i_customer: id, to: '1' } })
    })
  }
]

const send = ({ url }: World, realm: RealmName, { headers, ...more }: Ask, token: string, host = hosts[realm]) =>
  ask(url, { ...more, headers: { host, ...bearer(token), ...headers } })

suite('a write for a customer who is being moved', async () => {
  for (const realm of ['admin', 'reseller', 'cc_staff'] as const) {
    test(`is refused in the ${realm} realm in each form, for the customer and its accounts alone`, async (t) => {
      const world = await startWorld(t)
      const { session } = await enter(world, realm)
      await start(world)
      clearJournals(world)
      for (const { what, of } of realm === 'admin' ? forms : forms.slice(0, 1)) {
        const reply = await send(world, realm, of(fenced), session.accessToken)
        assertFenced(reply, what)
        if (what === 'SOAP') assert.match(reply.text, /<faultcode>|Fault/)
      }
      const unreadable = { path: '/rest/Customer/update_customer', body: ' '.repeat(70_000) }
      assertFenced(await send(world, realm, unreadable, session.accessToken), 'it streams, and could be for anybody')
      noWrites(world)
      for (const { what, of } of realm === 'admin' ? forms : []) {
        const reply = await send(world, realm, of(other), session.accessToken)
        assert.ok(!reply.text.includes(faultcode), `${what} of another customer: ${reply.text}`)
      }
      assert.ok(realm !== 'admin' || writesOn(world.source) >= 6)
    })
  }

  test('is refused on a versioned host, and whatever context is asked for', async (t) => {
    const world = await startWorld(t)
    const { session } = await enter(world)
    await start(world)
    clearJournals(world)
    const [{ of }] = forms as [Form]
    for (const release of ['100', '115']) {
      const host = `www.${release}-admin.test`
      assertFenced(await send(world, 'admin', of(fenced), session.accessToken, host), host)
    }
    for (const context of ['source', 'target']) {
      const { headers, ...more } = of(fenced)
      const asked = { ...more, headers: { ...headers, 'x-dispatcher-context': context } }
      assertFenced(await send(world, 'admin', asked, session.accessToken), context)
    }
    noWrites(world)
  })

  test('reads go on, and so do creations and session steps', async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    await start(world)
    const reply = await admin.call('Customer/get_customer_info', { i_customer: fenced })
    assert.deepEqual([reply.status, reply.headers['x-dispatched-to']], [200, 'source'])
    const soap = await admin.send(
      '/soap/Customer',
      {},
      {
        headers: { 'content-type': 'text/xml' },
        body: envelope('get_customer_info', `<i_customer>${fenced}</i_customer>`)
      }
    )
    assert.equal(soap.status, 200, soap.text)
    const created = await admin.call('Customer/add_customer', { customer_info: { name: 'new', iso_4217: 'EUR' } })
    assert.equal(created.status, 200, created.text)
    const again = await login(world.url, 'admin', world.target.users.admin())
    assert.equal(again.reply.status, 200)
  })

  test('is refused to GraphQL with the faultcode', async (t) => {
    const world = await startWorld(t)
    const { session } = await enter(world)
    await start(world)
    clearJournals(world)
    const query = (text: string) =>
      send(
        world,
        'admin',
        { path: '/graphql', headers: json, body: JSON.stringify({ query: text }) },
        session.accessToken
      )
    for (const text of [
      `mutation { updateCustomer(iCustomer: ${fenced}, input: { note: "x" }) { iCustomer } }`,
      `mutation { updateAccount(iAccount: ${fenced}, input: { lastname: "x" }) { iAccount } }`
    ]) {
      const { errors } = (await query(text)).json() as { errors?: { extensions: { faultcode: string } }[] }
      assert.equal(errors?.[0]?.extensions.faultcode, faultcode, JSON.stringify(errors))
    }
    noWrites(world)
    const free = await query(`mutation { updateCustomer(iCustomer: ${other}, input: { note: "x" }) { iCustomer } }`)
    assert.equal(free.json().errors, undefined, free.text)
  })
})

/** Whose customer has not moved, and the customer's number. */
async function sessionOf(world: World, realm: 'customer' | 'account') {
  const { source, url } = world
  const session = await login(
    url,
    realm,
    realm === 'customer' ? source.users.firstActiveCustomer() : source.users.firstActiveAccount()
  )
  assert.equal(session.reply.headers['x-dispatched-to'], 'source', session.reply.text)
  const name = realm === 'customer' ? 'Customer/get_customer_info' : 'Account/get_account_info'
  const info = (await call(url, realm, name, {}, { headers: bearer(session.accessToken) })).json()
  const record = info[`${realm}_info`] as { i_customer: number }
  return { session, iCustomer: record.i_customer }
}

suite("a session's own write", async () => {
  for (const realm of ['customer', 'account'] as const) {
    test(`is refused in the ${realm} realm while its owner is moved, and nobody else's`, async (t) => {
      const world = await startWorld(t)
      const { session, iCustomer } = await sessionOf(world, realm)
      await start(world, iCustomer)
      clearJournals(world)
      const name = realm === 'customer' ? 'Customer/update_customer' : 'Account/update_account'
      const params = { [`${realm}_info`]: { note: 'x' } }
      const ways: readonly [string, Ask][] = [
        ['a bearer', { path: `/rest/${name}`, headers: json, body: JSON.stringify({ params }) }],
        ['plain REST', { method: 'POST', path: '/espf/v1/subscriptions', headers: json, body: '{"x":1}' }],
        ['plain REST, deleting', { method: 'DELETE', path: '/espf/v1/subscriptions/1' }],
        ['a page', { path: '/profile', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' }],
        [
          'SOAP',
          {
            path: `/soap/${name}`,
            headers: { 'content-type': 'text/xml' },
            body: envelope(name.split('/')[1] ?? '', '')
          }
        ]
      ]
      for (const [what, way] of ways) assertFenced(await send(world, realm, way, session.accessToken), what)
      const inBody = JSON.stringify({ auth_info: { session_id: session.sessionId }, params })
      assertFenced(
        await ask(world.url, { path: `/rest/${name}`, headers: { host: hosts[realm], ...json }, body: inBody })
      )
      const cookie = `session_id=${session.sessionId}; pb_dispatch=authorized-by-remote`
      const page = await ask(world.url, {
        path: '/profile',
        headers: { host: hosts[realm], cookie, accept: 'text/html' },
        body: 'a=1'
      })
      assertFenced(page, 'a page by its cookies')
      assert.match(String(page.headers['content-type']), /^text\/html/)
      noWrites(world)
      const versioned = `www.100-${realm}.test`
      assertFenced(await send(world, realm, (ways[0] as [string, Ask])[1], session.accessToken, versioned), versioned)
      const read = await send(
        world,
        realm,
        {
          path: `/rest/${realm === 'customer' ? 'Customer/get_customer' : 'Account/get_account'}_info`,
          headers: json,
          body: '{"params":{}}'
        },
        session.accessToken
      )
      assert.equal(read.status, 200)
      await tell(world, { i_customer: iCustomer, state: 'failed' })
      await start(world, iCustomer === 5 ? 7 : 5)
      const free = await send(world, realm, (ways[0] as [string, Ask])[1], session.accessToken)
      assert.ok(!free.text.includes(faultcode), free.text)
      assert.equal(writesOn(world.source), 1)
    })
  }

  test("is refused for whoever else's session it shows", async (t) => {
    const world = await startWorld(t)
    const [mine, theirs] = await Promise.all(
      world.source.users.activeCustomers(2).map((user) => login(world.url, 'customer', user))
    )
    assert.ok(mine && theirs)
    const info = await call(
      world.url,
      'customer',
      'Customer/get_customer_info',
      {},
      { headers: bearer(theirs.accessToken) }
    )
    const { i_customer: iCustomer } = info.json().customer_info as { i_customer: number }
    await start(world, iCustomer)
    clearJournals(world)
    const write = (headers: Record<string, string>) =>
      call(world.url, 'customer', 'Customer/update_customer', { customer_info: {} }, { headers })
    const own = bearer(mine.accessToken)
    assertFenced(await write({ ...own, cookie: `session_id=${theirs.sessionId}; pb_dispatch=authorized-by-remote` }))
    noWrites(world)
    assert.equal((await write(own)).status, 200)
  })

  test('is refused also where only an answer tells that the session lives on the other system', async (t) => {
    const world = await startWorld(t)
    const { accessToken } = await login(world.url, 'customer', world.target.users.firstActiveCustomer())
    const info = await call(world.url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(accessToken) })
    const { i_customer: iCustomer } = info.json().customer_info as { i_customer: number }
    const late = await restarted(t, world)
    const stale = { cookie: `access_token=${accessToken}; pb_dispatch=authorized-by-remote` }
    const write = () =>
      call(late.url, 'customer', 'Customer/update_customer', { customer_info: {} }, { headers: stale })
    assert.equal((await tell(late, { i_customer: iCustomer, state: 'started', to: 'source' })).status, 200)
    assertFenced(await write())
    assert.equal(writesOn(world.target), 0, 'the source has refused it')
    await tell(late, { i_customer: iCustomer, state: 'failed' })
    const free = await write()
    assert.deepEqual([free.status, free.headers['x-dispatched-to']], [200, 'target'])
  })

  test('whose owner its system does not tell is refused as the system does', async (t) => {
    const world = await startWorld(t)
    const { session } = await sessionOf(world, 'customer')
    await start(world, 5)
    world.source.faults.add({
      match: { method: 'get_customer_info' },
      fault: { kind: 'status', status: 503, body: 'x' }
    })
    const write = () =>
      call(
        world.url,
        'customer',
        'Customer/update_customer',
        { customer_info: {} },
        { headers: bearer(session.accessToken) }
      )
    const reply = await write()
    assert.deepEqual([reply.status, reply.json().faultcode], [503, 'Server.Dispatcher.system_unavailable'])
    world.source.faults.clear()
    world.source.faults.add({
      match: { method: 'get_customer_info' },
      fault: { kind: 'fault', faultcode: 'Server.Odd' }
    })
    assertFenced(await write(), 'it could be anybody')
    world.source.faults.clear()
    assert.equal((await write()).status, 200)
  })
})

suite('the answer to started', async () => {
  const slow = (system: Simulator, ms: number) =>
    system.faults.add({ match: { method: 'update_customer' }, fault: { kind: 'delay', ms }, times: 1 })
  const params = (id: number) => ({ customer_info: { i_customer: id, note: 'slow' } })
  const isUnderWay = ({ source }: World) =>
    until(() => source.journal.entries.some(({ method, status }) => method === 'update_customer' && status === null))

  async function prepare(t: TestContext, overrides = {}) {
    const world = await startWorld(t, overrides)
    const admin = await enter(world)
    await admin.call('Customer/get_customer_info', { i_customer: fenced })
    return { world, admin }
  }

  test('comes once the writes of before have been answered, and no write passes it', async (t) => {
    const { world, admin } = await prepare(t)
    slow(world.source, 400)
    let isAnswered = false
    const writing = admin.call('Customer/update_customer', params(fenced)).then((reply) => {
      isAnswered = true
      return reply
    })
    await isUnderWay(world)
    const starting = start(world)
    await until(() => world.app.writeFence.isUp)
    assertFenced(await admin.call('Customer/update_customer', params(fenced)))
    assert.ok(!isAnswered, 'refused at once')
    await starting
    assert.ok(isAnswered || (await writing).status === 200)
    assert.equal((await writing).status, 200)
  })

  test('waits for the write of a client that has left', async (t) => {
    const { world, admin } = await prepare(t)
    slow(world.source, 400)
    const left = new AbortController()
    const client = request(`${world.url}/rest/Customer/update_customer`, {
      method: 'POST',
      signal: left.signal,
      headers: { host: hosts.admin, ...json, ...admin.headers }
    })
    client.on('error', () => {})
    client.end(JSON.stringify({ params: params(fenced) }))
    await isUnderWay(world)
    left.abort()
    await start(world)
    const [entry] = world.source.journal.of('Customer/update_customer')
    assert.deepEqual([entry?.status, entry?.faultcode], [200, null], 'it was let finish')
  })

  test('does not wait for a slow write of another', async (t) => {
    const { world, admin } = await prepare(t)
    slow(world.source, 1500)
    const writing = admin.call('Customer/update_customer', params(other))
    await isUnderWay(world)
    const begun = performance.now()
    await start(world)
    assert.ok(performance.now() - begun < 1400)
    world.source.faults.clear()
    assert.equal((await writing).status, 200)
  })

  test('says so when it takes too long: the fence stands, and telling it again waits again', async (t) => {
    const { world, admin } = await prepare(t, { plugins: { 'write-fence': { patience: 100 } } })
    slow(world.source, 1500)
    const writing = admin.call('Customer/update_customer', params(fenced))
    await isUnderWay(world)
    const word = { i_customer: fenced, state: 'started', to: 'target' }
    const late = await tell(world, word)
    assert.deepEqual([late.status, late.json().faultcode], [504, 'Server.Dispatcher.fence_unsettled'])
    assertFenced(await admin.call('Customer/update_customer', params(fenced)))
    assert.equal((await writing).status, 200)
    assert.equal((await tell(world, word)).status, 200)
    const { moving: all } = await moving(world)
    assert.deepEqual(
      all.map(({ i_customer, to }) => [i_customer, to]),
      [[fenced, 'target']]
    )
  })
})

suite('a fence', async () => {
  const write = (admin: Awaited<ReturnType<typeof enter>>, id = fenced) =>
    admin.call('Customer/update_customer', { customer_info: { i_customer: id, note: 'x' } })

  test('comes down by finished: everything goes to the new system; by failed: back', async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    await start(world)
    world.target.importCustomer(world.source.exportCustomer(fenced))
    assertFenced(await write(admin))
    const looked = world.source.journal.count('Customer/get_customer_info')
    assert.equal((await tell(world, { i_customer: fenced, state: 'finished' })).status, 200)
    const moved = await write(admin)
    assert.deepEqual([moved.status, moved.headers['x-dispatched-to']], [200, 'target'])
    assert.equal(world.source.journal.count('Customer/get_customer_info'), looked, 'the word is believed')

    await start(world, other)
    await tell(world, { i_customer: other, state: 'failed' })
    const stays = await write(admin, other)
    assert.deepEqual([stays.status, stays.headers['x-dispatched-to']], [200, 'source'])
    const { moving: all, counts } = await moving(world)
    assert.deepEqual(all, [])
    assert.deepEqual(counts, { raised: 2, finished: 1, failed: 1, expired: 0, refused: 1 })
  })

  test('that ends while it is still looked where a write goes refuses that write', async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    await start(world)
    world.source.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 300 }, times: 1 })
    const writing = write(admin)
    await until(() => world.source.journal.count('Customer/get_customer_info') === 1)
    world.target.importCustomer(world.source.exportCustomer(fenced))
    await tell(world, { i_customer: fenced, state: 'finished' })
    const refused = await writing
    assertFenced(refused, 'it may have been decided by where the customer was')
    assert.equal(refused.headers['retry-after'], '1')
    const again = await write(admin)
    assert.deepEqual([again.status, again.headers['x-dispatched-to']], [200, 'target'])
  })

  test('that is told again is the same one, extended, and goes where was said last', async (t) => {
    const world = await startWorld(t)
    const admin = await enter(world)
    const told = async (word: object) => {
      const reply = await tell(world, { i_customer: fenced, ...word })
      assert.equal(reply.status, 200, reply.text)
      return world.app.writeFence.get(fenced)
    }
    const first = await told({ state: 'started' })
    assert.equal(first?.to, null)
    await until(() => Date.now() > (first?.since ?? 0))
    const second = await told({ state: 'started', to: 'source' })
    assert.deepEqual([second?.to, second?.since], ['source', first?.since])
    assert.ok((second?.until ?? 0) > (first?.until ?? 0))
    assert.equal((await told({ state: 'started' }))?.to, 'source')
    assert.equal((await told({ state: 'started', to: 'target' }))?.to, 'target')
    await told({ state: 'failed' })

    // Nobody has said where it goes: away from the source, as they all do.
    await told({ state: 'started' })
    world.target.importCustomer(world.source.exportCustomer(fenced))
    await told({ state: 'finished' })
    clearJournals(world)
    const moved = await write(admin)
    assert.deepEqual([moved.status, moved.headers['x-dispatched-to']], [200, 'target'])
    assert.equal(world.source.journal.count('Customer/get_customer_info'), 0, 'it is believed')
    // Nor has anybody told a start here: it may have been moved back, so the systems are asked.
    world.source.importCustomer(world.target.exportCustomer(fenced))
    await told({ state: 'finished' })
    const back = await write(admin)
    assert.deepEqual([back.status, back.headers['x-dispatched-to']], [200, 'source'])
  })

  test('that nobody ends expires, with one warning, and places are looked up anew', async (t) => {
    const world = await startWorld(t, { plugins: { 'write-fence': { expiry: 150 } } })
    const admin = await enter(world)
    const told: unknown[] = []
    world.app.entityLocation.onMoved(({ iCustomer, state, by }) => told.push([iCustomer, state, by]))
    const words = [fenced, other].map((id) => ({ i_customer: id, state: 'started', to: 'target' }))
    assert.deepEqual((await tell(world, words)).json(), { success: 1, count: 2 })
    assertFenced(await write(admin))
    await until(() => !world.app.writeFence.isUp)
    await until(() => told.length === 4)
    assert.deepEqual(told, [
      [1, 'started', 'told'],
      [2, 'started', 'told'],
      [1, 'failed', 'expired'],
      [2, 'failed', 'expired']
    ])
    const warned = world.lines.filter(({ msg }) => msg.startsWith('fences have expired'))
    assert.deepEqual(
      warned.map(({ level, customers, count }) => [level, customers, count]),
      [[40, [1, 2], 2]]
    )
    assert.equal(world.app.writeFence.counts.expired, 2)
    assert.equal((await write(admin)).status, 200)
    const known = await world.app.entityLocation.known({ kind: 'customer', keys: { i_customer: other } })
    assert.deepEqual([known.at, known.how], [null, 'unknown'])
  })

  test('of many is told in an array or in lines, and nothing of it where a line is wrong', async (t) => {
    const world = await startWorld(t)
    const lines = (body: string) =>
      ask(world.opsUrl, { path: '/migrations', headers: { 'content-type': 'application/x-ndjson' }, body })
    const line = (id: number, state = 'started') => JSON.stringify({ i_customer: id, state, to: 'target' })
    const wrong: readonly [Promise<Reply>, RegExp][] = [
      [lines(`${line(1)}\n\n${line(2, 'begun')}\n`), /line 3.*state/],
      [lines(`${line(1)}\n{`), /line 2 is not JSON/],
      [lines(`${line(1)}\n${line(1, 'failed')}`), /line 1 and line 2: state/],
      [lines('\n\n'), /names no customer/],
      [tell(world, [{ i_customer: 1, state: 'started' }, { state: 'started' }]), /\[1\].*i_customer/],
      [tell(world, [{ i_customer: 1, state: 'started', to: 'there' }]), /\[0\].*to/],
      [tell(world, []), /names no customer/]
    ]
    for (const [replying, why] of wrong) {
      const reply = await replying
      assert.equal(reply.status, 400, reply.text)
      assert.match(reply.text, why)
    }
    assert.equal(world.app.writeFence.isUp, false)
    const many = Array.from({ length: 10_000 }, (_, at) => line(at + 1)).join('\n')
    const begun = process.cpuUsage()
    assert.deepEqual((await lines(many)).json(), { success: 1, count: 10_000 })
    assert.equal(world.app.writeFence.list().length, 10_000)
    assert.deepEqual((await lines(many.replaceAll('started', 'finished'))).json(), { success: 1, count: 10_000 })
    const { user, system } = process.cpuUsage(begun)
    assert.ok(user + system < 4_000_000, `${(user + system) / 1000} ms for both`)
    assert.equal(world.app.writeFence.isUp, false)
  })
})
