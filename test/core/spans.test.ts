import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quantilesOf, spanCell, spanCells } from '../../core/spans.ts'

const rowOf = (times: readonly number[], from = 0) => {
  const cells = new Array<number>(from + spanCells).fill(0)
  for (const ms of times) cells[from + spanCell(ms)] = (cells[from + spanCell(ms)] ?? 0) + 1
  return cells
}

for (const [ms, cell] of [
  [Number.NaN, 0],
  [-1, 0],
  [0, 0],
  [1 / 64, 0],
  [1 / 63, 1],
  [1, 25],
  [32_767, spanCells - 2],
  [40_000, spanCells - 1],
  [Number.POSITIVE_INFINITY, spanCells - 1]
] as const) {
  test(`${ms} ms is in cell ${cell}`, () => assert.equal(spanCell(ms), cell))
}

test('nothing counted has no quantiles', () => assert.equal(quantilesOf(rowOf([])), null))

for (const [name, times, p50, p99] of [
  ['one time', [5], 5, 5],
  ['a hundred the same', new Array<number>(100).fill(0.4), 0.4, 0.4],
  ['1 to 1000', Array.from({ length: 1000 }, (_none, at) => at + 1), 500, 990],
  ['most fast, two slow', [...new Array<number>(98).fill(1), 3000, 3000], 1, 3000]
] as const) {
  test(`quantiles of ${name} are wrong by less than a fifth`, () => {
    const { p50: shown50, p99: shown99 } = quantilesOf(rowOf(times)) ?? assert.fail()
    for (const [found, wanted] of [
      [shown50, p50],
      [shown99, p99]
    ] as const) {
      assert.ok(Math.abs(found - wanted) <= wanted * 0.19, `${found} for ${wanted}`)
    }
  })
}

test('a spread is found where it begins, and spreads of several add up', () => {
  const one = rowOf([1, 1, 1], 7)
  const other = rowOf([100], 7)
  const sum = one.map((count, at) => count + (other[at] ?? 0))
  assert.deepEqual(quantilesOf(sum, 7), quantilesOf(rowOf([1, 1, 1, 100])))
})
