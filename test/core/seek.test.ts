import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RowKey } from '../../core/order.ts'
import { askBoth, ListDisorder, seekSplit } from '../../core/seek.ts'
import { anyOrder, ascending, disjointLists, mergedWhole, orders, row, rows, serve } from './ordered-lists.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, value) => row(value))

for (const [what, source, target, offset, expected] of [
  ['the beginning', [1], [2], 0, { found: { source: 0, target: 0 } }],
  ['the source alone', [1, 2, 3], [], 2, { found: { source: 2, target: 0 } }],
  ['the target alone', [], [1, 2, 3], 2, { found: { source: 0, target: 2 } }],
  ['turn by turn', [1, 3, 5], [2, 4, 6], 3, { found: { source: 2, target: 1 } }],
  ['a tie', [1, 2], [2, 3], 2, { found: { source: 1, target: 1 } }],
  ['all ties', [1, 1, 1], [1, 1], 3, { found: { source: 1, target: 2 } }],
  ['the very end', [1, 3], [2], 3, { found: { source: 2, target: 1 } }],
  ['empty lists', [], [], 1, { beyond: { source: 0, target: 1 } }]
] as const) {
  test(`seek: ${what}`, async () => {
    assert.deepEqual(
      await seekSplit(serve({ source: rows(...source), target: rows(...target) }).fetch, offset, ascending),
      expected
    )
  })
}

test('a place far beyond the end costs one step', async () => {
  const served = serve({ source: rows(1, 3), target: rows(2) })
  assert.ok('beyond' in (await seekSplit(served.fetch, 1_000_000, ascending)))
  assert.equal(served.calls.length, 2)
})

test('both systems are asked side by side, for one row each, and not for a page', async () => {
  const calls: unknown[][] = []
  let waiting: (() => void)[] = []
  const inner = serve({ source: upTo(50), target: upTo(50) })
  await seekSplit(
    async (...asked) => {
      calls.push(asked)
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length < 2) return
        for (const goOn of waiting) goOn()
        waiting = []
      })
      return inner.fetch(...asked)
    },
    60,
    ascending
  )
  assert.ok(calls.length > 2)
  for (const [, , limit, isPage] of calls) assert.deepEqual([limit, isPage], [1, false])
})

const spoiled = (values: readonly RowKey[], at: number, value: number) => values.with(at, row(value, 'spoiled'))
const later = Array.from({ length: 100 }, (_, value) => row(value + 1000))
for (const [what, source, target, system] of [
  ['the source, too late after an earlier one', spoiled(upTo(100), 45, 1000), [], 'source'],
  ['the source, too early after an earlier one', spoiled(upTo(100), 57, -1), [], 'source'],
  ['the source, too late before a later one', spoiled(later, 15, 9000), upTo(100), 'source'],
  ['the target, too late after an earlier one', [], spoiled(upTo(100), 44, 1000), 'target'],
  ['the target, too early after an earlier one', [], spoiled(upTo(100), 56, -1), 'target'],
  ['the target, too late before a later one', upTo(100), spoiled(later, 14, 9000), 'target']
] as const) {
  test(`a probed row out of order is told: ${what}`, async () => {
    assert.deepEqual(await seekSplit(serve({ source, target }).fetch, 60, ascending), { disorder: system })
  })
}

test('a list that lost the rows before a probed one contradicts itself', async () => {
  const source = upTo(100)
  const late = Array.from({ length: 100 }, (_, value) => row(value - 1000))
  const before = (call: number) => void (call === 3 && source.splice(0))
  assert.deepEqual(await seekSplit(serve({ source, target: late }, { before }).fetch, 120, ascending), {
    disorder: 'source'
  })
})

test('who ignores limit and offset is refused, where it matters', async () => {
  const lists = { source: upTo(5), target: upTo(5) }
  const ask = (source: number, target: number) =>
    askBoth(serve(lists, { ignoresPaging: ['target'] }).fetch, { source, target }, { source: 4, target: 4 }, true)
  assert.equal((await ask(1, 0)).target.rows.length, 5)
  await assert.rejects(ask(0, 1), (error) => error instanceof ListDisorder && error.system === 'target')
})

for (const [what, fails] of [
  ['rejects', (why: string) => Promise.reject(new Error(why))],
  [
    'throws',
    (why: string) => {
      throw new Error(why)
    }
  ]
] as const) {
  test(`a fetch that ${what} for both systems rejects once, and nothing is left unhandled`, async (t) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    t.after(() => process.off('unhandledRejection', note))
    await assert.rejects(seekSplit(fails, 5, ascending), { message: 'source' })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(unhandled, [])
  })
}

test('any place of any lists is found, in as many steps as it may take', async () => {
  const any = anyOrder.chain((name) => fc.tuple(fc.constant(orders[name]), disjointLists(orders[name], 40), fc.nat(45)))
  await fc.assert(
    fc.asyncProperty(any, async ([compare, lists, offset]) => {
      const whole = mergedWhole(lists, compare)
      const served = serve(lists)
      const sought = await seekSplit(served.fetch, offset, compare)
      assert.ok(served.calls.length <= 2 * Math.ceil(Math.log2(offset + 1)))
      if (offset > whole.length) assert.ok('beyond' in sought && sought.beyond.source + sought.beyond.target === offset)
      else {
        const target = whole.slice(0, offset).filter(({ system }) => system === 'target').length
        assert.deepEqual(sought, { found: { source: offset - target, target } })
      }
    })
  )
})
