/** Contract section 4: a session that lives on both systems, from its refresh to its end; and what nobody ever gets to see. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { type System, systemNames } from '../../core/words.ts'
import type { JournalEntry, SimulatedFault, Simulator } from '../../simulator/index.ts'
import { hosts, startTestGateway, startWorld, systemConfig, testConfig, type World } from '../build.ts'
import { type Ask, ask, bearer, call, login, type Reply } from '../client.ts'
import {
  assertFrom,
  clearJournals,
  customerInfo,
  endAllOn,
  everyNameOn,
  moved,
  namesOf,
  namesOn,
  openPair,
  restarted,
  seenBy,
  sessionsOn,
  staffOf,
  startClock,
  startUnlikeWorld,
  unmoved,
  wholeOf
} from '../dual.ts'

const host = hosts.admin
const json = 'application/json'
const isRefresh = ({ method }: JournalEntry) => method === 'refresh_access_token'
const lostLine = 'the source does not know its half'

const customerInfoOf = (url: string, iCustomer: number, headers: Record<string, string>) =>
  customerInfo(url, 'admin', iCustomer, headers)
const update = (url: string, iCustomer: number, headers: Record<string, string>) =>
  call(url, 'admin', 'Customer/update_customer', { customer_info: { i_customer: iCustomer, note: 'n' } }, { headers })
const list = (url: string, headers: Record<string, string>) =>
  call(url, 'admin', 'Customer/get_customer_list', { limit: 5 }, { headers })
const refresh = (url: string, token: string, headers: Record<string, string> = {}) =>
  call(url, 'admin', 'Session/refresh_access_token', { refresh_token: token }, { headers })
const tokenOf = (reply: Reply) => String(reply.json().access_token)

function assertGood(reply: Reply, to: string, what = '') {
  assert.equal(reply.status, 200, `${what} ${reply.text}`)
  assertFrom(reply, to, what)
}

/** Asserts that the session goes on with the target alone. */
async function assertLost({ url, source, lines }: World, token: string) {
  source.journal.clear()
  assertFrom(await customerInfo(url, 'admin', unmoved, bearer(token)), 'target')
  assertFrom(await update(url, unmoved, bearer(token)), 'target')
  assertGood(await customerInfo(url, 'admin', moved, bearer(token)), 'target')
  const merged = await list(url, bearer(token))
  assert.equal(merged.status, 503)
  assert.equal(merged.json().faultcode, 'Server.Dispatcher.partial_list')
  assert.match(String(merged.json().faultstring), /source/)
  const part = await list(url, { ...bearer(token), prefer: 'dispatcher=partial' })
  assert.equal(part.headers['x-dispatcher-partial'], 'source')
  assertGood(part, 'target')
  assert.equal(source.journal.count(), 0, 'the source is not asked any more')
  return lines.filter(({ msg }) => msg.startsWith(lostLine)).length
}

suite('a refresh', async () => {
  test('of a pair refreshes both halves; old and new credentials keep working', async (t) => {
    const world = await startWorld(t)
    const pass = startClock(t)
    const { url, source, target } = world
    const { session, onSource } = await openPair(world)
    clearJournals(world)
    // Tokens that are issued within one second are equal.
    pass(1)
    const reply = await refresh(url, session.refreshToken)
    assertGood(reply, 'source,target')
    assert.deepEqual(
      [source, target].map(({ journal }) => journal.count(isRefresh)),
      [1, 1]
    )
    const [ofSource, ofTarget] = [namesOn(source), namesOn(target)]
    assert.equal(reply.json().refresh_token, ofTarget.refresh_token)
    assert.notEqual(ofTarget.refresh_token, session.refreshToken, 'the target rotates')
    assert.equal(ofSource.refresh_token, onSource.refresh_token, 'the source does not')
    assert.notEqual(ofSource.access_token, onSource.access_token)

    for (const token of [session.accessToken, tokenOf(reply)]) {
      source.journal.clear()
      assertGood(await customerInfo(url, 'admin', unmoved, bearer(token)), 'source')
      const [entry] = source.journal.of('Customer/get_customer_info').slice(-1)
      assert.ok(entry?.rawHeaders.includes(`Bearer ${ofSource.access_token}`))
      assertGood(await customerInfo(url, 'admin', moved, bearer(token)), 'target')
    }
    const authInfo = { session_id: session.sessionId }
    const byId = await call(url, 'admin', 'Customer/get_customer_info', { i_customer: unmoved }, { authInfo })
    assertGood(byId, 'source')
    assertGood(await refresh(url, String(reply.json().refresh_token)), 'source,target')
  })

  test('with a rotated token gets what the target says of it, and the session lives on', async (t) => {
    const world = await startWorld(t)
    const pass = startClock(t)
    const { url } = world
    const { session } = await openPair(world)
    pass(1)
    const first = await refresh(url, session.refreshToken)
    for (let again = 0; again < 2; again++) {
      const second = await refresh(url, session.refreshToken)
      assert.equal(second.json().faultcode, 'Server.Session.auth_failed')
    }
    assert.ok(!seenBy(world.source).includes(session.refreshToken), 'an old token is not tried on the source')
    for (const token of [session.accessToken, tokenOf(first)]) {
      assertGood(await customerInfo(url, 'admin', unmoved, bearer(token)), 'source')
    }
  })

  test('is what its token says, whatever else the request shows: an expired bearer, cookies', async (t) => {
    for (const shown of [
      bearer('an.expired.token'),
      { cookie: `access_token=an.expired.token; session_id=${'e'.repeat(32)}` }
    ]) {
      const world = await startWorld(t)
      const { session } = await openPair(world)
      const reply = await refresh(world.url, session.refreshToken, shown)
      assertGood(reply, 'source,target', JSON.stringify(shown))
      assertGood(await customerInfo(world.url, 'admin', unmoved, bearer(tokenOf(reply))), 'source')
    }
  })

  test('that the source cannot take part in keeps the pair', async (t) => {
    const ways: readonly (SimulatedFault | 'down')[] = [
      'down',
      { kind: 'status', status: 503 },
      { kind: 'status', status: 500, body: '<html>oops</html>' },
      { kind: 'fault', faultcode: 'pb_delta.connection_failed' },
      { kind: 'fault', faultcode: 'standalone_mode' },
      { kind: 'reset', at: 'before-headers' }
    ]
    const world = await startWorld(t)
    const { url, source } = world
    const { session } = await openPair(world)
    let refreshToken = session.refreshToken
    for (const way of ways) {
      const what = JSON.stringify(way)
      if (way === 'down') await source.stop()
      else source.faults.add({ match: { method: 'refresh_access_token' }, fault: way })
      const reply = await refresh(url, refreshToken)
      assert.equal(reply.status, 200, what)
      refreshToken = String(reply.json().refresh_token)
      if (way === 'down') await source.start()
      source.faults.clear()
      assertGood(await customerInfo(url, 'admin', unmoved, bearer(tokenOf(reply))), 'source', what)
      assertGood(await list(url, bearer(tokenOf(reply))), 'source,target', what)
    }
    assert.ok(!world.lines.some(({ msg }) => msg.startsWith(lostLine)))
  })

  test('that the source refuses loses its half: told once, and nothing is asked of it any more', async (t) => {
    const world = await startWorld(t)
    const pass = startClock(t)
    const { url, source } = world
    const { session } = await openPair(world)
    endAllOn(source)
    pass(1)
    const reply = await refresh(url, session.refreshToken)
    assert.equal(reply.status, 200)
    for (const token of [session.accessToken, tokenOf(reply)]) assert.equal(await assertLost(world, token), 1)
    const again = await refresh(url, String(reply.json().refresh_token))
    assertGood(again, 'target')
    assert.equal(source.journal.count(), 0)
    assert.equal(await assertLost(world, tokenOf(again)), 1)
    const out = await call(url, 'admin', 'Session/logout', {}, { headers: bearer(tokenOf(again)) })
    assertGood(out, 'target')
    assert.equal(source.journal.count(), 0)
  })

  test('that the target refuses is told as it is', async (t) => {
    const world = await startWorld(t)
    const { session } = await openPair(world)
    endAllOn(world.target)
    const reply = await refresh(world.url, session.refreshToken)
    assert.equal(reply.json().faultcode, 'Server.Session.auth_failed')
  })

  for (const shows of ['nothing else', 'its bearer too'] as const) {
    test(`many at once, showing ${shows}: one wins, and the session lives`, async (t) => {
      const world = await startWorld(t)
      const pass = startClock(t)
      const { url, source } = world
      const { session } = await openPair(world)
      clearJournals(world)
      pass(1)
      const shown = shows === 'nothing else' ? {} : bearer(session.accessToken)
      const replies = await Promise.all(Array.from({ length: 8 }, () => refresh(url, session.refreshToken, shown)))
      const won = replies.filter(({ status }) => status === 200)
      assert.equal(won.length, 1)
      for (const token of [session.accessToken, tokenOf(won[0] as Reply)]) {
        assertGood(await customerInfo(url, 'admin', unmoved, bearer(token)), 'source')
        assertGood(await list(url, bearer(token)), 'source,target')
      }
      assert.equal(source.journal.count('Session/ping'), 0)
      assertGood(await refresh(url, String(won[0]?.json().refresh_token)), 'source,target')
    })
  }
})

suite('a logout', async () => {
  const shows: readonly [name: string, make: (names: ReturnType<typeof namesOf>) => Ask][] = [
    ['the token as a parameter', ({ access_token: token }) => ({ body: `{"params":{"access_token":"${token}"}}` })],
    ['the session id as a parameter', ({ session_id: id }) => ({ body: `{"params":{"session_id":"${id}"}}` })],
    ['a bearer', ({ access_token: token }) => ({ headers: bearer(token), body: '{"params":{}}' })],
    ['auth_info', ({ session_id: id }) => ({ body: `{"auth_info":{"session_id":"${id}"},"params":{}}` })],
    [
      'cookies',
      (names) => ({ headers: { cookie: `session_id=${names.session_id}; access_token=${names.access_token}` } })
    ],
    [
      'the URL path',
      ({ session_id: id }) => ({
        path: `/rest/Session/logout/{"session_id":"${id}"}/{}`
      })
    ]
  ]
  for (const [name, make] of shows) {
    test(`ends both halves and forgets the session: ${name}`, async (t) => {
      const world = await startWorld(t)
      const { url, source, target } = world
      const { session } = await openPair(world)
      const { headers, ...made } = make(namesOf(session))
      const shown = { host, 'content-type': json, ...headers }
      const reply = await ask(url, { path: '/rest/Session/logout', ...made, headers: shown })
      assertGood(reply, 'source,target')
      assert.deepEqual([...sessionsOn(source), ...sessionsOn(target)], [])
      assert.deepEqual(await Array.fromAsync(world.app.store('pairs').entries()), [])
      clearJournals(world)
      for (const authInfo of [{ session_id: session.sessionId }, { access_token: session.accessToken }]) {
        const after = await call(url, 'admin', 'Customer/get_customer_info', { i_customer: unmoved }, { authInfo })
        assert.equal(after.status, 500)
        assertFrom(after, 'target')
      }
      assert.equal(source.journal.count('Customer/get_customer_info'), 0)
    })
  }

  test('shows the source nothing of the target, an older token and another session included', async (t) => {
    const world = await startWorld(t)
    const { url, source, target } = world
    const pass = startClock(t)
    const { session } = await openPair(world)
    pass(1)
    const renewed = await refresh(url, session.refreshToken)
    const other = await login(url, 'admin', staffOf(world, 'admin'))
    const names = everyNameOn(target)
    source.journal.clear()
    const reply = await call(
      url,
      'admin',
      'Session/logout',
      { access_token: session.accessToken, session_id: other.sessionId },
      { headers: { ...bearer(tokenOf(renewed)), cookie: `access_token=${other.accessToken}` } }
    )
    assert.equal(source.journal.count('Session/logout'), 1, reply.text)
    for (const name of names) assert.ok(!seenBy(source).includes(name))
  })

  test('with the source down ends the rest and forgets the session', async (t) => {
    const world = await startWorld(t)
    const { session } = await openPair(world)
    await world.source.stop()
    const reply = await call(world.url, 'admin', 'Session/logout', { access_token: session.accessToken })
    assert.equal(reply.status, 200)
    await world.source.start()
    assert.deepEqual(sessionsOn(world.target), [])
    const after = await customerInfo(world.url, 'admin', unmoved, bearer(session.accessToken))
    assert.equal(after.status, 500)
    assertFrom(after, 'target')
  })

  test('with the target down ends the half of the source, and says so; the next one ends the rest', async (t) => {
    const world = await startWorld(t)
    const { session } = await openPair(world)
    await world.target.stop()
    const reply = await call(world.url, 'admin', 'Session/logout', { access_token: session.accessToken })
    assert.equal(reply.json().faultcode, 'Server.Dispatcher.system_unavailable')
    await world.target.start()
    assert.deepEqual(sessionsOn(world.source), [])
    const again = await call(world.url, 'admin', 'Session/logout', { access_token: session.accessToken })
    assert.equal(again.status, 200, again.text)
    assert.deepEqual(sessionsOn(world.target), [])
  })
})

/** Sessions of which one system's tokens live a minute and the other's a quarter of an hour. */
async function startShortLived(t: TestContext, short: System) {
  const overrides = { plugins: { 'entity-location': { ttl: 3_600_000 } } }
  const world = await startUnlikeWorld(t, { overrides, [short]: { simulator: { tokenLifetimeSeconds: 60 } } })
  return { world, pass: startClock(t) }
}

suite('a half that has expired on the source', async () => {
  test('is renewed by the first call, a read or a write, which is then executed once', async (t) => {
    const { world, pass } = await startShortLived(t, 'source')
    const { url, source } = world
    const { session, onSource } = await openPair(world)
    const calls: readonly [name: string, call: (headers: Record<string, string>) => Promise<Reply>][] = [
      ['Customer/get_customer_info', (headers) => customerInfo(url, 'admin', unmoved, headers)],
      ['Customer/update_customer', (headers) => update(url, unmoved, headers)]
    ]
    for (const [name, make] of calls) {
      await make(bearer(session.accessToken))
      pass(61)
      clearJournals(world)
      assertGood(await make(bearer(session.accessToken)), 'source', name)
      assert.equal(source.journal.count(isRefresh), 1)
      assert.ok(source.journal.entries.find(isRefresh)?.body.includes(onSource.refresh_token))
      const [refused, executed, ...more] = source.journal.of(name)
      assert.equal(refused?.faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
      assert.equal(executed?.faultcode, null)
      assert.equal(executed?.bodySha256, refused?.bodySha256)
      assert.ok(executed?.rawHeaders.includes(`Bearer ${namesOn(source).access_token}`))
      assert.deepEqual(more, [])
      assert.equal(world.target.journal.count(), 0)
    }
    assertGood(await list(url, bearer(session.accessToken)), 'source,target')
  })

  test('is renewed once for twenty calls at once, and each write is executed once', async (t) => {
    const { world, pass } = await startShortLived(t, 'source')
    const { url, source } = world
    const headers = bearer((await openPair(world)).session.accessToken)
    await customerInfo(url, 'admin', unmoved, headers)
    pass(61)
    clearJournals(world)
    const calls = Array.from({ length: 20 }, (_, at) =>
      at % 2 === 0 ? update(url, unmoved, headers) : customerInfo(url, 'admin', unmoved, headers)
    )
    for (const reply of await Promise.all(calls)) assertGood(reply, 'source')
    assert.equal(source.journal.count(isRefresh), 1)
    for (const name of ['Customer/update_customer', 'Customer/get_customer_info']) {
      const results = source.journal.of(name).map(({ faultcode }) => faultcode)
      assert.equal(results.filter((faultcode) => faultcode === null).length, 10, name)
    }
  })

  test('and cannot be renewed now: the fault of the source is told, and the half stays', async (t) => {
    const { world, pass } = await startShortLived(t, 'source')
    const { url, source } = world
    const headers = bearer((await openPair(world)).session.accessToken)
    await customerInfo(url, 'admin', unmoved, headers)
    pass(61)
    const ill = source.faults.add({ match: { method: 'refresh_access_token' }, fault: { kind: 'status', status: 503 } })
    const refused = await update(url, unmoved, headers)
    assert.equal(refused.json().faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
    ill.remove()
    assertGood(await update(url, unmoved, headers), 'source')
  })

  test('and a body that was not kept: its fault is told, and the next call goes through', async (t) => {
    const { world, pass } = await startShortLived(t, 'source')
    const { url } = world
    const headers = bearer((await openPair(world)).session.accessToken)
    await customerInfo(url, 'admin', unmoved, headers)
    pass(61)
    const boundary = 'b0undary'
    const field = `--${boundary}\r\nContent-Disposition: form-data; name="params"\r\n\r\n{"i_customer":${unmoved}}\r\n`
    const file = `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n${'x'.repeat(300_000)}\r\n`
    const upload = {
      path: '/rest/Account/upload_something',
      headers: { host, ...headers, 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: `${field}${file}--${boundary}--\r\n`
    }
    const first = await ask(url, upload)
    assert.equal(first.json().faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
    assertGood(await ask(url, upload), 'source')
    assert.equal(world.source.journal.count('Account/upload_something'), 2)
  })
})

suite('a half that the source has ended', async () => {
  for (const [name, make] of [
    ['a read', customerInfoOf],
    ['a write', update]
  ] as const) {
    test(`${name}: the source's fault is told, and the session goes on with the target`, async (t) => {
      const world = await startWorld(t)
      const { url, source } = world
      const { session } = await openPair(world)
      const headers = bearer(session.accessToken)
      await customerInfo(url, 'admin', unmoved, headers)
      clearJournals(world)
      endAllOn(source)
      const replies = await Promise.all(Array.from({ length: 10 }, () => make(url, unmoved, headers)))
      const told = replies.filter(({ headers }) => headers['x-dispatched-to'] === 'source')
      assert.ok(told.length > 0)
      for (const reply of told) assert.equal(reply.json().faultcode, 'Server.Session.check_auth.auth_failed')
      assert.equal(source.journal.count(isRefresh), 1)
      assert.equal(await assertLost(world, session.accessToken), 1)
      assert.equal(await assertLost(world, session.accessToken), 1)
    })
  }
})

suite("a token that has expired on the target does not open the source's half", async () => {
  test('which lives on', async (t) => {
    const { world, pass } = await startShortLived(t, 'target')
    const { url, source } = world
    const { session } = await openPair(world)
    const headers = bearer(session.accessToken)
    assertGood(await update(url, unmoved, headers), 'source')
    pass(62)
    clearJournals(world)
    for (const make of [customerInfoOf, update]) {
      const reply = await make(url, unmoved, headers)
      assert.equal(reply.json().faultcode, 'Client.Session.check_auth.failed_to_process_access_token', reply.text)
      assertFrom(reply, 'target')
    }
    assert.deepEqual(
      source.journal.entries.filter(({ method }) => method !== 'ping'),
      []
    )
    const refreshed = await refresh(url, session.refreshToken, headers)
    assertGood(refreshed, 'source,target')
    assertGood(await update(url, unmoved, bearer(tokenOf(refreshed))), 'source')
  })

  test('nor when it lived for days and was used all the time', async (t) => {
    const days = 86_400
    const world = await startUnlikeWorld(t, {
      source: { simulator: { tokenLifetimeSeconds: 30 * days } },
      target: { simulator: { tokenLifetimeSeconds: 3 * days } }
    })
    const pass = startClock(t)
    const { session } = await openPair(world)
    const headers = bearer(session.accessToken)
    const authInfo = { session_id: session.sessionId }
    const byId = () => call(world.url, 'admin', 'Customer/get_customer_info', { i_customer: unmoved }, { authInfo })
    for (const hours of [20, 20, 20, 11]) {
      pass(hours * 3600)
      assertGood(await update(world.url, unmoved, headers), 'source')
      if (hours < 20) assertGood(await byId(), 'source')
    }
    pass(2 * 3600)
    const reply = await update(world.url, unmoved, headers)
    assertFrom(reply, 'target')
    assert.equal(reply.json().faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
    assertGood(await byId(), 'source', 'a session id in use is kept on')
  })
})

suite('after a restart with nothing remembered', async () => {
  test('the session goes on with the target alone', async (t) => {
    const world = await startWorld(t)
    const { session } = await openPair(world)
    const after = await restarted(t, world)
    clearJournals(world)
    const { accessToken, sessionId, refreshToken } = session
    assertGood(await customerInfo(after.url, 'admin', moved, bearer(accessToken)), 'target')
    const authInfo = { session_id: sessionId }
    const byId = await call(after.url, 'admin', 'Customer/get_customer_info', { i_customer: moved }, { authInfo })
    assertGood(byId, 'target')
    assertFrom(await update(after.url, unmoved, bearer(accessToken)), 'target')
    const merged = await list(after.url, bearer(accessToken))
    assert.equal(merged.json().faultcode, 'Server.Dispatcher.partial_list')
    assert.match(String(merged.json().faultstring), /source/)
    const refreshed = await refresh(after.url, refreshToken)
    assertGood(refreshed, 'target')
    assertGood(await customerInfo(after.url, 'admin', moved, bearer(tokenOf(refreshed))), 'target')
    assert.ok(world.source.journal.entries.every(({ method }) => method === 'ping'))
    assertGood(await call(after.url, 'admin', 'Session/logout', {}, { headers: bearer(tokenOf(refreshed)) }), 'target')
    assert.deepEqual(sessionsOn(world.target), [])
  })

  test('a token tells its home by its signature where keys are configured: nobody is asked', async (t) => {
    const world = await startWorld(t)
    const { session } = await openPair(world)
    const after = await restarted(t, world, await withKeys(t, world))
    clearJournals(world)
    assertGood(await customerInfo(after.url, 'admin', moved, bearer(session.accessToken)), 'target')
    const merged = await list(after.url, bearer(session.accessToken))
    assert.equal(merged.json().faultcode, 'Server.Dispatcher.partial_list')
    assert.equal(world.source.journal.count(), 0)
    assert.equal(world.target.journal.count('Session/ping'), 0)
  })
})

/** Systems whose tokens tell by their signature whose they are. */
async function withKeys(t: TestContext, { source, target }: World) {
  const directory = await mkdtemp(join(tmpdir(), 'keys-'))
  t.after(() => rm(directory, { recursive: true }))
  const keyed = async (name: System, { release, urls, publicKey }: Simulator) => {
    const file = join(directory, `${name}.pem`)
    await writeFile(file, publicKey)
    return systemConfig(release, urls, { keys: [file] })
  }
  return { systems: { source: await keyed('source', source), target: await keyed('target', target) } }
}

suite('more than one credential in a call', async () => {
  test('of one session, of which the token has expired: the system says so, in its own words', async (t) => {
    const { world, pass } = await startShortLived(t, 'target')
    const keyed = await startTestGateway(
      t,
      testConfig({ source: world.source.urls, target: world.target.urls }, await withKeys(t, world))
    )
    const { session } = await openPair({ ...world, ...keyed })
    pass(62)
    const authInfo = { access_token: session.accessToken, session_id: session.sessionId }
    const reply = await call(keyed.url, 'admin', 'Customer/get_customer_info', { i_customer: moved }, { authInfo })
    assert.equal(reply.json().faultcode, 'Client.Session.check_auth.failed_to_process_access_token')
  })

  test('of two sessions contradicts itself', async (t) => {
    const world = await startWorld(t)
    const { url, source, target } = world
    const [one, other] = [
      await login(url, 'admin', staffOf(world, 'admin')),
      await login(url, 'admin', staffOf(world, 'admin'))
    ]
    clearJournals(world)
    const authInfo = { access_token: one.accessToken, session_id: other.sessionId }
    const reply = await call(url, 'admin', 'Customer/get_customer_info', { i_customer: unmoved }, { authInfo })
    assert.equal(reply.json().faultcode, 'Client.Dispatcher.malformed_request')
    assert.equal(source.journal.count() + target.journal.count(), 0)
  })
})

test('on the versioned host of the source a session of both is shown to it by its own names', async (t) => {
  const world = await startWorld(t)
  const { session, onTarget } = await openPair(world)
  clearJournals(world)
  const headers = { ...bearer(session.accessToken), host: 'www.100-admin.test' }
  const reply = await customerInfo(world.url, 'admin', unmoved, headers)
  assertFrom(reply, 'source')
  for (const name of Object.values(onTarget)) assert.ok(!seenBy(world.source).includes(name))
})

for (const host of ['www.100-admin.test', 'www.115-admin.test']) {
  test(`on ${host} a session of both is refreshed and ended as a whole, and shown to nobody`, async (t) => {
    const world = await startWorld(t)
    const { url, source, target } = world
    const { session, onTarget, onSource } = await openPair(world)
    const refreshed = await refresh(url, session.refreshToken, { host, ...bearer(session.accessToken) })
    assertGood(refreshed, 'source,target')
    assertGood(await customerInfo(url, 'admin', unmoved, bearer(tokenOf(refreshed))), 'source')
    const out = await call(url, 'admin', 'Session/logout', {}, { headers: { host, ...bearer(tokenOf(refreshed)) } })
    assertGood(out, 'source,target')
    assert.deepEqual([...sessionsOn(source), ...sessionsOn(target)], [])
    for (const name of Object.values(onTarget)) assert.ok(!seenBy(source).includes(name))
    for (const name of Object.values(onSource)) assert.ok(![refreshed, out].map(wholeOf).join().includes(name))
  })
}

suite('what belongs to one session stays in one half of it', async () => {
  const otp = (url: string, method: string, params: object, headers: Record<string, string>) =>
    call(url, 'admin', `AccessControl/${method}`, { operation: 'reset', ...params }, { headers })

  for (const reference of [
    {},
    { i_customer: unmoved },
    { i_account: unmoved },
    { customer_info: { i_customer: unmoved } }
  ]) {
    for (const context of ['none', 'source', 'target'] as const) {
      test(`a one-time password: made with ${JSON.stringify(reference)}, context ${context}`, async (t) => {
        const world = await startWorld(t)
        const { url } = world
        const { session } = await openPair(world)
        const asked = context === 'none' ? {} : { 'x-dispatcher-context': context }
        const headers = { ...bearer(session.accessToken), ...asked }
        const made = await otp(url, 'create_otp', { send_to: 'a@b.test', ...reference }, headers)
        assertGood(made, context === 'source' ? 'source' : 'target')
        const verified = await otp(url, 'verify_otp', { one_time_password: made.json().one_time_password }, headers)
        assertGood(verified, context === 'source' ? 'source' : 'target')
      })
    }
  }

  for (const [home, iCustomer] of [
    ['source', unmoved],
    ['target', moved]
  ] as const) {
    for (const realm of ['admin', 'reseller', 'cc_staff', 'distributor'] as const) {
      test(`${realm}: the calls of a customer on the ${home} are told in its own half`, async (t) => {
        const world = await startWorld(t)
        const { session } = await openPair(world, realm)
        const sip = (method: string, params = {}) =>
          call(
            world.url,
            realm,
            `CallControl/${method}`,
            { i_customer: iCustomer, ...params },
            { headers: bearer(session.accessToken) }
          )
        const before = await sip('get_sip_calls_list')
        assert.equal(before.json().faultcode, 'Server.CallControl.sip.disabled_api_notifications')
        assertGood(await sip('enable_api_notifications'), home)
        assertGood(await sip('originate_call', { from: '1', to: '2' }), home)
        // The half on the source is renewed meanwhile, and stays the same session there.
        assert.equal((await refresh(world.url, session.refreshToken, { host: hosts[realm] })).status, 200)
        const calls = await sip('get_sip_calls_list')
        assertGood(calls, home)
        assert.equal((calls.json().calls_list as unknown[]).length, 1)
      })
    }
  }
})

test("what the source sets in its own cookies is not for the client, who has the target's", async (t) => {
  const world = await startWorld(t)
  const { session, onSource } = await openPair(world)
  const cookies = [`session_id=${onSource.session_id}; Path=/`, 'access_token=x; Path=/', 'lang=en; Path=/']
  const headers = cookies.map((cookie): [string, string] => ['Set-Cookie', cookie])
  for (const system of [world.source, world.target]) {
    system.faults.add({ match: { service: 'Customer' }, fault: { kind: 'headers', headers } })
  }
  for (const [context, told] of [
    ['source', ['lang=en; Path=/']],
    ['target', cookies],
    ['auto', ['lang=en; Path=/']]
  ] as const) {
    const shown = { ...bearer(session.accessToken), 'x-dispatcher-context': context }
    const reply = await customerInfo(world.url, 'admin', unmoved, shown)
    assert.deepEqual(reply.headers['set-cookie'], told, context)
  }
})

test('no system ever sees what the other calls a session, and the client and the log see only what is theirs', async (t) => {
  const world = await startWorld(t)
  // Reads whose connection was lost are sent again after a true pause.
  const pass = startClock(t, ['Date'])
  const { url, source, target, opsUrl } = world
  const names: Record<System, Set<string>> = { source: new Set(), target: new Set() }
  const replies: Reply[] = []
  function note(reply: Reply): Reply {
    replies.push(reply)
    for (const system of systemNames) for (const name of everyNameOn(world[system])) names[system].add(name)
    return reply
  }
  const post = async (path: string, more: Ask = {}) =>
    note(await ask(url, { path, ...more, headers: { host, 'content-type': json, ...more.headers } }))
  const rest = (name: string, params: object, shown: { headers?: Record<string, string>; authInfo?: object }) =>
    call(url, 'admin', name, params, shown).then(note)

  const session = await login(url, 'admin', staffOf(world, 'admin'), { cookie: 'pb_dispatch=authorized-by-remote' })
  note(session.reply)
  // Tokens that are issued within one second are equal.
  pass(1)
  const cookies = { cookie: `access_token=${session.accessToken}; session_id=${session.sessionId}; lang=en` }
  const shows: { headers?: Record<string, string>; authInfo?: object }[] = [
    { headers: bearer(session.accessToken) },
    { headers: cookies },
    { headers: { ...bearer(session.accessToken), ...cookies }, authInfo: { session_id: session.sessionId } },
    { authInfo: { session_id: session.sessionId } },
    { authInfo: { access_token: session.accessToken } },
    { authInfo: { access_token: session.accessToken, session_id: session.sessionId } }
  ]

  async function useIt(shown: (typeof shows)[number]) {
    for (const i of [unmoved, moved]) {
      await rest('Customer/get_customer_info', { i_customer: i }, shown)
      await rest('Account/get_account_info', { i_account: i }, shown)
      await rest('Customer/update_customer', { customer_info: { i_customer: i, note: 'x' } }, shown)
      await rest('Customer/get_customer_xdrs', { i_customer: i }, shown)
    }
    await rest('Customer/get_customer_info', { name: source.users.customer(unmoved)?.name }, shown)
    await rest('Customer/get_customer_list', { limit: 5, offset: 20, get_total: 1 }, shown)
    await rest('Account/get_account_list', { limit: 5 }, shown)
    for (const context of ['source', 'target', 'auto']) {
      await rest('Session/set_session_context', { context }, shown)
      await rest('Customer/get_customer_list', { limit: 2 }, shown)
      await rest('Session/ping', { access_token: session.accessToken, session_id: session.sessionId }, shown)
      await rest('Generic/get_session_data', {}, shown)
    }
    for (const context of ['source', 'target', 'auto', 'wrong']) {
      const headers = { ...shown.headers, 'x-dispatcher-context': context }
      await rest('Session/ping', { access_token: session.accessToken }, { ...shown, headers })
      await rest('Customer/get_customer_list', { limit: 2 }, { ...shown, headers })
      await post('/espf/v1/subscriptions', { method: 'GET', headers })
      await post('/portasip/rest/Voicemail/get_settings', { headers, body: `{"params":{"i_account":${unmoved}}}` })
    }
  }
  for (const shown of shows) await useIt(shown)

  for (const i of [unmoved, moved]) {
    const params = encodeURIComponent(JSON.stringify({ i_customer: i }))
    await post(`/rest/Customer/get_customer_info/{"session_id":"${session.sessionId}"}/${params}`)
    await post(
      `/rest/Customer/get_customer_info/${encodeURIComponent(`{"access_token":"${session.accessToken}"}`)}/${params}/`
    )
    await post(`/rest/Customer/get_customer_info?access_token=${session.accessToken}`, {
      headers: {
        ...bearer(session.accessToken),
        'x-own': session.sessionId,
        referer: `https://x/?t=${session.accessToken}`
      },
      body: `{"params":{"i_customer":${i}}}`
    })
  }

  const refreshed = note(await refresh(url, session.refreshToken, { ...bearer(session.accessToken), ...cookies }))
  const newer = bearer(tokenOf(refreshed))
  // An older token beside the newer one, in every place.
  await useIt({ headers: { ...newer, ...cookies }, authInfo: { access_token: session.accessToken } })
  await useIt({ headers: bearer(session.accessToken) })

  const faults: readonly SimulatedFault[] = [
    { kind: 'reset', at: 'before-headers' },
    { kind: 'garbage' },
    { kind: 'status', status: 503 },
    { kind: 'fault', faultcode: 'Server.Customer.not_found' },
    { kind: 'fault', faultcode: 'Server.Customer.exported' }
  ]
  for (const fault of faults) {
    for (const system of [source, target]) {
      const handle = system.faults.add({ match: { service: 'Customer' }, fault })
      for (const i of [unmoved, moved]) await rest('Customer/get_customer_info', { i_customer: i }, { headers: newer })
      await rest('Customer/get_customer_list', { limit: 2 }, { headers: newer })
      handle.remove()
    }
  }
  const anew = await login(url, 'admin', staffOf(world, 'admin'), { ...newer, ...cookies })
  note(anew.reply)
  const explained = await fetch(`${opsUrl}/explain`, {
    method: 'POST',
    headers: { 'content-type': json },
    body: JSON.stringify({
      url: '/rest/Customer/get_customer_info',
      headers: { host, 'content-type': json, ...newer },
      body: `{"params":{"i_customer":${unmoved}}}`
    })
  })
  const explanation = await explained.text()
  endAllOn(source)
  await useIt({ headers: bearer(anew.accessToken) })
  await rest('Session/logout', { access_token: session.accessToken }, { headers: { ...newer, ...cookies } })
  await rest('Session/logout', {}, { headers: bearer(anew.accessToken) })

  assert.ok(names.source.size >= 5 && names.target.size >= 6)
  const toClient = [...replies.map(wholeOf), explanation].join('\n')
  for (const [system, ownNames] of Object.entries(names)) {
    const other = system === 'source' ? target : source
    for (const name of ownNames) {
      assert.ok(!seenBy(other).includes(name), `${other.role} has seen a name of the ${system}`)
      assert.ok(!world.logText().includes(name), `the log tells a name of the ${system}`)
    }
  }
  for (const name of names.source) assert.ok(!toClient.includes(name), 'the client has seen a name of the source')
})
