/** Gateways that share a store: each knows what the others know, and what they have forgotten. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createSeal } from '../../core/seal.ts'
import { moveCustomer } from '../../simulator/index.ts'
import { ask, bearer, call, login, type Session, type User } from '../client.ts'
import { assertFrom, customerInfo, moved, namesOf, openPair, restarted, unmoved } from '../dual.ts'
import { type Pair, readsOf, startTwo } from '../fleet.ts'
import { reached } from '../reached.ts'
import { startTestRedis, temporaryFolder, withoutRedisServer } from '../redis.ts'
import { until } from '../until.ts'

/** Until every gateway must have seen it, ms: the issue's own bound is the contract's. */
const seenMs = 100

/** As soon as a reply is as wanted, it must have been within the bound; the clock is the test's own. */
async function soon(look: () => Promise<boolean>) {
  const begun = performance.now()
  await until(look)
  const ms = performance.now() - begun
  assert.ok(ms < seenMs + 150, `it took ${ms} ms`)
}

const told = (opsUrl: string, word: object) =>
  ask(opsUrl, {
    path: '/migrations',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(word)
  })

const stores = [
  {
    name: 'a file',
    skip: false as string | false,
    start: async (t: Parameters<typeof temporaryFolder>[0]) => {
      const path = join(temporaryFolder(t), 'store.db')
      return { place: `file:${path}`, dump: async () => ['', '-wal'].map((end) => readFileSync(path + end, 'latin1')) }
    }
  },
  {
    name: 'Redis',
    skip: withoutRedisServer,
    start: async (t: Parameters<typeof temporaryFolder>[0]) => {
      const { url } = await startTestRedis(t)
      return { place: `${url}/2`, dump: () => dumpOf(url) }
    }
  }
]

/** All that Redis holds, as its own client tells it. */
async function dumpOf(url: string): Promise<string[]> {
  const { createClient } = await import('redis')
  const client = createClient({ url: `${url}/2` })
  await client.connect()
  const all: string[] = []
  for (const key of await client.keys('*')) {
    const kept = (await client.type(key)) === 'hash' ? JSON.stringify(await client.hGetAll(key)) : await client.get(key)
    all.push(key, String(kept))
  }
  client.destroy()
  return all
}

for (const { name, skip, start } of stores) {
  suite(`over ${name}`, { skip }, async () => {
    test('sessions, contexts, hints, logouts and moves are known to both at once', async (t) => {
      const { place, dump } = await start(t)
      const { one, other } = await startTwo(t, place, { plugins: { 'login-forwarding': { rateLimit: { max: 3 } } } })
      const { session } = await openPair(one)
      await context(one, other, session)
      await moves({ one, other }, session)
      const { user, opened } = await singleHome({ one, other })
      await limits({ one, other })
      await secretsIn(await dump(), one, [one.target.users.admin(), user], [session, opened])
      await logout({ one, other }, session)
    })
  })
}

/** A session on both systems is whole at the other gateway too, and pinned there when it is pinned here. */
async function context(one: Pair['one'], other: Pair['other'], session: Session) {
  const headers = bearer(session.accessToken)
  assertFrom(await customerInfo(other.url, 'admin', unmoved, headers), 'source')
  assertFrom(await customerInfo(other.url, 'admin', moved, headers), 'target')
  const pin = (system: string) =>
    call(one.url, 'admin', 'Session/set_session_context', { context: system }, { headers })
  const releaseAt = async () =>
    (await call(other.url, 'admin', 'Generic/get_session_data', {}, { headers })).headers['x-dispatched-to']
  await pin('source')
  await soon(async () => (await releaseAt()) === 'source')
  await pin('auto')
  await soon(async () => (await releaseAt()) === 'target')
}

/** Nothing that anybody could log in with, or go on with, stands there in any form; and nothing that stands there opens. */
async function secretsIn(
  kept: readonly string[],
  { url }: Pair['one'],
  users: readonly User[],
  sessions: readonly Session[]
) {
  const text = kept.join('\n')
  assert.ok(text.length > 2000)
  const names = sessions.flatMap((session) => Object.values(namesOf(session)))
  for (const secret of [...names, ...users.map(({ password }) => password)]) {
    for (const form of ['utf8', 'hex', 'base64', 'base64url'] as const) {
      // The ends of base64 depend on what stands beside it.
      const written = Buffer.from(secret).toString(form)
      const core = form === 'utf8' ? written : written.slice(4, -4)
      assert.ok(core.length >= 4 && !text.includes(core), `${form} of a secret is kept`)
    }
  }
  for (const { login: name } of users) assert.ok(!new RegExp(`(?<!\\w)${name}(?!\\w)`).test(text), 'a login is kept')
  const found = new Set(kept.flatMap((one) => one.match(/[\w-]{20,}/g) ?? []))
  assert.ok(found.size >= 10)
  const stranger = createSeal('the secret of somebody who has found the dump')
  for (const one of [...found].slice(0, 40)) {
    assert.equal(stranger.open('pair', one), null)
    const authInfos = [{ session_id: one }, { access_token: one }, { refresh_token: one }]
    for (const authInfo of authInfos) {
      const reply = await call(url, 'customer', 'Customer/get_customer_info', {}, { authInfo })
      assert.equal(reply.status, 500, one)
    }
  }
}

/** Told at one gateway, obeyed at both. */
async function moves({ one, other }: Pair, session: Session) {
  const headers = bearer(session.accessToken)
  const moving = 4
  const listened: object[] = []
  other.app.entityLocation.onMoved((move) => listened.push(move))
  for (const { url } of [one, other]) assertFrom(await customerInfo(url, 'admin', moving, headers), 'source')
  moveCustomer(moving, one.source, one.target)
  const word = { i_customer: moving, state: 'finished', to: 'target' }
  assert.equal((await told(one.opsUrl, word)).status, 200)
  const writeAt = async ({ url }: Pair['one']) => {
    const params = { customer_info: { i_customer: moving, note: 'moved' } }
    return (await call(url, 'admin', 'Customer/update_customer', params, { headers })).headers['x-dispatched-to']
  }
  assert.equal(await writeAt(one), 'target')
  await soon(async () => listened.length > 0)
  assert.equal(await writeAt(other), 'target')
  assert.partialDeepStrictEqual(listened, [{ iCustomer: moving, state: 'finished', to: 'target', by: 'told' }])
  assert.equal(listened.length, 1)
  await moveDuringQuestion({ one, other }, headers)
}

/** A question that was under way at one gateway when the other was told: its answer is older than the word. */
async function moveDuringQuestion({ one, other }: Pair, headers: Record<string, string>) {
  const { source, target } = one
  const moving = 5
  source.journal.clear()
  target.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 300 }, times: 1 })
  const reading = customerInfo(other.url, 'admin', moving, headers)
  await until(() =>
    source.journal.entries.some(({ method, status }) => method === 'get_customer_info' && status !== null)
  )
  moveCustomer(moving, source, target)
  await told(one.opsUrl, { i_customer: moving, state: 'finished', to: 'target' })
  assertFrom(await reading, 'target')
  assert.deepEqual(reached(one).source, [], 'the older answer is not even tried')
}

/** Ended at one, it is refused at the other, and no half of it lives on. */
async function logout({ one, other }: Pair, session: Session) {
  const { refreshToken, accessToken, sessionId } = session
  const headers = bearer(accessToken)
  assertFrom(await customerInfo(other.url, 'admin', unmoved, headers), 'source')
  assert.equal((await call(one.url, 'admin', 'Session/logout', {}, { headers })).status, 200)
  const known = () =>
    Array.fromAsync([accessToken, sessionId, refreshToken], (value, at) =>
      other.app.homes.find({
        kind: (['access_token', 'session_id', 'refresh_token'] as const)[at] ?? 'access_token',
        value
      })
    )
  await soon(async () => (await known()).every((home) => home === null))
  assert.deepEqual(await Array.fromAsync(other.app.store('pairs').entries()), [])
}

async function singleHome({ one, other }: Pair) {
  const user = one.source.users.firstActiveCustomer()
  const records = other.app.store('records')
  const heard = records.heard
  const session = await login(one.url, 'customer', user)
  // What was read before it is heard that it was written would be read once more.
  await until(() => records.heard > heard)
  const headers = bearer(session.accessToken)
  const read = ({ url }: Pair['one']) => call(url, 'customer', 'Customer/get_customer_info', {}, { headers })
  const pings = one.source.journal.count('Session/ping')
  const before = readsOf(other)
  for (let at = 0; at < 20; at++) for (const gateway of [one, other]) assertFrom(await read(gateway), 'source')
  assert.equal(one.source.journal.count('Session/ping'), pings, 'nobody was asked')
  assert.ok(
    readsOf(other) - before <= 4,
    'a session in use costs a few reads, once: it, whose it is, and where that one is'
  )
  // The hint: the other gateway asks the source first, and no failed login is counted at the target.
  const refused = one.target.journal.count('Session/login')
  assertFrom((await login(other.url, 'customer', user)).reply, 'source')
  assert.equal(one.target.journal.count('Session/login'), refused)
  return { user, opened: session }
}

/** One limit for all gateways. */
async function limits({ one, other }: Pair) {
  const nobody = { login: 'nobody in particular', password: 'guessed' }
  const statuses: number[] = []
  for (const { url } of [one, other, one, other]) {
    statuses.push((await call(url, 'customer', 'Session/login', nobody)).status)
  }
  assert.deepEqual(statuses, [500, 500, 500, 429])
}

test('a secret is replaced without ending a session: first it verifies, then it signs', async (t) => {
  const place = `file:${join(temporaryFolder(t), 'store.db')}`
  const [older, newer] = ['the older of two secrets, for tests', 'the newer of two secrets, for tests']
  const { one, other } = await startTwo(t, place, { secret: [older, newer] })
  const { session } = await openPair(one)
  await other.stop()
  const next = await restarted(t, one, { store: place, secret: [newer, older] })
  const headers = bearer(session.accessToken)
  for (const { url } of [one, next]) assertFrom(await customerInfo(url, 'admin', unmoved, headers), 'source')
  const fresh = await login(next.url, 'admin', one.target.users.admin())
  assertFrom(await customerInfo(one.url, 'admin', unmoved, bearer(fresh.accessToken)), 'source', 'signed by the newer')
  const reply = await call(next.url, 'admin', 'Session/logout', {}, { headers })
  assert.equal(reply.status, 200)
  await until(async () => (await one.app.homes.find({ kind: 'access_token', value: session.accessToken })) === null)
})
