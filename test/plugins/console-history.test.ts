import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answeredIn, answersCountingIn, cellCount, waysIn } from '../../plugins/console/cells.ts'
import { createHistory, keptSteps } from '../../plugins/console/history.ts'

/** A history under a clock of its own, in which a count is the first cell: a call to the source. */
function historyAt(start: number) {
  const clock = { ms: start }
  const cells = new Float64Array(cellCount)
  const movement = { moved: 0, moving: 0 }
  const history = createHistory(
    cells,
    () => ({ ...movement }),
    () => clock.ms
  )
  return {
    history,
    movement,
    count: (calls: number) => {
      cells[0] = (cells[0] as number) + calls
    },
    /** Lets time pass as the plugin's own clock does. */
    pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        clock.ms += 1000
        history.advance()
      }
    },
    set(ms: number) {
      clock.ms = ms
      history.advance()
    },
    cells
  }
}

const timesOf = (history: ReturnType<typeof historyAt>['history']) => history.steps().map(({ at }) => at)

test('steps end at multiples of ten seconds, whenever the process began, and hold what was counted within', () => {
  const { history, movement, count, pass } = historyAt(103_400)
  count(6)
  pass(7)
  assert.deepEqual(
    history.steps().map(({ at, ms, cells }) => [at, ms, cells[0]]),
    [[110_000, 7000, 6]]
  )
  count(50)
  movement.moved = 3
  pass(10)
  const last = history.lastStep() ?? assert.fail()
  assert.deepEqual([last.at, last.ms, last.cells[0], last.moved], [120_000, 10_000, 50, 3])
  assert.equal(waysIn(last.cells, last.ms / 1000).source, 5)
})

test('an hour of steps is kept and no more', () => {
  const { history, pass } = historyAt(0)
  pass(keptSteps * 10 + 300)
  const times = timesOf(history)
  assert.equal(times.length, keptSteps)
  assert.deepEqual([times[0], times.at(-1)], [310_000, keptSteps * 10_000 + 300_000])
})

test('a process that stood still has one long step, and none for the time between', () => {
  const { history, count, pass, set } = historyAt(0)
  pass(10)
  count(60)
  set(70_500)
  assert.deepEqual(timesOf(history), [10_000, 70_000])
  const { ms, cells } = history.lastStep() ?? assert.fail()
  assert.equal(waysIn(cells, ms / 1000).source, 1)
})

test('a clock that is set back leaves no steps of the future, and new ones come', () => {
  const { history, pass, set, count } = historyAt(1_000_000)
  pass(60)
  set(1_025_000)
  count(5)
  pass(6)
  const times = timesOf(history)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b)
  )
  assert.equal(times.at(-1), 1_030_000)
  assert.equal(history.lastStep()?.cells[0], 5)
})

test('the rate is of the last seconds, and a minute is kept beside it', () => {
  const { history, count, pass, cells } = historyAt(0)
  answersCountingIn(cells, 'target')(12)
  count(600)
  pass(30)
  count(10)
  pass(2)
  const { rate, rateMs, minute } = history.recent()
  assert.deepEqual([rate[0], rateMs], [10, 5000])
  assert.deepEqual([minute[0], answeredIn(minute, 'target')], [610, 1])
  pass(60)
  assert.equal(history.recent().minute[0], 0)
})

test('a process that has just begun has a rate of its own time', () => {
  const { history, count, pass } = historyAt(0)
  count(4)
  pass(2)
  const { rate, rateMs } = history.recent()
  assert.deepEqual([rate[0], rateMs], [4, 2000])
})
