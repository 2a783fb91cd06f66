/** Contract section 8: `GET /systems`, the two systems as they are now. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'
import { until } from '../until.ts'

const host = hosts.customer
const info = 'Customer/get_customer_info'

type Shown = Readonly<Record<'source' | 'target', Readonly<Record<string, unknown>>>>

const systemsOf = async ({ opsUrl }: { readonly opsUrl: string }): Promise<Shown> => {
  const reply = await ask(opsUrl, { method: 'GET', path: '/systems' })
  assert.equal(reply.status, 200, reply.text)
  return reply.json() as unknown as Shown
}

const fresh = (release: string, breaker = 'closed') => ({
  release,
  state: 'up',
  breaker,
  latencyMs: null,
  inFlight: 0,
  queued: 0,
  connections: { connected: 0, free: 0, pending: 0 },
  attempts: { answered: 0, unavailable: 0, no_connection: 0, timeout: 0, reset: 0, broken_off: 0, given_up: 0 },
  retries: 0,
  refused: { breaker: 0, capacity: 0 },
  probes: { good: 0, bad: 0 },
  transitions: { closed: 0, open: 0, half_open: 0 }
})

test('before the first request both are up, and nothing is known of their times', async (t) => {
  assert.deepEqual(await systemsOf(await startWorld(t)), { source: fresh('MR100'), target: fresh('MR115') })
})

test('without circuit-breaker the breaker is off', async (t) => {
  const { source } = await systemsOf(await startWorld(t, { plugins: { 'circuit-breaker': false } }))
  assert.deepEqual(source, fresh('MR100', 'off'))
})

test('it shows what is under way, and how long answers took', async (t) => {
  const world = await startWorld(t)
  const session = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
  world.source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'delay', ms: 200 } })
  const arrived = world.source.journal.next(({ service }) => service === 'Customer')
  const asked = call(world.url, 'customer', info, {}, { headers: bearer(session.accessToken) })
  await arrived
  const during = await systemsOf(world)
  assert.deepEqual([during.source.inFlight, during.target.inFlight], [1, 0])
  await asked
  await until(async () => assert.equal((await systemsOf(world)).source.inFlight, 0))
  const { source, target } = await systemsOf(world)
  const { p50, p99 } = source.latencyMs as { readonly p50: number; readonly p99: number }
  assert.ok(p99 >= 195 && p50 <= p99, `${p50} ${p99}`)
  assert.deepEqual((source.attempts as { readonly answered: number }).answered, 2)
  assert.notEqual(target.latencyMs, null, 'it was asked at the login')
})

test('a system that is away is down', async (t) => {
  const world = await startWorld(t)
  await world.target.stop()
  await ask(world.url, { path: `/rest/${info}`, headers: { host } })
  const { source, target } = await systemsOf(world)
  assert.deepEqual([source.state, target.state], ['up', 'down'])
  await world.target.start()
  await ask(world.url, { path: `/rest/${info}`, headers: { host } })
  assert.equal((await systemsOf(world)).target.state, 'up')
})

test('a system whose breaker is open is down', async (t) => {
  const world = await startWorld(t, { plugins: { 'circuit-breaker': { volumeThreshold: 2, window: 60_000 } } })
  world.target.faults.add({ match: { service: 'Customer' }, fault: { kind: 'status', status: 502 } })
  for (let sent = 0; sent < 4; sent++) await ask(world.url, { path: `/rest/${info}`, headers: { host } })
  const { target } = await systemsOf(world)
  assert.deepEqual([target.state, target.breaker], ['down', 'open'])
  assert.equal((target.transitions as { readonly open: number }).open, 1)
})

test('it needs the ops token, where there is one', async (t) => {
  const token = 'an ops token for tests'
  const { opsUrl } = await startWorld(t, { ops: { port: 0, token } })
  const get = (headers: Record<string, string>) => ask(opsUrl, { method: 'GET', path: '/systems', headers })
  assert.equal((await get({})).status, 401)
  assert.equal((await get(bearer('wrong'))).status, 401)
  assert.equal((await get(bearer(token))).status, 200)
})
