/** Contract section 7, "no capacity": how much a system is given at once, and that every turn comes back. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { hosts } from '../build.ts'
import { type Ask, ask, type Reply } from '../client.ts'
import { begin, type RawRequest, startBefore, startFailingSystem } from '../failing-system.ts'
import { until } from '../until.ts'

const host = hosts.customer
const json = { host, 'content-type': 'application/json' }
const read: Ask = { path: '/rest/Customer/get_customer_info', headers: json, body: '{"params":{}}' }
const numbered = (number: number): Ask => ({ ...read, path: `/rest/Customer/update_customer?${number}` })

const breaker = { plugins: { 'circuit-breaker': { volumeThreshold: 2, resetTimeout: 60_000 } } }

/** A gateway before a target that keeps its requests until the test answers them, and a source that answers at once. */
async function start(t: TestContext, limits: Record<string, number>) {
  const held: RawRequest[] = []
  const target = await startFailingSystem(t, (request) => held.push(request))
  const source = await startFailingSystem(t, ({ answer }) => answer())
  const more = { limits, timeouts: { headers: 10_000 } }
  const gateway = await startBefore(t, { source: source.url, target: target.url }, more, breaker)
  const state = gateway.app.systems.target
  async function hold(count: number) {
    const replies = Array.from({ length: count }, (_, at) => ask(gateway.url, numbered(at)))
    await until(() => held.length === count)
    return replies
  }
  return { ...gateway, target, held, state, hold }
}

function assertRefused(reply: Reply) {
  assert.equal(reply.status, 503)
  assert.equal(reply.json().faultcode, 'Server.Dispatcher.system_unavailable')
  assert.ok(Number(reply.headers['retry-after']) > 0)
}

suite('a system that has all that it is given', async () => {
  test('keeps a few waiting, in their order, and refuses more at once', async (t) => {
    const { url, held, state, hold } = await start(t, { inFlight: 2, queue: 2, wait: 10_000 })
    const replies = await hold(2)
    replies.push(ask(url, numbered(2)))
    await until(() => state.queued === 1)
    replies.push(ask(url, numbered(3)))
    await until(() => state.queued === 2)
    const begun = performance.now()
    assertRefused(await ask(url, numbered(4)))
    assert.ok(performance.now() - begun < 3000)
    assert.equal(held.length, 2)
    assert.deepEqual([state.inFlight, state.queued], [2, 2])
    for (const at of [0, 1, 2, 3]) {
      await until(() => held.length > at)
      held[at]?.answer()
    }
    assert.deepEqual(
      (await Promise.all(replies)).map(({ status }) => status),
      [200, 200, 200, 200]
    )
    assert.deepEqual(
      held.slice(2).map(({ path }) => path),
      [numbered(2).path, numbered(3).path]
    )
    assert.deepEqual([state.inFlight, state.queued], [0, 0])
    assert.equal(state.counts.refused.capacity, 1)
  })

  test('refuses who has waited too long, and never hears of it', async (t) => {
    const { url, held, state, hold } = await start(t, { inFlight: 2, queue: 1, wait: 100 })
    const replies = await hold(2)
    const begun = performance.now()
    assertRefused(await ask(url, read))
    const ms = performance.now() - begun
    assert.ok(ms >= 95 && ms < 3000, `after ${ms} ms`)
    for (const { answer } of held) answer()
    await Promise.all(replies)
    assert.equal((await Promise.all(replies)).length, held.length)
    assert.deepEqual([state.inFlight, state.queued], [0, 0])
  })

  test('is not failing for that: its breaker stays closed, and the other system is untouched', async (t) => {
    const { url, held, state, hold } = await start(t, { inFlight: 1, queue: 0 })
    const replies = await hold(1)
    for (let at = 0; at < 10; at++) assertRefused(await ask(url, read))
    assert.equal(state.breaker, 'closed')
    assert.deepEqual(state.counts.refused, { breaker: 0, capacity: 10 })
    const other = await ask(url, { ...read, headers: { ...json, host: 'www.100-customer.test' } })
    assert.equal(other.status, 200)
    assert.equal(other.headers['x-dispatched-to'], 'source')
    held[0]?.answer()
    assert.equal((await replies[0])?.status, 200)
    assert.equal(held.length, 1)
  })

  test('is not asked by those who waited while its breaker opened', async (t) => {
    const { url, held, state, hold } = await start(t, { inFlight: 2, queue: 10, wait: 10_000 })
    const replies = await hold(2)
    for (let at = 2; at < 6; at++) replies.push(ask(url, numbered(at)))
    await until(() => state.queued === 4)
    for (const { socket } of held) socket.resetAndDestroy()
    await until(() => state.queued === 0)
    assert.equal(state.breaker, 'open')
    // One had its turn between the two failures.
    await until(() => held.length === 3)
    held[2]?.answer()
    const statuses = (await Promise.all(replies)).map(({ status }) => status)
    assert.deepEqual(statuses, [502, 502, 200, 503, 503, 503])
    assert.equal(state.counts.refused.breaker, 3)
    assert.equal(held.length, 3)
    assert.deepEqual([state.inFlight, state.queued], [0, 0])
  })

  test('passes over very many who do not wait any more', async (t) => {
    const { app, url, held, state, hold } = await start(t, { inFlight: 1, queue: 4000, wait: 60_000 })
    const [first] = await hold(1)
    const upstream = app.upstream('target', 'admin')
    const left = new AbortController()
    const question = { method: 'POST', path: '/rest/Session/ping', headers: [], body: Buffer.from('{}') }
    const answers = Promise.allSettled(
      Array.from({ length: 3999 }, () => upstream.exchange(question, 1000, left.signal))
    )
    const last = ask(url, numbered(1))
    await until(() => state.queued === 4000)
    left.abort()
    held[0]?.answer()
    assert.equal((await first)?.status, 200)
    for (const { status } of await answers) assert.equal(status, 'rejected')
    await until(() => held.length === 2)
    held[1]?.answer()
    assert.equal((await last).status, 200)
    assert.equal(state.counts.attempts.given_up, 3999)
    assert.deepEqual([state.inFlight, state.queued], [0, 0])
  })
})

/** Numbers from 0 to 1, the same at each run. */
function createRandom(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const large = 'x'.repeat(300_000)

/** What a system may do with a request, by the last part of its path. */
const manners: Readonly<Record<string, (request: RawRequest) => unknown>> = {
  answer: ({ answer }) => answer(),
  large: ({ answer }) => answer(200, large),
  fault: ({ answer }) => answer(500, '{"faultcode":"Server.No"}'),
  unavailable: ({ answer }) => answer(503, 'no'),
  late: ({ answer }) => setTimeout(answer, 40),
  hang: () => {},
  reset: ({ socket }) => socket.resetAndDestroy(),
  resetLate: (request) => request.body().then(() => request.socket.resetAndDestroy()),
  end: ({ socket }) => socket.end(),
  garbage: ({ socket }) => socket.end('This is no HTTP\r\n\r\n'),
  half({ answer, socket }) {
    answer(200, '{', { 'Content-Length': 1000 })
    socket.end()
  },
  stall: ({ answer }) => answer(200, '{', { 'Content-Length': 1000 })
}

suite('every turn comes back', async () => {
  test('whatever the system does, and whenever clients leave; and nothing else is left behind', async (t) => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    t.after(() => process.off('warning', onWarning))
    const random = createRandom(7)
    const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] as T
    const target = await startFailingSystem(t, (request) => manners[request.path.split('?')[1] ?? '']?.(request))
    const more = {
      limits: { inFlight: 8, queue: 12, wait: 60 },
      connections: 9,
      timeouts: { connect: 500, headers: 120, body: 150 }
    }
    const plugins = { 'circuit-breaker': { volumeThreshold: 1_000_000 } }
    const { url, app, stop } = await startBefore(t, { source: target.url, target: target.url }, more, { plugins })
    const { target: state } = app.systems

    async function visit() {
      const method = pick(['get_customer_info', 'update_customer', 'upload_something'])
      const path = `/rest/Customer/${method}?${pick(Object.keys(manners))}`
      const isUpload = method === 'upload_something'
      const bodyHeaders = isUpload
        ? { 'content-type': 'text/csv', 'transfer-encoding': 'chunked' }
        : { 'content-type': 'application/json' }
      const client = begin(url, { path, headers: { host, ...bodyHeaders } })
      if (isUpload) client.request.write(Buffer.alloc(100_000))
      const mayEnd = !isUpload || random() < 0.7
      if (mayEnd) client.request.end('{"params":{}}')
      const leavesAfter = pick([0, 5, 30, 80])
      if (!mayEnd || random() < 0.5) setTimeout(client.leave, leavesAfter)
      const over = new Promise((resolve) => client.request.once('close', resolve))
      client.answer.then((response) => response.on('error', () => {}).resume()).catch(() => {})
      await over
    }
    let left = 300
    await Promise.all(
      Array.from({ length: 24 }, async () => {
        while (left-- > 0) await visit()
      })
    )
    await until(() => state.inFlight === 0 && state.queued === 0)
    const { answered, unavailable, timeout, reset, broken_off: brokenOff, given_up: givenUp } = state.counts.attempts
    for (const count of [answered, unavailable, timeout, reset, brokenOff, givenUp]) assert.ok(count > 0)
    assert.ok(state.counts.refused.capacity > 0)

    // All turns are there: as many at once as at the beginning.
    const pages = Array.from({ length: 8 }, () => ask(url, { ...read, path: `${read.path}?late` }))
    await until(() => state.inFlight === 8)
    for (const reply of pages) assert.equal((await reply).status, 200)
    await stop()
    await until(() => target.open.size === 0)
    const leftOver = () => process.getActiveResourcesInfo().filter((kind) => /Timeout|TCPSocket|Immediate/.test(kind))
    await until(() => assert.deepEqual(leftOver(), []))
    assert.deepEqual(warnings, [])
  })
})
