/** Each way of the breaker from one state to another, on a clock of the test's own. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import circuitBreaker, { type Breaker } from '../../plugins/circuit-breaker.ts'

const options = { errorThresholdPercentage: 50, window: 10_000, volumeThreshold: 10, resetTimeout: 10_000 }

async function startBreaker(t: TestContext, more: Partial<typeof options> = {}) {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval'], now: 1_800_000_000_000 })
  const app = Fastify()
  await app.register(circuitBreaker, { ...options, ...more })
  t.after(() => app.close())
  const { source: breaker, target } = app.breakers
  let trials = 0
  breaker.onTrial = () => {
    trials++
  }
  const note = async (failed: boolean, times: number) => {
    for (let at = 0; at < times; at++) breaker.note(failed)
    // A success is counted when its promise is settled.
    await Promise.resolve()
  }
  return {
    app,
    breaker,
    target,
    fail: (times = 1) => note(true, times),
    succeed: (times = 1) => note(false, times),
    pass: (ms: number) => t.mock.timers.tick(ms),
    trials: () => trials
  }
}

const assertState = ({ state, admits }: Breaker, expected: Breaker['state']) => {
  assert.equal(state, expected)
  assert.equal(admits, expected === 'closed')
}

suite('closed', async () => {
  test('it opens when more than the threshold failed, and only its own system', async (t) => {
    const { breaker, target, fail, succeed } = await startBreaker(t)
    await succeed(10)
    await fail(10)
    assertState(breaker, 'closed')
    await fail()
    assertState(breaker, 'open')
    assertState(target, 'closed')
    assert.deepEqual(breaker.transitions, { closed: 0, open: 1, half_open: 0 })
  })

  for (const [errorThresholdPercentage, failed, opens] of [
    [0, 1, true],
    [80, 16, false],
    [80, 17, true]
  ] as const) {
    test(`${failed} of 20 failed, with a threshold of ${errorThresholdPercentage}: ${opens ? 'open' : 'closed'}`, async (t) => {
      const { breaker, fail, succeed } = await startBreaker(t, { errorThresholdPercentage })
      await succeed(20 - failed)
      await fail(failed)
      assertState(breaker, opens ? 'open' : 'closed')
    })
  }

  test('it does not open before the volume threshold, whatever failed', async (t) => {
    const { breaker, fail } = await startBreaker(t)
    await fail(9)
    assertState(breaker, 'closed')
    await fail()
    assertState(breaker, 'open')
  })

  test('what failed longer ago than the window does not count', async (t) => {
    const { breaker, fail, pass } = await startBreaker(t)
    await fail(9)
    pass(10_000)
    await fail(9)
    assertState(breaker, 'closed')
  })

  test('10,000 good ends leave it closed', async (t) => {
    const { breaker, succeed, fail } = await startBreaker(t)
    await succeed(10_000)
    await fail(100)
    assertState(breaker, 'closed')
  })
})

suite('open', async () => {
  test('it tells after how many seconds it may admit again', async (t) => {
    const { breaker, fail, pass } = await startBreaker(t)
    await fail(10)
    assert.equal(breaker.retryAfter(), 10)
    pass(4500)
    assert.equal(breaker.retryAfter(), 6)
    pass(60_000)
    assert.equal(breaker.retryAfter(), 5)
  })

  test('it is half open after the reset timeout, and asks for a trial', async (t) => {
    const { breaker, fail, pass, trials } = await startBreaker(t)
    await fail(10)
    pass(9999)
    assertState(breaker, 'open')
    assert.equal(trials(), 0)
    pass(1)
    assertState(breaker, 'half_open')
    assert.equal(trials(), 1)
  })

  test('the late end of an older request changes nothing, good or bad', async (t) => {
    const { breaker, fail, succeed, pass } = await startBreaker(t)
    await fail(10)
    await succeed(100)
    assertState(breaker, 'open')
    pass(10_000)
    await succeed(100)
    assertState(breaker, 'half_open')
    await fail(100)
    assertState(breaker, 'half_open')
  })

  test('good probes do not close it before the reset timeout is over', async (t) => {
    const { breaker, fail, pass } = await startBreaker(t)
    await fail(10)
    for (let second = 0; second < 9; second++) {
      pass(1000)
      breaker.noteProbe(true)
    }
    assertState(breaker, 'open')
    pass(1000)
    breaker.noteProbe(true)
    assertState(breaker, 'closed')
  })
})

suite('half open', async () => {
  async function startHalfOpen(t: TestContext) {
    const world = await startBreaker(t)
    await world.fail(10)
    world.pass(10_000)
    assertState(world.breaker, 'half_open')
    return world
  }

  test('one good probe is not enough, two in a row close it', async (t) => {
    const { breaker } = await startHalfOpen(t)
    breaker.noteProbe(true)
    assertState(breaker, 'half_open')
    breaker.noteProbe(true)
    assertState(breaker, 'closed')
    assert.deepEqual(breaker.transitions, { closed: 1, open: 1, half_open: 1 })
  })

  test('a bad probe opens it again, until the next trial', async (t) => {
    const { breaker, pass, trials } = await startHalfOpen(t)
    breaker.noteProbe(true)
    breaker.noteProbe(false)
    assertState(breaker, 'open')
    pass(10_000)
    assertState(breaker, 'half_open')
    assert.equal(trials(), 2)
    breaker.noteProbe(true)
    assertState(breaker, 'half_open')
  })

  test('after a failed trial two good probes close it without waiting for the next', async (t) => {
    const { breaker, pass } = await startHalfOpen(t)
    breaker.noteProbe(false)
    assertState(breaker, 'open')
    pass(1000)
    breaker.noteProbe(true)
    breaker.noteProbe(true)
    assertState(breaker, 'closed')
  })
})

suite('closed again', async () => {
  test('what failed before it opened is forgotten', async (t) => {
    const { breaker, fail, pass } = await startBreaker(t, { resetTimeout: 1000 })
    await fail(10)
    pass(1000)
    breaker.noteProbe(true)
    breaker.noteProbe(true)
    assertState(breaker, 'closed')
    await fail(9)
    assertState(breaker, 'closed')
  })
})

suite('probes alone', async () => {
  test('two bad ones in a row stop the requests without opening it, two good ones bring them back', async (t) => {
    const { breaker } = await startBreaker(t)
    breaker.noteProbe(false)
    assert.equal(breaker.admits, true)
    breaker.noteProbe(false)
    assert.equal(breaker.admits, false)
    assert.equal(breaker.state, 'closed')
    breaker.noteProbe(true)
    assert.equal(breaker.admits, false)
    breaker.noteProbe(true)
    assertState(breaker, 'closed')
  })

  test('bad ones stop nothing while requests are answered', async (t) => {
    const { breaker, succeed } = await startBreaker(t)
    for (let at = 0; at < 5; at++) {
      breaker.noteProbe(false)
      await succeed()
    }
    assertState(breaker, 'closed')
  })

  test('they count as requests do', async (t) => {
    const { breaker, fail } = await startBreaker(t)
    await fail(9)
    breaker.noteProbe(false)
    assertState(breaker, 'open')
  })
})

test('no timer survives the end', async (t) => {
  const { app, breaker, fail, pass, trials } = await startBreaker(t)
  await fail(10)
  await app.close()
  pass(100_000)
  assert.equal(trials(), 0)
  assert.equal(breaker.transitions.half_open, 0)
})
