/**
 * Contract sections 2 and 7: probes bring a system back and nothing else does; `health: false` means reachable until a call
 * proves otherwise; and the end leaves no timer behind.
 */
import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { suite, type TestContext, test } from 'node:test'
import { hosts, type Running, startTestGateway, systemConfig, testConfig } from '../build.ts'
import { type Ask, ask } from '../client.ts'
import {
  askOrCut,
  begin,
  deadUrl,
  type FailingSystem,
  type RawRequest,
  startBefore,
  startFailingSystem
} from '../failing-system.ts'
import { until } from '../until.ts'

const json = { host: hosts.customer, 'content-type': 'application/json' }
const read: Ask = { path: '/rest/Customer/get_customer_info', headers: json, body: '{"params":{}}' }
const write: Ask = { ...read, path: '/rest/Customer/update_customer' }

const defaultPath = '/rest/Generic/get_version'
const probePath = '/health/of/it'
const interval = 500
const health = { path: probePath, interval }
const plugins = { 'circuit-breaker': { volumeThreshold: 3, resetTimeout: 400 } }

type Manner = (request: RawRequest) => unknown
const well: Manner = ({ answer }) => answer()
const unavailable: Manner = ({ answer }) => answer(503, 'away')
const hang: Manner = () => {}

interface Setting {
  readonly target: FailingSystem
  readonly state: Running['app']['systems']['target']
  readonly url: string
  /** What the system does from now on. */
  become(calls: Manner, probes?: Manner): void
}

async function start(t: TestContext, more: Record<string, unknown>, overrides: Record<string, unknown> = { plugins }) {
  let calls = well
  let probes = well
  const target = await startFailingSystem(t, (request) => {
    const isProbe = request.path === probePath || request.path === defaultPath
    return (isProbe ? probes : calls)(request)
  })
  const source = await startFailingSystem(t, well)
  const gateway = await startBefore(t, { source: source.url, target: target.url }, more, overrides)
  const state = gateway.app.systems.target
  return {
    ...gateway,
    target,
    state,
    become(manner: Manner, probed = manner) {
      calls = manner
      probes = probed
    }
  }
}

/** Opens the breaker by calls. */
async function open({ url, state, become }: Setting, manner: Manner = unavailable) {
  become(manner)
  for (let at = 0; at < 3; at++) await askOrCut(url, write)
  assert.equal(state.breaker, 'open')
}

/** Clients that call all the time, reads and writes, until one is answered; resolves to how long that took, ms. */
async function insist({ url, target }: Pick<Setting, 'url' | 'target'>): Promise<number> {
  const begun = performance.now()
  for (;;) {
    const replies = await Promise.all([ask(url, read), ask(url, write)])
    if (replies.some(({ status }) => status === 200)) return performance.now() - begun
    for (const { status, text } of replies) assert.equal(status, 503, text)
    assert.ok(performance.now() - begun < 15_000, target.arrived.join())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const isCall = (path: string) => path === read.path || path === write.path

suite('a system that is back', { concurrency: true }, async () => {
  test('gets its clients within two intervals, behind two good probes', async (t) => {
    const world = await start(t, { health })
    const { target, become, state } = world
    await open(world)
    // The first trial fails; that is no reason to wait longer.
    await until(() => state.counts.transitions.half_open === 1 && state.breaker === 'open')
    // The worst moment: a probe has just failed.
    await target.next()
    target.arrived.length = 0
    become(well)
    const ms = await insist(world)
    const calls = target.arrived.findIndex(isCall)
    assert.deepEqual(target.arrived.slice(0, calls), [probePath, probePath])
    assert.ok(ms < 1.8 * interval, `${ms} ms`)
    assert.deepEqual(state.counts.transitions.closed, 1)
    assert.equal(state.breaker, 'closed')
  })

  test('and had hung too', async (t) => {
    const world = await start(t, { health, timeouts: { headers: 50 } })
    const { target, become, state } = world
    await open(world, hang)
    await until(() => state.counts.transitions.half_open === 1 && state.breaker === 'open')
    // The worst moment: a probe has just been sent that will hang on.
    await target.next()
    target.arrived.length = 0
    become(well)
    const ms = await insist(world)
    assert.deepEqual(target.arrived.slice(0, target.arrived.findIndex(isCall)), [probePath, probePath])
    assert.ok(ms < 1.8 * interval, `${ms} ms`)
  })

  test('gets its clients with health: false too, by trials at the default path', async (t) => {
    const world = await start(t, { health: false })
    const { target, become, state } = world
    await open(world)
    assert.equal(target.arrived.includes(defaultPath), false)
    target.arrived.length = 0
    become(well)
    const ms = await insist(world)
    assert.deepEqual(target.arrived.slice(0, target.arrived.findIndex(isCall)), [defaultPath, defaultPath])
    assert.ok(ms < 6000, `${ms} ms`)
    assert.equal(state.breaker, 'closed')
  })

  test('but fails every other probe gets none', async (t) => {
    const world = await start(t, { health: { ...health, interval: 100 } })
    const { url, target, become, state } = world
    await open(world)
    let probe = 0
    become(well, (request) => (probe++ % 2 === 0 ? well : unavailable)(request))
    target.arrived.length = 0
    while (probe < 16) {
      assert.equal((await ask(url, probe % 3 === 0 ? read : write)).status, 503)
      assert.equal(state.breaker === 'closed', false)
    }
    assert.equal(target.arrived.some(isCall), false)
    assert.ok(state.counts.probes.good >= 6)
  })
})

suite('a system whose health reads are well while its calls fail', { concurrency: true }, async () => {
  test('gets its clients behind two of them all the same', async (t) => {
    const world = await start(t, { health })
    const { target, become, state } = world
    await until(() => state.counts.probes.good >= 2)
    become(unavailable, well)
    for (let at = 0; at < 3; at++) await ask(world.url, write)
    assert.equal(state.breaker, 'open')
    target.arrived.length = 0
    become(well)
    await insist(world)
    assert.deepEqual(target.arrived.slice(0, target.arrived.findIndex(isCall)), [probePath, probePath])
  })

  test('is left alone for the reset timeout, each time', async (t) => {
    const resetTimeout = 600
    const slow = { plugins: { 'circuit-breaker': { volumeThreshold: 3, window: 100, resetTimeout } } }
    const { url, become, state } = await start(t, { health: { ...health, interval: 100 } }, slow)
    become(unavailable, well)
    for (const round of [1, 2]) {
      while (state.breaker === 'closed') await ask(url, write)
      const begun = performance.now()
      await until(() => state.breaker === 'closed')
      const ms = performance.now() - begun
      assert.ok(ms > resetTimeout - 50, `${ms} ms`)
      assert.equal(state.counts.transitions.open, round)
    }
  })
})

suite('probes', async () => {
  test('are never sent with health: false while the breaker is closed', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { url, target } = await start(t, { health: false })
    for (let at = 0; at < 5; at++) {
      t.mock.timers.tick(10_000)
      assert.equal((await ask(url, read)).status, 200)
    }
    assert.deepEqual(target.arrived, Array(5).fill(read.path))
    t.mock.timers.reset()
  })

  test('are sent by nobody with health: false and without the breaker', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { url, target, become, state } = await start(t, { health: false }, { plugins: { 'circuit-breaker': false } })
    become(unavailable)
    for (let at = 0; at < 5; at++) {
      t.mock.timers.tick(10_000)
      assert.equal((await ask(url, read)).status, 503)
    }
    assert.deepEqual(target.arrived, Array(5).fill(read.path))
    assert.equal(state.reachable, true)
    t.mock.timers.reset()
  })

  test('have a connection of their own, and no turn: a system whose calls all hang is probed all the same', async (t) => {
    const more = { health: { ...health, interval: 200 }, connections: 1, limits: { inFlight: 1, queue: 0 } }
    const { url, target, become, state } = await start(t, more)
    become(hang, well)
    const { leave } = begin(url, read, String(read.body))
    await until(() => target.arrived.some(isCall))
    assert.equal(state.inFlight, 1)
    const { good } = state.counts.probes
    await until(() => state.counts.probes.good >= good + 3)
    assert.equal(state.inFlight, 1)
    assert.equal(state.counts.probes.bad, 0)
    leave()
  })

  test('that fail twice stop the calls before any has failed, and bring them back', async (t) => {
    const patient = { plugins: { 'circuit-breaker': { volumeThreshold: 1000 } } }
    const world = await start(t, { health: { ...health, interval: 100 } }, patient)
    const { url, target, become, state } = world
    become(well, hang)
    await until(() => state.counts.probes.bad >= 2)
    assert.equal(state.breaker, 'closed')
    assert.equal(state.reachable, false)
    assert.equal((await ask(url, read)).status, 503)
    assert.equal(target.arrived.some(isCall), false)
    become(well)
    await insist(world)
    assert.equal(state.reachable, true)
    assert.equal(state.counts.transitions.open, 0)
  })

  test('tell what is reachable without the breaker too, and stop nothing', async (t) => {
    const { url, become, state, lines } = await start(
      t,
      { health: { ...health, interval: 40 } },
      { plugins: { 'circuit-breaker': false } }
    )
    become(well, unavailable)
    await until(() => state.counts.probes.bad >= 3)
    assert.equal(state.reachable, false)
    assert.equal((await ask(url, read)).status, 200)
    become(well)
    await until(() => state.reachable)
    assert.ok(lines.some(({ msg, system }) => msg === 'reachability of a system changed' && system === 'target'))
  })

  test("take the system's own fault for a sign of life", async (t) => {
    const { become, state } = await start(t, { health: { ...health, interval: 200 } })
    become(well, ({ answer }) => answer(503, '{"faultcode":"Server.Generic.busy","faultstring":"Busy"}'))
    const { good } = state.counts.probes
    await until(() => state.counts.probes.good >= good + 3)
    assert.equal(state.counts.probes.bad, 0)
  })
})

/** Timers of the plugins that were begun and neither fired nor cleared, whether they hold the process or not. */
function watchTimers(t: TestContext) {
  const pending = new Map<number, string>()
  const hook = createHook({
    init(id, kind) {
      if (kind !== 'Timeout') return
      const { stack = '' } = new Error('begun here')
      if (/plugins\/(?:upstreams|circuit-breaker|forward)/.test(stack)) pending.set(id, stack)
    },
    destroy: (id) => pending.delete(id)
  }).enable()
  t.after(() => hook.disable())
  return pending
}

test('the end comes soon, and leaves no timer behind, whatever is under way', async (t) => {
  const pending = watchTimers(t)
  const more = { health, limits: { inFlight: 3, queue: 5, wait: 60_000 }, timeouts: { headers: 30_000 } }
  const lost = await startFailingSystem(t, ({ socket }) => socket.resetAndDestroy())
  const target = await startFailingSystem(t)
  const { url, app, stop } = await startBefore(t, { source: lost.url, target: target.url }, more, {
    plugins,
    drain: 200
  })
  const { systems } = app
  // Requests that hang, requests that wait for their turn, and a probe.
  for (let at = 0; at < 5; at++) begin(url, write, String(write.body))
  await until(() => systems.target.inFlight === 3 && systems.target.queued === 2)
  if (!target.arrived.includes(probePath)) await target.next()
  // One that is about to be sent again, and a breaker that is open.
  t.mock.method(Math, 'random', () => 100)
  const { headers } = { headers: { ...json, host: 'www.100-customer.test' } }
  begin(url, { ...read, headers }, String(read.body))
  await until(() => systems.source.counts.attempts.reset === 1)
  for (let at = 0; at < 3; at++) app.breakers.target.note(true)
  assert.equal(systems.target.breaker, 'open')
  assert.equal(systems.source.inFlight, 1)
  assert.ok(pending.size >= 9, [...pending.values()].join('\n'))

  const begun = performance.now()
  await stop()
  const ms = performance.now() - begun
  assert.ok(ms < 5000, `${ms} ms`)
  await until(() => target.open.size === 0)
  // Cleared timers are told of a little later.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  assert.deepEqual([...pending.values()], [])
  assert.deepEqual([systems.target.inFlight, systems.target.queued], [0, 0])
})

suite('a system with several URLs', async () => {
  for (const { name, admin, manner, isUp } of [
    { name: "refuses at its administrators' alone: it is there", admin: deadUrl, manner: well, isUp: true },
    { name: 'is unavailable at all of them: it is away', admin: deadUrl, manner: unavailable, isUp: false }
  ] as const) {
    test(name, async (t) => {
      const system = await startFailingSystem(t, manner)
      const config = testConfig(
        { source: { admin: system.url }, target: { admin: system.url } },
        {
          plugins,
          systems: {
            source: systemConfig('MR100', { admin: system.url }),
            target: systemConfig('MR115', { admin: await admin(), customer: system.url }, { health: { interval: 300 } })
          }
        }
      )
      const { app, url } = await startTestGateway(t, config)
      const { target } = app.systems
      const { probes } = target.counts
      await until(() => probes.good + probes.bad >= 3)
      assert.deepEqual({ good: probes.good > 0, bad: probes.bad > 0 }, { good: isUp, bad: !isUp })
      assert.equal(target.reachable, isUp)
      assert.equal((await ask(url, read)).status, isUp ? 200 : 503)
    })
  }
})
