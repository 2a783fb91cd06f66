import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import pino from 'pino'
import type { KeptSession, System } from '../../core/words.ts'
import pairedSessions from '../../plugins/paired-sessions.ts'
import store from '../../plugins/store/index.ts'
import upstreams from '../../plugins/upstreams/index.ts'
import { type SimulatedFault, type Simulator, startSimulator } from '../../simulator/index.ts'
import { type LoggedLine, secret, testConfig } from '../build.ts'
import { namesOn, startClock } from '../dual.ts'

const day = 86_400_000
const asker = { realm: 'admin', client: { addresses: '192.0.2.1', proto: 'http', host: 'www.admin.test' } } as const
const onTarget = { access_token: 'target.access.token', session_id: 't'.repeat(32), refresh_token: 'u'.repeat(32) }
const isRefresh = ({ method }: { method: string | null }) => method === 'refresh_access_token'

/** The plugin before a source on which one admin is logged in; `kept` is their session. */
async function start(t: TestContext) {
  const source = await startSimulator({ customers: 10, release: 'MR100', role: 'source', tokenLifetimeSeconds: 60 })
  const lines: LoggedLine[] = []
  const loggerInstance = pino({ level: 'trace' }, { write: (line) => lines.push(JSON.parse(line) as LoggedLine) })
  const app = Fastify({ loggerInstance })
  t.after(async () => {
    await app.close()
    await source.close()
  })
  await app.register(store)
  await app.register(upstreams, { systems: testConfig({ source: source.urls, target: source.urls }).systems })
  await app.register(pairedSessions, { secret, refreshPath: '/rest/Session/refresh_access_token' })

  const { sessions } = source
  sessions.open({
    realm: 'admin',
    login: 'admin',
    userId: 1,
    iCustomer: null,
    iAccount: null,
    iReseller: null,
    iEnv: 1
  })
  const onSource = namesOn(source)
  const kept = await app.pairedSessions.keep({ source: onSource, target: onTarget }, day)
  return { app, source, lines, onSource, kept, ...app.pairedSessions }
}

/** The same store, seen by a process that has read nothing of it. */
async function another(t: TestContext, one: Awaited<ReturnType<typeof start>>, itsSecret = secret) {
  const app = Fastify()
  t.after(() => app.close())
  app.decorate('store', one.app.store).decorate('upstream', one.app.upstream)
  for (const name of ['store', 'upstreams']) await app.register(fp(async () => {}, { name }))
  await app.register(pairedSessions, { secret: itsSecret, refreshPath: '/rest/Session/refresh_access_token' })
  return app.pairedSessions
}

const stored = async ({ app }: Awaited<ReturnType<typeof start>>, purpose: string) =>
  Array.fromAsync(app.store(purpose).entries())

const refreshes = (source: Simulator) => source.journal.count(isRefresh)
const halfOn = ({ halves }: KeptSession, system: System) => halves?.[system]

test('what is kept is found again, by a process that has read nothing yet too', async (t) => {
  const one = await start(t)
  const { kept, onSource, find, atOnce } = one
  assert.equal(halfOn(await find(kept.id), 'source'), onSource)
  assert.equal(atOnce(kept.id), await find(kept.id))
  const other = await another(t, one)
  assert.equal(other.atOnce(kept.id), undefined)
  const found = await other.find(kept.id)
  assert.deepEqual(found.halves, { source: onSource, target: onTarget })
  assert.equal(found.context, null)
  assert.equal(other.atOnce(kept.id), found)
})

test('nothing of a credential is in the store, and another secret opens none of it', async (t) => {
  const one = await start(t)
  await one.setContext(one.kept.id, 'source')
  const text = JSON.stringify([await stored(one, 'pairs'), await stored(one, 'contexts')])
  for (const name of [...Object.values(one.onSource), ...Object.values(onTarget)]) {
    assert.ok(!text.includes(name))
    assert.ok(!text.includes(Buffer.from(name).toString('base64url').slice(2, -4)))
  }
  const stranger = await another(t, one, 'another secret that is only good for tests')
  assert.equal((await stranger.find(one.kept.id)).halves, null)
  const [again] = await stored(one, 'pairs')
  await one.keep({ source: one.onSource, target: onTarget }, day, one.kept.id)
  assert.notEqual((await stored(one, 'pairs'))[0]?.[1], again?.[1], 'the same is sealed in another way each time')
})

test('a session of which nothing is kept has no halves and no context', async (t) => {
  const { find, begin, app } = await start(t)
  const begun = begin()
  assert.deepEqual([begun.halves, begun.context], [null, null])
  assert.equal(await find(begun.id), begun)
  const unknown = await find('nobody')
  assert.deepEqual([unknown.id, unknown.halves, unknown.context], ['nobody', null, null])
  assert.equal((await Array.fromAsync(app.store('pairs').entries())).length, 1)
})

test('a context is set, changed and taken back; the halves stay', async (t) => {
  const one = await start(t)
  const { kept, onSource } = one
  for (const context of ['source', 'target', null] as const) {
    await one.setContext(kept.id, context)
    for (const { find } of [one, await another(t, one)]) {
      const found = await find(kept.id)
      assert.equal(found.context, context)
      assert.deepEqual(halfOn(found, 'source'), onSource)
    }
  }
  assert.deepEqual(await stored(one, 'contexts'), [])
})

test('calls that need a new half at once ask once, and all get it', async (t) => {
  const pass = startClock(t)
  const { source, kept, onSource, renew, find } = await start(t)
  pass(61)
  const renewed = await Promise.all(Array.from({ length: 20 }, () => renew(kept, asker, day)))
  assert.equal(refreshes(source), 1)
  const [entry] = source.journal.entries
  assert.equal(entry?.body.toString(), `{"params":{"refresh_token":"${onSource.refresh_token}"}}`)
  assert.ok(entry?.rawHeaders.includes('192.0.2.1'), 'in the name of the client')
  const names = namesOn(source)
  for (const session of renewed) {
    assert.ok(session)
    assert.deepEqual(halfOn(session, 'source'), names)
    assert.deepEqual(halfOn(session, 'target'), onTarget)
  }
  assert.equal(await find(kept.id), renewed[0])

  // Somebody whose refusal is of the old half needs no new one.
  assert.equal(await renew(kept, asker, day), renewed[0])
  assert.equal(refreshes(source), 1)
  const [now] = renewed
  assert.ok(now)
  pass(61)
  assert.ok(await renew(now, asker, day))
  assert.equal(refreshes(source), 2)
})

test('a renewal keeps the context, and what the client has been given meanwhile', async (t) => {
  const { source, kept, renew, keep, setContext, onSource } = await start(t)
  source.faults.add({ match: {}, fault: { kind: 'delay', ms: 100 } })
  const arrival = source.journal.next()
  const renewing = renew(kept, asker, day)
  await arrival
  const newer = { ...onTarget, access_token: 'a.newer.token' }
  await keep({ source: onSource, target: newer }, day, kept.id)
  await setContext(kept.id, 'source')
  const renewed = await renewing
  assert.equal(renewed?.context, 'source')
  assert.deepEqual(renewed?.halves, { source: namesOn(source), target: newer })
})

const troubles: readonly [name: string, fault: SimulatedFault | 'down'][] = [
  ['is down', 'down'],
  ['says 503', { kind: 'status', status: 503 }],
  ['says 500 without a fault', { kind: 'status', status: 500, body: 'oops' }],
  ['says 429', { kind: 'status', status: 429 }],
  ['takes no writes now', { kind: 'fault', faultcode: 'read_only_mode' }],
  ['has lost its database', { kind: 'fault', faultcode: 'pb_delta.connection_failed' }],
  ['has an error inside', { kind: 'fault', faultcode: 'Server.Internal.error' }],
  ['resets', { kind: 'reset', at: 'before-headers' }],
  ['answers garbage', { kind: 'garbage' }],
  ['answers without a session', { kind: 'status', status: 200, body: '{"success":1}' }]
]

test('a source in trouble renews nothing, and the half stays', async (t) => {
  const { source, kept, renew, find, lines } = await start(t)
  for (const [name, fault] of troubles) {
    await t.test(`it ${name}`, async () => {
      if (fault === 'down') await source.stop()
      else source.faults.add({ match: {}, fault })
      assert.equal(await renew(kept, asker, day), null)
      assert.notEqual((await find(kept.id)).halves, null)
      if (fault === 'down') await source.start()
      source.faults.clear()
    })
  }
  assert.ok(await renew(kept, asker, day))
  assert.deepEqual(
    lines.filter(({ level }) => level >= 40),
    []
  )
})

const refusals: readonly [name: string, fault: SimulatedFault | 'ended'][] = [
  ['has ended it', 'ended'],
  ['does not know the token', { kind: 'fault', faultcode: 'Client.Session.check_auth.failed_to_process_access_token' }],
  ['finds no credentials', { kind: 'fault', faultcode: 'Client.check_auth.envelope_missed' }],
  ['says 401', { kind: 'status', status: 401 }]
]

for (const [name, fault] of refusals) {
  test(`a source that ${name}: the half is lost for good, told once, and never asked for again`, async (t) => {
    const one = await start(t)
    const { source, kept, renew, find, setContext, lines } = one
    await setContext(kept.id, 'target')
    if (fault === 'ended') source.sessions.endWhere(() => true)
    else source.faults.add({ match: {}, fault })
    const renewed = await Promise.all(Array.from({ length: 5 }, () => renew(kept, asker, day)))
    assert.deepEqual(renewed, [null, null, null, null, null])
    source.faults.clear()
    assert.equal(await renew(kept, asker, day), null)
    assert.equal(await renew(await find(kept.id), asker, day), null)
    assert.equal(refreshes(source), 1)
    for (const { find } of [one, await another(t, one)]) {
      const lost = await find(kept.id)
      assert.deepEqual([lost.halves, lost.context], [null, 'target'])
    }
    assert.deepEqual(await stored(one, 'pairs'), [])
    const told = lines.filter(({ level }) => level >= 40)
    assert.equal(told.length, 1)
    for (const value of Object.values(one.onSource)) assert.ok(!JSON.stringify(lines).includes(value))
  })
}

test('a half without a refresh token cannot be renewed: it is lost, and nobody is asked', async (t) => {
  const { source, keep, renew, find } = await start(t)
  const kept = await keep({ source: { session_id: 'x'.repeat(32) }, target: onTarget }, day)
  assert.equal(await renew(kept, asker, day), null)
  assert.equal((await find(kept.id)).halves, null)
  assert.equal(source.journal.count(), 0)
})

test('a session that is forgotten leaves nothing', async (t) => {
  const one = await start(t)
  await one.setContext(one.kept.id, 'source')
  await one.forget(one.kept.id)
  assert.deepEqual([await stored(one, 'pairs'), await stored(one, 'contexts')], [[], []])
  const gone = await one.find(one.kept.id)
  assert.deepEqual([gone.halves, gone.context], [null, null])
  assert.equal(await one.renew(one.kept, asker, day), null)
  assert.equal(refreshes(one.source), 0)
})

test('halves go when they have not been used for their time; a use, or a renewal, begins it anew', async (t) => {
  const pass = startClock(t)
  const one = await start(t)
  const { keep, keepOn, renew, find, onSource } = one
  const { id } = await keep({ source: onSource, target: onTarget }, 3 * day)
  const days = (count: number) => pass((count * day) / 1000)
  days(2)
  await keepOn(id)
  days(2)
  // A renewal knows of a shorter time alone.
  assert.ok(await renew(await find(id), asker, day))
  days(2)
  assert.notEqual((await find(id)).halves, null)
  days(1.1)
  assert.equal((await find(id)).halves, null)
})

test('the context of a session in use is kept on with it', async (t) => {
  const pass = startClock(t)
  const one = await start(t)
  await one.setContext(one.kept.id, 'source')
  for (let month = 0; month < 6; month++) {
    pass(60 * 86_400)
    await one.keepOn(one.kept.id)
    assert.equal((await one.find(one.kept.id)).context, 'source')
  }
  pass(100 * 86_400)
  assert.equal((await one.find(one.kept.id)).context, null)
})
