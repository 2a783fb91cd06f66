import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isCut, isOrdered, type Listed, mergeRows } from '../../core/merge.ts'
import type { RowKey } from '../../core/order.ts'
import {
  anyOrder,
  ascending,
  copiedLists,
  descending,
  mergedWhole,
  orders,
  row,
  rows,
  shownOf
} from './ordered-lists.ts'

const start = { source: 0, target: 0 }
const lists = (source: readonly RowKey[], target: readonly RowKey[]) => ({
  source: { rows: source },
  target: { rows: target }
})

/** 's1 t2': whose each pick is, and its value. */
function merged(
  source: readonly RowKey[],
  target: readonly RowKey[],
  from = start,
  limit = 10,
  compare: typeof ascending | null = ascending,
  isExported: (list: Listed, at: number) => boolean = () => false
) {
  const both = lists(source, target)
  const { picks, taken } = mergeRows(both, from, limit, compare, isExported)
  const shown = picks.map(({ system, at }) => `${system[0]}${both[system].rows[at]?.value}`)
  return [shown.join(' '), taken.source, taken.target] as const
}

for (const [what, source, target, limit, expected] of [
  ['nothing', [], [], 10, ['', 0, 0]],
  ['the source alone', [1, 2], [], 10, ['s1 s2', 2, 0]],
  ['the target alone', [], [1, 2], 10, ['t1 t2', 0, 2]],
  ['turn by turn', [1, 3], [2, 4], 10, ['s1 t2 s3 t4', 2, 2]],
  ['the limit ends it', [1, 3], [2, 4], 3, ['s1 t2 s3', 2, 1]],
  ['no limit at all', [1, 3], [2, 4], Number.POSITIVE_INFINITY, ['s1 t2 s3 t4', 2, 2]],
  ['limit 0', [1], [1], 0, ['', 0, 0]]
] as const) {
  test(`merge: ${what}`, () => assert.deepEqual(merged(rows(...source), rows(...target), start, limit), expected))
}

const tied = { source: [row(1, 'a'), row(1, 'b')], target: [row(1, 'c'), row(1, 'd')] }

test('merge: ties go to the target, and a system keeps its own order among them', () => {
  assert.deepEqual(merged(tied.source, tied.target), ['t1 t1 s1 s1', 2, 2])
  assert.deepEqual(merged([row(1, 'a'), row(2, 'b')], [row(1, 'c'), row(2, 'd')]), ['t1 s1 t2 s2', 2, 2])
})

test('merge: without an order the target’s rows come first, whatever their values are', () => {
  assert.deepEqual(merged(rows(3, 1), rows(9, 2), start, 10, null), ['t9 t2 s3 s1', 2, 2])
  assert.deepEqual(merged(rows(3, 1), rows(9, 2), start, 3, null), ['t9 t2 s3', 1, 2])
})

const x = (value: number) => row(value, 'x')
for (const [what, source, target, from, limit, expected] of [
  ['of neighbours the target’s is shown', [x(1), row(2)], [x(1)], start, 10, ['t1 s2', 2, 1]],
  ['the target’s comes first', [row(2), x(3)], [x(1)], start, 10, ['t1 s2', 2, 1]],
  ['the source’s comes first', [x(1), row(2)], [x(3)], start, 10, ['s2 t3', 2, 1]],
  ['the other is beyond the page', [x(1), row(2)], [x(3)], start, 2, ['s1 s2', 2, 0]],
  ['the page ends between them', [x(1)], [x(1)], start, 1, ['t1', 0, 1]],
  ['the page begins between them', [x(1), row(2)], [x(1), row(3)], { source: 0, target: 1 }, 10, ['s2 t3', 2, 1]],
  ['it begins after the source’s', [x(1), row(4)], [x(2), row(3)], { source: 1, target: 0 }, 10, ['t3 s4', 1, 2]],
  ['one before, its double further on', [x(1), row(4)], [row(2), x(3)], { source: 1, target: 0 }, 10, ['t2 s4', 1, 2]],
  ['both before', [x(1), row(4)], [x(1), row(3)], { source: 1, target: 1 }, 10, ['t3 s4', 1, 1]],
  ['rows without id are none', [row(1, '')], [row(1, '')], start, 10, ['t1 s1', 1, 1]],
  [
    'rows without id before the page are none',
    [row(1, ''), row(2, '')],
    [row(2, '')],
    { source: 1, target: 0 },
    10,
    ['t2 s2', 1, 1]
  ]
] as const) {
  test(`doubles: ${what}`, () => assert.deepEqual(merged(source, target, from, limit), expected))
}

const isFirst = (_list: Listed, at: number) => at === 0
for (const [what, source, target, from, limit, expected] of [
  ['gives way to the source’s', [x(1), row(2)], [x(1)], start, 10, ['s1 s2', 2, 1]],
  ['gives way, wherever it stands', [row(2), x(3)], [x(1)], start, 10, ['s2 s3', 2, 1]],
  ['has no double: it is shown', [row(2)], [x(1)], start, 10, ['t1 s2', 1, 1]],
  ['has its double beyond the page: it is shown', [row(2), x(3)], [x(1)], start, 2, ['t1 s2', 1, 1]],
  ['was shown on the page before', [x(1), row(2)], [x(1)], { source: 0, target: 1 }, 10, ['s2', 2, 0]]
] as const) {
  test(`an exported row of the target ${what}`, () => {
    assert.deepEqual(merged(source, target, from, limit, ascending, isFirst), expected)
  })
}

test('rows are in order when none is truly before the one that precedes it', () => {
  for (const [values, isInOrder] of [
    [[], true],
    [[1], true],
    [[1, 1, 2], true],
    [[1, 3, 2], false],
    [[2, 1], false]
  ] as const) {
    assert.equal(isOrdered(rows(...values), ascending), isInOrder, String(values))
    assert.equal(isOrdered(rows(...values).toReversed(), descending), isInOrder, String(values))
    assert.equal(isOrdered(rows(...values), null), true)
  }
})

for (const [what, source, target, from, expected] of [
  ['at the beginning, of anything', [5], [1], start, true],
  ['of empty lists, at the beginning', [], [], start, true],
  ['between rows of both', [1, 3], [2, 4], { source: 1, target: 1 }, true],
  ['a tie’s target before, its source after', [2], [2], { source: 0, target: 1 }, true],
  ['a tie’s source before, its target after', [2], [2], { source: 1, target: 0 }, false],
  ['a source’s row after is before a target’s', [1], [2], { source: 0, target: 1 }, false],
  ['a target’s row after is before a source’s', [2], [1], { source: 1, target: 0 }, false],
  ['at the very end', [1], [2], { source: 1, target: 1 }, true],
  ['beyond the source', [], [2], { source: 1, target: 0 }, false],
  ['beyond the target', [2], [], { source: 0, target: 1 }, false],
  ['beyond both', [], [], { source: 1, target: 1 }, false]
] as const) {
  test(`a cut ${what}: ${expected}`, () => {
    assert.equal(isCut(lists(rows(...source), rows(...target)), from, ascending), expected)
    const turned = (values: readonly number[]) => rows(...values.map((value) => -value))
    assert.equal(isCut(lists(turned(source), turned(target)), from, descending), expected)
  })
}

test('a list without an order is cut where the target ends, or before', () => {
  const both = lists(rows(1, 2), rows(8, 9))
  assert.equal(isCut(both, { source: 0, target: 1 }, null), true)
  assert.equal(isCut({ ...both, target: { rows: rows(9) } }, { source: 1, target: 1 }, null), true)
  assert.equal(isCut(both, { source: 1, target: 1 }, null), false)
})

test('any two lists: exactly one split of each place is a cut, and what is merged from there is the slice', () => {
  const any = anyOrder.chain((name) =>
    fc.tuple(fc.constant(orders[name]), copiedLists(orders[name], true), fc.nat(12), fc.nat(12))
  )
  fc.assert(
    fc.property(any, ([compare, both, offset, limit]) => {
      const whole = mergedWhole(both, compare)
      const from = (source: number) => ({ source, target: offset - source })
      const around = lists(both.source, both.target)
      const isWithin = (source: number) => source <= both.source.length && offset - source <= both.target.length
      const cuts = Array.from({ length: offset + 1 }, (_, source) => source).filter(
        (source) => isWithin(source) && isCut(around, from(source), compare)
      )
      assert.equal(cuts.length, offset <= whole.length ? 1 : 0)
      for (const cut of cuts) {
        const { picks, taken } = mergeRows(around, from(cut), limit, compare, () => false)
        const shown = picks.map(({ system, at }) => ({ system, row: both[system][at] }))
        assert.deepEqual(shown, shownOf(whole, offset, limit))
        assert.equal(taken.source + taken.target, Math.min(limit, whole.length - offset))
      }
    })
  )
})
