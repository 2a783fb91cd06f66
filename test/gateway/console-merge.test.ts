/** What several workers show as one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pointOf } from '../../gateway/ops/console/compose.ts'
import { type ConsoleNow, mergeConsole, mergeSteps, type Step, shown } from '../../gateway/ops/console/merge.ts'
import { answeredIn, answersCountingIn, cellCount } from '../../plugins/console/cells.ts'

/** A row in which so many calls went to the source, and answers of the target took so long. */
function row(calls: number, answers: readonly number[] = []): number[] {
  const cells = new Float64Array(cellCount)
  cells[0] = calls
  for (const ms of answers) answersCountingIn(cells, 'target')(ms)
  return Array.from(cells)
}

const step = (at: number, calls: number, more: Partial<Step> = {}): Step => ({
  at,
  ms: 10_000,
  moved: 0,
  moving: 0,
  cells: row(calls),
  ...more
})

const system = {
  release: 'MR100',
  state: 'up',
  breaker: 'closed',
  latencyMs: null,
  inFlight: 1,
  queued: 0,
  connections: { connected: 1, free: 1, pending: 0 },
  attempts: { answered: 5, unavailable: 0, no_connection: 1, timeout: 0, reset: 0, broken_off: 0, given_up: 0 },
  retries: 0,
  refused: { breaker: 0, capacity: 0 },
  probes: { good: 0, bad: 0 },
  transitions: { closed: 0, open: 0, half_open: 0 }
} as const

const report = (more: Partial<ConsoleNow> = {}): ConsoleNow => ({
  startedAt: 1000,
  isStoreUp: true,
  recent: { rateMs: 5000, rate: row(10), minute: row(100, [4]) },
  totals: row(500),
  step: null,
  sessions: { source: 1, target: 2, both: 3 },
  transitions: { source: [], target: [] },
  moved: 0,
  failed: 0,
  expired: 0,
  moving: 0,
  batches: [],
  feed: [],
  fences: [],
  seen: null,
  listed: null,
  missing: [],
  faults: [],
  systems: { source: system, target: system },
  ...more
})

const merged = (...reports: readonly ConsoleNow[]) => mergeConsole(reports) ?? assert.fail('nothing was merged')

test('nobody with something to show: nothing', () => {
  assert.equal(mergeConsole([]), null)
  assert.equal(mergeConsole([null, null]), null)
})

test('steps of one time add up, those that only some have stay, and moves count once', () => {
  const one = [step(10_000, 5, { moved: 2 }), step(20_000, 7, { moved: 4, moving: 3 })]
  const other = [step(20_000, 3, { ms: 4000, moved: 4, moving: 2 }), step(30_000, 1)]
  assert.deepEqual(
    mergeSteps([one, other]).map(({ at, ms, moved, moving, cells }) => [at, ms, moved, moving, cells[0]]),
    [
      [10_000, 10_000, 2, 0, 5],
      [20_000, 10_000, 4, 3, 10],
      [30_000, 10_000, 0, 0, 1]
    ]
  )
})

test('steps of two workers that follow each other are one hour at most', () => {
  const hour = (from: number) => Array.from({ length: 300 }, (_none, at) => step((from + at) * 10_000, 1))
  const steps = mergeSteps([hour(200), hour(0)])
  assert.equal(steps.length, shown.steps)
  assert.deepEqual([steps[0]?.at, steps.at(-1)?.at], [1_400_000, 4_990_000])
})

test('a point has quantiles over the answers of all workers', () => {
  const cells = [row(10, [1, 1, 1]), row(20, [1000])]
  const point = pointOf(mergeSteps(cells.map((one) => [step(10_000, 0, { cells: one })]))[0] ?? assert.fail())
  assert.equal(point.calls.source, 3)
  const { p50, p99 } = point.latency.target ?? assert.fail()
  assert.ok(p50 < 1.2 && p99 > 800, `${p50} ${p99}`)
  assert.equal(point.latency.source, null)
})

test('what each counts adds up; a worker that has just begun has a rate of its own time', () => {
  const young = report({ startedAt: 9000, recent: { rateMs: 1000, rate: row(4), minute: row(4, [9]) } })
  const { workers, startedAt, rate, minute, totals, sessions, systems } = merged(young, report())
  assert.deepEqual([workers, startedAt, rate[0], totals[0]], [2, 1000, 6, 1000])
  assert.deepEqual([minute[0], answeredIn(minute, 'target')], [104, 2])
  assert.deepEqual(sessions, { source: 2, target: 4, both: 6 })
  assert.deepEqual([systems.source.inFlight, systems.source.attempts.no_connection], [2, 2])
})

test('a system is partly up, and its breaker the worst of all', () => {
  const away = { ...system, state: 'down', breaker: 'open' } as const
  const { systems, isStoreUp } = merged(
    report(),
    report({ isStoreUp: false, systems: { source: away, target: system } })
  )
  assert.deepEqual([systems.source.state, systems.source.breaker, systems.target.state], ['partly', 'open', 'up'])
  assert.equal(isStoreUp, false)
})

/** Of each worker what its system did, oldest first; what is shown, newest first. */
for (const [name, workers, changes] of [
  ['each sees it once', ['down@10 up@50', 'down@12 up@49'], 'up@49 down@10'],
  ['one sees it twice', ['down@10 up@20 down@30', 'down@11'], 'down@30 up@20 down@10'],
  ['the breaker is another matter', ['open@10 down@10', 'down@11 open@12'], 'down@10 open@10'],
  ['nobody sees anything', ['', ''], '']
] as const) {
  test(`transitions of two workers, ${name}: ${changes || 'none'}`, () => {
    const read = (text: string) =>
      text === ''
        ? []
        : text.split(' ').map((one) => {
            const [to, at] = one.split('@')
            return { to, at: Number(at) } as ConsoleNow['transitions']['source'][number]
          })
    const { transitions } = merged(
      ...workers.map((text) => report({ transitions: { source: read(text).reverse(), target: [] } }))
    )
    assert.deepEqual(transitions.source, read(changes))
  })
}

const entry = (at: number, iCustomer: number, count = 1) =>
  ({ at, iCustomer, count, state: 'started', to: 'target', by: 'told' }) as const

test('a word that all have heard is one, and one that only one has heard is not lost', () => {
  const { feed } = merged(
    report({ feed: [entry(300, 3), entry(100, 1, 5)] }),
    report({ feed: [entry(300, 3), entry(200, 2), entry(100, 1, 4)] })
  )
  assert.deepEqual(feed, [entry(300, 3), entry(200, 2), entry(100, 1, 5)])
})

test('what each finds out for itself at about one time is one; later it is another', () => {
  const [one, other] = [report({ feed: [entry(9000, 1), entry(1000, 1)] }), report({ feed: [entry(1700, 1)] })]
  assert.deepEqual(merged(one, other).feed, [entry(9000, 1), entry(1000, 1)])
})

test('a batch that all follow is one, as far as anybody has seen it come', () => {
  const batch = (id: string, at: number, finished: number) => ({
    id,
    at,
    customers: 10,
    finished,
    failed: 0,
    moving: 10 - finished,
    isOver: finished === 10
  })
  const { batches, moving, moved } = merged(
    report({ batches: [batch('1-7', 1, 9)], moving: 1, moved: 9 }),
    report({ batches: [batch('2-8', 2, 0), batch('1-7', 1, 10)], moving: 10, moved: 10 })
  )
  assert.deepEqual(batches, [batch('2-8', 2, 0), batch('1-7', 1, 10)])
  assert.deepEqual([moving, moved], [10, 10])
})

test('faults of all are shown by time, as many as there is room for', () => {
  const faults = (from: number) =>
    Array.from({ length: 150 }, (_none, at) => ({
      at: from - at * 2,
      id: `${from}-${at}`,
      realm: 'admin' as const,
      call: null,
      system: null,
      reason: null,
      fault: 'x',
      status: 503
    }))
  const { faults: all } = merged(report({ faults: faults(1000) }), report({ faults: faults(1001) }))
  assert.equal(all.length, shown.faults)
  assert.deepEqual(
    all.map(({ at }) => at),
    Array.from({ length: shown.faults }, (_none, at) => 1001 - at)
  )
})

test('customers: the most that one has seen, and the newest totals', () => {
  const { seen, listed } = merged(
    report({ seen: { source: 10, target: 2 }, listed: { source: 5, target: 6, at: 10 } }),
    report({ seen: { source: 3, target: 4 }, listed: { source: 4, target: 7, at: 20 } }),
    report()
  )
  assert.deepEqual(seen, { source: 10, target: 4 })
  assert.deepEqual(listed, { source: 4, target: 7, at: 20 })
})

test('missing methods are counted together, and fences are those of whoever has heard of most', () => {
  const missing = (count: number, at: number) =>
    ({ call: 'A/b', system: 'source', release: 'MR100', count, at }) as const
  const fence = { iCustomer: 1, to: 'target', since: 1, until: 2 } as const
  const all = merged(report({ missing: [missing(2, 5)] }), report({ missing: [missing(3, 4)], fences: [fence] }))
  assert.deepEqual(all.missing, [missing(5, 5)])
  assert.deepEqual(all.fences, [fence])
})
