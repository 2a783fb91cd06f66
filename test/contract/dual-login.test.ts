/** Contract section 4: logins of dual realms go to both systems at once. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type System, systemNames } from '../../core/words.ts'
import type { JournalEntry, SimulatedFault, Simulator } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { type Ask, ask, bearer, call, login, type Reply } from '../client.ts'
import {
  assertFrom,
  clearJournals,
  customerInfo,
  dualRealms,
  endAllOn,
  moved,
  namesOn,
  sessionsOn,
  staffOf,
  startUnlikeWorld,
  unmoved
} from '../dual.ts'
import { until } from '../until.ts'

const isLogin = ({ service, method }: JournalEntry) => service === 'Session' && method === 'login'
const cookieNamed = ({ headers }: Reply, name: string) =>
  headers['set-cookie']?.filter((line) => line.startsWith(`${name}=`)) ?? []
const oldCookie = { cookie: 'pb_dispatch=authorized-by-remote' }

suite('a login in a dual realm', async () => {
  for (const realm of dualRealms) {
    test(`${realm}: both systems get it at once, the client gets the target's session`, async (t) => {
      const world = await startWorld(t)
      const { url, source, target } = world
      for (const system of [source, target]) {
        system.faults.add({ match: { method: 'login' }, fault: { kind: 'delay', ms: 200 } })
      }
      const arrivals = Promise.all([source, target].map(({ journal }) => journal.next(isLogin)))
      const pending = login(url, realm, staffOf(world, realm), oldCookie)
      for (const { status } of await arrivals) assert.equal(status, null, 'both arrive before either answers')

      const { reply, accessToken, sessionId, refreshToken } = await pending
      assert.equal(reply.status, 200)
      assertFrom(reply, 'source,target')
      assert.equal(source.journal.count(), 1)
      assert.equal(target.journal.count(), 1)
      assert.equal(source.journal.entries[0]?.bodySha256, target.journal.entries[0]?.bodySha256)
      const names = { access_token: accessToken, session_id: sessionId, refresh_token: refreshToken }
      assert.deepEqual(names, namesOn(target))
      const cookies = reply.headers['set-cookie']?.map((line) => line.split(';', 1).join())
      assert.deepEqual(cookies, [`access_token=${accessToken}`, `session_id=${sessionId}`, 'pb_dispatch='])
      assert.match(cookieNamed(reply, 'pb_dispatch').join(), /Max-Age=0/)

      source.faults.clear()
      target.faults.clear()
      for (const [iCustomer, home] of [
        [unmoved, 'source'],
        [moved, 'target']
      ] as const) {
        const info = await customerInfo(url, realm, iCustomer, bearer(accessToken))
        assert.equal(info.status, 200, info.text)
        assertFrom(info, home)
      }
    })
  }

  test('without an old routing cookie sets none', async (t) => {
    const world = await startWorld(t)
    const { reply } = await login(world.url, 'admin', staffOf(world, 'admin'))
    assert.deepEqual(cookieNamed(reply, 'pb_dispatch'), [])
  })
})

const refused = (by: System): SimulatedFault => ({
  kind: 'status',
  status: 500,
  headers: { 'Content-Type': 'application/json' },
  body: `{"faultcode" : "Server.Session.auth_failed", "faultstring":"refused by the ${by}" }\n`
})
const ill =
  (status: number) =>
  (by: System): SimulatedFault => ({
    kind: 'status',
    status,
    headers: { 'Retry-After': '7' },
    body: `{"ill" : "the ${by}"}`
  })
const mustChange = (by: System): SimulatedFault => ({
  kind: 'fault',
  faultcode: 'Server.Session.alert_You_must_change_password',
  faultstring: `told by the ${by}`
})

/** How a system takes a login; it accepts where nothing is said. */
const ways: Readonly<Record<string, ((by: System) => SimulatedFault) | 'down' | 'accepts'>> = {
  accepts: 'accepts',
  refuses: refused,
  'must change': mustChange,
  'is down': 'down',
  'says 502': ill(502),
  'says 503': ill(503),
  'says 504': ill(504),
  hangs: () => ({ kind: 'hang' }),
  'answers garbage': () => ({ kind: 'garbage' }),
  resets: () => ({ kind: 'reset', at: 'before-headers' })
}

/** Makes a system take logins so; resolves to what undoes it. */
async function behave(system: Simulator, role: System, way: string): Promise<() => Promise<void>> {
  const fault = ways[way]
  if (fault === undefined) throw new Error(way)
  if (fault === 'down') {
    await system.stop()
    return () => system.start()
  }
  if (fault !== 'accepts') system.faults.add({ match: { method: 'login' }, fault: fault(role) })
  return async () => system.faults.clear()
}

/** Both systems with little patience, so that one that hangs is soon given up. */
const startImpatient = (t: TestContext) => {
  const config = { timeouts: { connect: 500, headers: 300 } }
  // One row after the other fails: a breaker would open.
  const overrides = { plugins: { 'circuit-breaker': false } }
  return startUnlikeWorld(t, { overrides, source: { config }, target: { config } })
}

const otherWays = Object.keys(ways).filter((way) => way !== 'accepts')

test('only one system accepts: the session lives on that one', async (t) => {
  const world = await startImpatient(t)
  const { url } = world
  for (const home of systemNames) {
    const other = home === 'source' ? 'target' : 'source'
    for (const way of otherWays) {
      await t.test(`the ${home} accepts, the ${other} ${way}`, async () => {
        const undo = await behave(world[other], other, way)
        const { reply, accessToken } = await login(url, 'admin', staffOf(world, 'admin'), oldCookie)
        assert.equal(reply.status, 200, reply.text)
        assertFrom(reply, home)
        const [cookie = ''] = cookieNamed(reply, 'pb_dispatch')
        const wanted = 'pb_dispatch=authorized-by-remote; Path=/; HttpOnly; SameSite=Lax'
        if (home === 'source') assert.equal(cookie, wanted)
        else assert.match(cookie, /^pb_dispatch=;.*Max-Age=0/)
        await undo()

        clearJournals(world)
        for (const iCustomer of [unmoved, moved]) {
          const info = await customerInfo(url, 'admin', iCustomer, bearer(accessToken))
          assertFrom(info, home)
        }
        assert.equal(world[other].journal.count(), 0, 'the other one is not asked for anything')
        const list = await call(url, 'admin', 'Customer/get_customer_list', {}, { headers: bearer(accessToken) })
        assert.equal(list.json().faultcode, 'Server.Dispatcher.partial_list')
        assert.match(String(list.json().faultstring), new RegExp(other))
        for (const system of systemNames) endAllOn(world[system])
      })
    }
  }
})

interface Refusal {
  readonly source: string
  readonly target: string
  readonly status: number
  /** What the answer says: a part of a system's own, or a fault of the gateway's. */
  readonly says: RegExp
}

const auth = 'Server.Session.auth_failed'
const refusals: readonly Refusal[] = [
  {
    source: 'refuses',
    target: 'refuses',
    status: 500,
    says: /^\{"faultcode" : "\S+", "faultstring":"refused by the target" \}\n$/
  },
  { source: 'must change', target: 'refuses', status: 500, says: /must_change.*told by the source/ },
  { source: 'refuses', target: 'must change', status: 500, says: /must_change.*told by the target/ },
  { source: 'must change', target: 'must change', status: 500, says: /must_change.*told by the target/ },
  { source: 'is down', target: 'must change', status: 500, says: /must_change.*told by the target/ },
  { source: 'is down', target: 'refuses', status: 503, says: /system_unavailable.*source/ },
  { source: 'says 502', target: 'refuses', status: 502, says: /^\{"ill" : "the source"\}$/ },
  { source: 'says 503', target: 'refuses', status: 503, says: /^\{"ill" : "the source"\}$/ },
  { source: 'says 504', target: 'refuses', status: 504, says: /^\{"ill" : "the source"\}$/ },
  { source: 'hangs', target: 'refuses', status: 504, says: /system_timeout.*source/ },
  { source: 'answers garbage', target: 'refuses', status: 502, says: /bad_gateway.*source/ },
  { source: 'refuses', target: 'is down', status: 503, says: /system_unavailable.*target/ },
  { source: 'refuses', target: 'says 503', status: 503, says: /^\{"ill" : "the target"\}$/ },
  { source: 'refuses', target: 'hangs', status: 504, says: /system_timeout.*target/ },
  { source: 'must change', target: 'is down', status: 500, says: /must_change.*told by the source/ },
  { source: 'says 503', target: 'says 503', status: 503, says: /^\{"ill" : "the target"\}$/ },
  { source: 'is down', target: 'is down', status: 503, says: /system_unavailable.*target/ }
]

test('nobody accepts', async (t) => {
  const world = await startImpatient(t)
  for (const { source, target, status, says } of refusals) {
    await t.test(`the source ${source}, the target ${target}: ${status} ${says.source}`, async () => {
      const undo = [await behave(world.source, 'source', source), await behave(world.target, 'target', target)]
      const { reply } = await login(world.url, 'admin', staffOf(world, 'admin'))
      assert.equal(reply.status, status, reply.text)
      assert.match(reply.text, says)
      if (source !== 'refuses' || target !== 'refuses') assert.ok(!reply.text.includes(auth), reply.text)
      if (reply.text.includes('ill')) assert.equal(reply.headers['retry-after'], '7')
      assert.deepEqual(cookieNamed(reply, 'pb_dispatch'), [])
      await Promise.all(undo.map((one) => one()))
      assert.deepEqual([...sessionsOn(world.source), ...sessionsOn(world.target)], [])
    })
  }
})

test('a wrong password is refused by both, each asked once', async (t) => {
  const world = await startWorld(t)
  const { reply } = await login(world.url, 'admin', { ...staffOf(world, 'admin'), password: 'wrong' })
  assert.equal(reply.json().faultcode, auth)
  for (const system of systemNames) assert.equal(world[system].journal.count('Session/login'), 1, system)
})

for (const [pinned, host] of [
  ['source', 'www.100-admin.test'],
  ['target', 'www.115-admin.test']
] as const) {
  test(`on the versioned host of the ${pinned} only that system is asked, and no cookie is needed`, async (t) => {
    const world = await startWorld(t)
    const { url } = world
    const { reply, accessToken } = await login(url, 'admin', staffOf(world, 'admin'), { host })
    assert.equal(reply.status, 200)
    assertFrom(reply, pinned)
    assert.deepEqual(cookieNamed(reply, 'pb_dispatch'), [])
    const info = await customerInfo(url, 'admin', pinned === 'source' ? moved : unmoved, {
      ...bearer(accessToken),
      host
    })
    assertFrom(info, pinned)
    assert.equal(world[pinned === 'source' ? 'target' : 'source'].journal.count(), 0)
  })
}

test('with login-forwarding off only the target is asked', async (t) => {
  const world = await startWorld(t, { plugins: { 'login-forwarding': false } })
  const { reply, accessToken } = await login(world.url, 'admin', staffOf(world, 'admin'))
  assertFrom(reply, 'target')
  assertFrom(await customerInfo(world.url, 'admin', unmoved, bearer(accessToken)), 'target')
  assert.equal(world.source.journal.count(), 0)
})

test('too many logins get 429, and then nobody is asked', async (t) => {
  const world = await startWorld(t, { plugins: { 'login-forwarding': { rateLimit: { max: 2, window: 60_000 } } } })
  const user = staffOf(world, 'admin')
  for (const status of [200, 200, 429]) assert.equal((await login(world.url, 'admin', user)).reply.status, status)
  for (const system of systemNames) assert.equal(world[system].journal.count('Session/login'), 2, system)
})

test('a browser that logs in anew: neither system is shown what the other one called the old session', async (t) => {
  const world = await startWorld(t)
  const { url, source, target } = world
  const user = staffOf(world, 'admin')
  for (const home of systemNames) {
    const other = home === 'source' ? target : source
    if (home === 'source') await other.stop()
    const old = await login(url, 'admin', user)
    if (home === 'source') await other.start()
    clearJournals(world)
    const cookie = `lang=en; access_token=${old.accessToken}; session_id=${old.sessionId}; pb_dispatch=x`
    const { reply } = await login(url, 'admin', user, { cookie, ...bearer(old.accessToken) })
    assertFrom(reply, 'source,target')
    const text = JSON.stringify(other.journal.entries[0]?.rawHeaders)
    assert.ok(text.includes('lang=en'))
    for (const name of [old.accessToken, old.sessionId]) assert.ok(!text.includes(name), `${home}: ${text}`)
    assert.ok(JSON.stringify(world[home].journal.entries[0]?.rawHeaders).includes(old.sessionId), home)
  }
})

suite('a system that hangs', { concurrency: true }, async () => {
  const isAnswered = ({ journal }: Simulator) => journal.of('Session/login').some(({ status }) => status !== null)

  /** A login that is answered before this system has answered it, though not at once. */
  async function loginDespite(world: World, slow: Simulator) {
    slow.faults.add({ match: { method: 'login' }, fault: { kind: 'delay', ms: 6500 } })
    const begun = performance.now()
    const session = await login(world.url, 'admin', staffOf(world, 'admin'))
    assert.ok(!isAnswered(slow), 'it is waited for no longer than about 3 s')
    assert.ok(performance.now() - begun > 2900, 'it is waited for about 3 s')
    assert.equal(session.reply.status, 200)
    return session
  }

  /** Once the slow system has answered after all, and the gateway has taken note. */
  async function lateHalf(slow: Simulator, { lines }: World): Promise<unknown> {
    if (!isAnswered(slow)) await slow.journal.next((entry) => isLogin(entry) && entry.status !== null)
    const line = await until(() => lines.find(({ msg }) => msg.includes('came late')) ?? assert.fail('no line of it'))
    return line.lives
  }

  test('the source: an accepted login waits about 3 s for it, and its late half joins', async (t) => {
    const world = await startWorld(t)
    const { url, source } = world
    const { reply, accessToken, sessionId } = await loginDespite(world, source)
    assertFrom(reply, 'target')
    assertFrom(await customerInfo(url, 'admin', unmoved, bearer(accessToken)), 'target')
    assert.equal(await lateHalf(source, world), true)
    for (const authInfo of [{ session_id: sessionId }, { access_token: accessToken }]) {
      const params = { customer_info: { i_customer: unmoved, note: 'x' } }
      const update = await call(url, 'admin', 'Customer/update_customer', params, { authInfo })
      assert.equal(update.status, 200, update.text)
      assertFrom(update, 'source')
    }
  })

  test('the source: a context that is set meanwhile stays when its half joins', async (t) => {
    const world = await startWorld(t)
    const { url, source } = world
    const headers = bearer((await loginDespite(world, source)).accessToken)
    const set = await call(url, 'admin', 'Session/set_session_context', { context: 'target' }, { headers })
    assert.equal(set.status, 200)
    assert.equal(await lateHalf(source, world), true)
    const list = () => call(url, 'admin', 'Customer/get_customer_list', {}, { headers })
    assertFrom(await list(), 'target')
    await call(url, 'admin', 'Session/set_session_context', { context: 'auto' }, { headers })
    assertFrom(await list(), 'source,target')
  })

  test('the source: a half that comes after the logout joins nothing, and is ended', async (t) => {
    const world = await startWorld(t)
    const { url, source } = world
    const { accessToken } = await loginDespite(world, source)
    assert.equal((await call(url, 'admin', 'Session/logout', { access_token: accessToken })).status, 200)
    assert.equal(await lateHalf(source, world), false)
    const after = await customerInfo(url, 'admin', unmoved, bearer(accessToken))
    assert.equal(after.status, 500)
    assertFrom(after, 'target')
    assert.deepEqual(sessionsOn(source), [])
  })

  test('the target: the session lives on the source, and a late half is ended', async (t) => {
    const world = await startWorld(t)
    const { url, target } = world
    const { reply, accessToken } = await loginDespite(world, target)
    assertFrom(reply, 'source')
    assert.equal(cookieNamed(reply, 'pb_dispatch').length, 1)
    assert.equal(await lateHalf(target, world), false)
    assert.deepEqual(sessionsOn(target), [])
    assertFrom(await customerInfo(url, 'admin', moved, bearer(accessToken)), 'source')
  })

  test('logins of one user do not queue for it', async (t) => {
    const world = await startWorld(t)
    const { source } = world
    source.faults.add({ match: { method: 'login' }, fault: { kind: 'hang' } })
    const allArrived = source.journal.next(() => source.journal.count('Session/login') === 3)
    const logins = Array.from({ length: 3 }, () => login(world.url, 'admin', staffOf(world, 'admin')))
    const first = await Promise.race([allArrived.then(() => 'all have arrived'), ...logins])
    assert.equal(first, 'all have arrived')
    for (const { reply } of await Promise.all(logins)) assert.equal(reply.status, 200)
  })
})

const written: readonly [form: string, make: (params: string) => Ask][] = [
  [
    'a form',
    (params) => ({ headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `params=${params}` })
  ],
  [
    'multipart',
    (params) => ({
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: `--b\r\nContent-Disposition: form-data; name="params"\r\n\r\n${params}\r\n--b--\r\n`
    })
  ],
  ['the URL path', (params) => ({ path: `/rest/Session/login//${encodeURIComponent(params)}/` })],
  ['the raw URL path', (params) => ({ path: `/rest/Session/login//${params}` })]
]
for (const [form, make] of written) {
  test(`in ${form}: both systems get it as it was written`, async (t) => {
    const world = await startWorld(t)
    const { url, source, target } = world
    const { headers, ...made } = make(JSON.stringify(staffOf(world, 'admin')))
    const whole = { path: '/rest/Session/login', ...made, headers: { host: hosts.admin, ...headers } }
    const reply = await ask(url, whole)
    assertFrom(reply, 'source,target', form)
    for (const { journal } of [source, target]) {
      assert.equal(journal.entries[0]?.url, whole.path)
      assert.equal(journal.entries[0]?.body.toString(), whole.body ?? '')
    }
    assertFrom(await customerInfo(url, 'admin', unmoved, bearer(String(reply.json().access_token))), 'source')
  })
}

test('a login that is no login: a body that cannot be read reaches nobody', async (t) => {
  const { url, source, target } = await startWorld(t)
  const headers = { host: hosts.admin, 'content-type': 'application/json' }
  const reply = await ask(url, { path: '/rest/Session/login', headers, body: '{"params":{"login":' })
  assert.equal(reply.status, 400)
  assert.equal(source.journal.count() + target.journal.count(), 0)
})
