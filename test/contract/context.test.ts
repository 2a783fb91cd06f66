/** Contract section 4: a session's context pins its later calls to one system, a request's header pins that request. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { otherSystem, type RealmName, type System, systemNames } from '../../core/words.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { type Ask, ask, bearer, call, login, type Reply, type Session } from '../client.ts'
import {
  assertFrom,
  clearJournals,
  customerInfo,
  dualRealms,
  endAllOn,
  moved,
  namesOf,
  openPair,
  restarted,
  staffOf,
  startClock,
  unmoved
} from '../dual.ts'

const host = hosts.admin
const json = 'application/json'
const malformed = 'Client.Dispatcher.malformed_request'
const answered = '{"success":1}'

const setContext = (url: string, context: unknown, shown: Parameters<typeof call>[4], realm: RealmName = 'admin') =>
  call(url, realm, 'Session/set_session_context', { context }, shown)
const add = (url: string, headers: Record<string, string>, realm: RealmName = 'admin') =>
  call(
    url,
    realm,
    'Customer/add_customer',
    { customer_info: { name: `new ${Math.random()}`, iso_4217: 'USD' } },
    { headers }
  )
const list = (url: string, headers: Record<string, string>, realm: RealmName = 'admin') =>
  call(url, realm, 'Customer/get_customer_list', { limit: 3, get_total: 1 }, { headers })

function assertGood(reply: Reply, to: string, what = '') {
  assert.equal(reply.status, 200, `${what} ${reply.text}`)
  assertFrom(reply, to, what)
}

/** Asserts where creations and lists go now. */
async function assertPinned(
  { url }: Pick<World, 'url'>,
  headers: Record<string, string>,
  to: System | 'auto',
  realm: RealmName = 'admin'
) {
  assertGood(await add(url, headers, realm), to === 'auto' ? 'target' : to, 'a creation')
  assertGood(await list(url, headers, realm), to === 'auto' ? 'source,target' : to, 'a list')
  const located = realm === 'reseller' ? unmoved : 1
  const info = await customerInfo(url, realm, located, { ...headers, host: hosts[realm] })
  assertFrom(info, to === 'auto' ? 'source' : to, 'a located call')
}

suite('set_session_context', async () => {
  for (const realm of dualRealms) {
    test(`${realm}: creations, lists and located calls go to that system alone, until it is auto`, async (t) => {
      const world = await startWorld(t)
      const { session } = await openPair(world, realm)
      const headers = bearer(session.accessToken)
      await assertPinned(world, headers, 'auto', realm)
      for (const context of ['source', 'target', 'auto', 'source', 'auto'] as const) {
        clearJournals(world)
        const set = await setContext(world.url, context, { headers }, realm)
        assert.equal(set.status, 200)
        assert.equal(set.text, answered)
        assert.match(String(set.headers['content-type']), /^application\/json/)
        assert.equal(world.source.journal.count() + world.target.journal.count(), 0, 'the systems are not asked')
        await assertPinned(world, headers, context, realm)
        if (context !== 'auto') assert.equal(world[otherSystem(context)].journal.count(), 0)
      }
    })
  }

  test('a list of one system alone is its own answer, byte for byte', async (t) => {
    const world = await startWorld(t)
    const { session, onSource, onTarget } = await openPair(world)
    for (const [context, names] of [
      ['source', onSource],
      ['target', onTarget]
    ] as const) {
      await setContext(world.url, context, { headers: bearer(session.accessToken) })
      const through = await list(world.url, bearer(session.accessToken))
      const direct = await list(world[context].urls.admin, bearer(names.access_token))
      assert.equal(through.text, direct.text)
    }
  })

  const forms: readonly [name: string, make: (session: Session, context: string) => Ask][] = [
    [
      'JSON, session id',
      ({ sessionId }, context) => ({
        headers: { 'content-type': json },
        body: JSON.stringify({ auth_info: { session_id: sessionId }, params: { context } })
      })
    ],
    [
      'JSON, its parameters',
      ({ accessToken }, context) => ({
        headers: { 'content-type': json },
        body: JSON.stringify({ params: { access_token: accessToken, context } })
      })
    ],
    [
      'JSON, cookies, a trailing slash',
      (session, context) => ({
        path: '/rest/Session/set_session_context/',
        headers: {
          'content-type': json,
          cookie: `access_token=${session.accessToken}; session_id=${session.sessionId}`
        },
        body: `{"params":{"context":"${context}"}}`
      })
    ],
    [
      'a form',
      ({ accessToken }, context) => ({
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          auth_info: JSON.stringify({ access_token: accessToken }),
          params: JSON.stringify({ context })
        }).toString()
      })
    ],
    [
      'multipart',
      ({ accessToken }, context) => ({
        headers: { 'content-type': 'multipart/form-data; boundary=b', ...bearer(accessToken) },
        body: `--b\r\nContent-Disposition: form-data; name="params"\r\n\r\n{"context":"${context}"}\r\n--b--\r\n`
      })
    ],
    [
      'the URL path',
      ({ sessionId }, context) => ({
        path: `/rest/Session/set_session_context/${encodeURIComponent(`{"session_id":"${sessionId}"}`)}/${encodeURIComponent(`{"context":"${context}"}`)}`
      })
    ],
    [
      'the raw URL path',
      ({ accessToken }, context) => ({
        path: `/rest/Session/set_session_context//{"context":"${context}"}`,
        headers: bearer(accessToken)
      })
    ]
  ]
  for (const [name, make] of forms) {
    test(`in every form: ${name}; it counts for every credential of the session`, async (t) => {
      const world = await startWorld(t)
      const { session } = await openPair(world)
      for (const context of ['source', 'target', 'auto'] as const) {
        clearJournals(world)
        const { headers, ...made } = make(session, context)
        const set = await ask(world.url, {
          path: '/rest/Session/set_session_context',
          ...made,
          headers: { host, ...headers }
        })
        assert.equal(set.text, answered, context)
        assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
        const { access_token: token, session_id: id } = namesOf(session)
        const to = context === 'auto' ? 'source,target' : context
        assertGood(await list(world.url, bearer(token)), to)
        assertGood(await list(world.url, { cookie: `session_id=${id}` }), to)
        const byId = await call(world.url, 'admin', 'Customer/get_customer_list', {}, { authInfo: { session_id: id } })
        assertGood(byId, to)
      }
    })
  }

  const bad: readonly [name: string, params: object][] = [
    ['nothing', {}],
    ['null', { context: null }],
    ['a number', { context: 1 }],
    ['"Source"', { context: 'Source' }],
    ['""', { context: '' }],
    ['"both"', { context: 'both' }],
    ['a list', { context: ['source'] }]
  ]
  test('to what is no context is refused, and changes nothing', async (t) => {
    const world = await startWorld(t)
    const headers = bearer((await openPair(world)).session.accessToken)
    await setContext(world.url, 'source', { headers })
    clearJournals(world)
    for (const [name, params] of bad) {
      const set = await call(world.url, 'admin', 'Session/set_session_context', params, { headers })
      assert.equal(set.status, 400, name)
      assert.equal(set.json().faultcode, malformed, name)
    }
    assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
    await assertPinned(world, headers, 'source')
  })

  test('without a session is refused, even where a routing cookie says source', async (t) => {
    const { url, source, target } = await startWorld(t)
    for (const headers of [{}, { cookie: 'pb_dispatch=authorized-by-remote' }]) {
      const set = await setContext(url, 'source', { headers })
      assert.equal(set.status, 400)
      assert.equal(set.json().faultcode, malformed)
    }
    assert.equal(source.journal.count() + target.journal.count(), 0)
  })

  test('of a session that nobody knows gets the fault of the target', async (t) => {
    const { url, target } = await startWorld(t)
    const set = await setContext(url, 'source', { authInfo: { session_id: 'f'.repeat(32) } })
    assertFrom(set, 'target')
    assert.equal(set.json().faultcode, 'Server.Session.check_auth.auth_failed')
    assert.equal(target.journal.count('Session/set_session_context'), 1)
  })

  for (const realm of ['customer', 'account'] as const) {
    test(`${realm}: goes to the session's home like any call`, async (t) => {
      const { url, source } = await startWorld(t)
      const user = realm === 'customer' ? source.users.firstActiveCustomer() : source.users.firstActiveAccount()
      const { accessToken } = await login(url, realm, user)
      const set = await setContext(url, 'target', { headers: bearer(accessToken) }, realm)
      assertFrom(set, 'source')
      assert.equal(source.journal.count('Session/set_session_context'), 1)
      const headers = { ...bearer(accessToken), 'x-dispatcher-context': 'target' }
      assertGood(await call(url, realm, 'Generic/get_session_data', {}, { headers }), 'source')
    })
  }

  test('touches no other session of the same user', async (t) => {
    const world = await startWorld(t)
    const user = staffOf(world, 'admin')
    const [one, other] = [await login(world.url, 'admin', user), await login(world.url, 'admin', user)]
    await setContext(world.url, 'source', { headers: bearer(one.accessToken) })
    await assertPinned(world, bearer(other.accessToken), 'auto')
    await assertPinned(world, bearer(one.accessToken), 'source')
  })

  test('lasts over a refresh, and no longer than the session', async (t) => {
    const world = await startWorld(t)
    const pass = startClock(t)
    const { session } = await openPair(world)
    await setContext(world.url, 'source', { headers: bearer(session.accessToken) })
    pass(1)
    const refreshed = await call(world.url, 'admin', 'Session/refresh_access_token', {
      refresh_token: session.refreshToken
    })
    const headers = bearer(String(refreshed.json().access_token))
    await assertPinned(world, headers, 'source')
    await call(world.url, 'admin', 'Session/logout', {}, { headers })
    const anew = await login(world.url, 'admin', staffOf(world, 'admin'))
    await assertPinned(world, bearer(anew.accessToken), 'auto')
    assert.deepEqual(await Array.fromAsync(world.app.store('contexts').entries()), [])
  })

  test('lasts as long as the session is used, for days', async (t) => {
    const world = await startWorld(t)
    const pass = startClock(t)
    const { session } = await openPair(world)
    await setContext(world.url, 'source', { headers: bearer(session.accessToken) })
    const authInfo = { session_id: session.sessionId }
    const byId = () => call(world.url, 'admin', 'Customer/get_customer_list', {}, { authInfo })
    let { refreshToken } = session
    for (let day = 0; day < 10; day++) {
      pass(86_400)
      const refreshed = await call(world.url, 'admin', 'Session/refresh_access_token', { refresh_token: refreshToken })
      refreshToken = String(refreshed.json().refresh_token)
      assertGood(await list(world.url, bearer(String(refreshed.json().access_token))), 'source', `day ${day}`)
      assertGood(await byId(), 'source', `day ${day}`)
    }
  })
})

suite('a request that asks for a system by X-Dispatcher-Context', async () => {
  const wanted: readonly [session: System | 'auto', request: System | 'auto', to: System | 'auto'][] = [
    ['auto', 'source', 'source'],
    ['auto', 'target', 'target'],
    ['source', 'target', 'target'],
    ['target', 'source', 'source'],
    ['source', 'auto', 'auto'],
    ['target', 'auto', 'auto']
  ]
  test("gets it, whatever the session's context is, and for itself alone", async (t) => {
    const world = await startWorld(t)
    const headers = bearer((await openPair(world)).session.accessToken)
    for (const [session, request, to] of wanted) {
      await t.test(`${session}, then ${request}: ${to}`, async () => {
        await setContext(world.url, session, { headers })
        await assertPinned(world, { ...headers, 'x-dispatcher-context': request }, to)
        await assertPinned(world, headers, session)
      })
    }
  })

  for (const value of ['', 'Source', 'both', 'source, target', 'source ']) {
    const isTrimmed = value.trim() === 'source'
    test(`"${value}" ${isTrimmed ? 'is one' : 'is none, and reaches nobody'}`, async (t) => {
      const world = await startWorld(t)
      const headers = { ...bearer((await openPair(world)).session.accessToken), 'x-dispatcher-context': value }
      clearJournals(world)
      const reply = await add(world.url, headers)
      if (isTrimmed) return assertGood(reply, 'source')
      assert.equal(reply.status, 400)
      assert.equal(reply.json().faultcode, malformed)
      assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
    })
  }

  test('and has no session gets the fault of that system', async (t) => {
    const { url, source, target } = await startWorld(t)
    const reply = await add(url, { 'x-dispatcher-context': 'source' })
    assertFrom(reply, 'source')
    assert.equal(reply.json().faultcode, 'Client.check_auth.envelope_missed')
    assert.equal(source.journal.count() + target.journal.count(), 1)
  })
})

/** How a session comes to live on one system alone. */
const alone: readonly [
  name: string,
  home: System,
  open: (world: World) => Promise<{ url: string; session: Session }>
][] = [
  [
    'the source refused the login',
    'target',
    async (world) => {
      const fault = { kind: 'fault', faultcode: 'Server.Session.auth_failed' } as const
      const handle = world.source.faults.add({ match: { method: 'login' }, fault })
      const session = await login(world.url, 'admin', staffOf(world, 'admin'))
      handle.remove()
      return { url: world.url, session }
    }
  ],
  [
    'the target was down at the login',
    'source',
    async (world) => {
      await world.target.stop()
      const session = await login(world.url, 'admin', staffOf(world, 'admin'))
      await world.target.start()
      return { url: world.url, session }
    }
  ],
  [
    'the source has lost its half',
    'target',
    async (world) => {
      const { session } = await openPair(world)
      endAllOn(world.source)
      const headers = { ...bearer(session.accessToken), 'x-dispatcher-context': 'source' }
      assert.equal((await list(world.url, headers)).status, 500)
      return { url: world.url, session }
    }
  ]
]

suite('a session that lives on one system', async () => {
  for (const [name, home, open] of alone) {
    test(`${name}: the other's context is refused, and nothing is created anywhere else`, async (t) => {
      const world = await startWorld(t)
      const { url, session } = await open(world)
      const headers = bearer(session.accessToken)
      const other = otherSystem(home)
      clearJournals(world)
      const set = await setContext(url, other, { headers })
      assert.equal(set.status, 503, set.text)
      assert.equal(set.json().faultcode, 'Server.Dispatcher.system_unavailable')
      assert.match(String(set.json().faultstring), new RegExp(other))
      const created = await add(url, { ...headers, 'x-dispatcher-context': other })
      assert.equal(created.status, 503, created.text)
      assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
      assertGood(await add(url, headers), home)

      // Asked for by its name, a system's list is no part of a whole.
      assert.equal((await list(url, headers)).json().faultcode, 'Server.Dispatcher.partial_list')
      assert.equal((await setContext(url, home, { headers })).text, answered)
      for (const shown of [headers, { cookie: `session_id=${session.sessionId}` }]) {
        assertGood(await list(url, shown), home)
        assertGood(await add(url, shown), home)
      }
      const aside = await list(url, { ...headers, 'x-dispatcher-context': 'auto' })
      assert.equal(aside.json().faultcode, 'Server.Dispatcher.partial_list')
      const refreshed = await call(url, 'admin', 'Session/refresh_access_token', {
        refresh_token: session.refreshToken
      })
      assertGood(refreshed, home)
      assertGood(await list(url, bearer(String(refreshed.json().access_token))), home)
      const out = await call(url, 'admin', 'Session/logout', { session_id: session.sessionId })
      assertGood(out, home)
      assert.equal(world[other].journal.count(), 0)
    })
  }

  test('after a restart: its context can be set again', async (t) => {
    const world = await startWorld(t)
    const { session } = await openPair(world)
    const after = await restarted(t, world)
    const headers = bearer(session.accessToken)
    assert.equal((await setContext(after.url, 'source', { headers })).status, 503)
    assert.equal((await list(after.url, headers)).json().faultcode, 'Server.Dispatcher.partial_list')
    assert.equal((await setContext(after.url, 'target', { headers })).text, answered)
    assertGood(await list(after.url, headers), 'target')
    assertGood(await customerInfo(after.url, 'admin', moved, headers), 'target')
  })

  test('whose pinned half is lost: a creation never goes to the other system', async (t) => {
    const world = await startWorld(t)
    const { session } = await openPair(world)
    const headers = bearer(session.accessToken)
    await setContext(world.url, 'source', { headers })
    endAllOn(world.source)
    const told = await add(world.url, headers)
    assert.equal(told.json().faultcode, 'Server.Session.check_auth.auth_failed')
    assertFrom(told, 'source')
    clearJournals(world)
    const refused = await add(world.url, headers)
    assert.equal(refused.status, 503)
    assert.match(String(refused.json().faultstring), /source/)
    for (const system of systemNames) assert.equal(world[system].journal.count(), 0, system)
    assert.equal((await setContext(world.url, 'auto', { headers })).text, answered)
    assertGood(await add(world.url, headers), 'target')
  })
})
