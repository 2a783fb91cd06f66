/** Who listens is told when a system becomes reachable or not, and when its breaker changes; and of nothing else. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import pino from 'pino'
import type { System } from '../../core/words.ts'
import circuitBreaker from '../../plugins/circuit-breaker.ts'
import upstreams from '../../plugins/upstreams/index.ts'
import { hosts, startWorld, testConfig } from '../build.ts'
import { ask } from '../client.ts'
import { startBefore, startFailingSystem } from '../failing-system.ts'
import { until } from '../until.ts'

const read = {
  path: '/rest/Customer/get_customer_info',
  headers: { host: hosts.customer, 'content-type': 'application/json' },
  body: '{"params":{}}'
}

/** What was told of a system: its state at each change. */
function listen(app: FastifyInstance, system: System = 'target'): string[] {
  const state = app.systems[system]
  const told: string[] = []
  state.onChange(() => told.push(`${state.reachable ? 'reachable' : 'away'}, ${state.breaker}`))
  return told
}

suite('a change is told', { concurrency: true }, async () => {
  test('when a connection fails and when an answer comes, once each, of that system alone', async (t) => {
    const { app, url, target } = await startWorld(t)
    const [ofSource, ofTarget] = [listen(app, 'source'), listen(app)]
    const askThrice = async () => {
      for (let at = 0; at < 3; at++) await ask(url, read)
    }
    await askThrice()
    assert.deepEqual(ofTarget, [], 'answers from a system that answered before are nothing new')
    await target.stop()
    await askThrice()
    assert.deepEqual(ofTarget, ['away, closed'])
    await target.start()
    await askThrice()
    assert.deepEqual(ofTarget, ['away, closed', 'reachable, closed'])
    assert.deepEqual(ofSource, [])
  })

  test('by the probes alone, and without a breaker', async (t) => {
    const { app, target } = await startProbed(t, { 'circuit-breaker': false })
    const told = listen(app)
    const { counts } = app.systems.target
    target.become('away')
    await until(() => counts.probes.bad >= 3)
    assert.deepEqual(told, ['away, off'])
    target.become('well')
    await until(() => told.length > 1)
    const { good } = counts.probes
    await until(() => counts.probes.good >= good + 2)
    assert.deepEqual(told, ['away, off', 'reachable, off'])
  })

  test('by probes that stop the requests and bring them back', async (t) => {
    const { app, target } = await startProbed(t, { 'circuit-breaker': { volumeThreshold: 1000 } })
    const told = listen(app)
    target.become('away')
    await until(() => app.systems.target.counts.probes.bad >= 3)
    assert.deepEqual(told, ['away, closed'])
    target.become('well')
    await until(() => told.length > 1)
    assert.deepEqual(told, ['away, closed', 'reachable, closed'])
  })

  test('when calls open the breaker, once', async (t) => {
    const target = await startFailingSystem(t, ({ answer }) => answer(503, 'away'))
    const on = { plugins: { 'circuit-breaker': { volumeThreshold: 3, resetTimeout: 60_000 } } }
    const { app, url } = await startBefore(t, { source: target.url, target: target.url }, {}, on)
    const told = listen(app)
    for (let at = 0; at < 6; at++) await ask(url, read)
    assert.deepEqual(told, ['away, open'])
  })
})

/** A gateway that probes its systems all the time; the target answers as it is told to. */
async function startProbed(t: TestContext, plugins: object) {
  let status = 200
  const target = await startFailingSystem(t, ({ answer }) => answer(status))
  const source = await startFailingSystem(t, ({ answer }) => answer())
  const more = { health: { path: '/health', interval: 150 } }
  const gateway = await startBefore(t, { source: source.url, target: target.url }, more, { plugins })
  const become = (manner: 'well' | 'away') => {
    status = manner === 'well' ? 200 : 503
  }
  return { ...gateway, target: { become } }
}

/** The two plugins alone, on a clock of the test's own. */
async function startAlone(t: TestContext) {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now: 1_800_000_000_000 })
  const lines: { level: number; msg: string; system?: string }[] = []
  const loggerInstance = pino({ level: 'error' }, { write: (line) => lines.push(JSON.parse(line)) })
  const app = Fastify({ loggerInstance }) as unknown as FastifyInstance
  t.after(() => app.close())
  const options = { errorThresholdPercentage: 50, window: 10_000, volumeThreshold: 10, resetTimeout: 10_000 }
  await app.register(circuitBreaker, options)
  const nobody = { admin: 'http://127.0.0.1:9' }
  await app.register(upstreams, { systems: testConfig({ source: nobody, target: nobody }).systems })
  return { app, lines, pass: (ms: number) => t.mock.timers.tick(ms) }
}

suite('a breaker', async () => {
  test('is told of in each state, with what it admits, when it is in it', async (t) => {
    const { app, pass } = await startAlone(t)
    const breaker = app.breakers.target
    const told = listen(app)
    const steps: readonly (readonly [what: string, step: () => void, told: readonly string[]])[] = [
      ['nine failures', () => fail(9), []],
      ['the tenth', () => fail(1), ['away, open']],
      ['late ends', () => fail(5), []],
      ['its time', () => pass(10_000), ['away, half_open']],
      ['a bad trial', () => breaker.noteProbe(false), ['away, open']],
      ['its time again', () => pass(10_000), ['away, half_open']],
      ['a good probe', () => breaker.noteProbe(true), []],
      ['another', () => breaker.noteProbe(true), ['reachable, closed']],
      ['a bad probe', () => breaker.noteProbe(false), []],
      ['another', () => breaker.noteProbe(false), ['away, closed']],
      ['a third', () => breaker.noteProbe(false), []],
      ['a good probe', () => breaker.noteProbe(true), []],
      ['another', () => breaker.noteProbe(true), ['reachable, closed']]
    ]
    function fail(times: number) {
      for (let at = 0; at < times; at++) breaker.note(true)
    }
    for (const [what, step, expected] of steps) {
      told.length = 0
      step()
      assert.deepEqual(told, expected, what)
    }
  })
})

suite('a listener', async () => {
  test('that throws is logged, and keeps nothing from the others', async (t) => {
    const { app, lines } = await startAlone(t)
    app.systems.target.onChange(() => {
      throw new Error('no')
    })
    const told = listen(app)
    for (let at = 0; at < 10; at++) app.breakers.target.note(true)
    assert.deepEqual(told, ['away, open'])
    assert.equal(app.breakers.target.state, 'open')
    assert.deepEqual(
      lines.map(({ level, system, msg }) => [level, system, msg]),
      [[50, 'target', "a listener of a system's changes failed"]]
    )
  })

  test('is told until it ends that, once for each time it was given', async (t) => {
    const { app, pass } = await startAlone(t)
    const state = app.systems.source
    let count = 0
    const listener = () => count++
    const [end, endOther] = [state.onChange(listener), state.onChange(listener)]
    for (let at = 0; at < 10; at++) app.breakers.source.note(true)
    assert.equal(count, 2)
    end()
    end()
    pass(10_000)
    assert.equal(count, 3)
    endOther()
    app.breakers.source.noteProbe(false)
    assert.equal(state.breaker, 'open')
    assert.equal(count, 3)
  })
})
