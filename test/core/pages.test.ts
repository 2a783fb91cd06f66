import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Compare, RowKey } from '../../core/order.ts'
import { ListDisorder, type MergedPage, readPage, type Split, type Wanted } from '../../core/pages.ts'
import type { System } from '../../core/words.ts'
import {
  anyOrder,
  ascending,
  ascendingThenId,
  copiedLists,
  descendingThenId,
  disjointLists,
  type Lists,
  mergedWhole,
  orders,
  type Place,
  row,
  rows,
  type Served,
  serve,
  shownOf,
  type WrittenLists
} from './ordered-lists.ts'

type Page = MergedPage<{ readonly rows: readonly RowKey[] }>

const wanted = (offset: number, limit: number | null, more: Partial<Wanted> = {}): Wanted => ({
  offset,
  limit,
  known: null,
  compare: ascending,
  isDisjoint: false,
  isExported: () => false,
  ...more
})

const placesOf = ({ picks, lists }: Page): Place[] =>
  picks.map(({ system, at }) => ({ system, row: lists[system].rows[at] ?? row(null, '') }))

/** 's1 t2': whose each row is, and its value. */
const told = (page: Page) =>
  placesOf(page)
    .map(({ system, row: { value } }) => `${system[0]}${value}`)
    .join(' ')

const splitAt = (whole: readonly Place[], offset: number): Split => {
  const target = whole.slice(0, offset).filter(({ system }) => system === 'target').length
  return { source: Math.min(offset, whole.length) - target, target }
}

const disorderOf = (system: System | null) => (error: unknown) =>
  error instanceof ListDisorder && error.system === system

// Tables of edges.

const odd = [1, 3, 5]
const even = [2, 4, 6]
for (const [what, source, target, offset, limit, expected, calls] of [
  ['the beginning', odd, even, 0, 2, 's1 t2', 2],
  ['the middle', odd, even, 2, 2, 's3 t4', 6],
  ['the last full page', odd, even, 4, 2, 's5 t6', 6],
  ['a page that is not full', odd, even, 4, 5, 's5 t6', 6],
  ['the very end', odd, even, 6, 2, '', 8],
  ['past the end', odd, even, 7, 2, '', 4],
  ['far past the end', odd, even, 1_000_000, 2, '', 4],
  ['empty lists', [], [], 0, 2, '', 2],
  ['empty lists, past the end', [], [], 1, 2, '', 4],
  ['an empty target', odd, [], 1, 2, 's3 s5', 4],
  ['an empty source', [], even, 1, 2, 't4 t6', 4],
  ['the end of an empty target', odd, [], 3, 2, '', 6],
  ['the end of an empty source', [], even, 3, 2, '', 6],
  ['the source’s all first', [1, 2], [3, 4], 1, 2, 's2 t3', 4],
  ['the target’s all first', [3, 4], [1, 2], 1, 2, 't2 s3', 4],
  ['a tie, whole', [1, 2], [2, 3], 1, 2, 't2 s2', 4],
  ['a tie, cut', [1, 2], [2, 3], 2, 2, 's2 t3', 6],
  ['all ties, among the target’s', [1, 1], [1, 1], 1, 2, 't1 s1', 4],
  ['all ties, among the source’s', [1, 1], [1, 1], 3, 2, 's1', 6],
  ['limit 0', odd, even, 0, 0, '', 2],
  ['limit 0, further on', odd, even, 3, 0, '', 2]
] as const) {
  test(`page: ${what}: "${expected}"`, async () => {
    const unlike = (values: readonly number[], name: string) => values.map((value, at) => row(value, `${name}${at}`))
    const served = serve({ source: unlike(source, 's'), target: unlike(target, 't') })
    const page = await readPage(served.fetch, wanted(offset, limit))
    assert.equal(told(page), expected)
    assert.equal(served.calls.length, calls)
    const last = served.calls.slice(-2)
    assert.deepEqual(
      last.map(([system, , , isPage]) => [system, isPage]),
      [
        ['source', true],
        ['target', true]
      ]
    )
    assert.ok(served.calls.slice(0, -2).every(([, , asked, isPage]) => asked === 1 && !isPage))
  })
}

test('the page’s own calls begin one row earlier and ask for one more, where there is one', async () => {
  const lists = { source: rows(...odd), target: rows(...even) }
  const lastCalls = async (offset: number) => {
    const served = serve(lists)
    await readPage(served.fetch, wanted(offset, 2))
    return served.calls.slice(-2)
  }
  assert.deepEqual(await lastCalls(0), [
    ['source', 0, 2, true],
    ['target', 0, 2, true]
  ])
  assert.deepEqual(await lastCalls(1), [
    ['source', 0, 3, true],
    ['target', 0, 2, true]
  ])
  assert.deepEqual(await lastCalls(5), [
    ['source', 2, 3, true],
    ['target', 1, 3, true]
  ])
})

test('a page tells where it begins and where it ends, doubles counted', async () => {
  const lists = { source: rows(1, 2, 3, 4), target: rows(2, 3) }
  const page = await readPage(serve(lists).fetch, wanted(1, 4))
  assert.deepEqual([told(page), page.begins, page.ends], ['t2 t3', { source: 1, target: 0 }, { source: 3, target: 2 }])
})

test('limit 0 asks both for no rows, and believes what was known', async () => {
  const served = serve({ source: rows(...odd), target: rows(...even) })
  const known = { source: 2, target: 3 }
  const page = await readPage(served.fetch, wanted(5, 0, { known }))
  assert.deepEqual([page.picks, page.begins, page.ends], [[], known, known])
  assert.deepEqual(served.calls, [
    ['source', 0, 0, true],
    ['target', 0, 0, true]
  ])
})

for (const [what, known, calls] of [
  ['right', { source: 2, target: 1 }, 2],
  ['wrong', { source: 1, target: 2 }, 2 + 4 + 2],
  ['of another offset', { source: 1, target: 1 }, 4 + 2],
  ['beyond the source', { source: 3, target: 0 }, 2 + 4 + 2],
  ['no place at all', { source: -1, target: 4 }, 4 + 2],
  ['no whole number', { source: 1.5, target: 1.5 }, 4 + 2]
] as const) {
  test(`a known place that is ${what}: ${calls} calls`, async () => {
    const served = serve({ source: rows(...odd), target: rows(...even) })
    assert.equal(told(await readPage(served.fetch, wanted(3, 2, { known }))), 't4 s5')
    assert.equal(served.calls.length, calls)
  })
}

test('a known place of the very end is right', async () => {
  const served = serve({ source: rows(...odd), target: rows(...even) })
  assert.equal(told(await readPage(served.fetch, wanted(6, 2, { known: { source: 3, target: 3 } }))), '')
  assert.equal(served.calls.length, 2)
})

test('a list without an order is concatenated, at any depth', async () => {
  const lists = { source: [row(3, 'a'), row(1, 'b'), row(2, 'c')], target: [row(9, 'd'), row(7, 'e'), row(8, 'f')] }
  const whole = 't9 t7 t8 s3 s1 s2'.split(' ')
  for (let offset = 0; offset < 8; offset++) {
    const page = await readPage(serve(lists).fetch, wanted(offset, 2, { compare: null }))
    assert.equal(told(page), whole.slice(offset, offset + 2).join(' '), String(offset))
  }
})

// Doubles.

const x = (value: number) => row(value, 'x')
const twoOfX = { source: [row(1), x(2), row(3)], target: [x(2), row(4)] }
for (const [what, lists, offset, limit, expected] of [
  ['inside a page', twoOfX, 0, 5, 's1 t2 s3 t4'],
  ['a page ends between them', twoOfX, 0, 2, 's1 t2'],
  ['a page begins between them', twoOfX, 2, 2, 's3'],
  ['the source’s is first', { source: [x(1), row(2)], target: [row(1, 'y'), x(3)] }, 0, 4, 't1 s2 t3'],
  ['the source’s was on the page before', { source: [x(1), row(4)], target: [x(2), row(3)] }, 1, 2, 't3'],
  ['without an id', { source: [row(1, '')], target: [row(1, '')] }, 0, 2, 't1 s1']
] as const) {
  test(`doubles: ${what}`, async () => {
    assert.equal(told(await readPage(serve(lists).fetch, wanted(offset, limit))), expected)
  })
}

for (const [what, limit, search] of [
  ['a page', 2, 2],
  ['a page without a limit', null, 0]
] as const) {
  const offset = limit === null ? 0 : 2
  const more = { isDisjoint: true }
  test(`disjoint lists, ${what}: who moved between the two calls is there once when they are read again`, async () => {
    const lists = { source: rows(0, 1, 2, 4), target: [row(3)] }
    // Between the source's call and the target's: the source still had it, the target has it already.
    const before = (call: number) => {
      if (call !== search + 2) return
      lists.source = rows(0, 1, 4)
      lists.target = rows(2, 3)
    }
    const served = serve(lists, { before })
    assert.equal(told(await readPage(served.fetch, wanted(offset, limit, more))), limit ? 't2 t3' : 's0 s1 t2 t3 s4')
    assert.equal(served.calls.filter(([, , , isPage]) => isPage).length, 4)
  })

  test(`disjoint lists, ${what}: a double that stays is one`, async () => {
    const served = serve({ source: rows(0, 1, 2, 4), target: rows(2, 3) })
    assert.equal(told(await readPage(served.fetch, wanted(offset, limit, more))), limit ? 't2' : 's0 s1 t2 t3 s4')
    assert.equal(served.calls.filter(([, , , isPage]) => isPage).length, 6)
  })
}

// Lists that change, or are not in order.

test('a cut that changed under the search is searched anew', async () => {
  const lists = { source: rows(...odd), target: rows(...even) }
  const before = (call: number) => void (call === 5 && lists.source.unshift(...rows(-3, -2, -1)))
  const served = serve(lists, { before })
  assert.equal(told(await readPage(served.fetch, wanted(3, 2))), 's1 t2')
  assert.equal(served.calls.length, 6 + 6)
})

test('lists that never stand still are told after six searches', async () => {
  const lists = { source: rows(1, 2, 3, 4), target: rows(11, 12, 13, 14) }
  const swap = () => Object.assign(lists, { source: lists.target, target: lists.source })
  const served = serve(lists, { before: (call) => void (call % 6 === 5 && swap()) })
  await assert.rejects(readPage(served.fetch, wanted(3, 2)), disorderOf(null))
  assert.equal(served.calls.length, 6 * 6)
})

test('nobody is blamed for what a system did in an earlier search', async () => {
  const lists = { source: rows(1, 2, 3, 4), target: rows(11, 12, 13, 14) }
  const served = serve(lists, {
    before: (call) => {
      // The first search's second probe of the source, after 2, finds -1.
      if (call === 3) lists.source = rows(1, 2, -1, 4)
      if (call === 5) lists.source = rows(1, 2, 3, 4)
      if (call >= 9 && call % 6 === 3) Object.assign(lists, { source: lists.target, target: lists.source })
    }
  })
  await assert.rejects(readPage(served.fetch, wanted(3, 2)), disorderOf(null))
  assert.equal(served.calls.length, 4 + 5 * 6)
})

test('a known place that was right once costs one look, then six searches at most', async () => {
  const lists = { source: rows(11, 12, 13, 14), target: rows(1, 2, 3, 4) }
  const swap = () => Object.assign(lists, { source: lists.target, target: lists.source })
  const served = serve(lists, { before: (call) => void (call % 6 === 1 && swap()) })
  await assert.rejects(readPage(served.fetch, wanted(3, 2, { known: { source: 0, target: 3 } })), disorderOf(null))
  assert.equal(served.calls.length, 2 + 6 * 6)
})

test('a re-read for doubles that finds another cut searches anew', async () => {
  const lists = { source: rows(1, 2, 3), target: rows(3, 4) }
  const before = (call: number) => void (call === 5 && lists.source.splice(0, 3, ...rows(0, 5, 6)))
  const served = serve(lists, { before })
  const page = await readPage(served.fetch, wanted(2, 2, { isDisjoint: true }))
  assert.deepEqual([told(page), page.begins], ['t4 s5', { source: 1, target: 1 }])
})

const disordered = [0, 1, 3, 2, 4]
for (const system of ['source', 'target'] as const) {
  const lists = (values: readonly number[]) => ({ source: rows(), target: rows(), [system]: rows(...values) })
  for (const [offset, limit] of [
    [0, 5],
    [0, null],
    [2, 3]
  ] as const) {
    test(`the ${system}’s rows out of order in a page from ${offset} on, limit ${limit}: told at once`, async () => {
      const served = serve(lists(disordered))
      await assert.rejects(readPage(served.fetch, wanted(offset, limit)), disorderOf(system))
      assert.equal(served.calls.filter(([, , , isPage]) => isPage).length, 2)
    })
  }

  test(`the ${system}’s rows out of order among the page’s, but beyond its limit: told as well`, async () => {
    const other = system === 'source' ? 'target' : 'source'
    const both = { ...lists([5, 9, 7]), [other]: rows(1, 2, 3) }
    await assert.rejects(readPage(serve(both).fetch, wanted(0, 3)), disorderOf(system))
  })

  test(`the ${system}’s rows out of order in probes: told when it stays so`, async () => {
    const values = Array.from({ length: 100 }, (_, value) => value)
    const both = lists(values.with(44, 1000).with(45, 1000))
    await assert.rejects(readPage(serve(both).fetch, wanted(60, 10)), disorderOf(system))
    const before = (call: number) => void (call === 8 && Object.assign(both, lists(values)))
    assert.equal((await readPage(serve(both, { before }).fetch, wanted(60, 10))).picks.length, 10)
  })

  test(`the ${system} that ignores limit and offset: told, never merged wrongly`, async () => {
    const served = serve({ source: rows(...odd), target: rows(...even) }, { ignoresPaging: [system] })
    await assert.rejects(readPage(served.fetch, wanted(2, 2)), disorderOf(system))
    assert.equal(told(await readPage(served.fetch, wanted(0, 2))), 's1 t2')
  })
}

test('a list of unknown order cannot be out of order', async () => {
  const lists = { source: rows(...disordered), target: rows(...disordered.map((value) => value + 10)) }
  assert.equal((await readPage(serve(lists).fetch, wanted(3, 7, { compare: null }))).picks.length, 7)
})

// Without a limit.

const manyRows = (count: number, first = 0) => Array.from({ length: count }, (_, at) => row(first + at))
for (const [what, source, target, cap, shown, calls] of [
  ['two empty lists', 0, 0, 5, 0, 2],
  ['both below the cap', 2, 3, 5, 5, 3],
  ['both of one size', 3, 3, 5, 6, 4],
  ['both of the cap’s size', 5, 5, 5, 10, 4],
  ['the source beyond the cap', 6, 2, 5, 5, 3],
  ['the target beyond the cap', 2, 6, 5, 5, 3],
  ['both beyond the cap', 9, 9, 5, 5, 4],
  ['one empty, one beyond the cap', 0, 9, 5, 5, 3],
  ['a cap of one', 2, 2, 1, 1, 4]
] as const) {
  test(`no limit: ${what}: ${shown} rows`, async () => {
    const lists = { source: manyRows(source), target: manyRows(target, 100) }
    const served = serve(lists, { cap })
    const page = await readPage(served.fetch, wanted(0, null))
    assert.deepEqual(placesOf(page), mergedWhole(lists, ascending).slice(0, shown))
    assert.equal(page.ends.source + page.ends.target, shown)
    assert.equal(served.calls.length, calls)
    assert.ok(served.calls.slice(2).every(([, , limit, isPage]) => limit === 1 && !isPage))
  })
}

for (const count of [1, 2, 3]) {
  test(`no limit: systems that ignore paging give ${count} rows without ids, and all are shown`, async () => {
    const nameless = () => manyRows(count).map(() => row(null, ''))
    const served = serve({ source: nameless(), target: nameless() }, { ignoresPaging: ['source', 'target'] })
    assert.equal((await readPage(served.fetch, wanted(0, null, { compare: null }))).picks.length, 2 * count)
  })
}

test('no limit: rows without ids are capped like others', async () => {
  const nameless = () => manyRows(6).map(() => row(null, ''))
  const served = serve({ source: nameless(), target: nameless() }, { cap: 3 })
  const page = await readPage(served.fetch, wanted(0, null, { compare: null }))
  assert.deepEqual([page.picks.length, page.ends], [3, { source: 0, target: 3 }])
})

for (const [what, value, id] of [
  ['a row of the page', 3, '3'],
  ['a row before the page’s last', 1, 'other']
] as const) {
  test(`no limit: a probe that gives ${what} proves nothing`, async () => {
    const page = await readPage(
      async (system, offset) => ({
        rows: system === 'source' ? rows(5) : offset === 0 ? rows(2, 3, 4) : [row(value, id)]
      }),
      wanted(0, null)
    )
    assert.equal(told(page), 't2 t3 t4 s5')
  })
}

// Any lists.

const anyLists = (of: (compare: Compare | null) => fc.Arbitrary<WrittenLists>) =>
  anyOrder.chain((name) => fc.record({ compare: fc.constant<Compare | null>(orders[name]), lists: of(orders[name]) }))

/** Budget of contract section 6; the logarithm of nothing is none. */
function assertWithinBudget({ calls, rowsGiven }: Served, limit: number, total: number): void {
  const log = Math.log2(Math.max(total, 1))
  assert.ok(calls.length <= 2 * log + 4, `${calls.length} calls for ${total} rows`)
  assert.ok(rowsGiven() <= 2 * limit + 4 * log, `${rowsGiven()} rows for a page of ${limit} of ${total}`)
}

/** Every page by its offset; each takes where the last one ended, if told to. */
async function walk(lists: Lists, total: number, limit: number, compare: Compare | null, isKnown: boolean) {
  const seen: Place[] = []
  let known: Split | null = null
  for (let offset = 0; offset < total; offset += limit) {
    const served = serve(lists)
    const page: Page = await readPage(served.fetch, wanted(offset, limit, { known, compare }))
    if (isKnown) {
      known = page.ends
      assert.equal(served.calls.length, 2)
      assert.ok(served.rowsGiven() <= 2 * limit + 2)
    }
    seen.push(...placesOf(page))
  }
  return seen
}

const limits = fc.integer({ min: 1, max: 8 })

test('any disjoint lists: each page is the slice of the whole, for what it may cost', async () => {
  const any = anyLists((compare) => disjointLists(compare, 12))
  await fc.assert(
    fc.asyncProperty(any, fc.nat(14), limits, async ({ compare, lists }, offset, limit) => {
      const whole = mergedWhole(lists, compare)
      const served = serve(lists)
      const page = await readPage(served.fetch, wanted(offset, limit, { compare, isDisjoint: true }))
      assert.deepEqual(placesOf(page), whole.slice(offset, offset + limit))
      if (offset > whole.length) return
      assertWithinBudget(served, limit, whole.length)
      assert.deepEqual(page.begins, splitAt(whole, offset))
      assert.deepEqual(page.ends, splitAt(whole, offset + limit))
    }),
    { numRuns: 1000 }
  )
})

test('any known place of any disjoint lists: the page is the slice of the whole', async () => {
  const any = anyLists((compare) => disjointLists(compare, 12))
  const known = fc.record({ source: fc.integer({ min: -1, max: 8 }), target: fc.integer({ min: -1, max: 8 }) })
  await fc.assert(
    fc.asyncProperty(any, known, limits, async ({ compare, lists }, place, limit) => {
      const offset = Math.max(place.source + place.target, 0)
      const page = await readPage(serve(lists).fetch, wanted(offset, limit, { compare, known: place }))
      assert.deepEqual(placesOf(page), mergedWhole(lists, compare).slice(offset, offset + limit))
    }),
    { numRuns: 500 }
  )
})

test('any disjoint lists, page by page: everybody once and in order, with two calls a page when the place is known', async () => {
  const any = anyLists((compare) => disjointLists(compare, 30))
  await fc.assert(
    fc.asyncProperty(any, limits, fc.boolean(), async ({ compare, lists }, limit, isKnown) => {
      const whole = mergedWhole(lists, compare)
      assert.deepEqual(await walk(lists, whole.length, limit, compare, isKnown), whole)
    })
  )
})

test('any disjoint lists of about a thousand rows: each page is the slice, for what it may cost', async () => {
  const any = anyLists((compare) => disjointLists(compare, 1300).filter((lists) => lists.source.length > 0))
  const sized = fc.record({
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    limit: fc.integer({ min: 1, max: 100 })
  })
  await fc.assert(
    fc.asyncProperty(any, fc.array(sized, { minLength: 5, maxLength: 5 }), async ({ compare, lists }, pages) => {
      const whole = mergedWhole(lists, compare)
      for (const { share, limit } of pages) {
        const offset = Math.round(share * whole.length)
        const served = serve(lists)
        const page = await readPage(served.fetch, wanted(offset, limit, { compare }))
        assert.deepEqual(placesOf(page), whole.slice(offset, offset + limit))
        assertWithinBudget(served, limit, whole.length)
      }
    }),
    { numRuns: 40 }
  )
})

test('any lists with copies: each page is the slice without doubles, offsets count them', async () => {
  const any = anyLists((compare) => fc.boolean().chain((changed) => copiedLists(compare, changed, 12)))
  await fc.assert(
    fc.asyncProperty(any, fc.nat(26), limits, async ({ compare, lists }, offset, limit) => {
      const whole = mergedWhole(lists, compare)
      const served = serve(lists)
      const page = await readPage(served.fetch, wanted(offset, limit, { compare }))
      assert.deepEqual(placesOf(page), shownOf(whole, offset, limit))
      if (offset > whole.length) return
      assertWithinBudget(served, limit, whole.length)
      assert.deepEqual(page.ends, splitAt(whole, offset + limit))
    }),
    { numRuns: 1000 }
  )
})

const ids = (places: readonly Place[]) => places.map((place) => place.row.id)

test('any lists with copies, page by page: nobody is missing', async () => {
  const any = anyLists((compare) => fc.boolean().chain((changed) => copiedLists(compare, changed)))
  await fc.assert(
    fc.asyncProperty(any, limits, async ({ compare, lists }, limit) => {
      const whole = mergedWhole(lists, compare)
      assert.deepEqual(new Set(ids(await walk(lists, whole.length, limit, compare, false))), new Set(ids(whole)))
    })
  )
})

test('any lists in which copies are neighbours, page by page: everybody once, as the target has it, in order', async () => {
  const anyStrict = fc.constantFrom(ascendingThenId, descendingThenId)
  const any = anyStrict.chain((compare) => fc.tuple(fc.constant(compare), copiedLists(compare, false, 20)))
  await fc.assert(
    fc.asyncProperty(any, limits, fc.boolean(), async ([compare, lists], limit, isKnown) => {
      const whole = mergedWhole(lists, compare)
      const once = whole.filter(
        ({ system, row: { id } }) => system === 'target' || !lists.target.some((other) => other.id === id)
      )
      assert.deepEqual(await walk(lists, whole.length, limit, compare, isKnown), once)
    })
  )
})

test('any change between two steps: the page is the slice of what the lists are then', async () => {
  const two = anyOrder.chain((name) =>
    fc.tuple(fc.constant(orders[name]), disjointLists(orders[name], 20), disjointLists(orders[name], 20))
  )
  await fc.assert(
    fc.asyncProperty(two, fc.nat(6), fc.nat(20), limits, async ([compare, first, second], step, offset, limit) => {
      const lists = { ...first }
      const served = serve(lists, { before: (call) => void (call === 2 * step + 1 && Object.assign(lists, second)) })
      const page = await readPage(served.fetch, wanted(offset, limit, { compare }))
      const seen = mergedWhole(served.calls.length > 2 * step ? second : first, compare)
      // Past the end was seen by a probe; what came since is for the next request.
      if (page.picks.length > 0 || offset >= seen.length) {
        assert.deepEqual(placesOf(page), seen.slice(offset, offset + limit))
      }
    }),
    { numRuns: 1000 }
  )
})

test('any lists without a limit: what can be proven of the whole, never more calls than four', async () => {
  const any = anyLists((compare) => disjointLists(compare, 20))
  const ignoring = fc.subarray<System>(['source', 'target'])
  await fc.assert(
    fc.asyncProperty(any, fc.integer({ min: 1, max: 12 }), ignoring, async ({ compare, lists }, cap, ignoresPaging) => {
      const whole = mergedWhole(lists, compare)
      const served = serve(lists, { cap, ignoresPaging })
      const page = await readPage(served.fetch, wanted(0, null, { compare }))
      assert.ok(served.calls.length <= 4)
      // One that gives all its rows at once can be beyond the other's cap: those two are not of one kind.
      if (ignoresPaging.length === 1) return
      const isCapped = ignoresPaging.length === 0 && Math.max(lists.source.length, lists.target.length) > cap
      assert.deepEqual(placesOf(page), isCapped ? whole.slice(0, cap) : whole)
      assert.deepEqual(page.ends, splitAt(whole, isCapped ? cap : whole.length))
    }),
    { numRuns: 500 }
  )
})

// A million rows.

const million = 1_000_000
/** Lists by whose row each of a million ids is; the values are the ids. */
function millionOf(isTargets: (id: number) => boolean): Lists {
  const indexes = { source: new Int32Array(million), target: new Int32Array(million) }
  const lengths = { source: 0, target: 0 }
  for (let id = 0; id < million; id++) {
    const system = isTargets(id) ? 'target' : 'source'
    indexes[system][lengths[system]++] = id
  }
  const list = (system: System) => ({
    length: lengths[system],
    at: (index: number) => row(indexes[system][index] ?? null)
  })
  return { source: list('source'), target: list('target') }
}

for (const [what, isTargets] of [
  ['a third on the target', (id: number) => id % 3 === 0],
  ['the older half on the target', (id: number) => id < million / 2],
  ['the younger half on the target', (id: number) => id >= million / 2],
  ['all on the source', () => false],
  ['all on the target', () => true],
  ['by blocks of a thousand', (id: number) => Math.floor(id / 1000) % 2 === 0],
  ['one of a thousand on the target', (id: number) => id % 1000 === 500],
  ['scattered', (id: number) => Math.imul(id, 0x9e3779b1) >>> 28 < 5]
] as const) {
  test(`a million rows, ${what}: any page for what it may cost`, async (t) => {
    const lists = millionOf(isTargets)
    const edges = [1, 2, 2 ** 19 - 1, 2 ** 19, 2 ** 19 + 1, million / 2, million - 1, million]
    const random = fc.sample(fc.nat(million), { numRuns: 50, seed: 6 })
    let worst = { calls: 0, rows: 0 }
    for (const offset of [...edges, ...random]) {
      const served = serve(lists)
      const page = await readPage(served.fetch, wanted(offset, 50))
      const length = Math.min(50, million - offset)
      const expected = Array.from({ length }, (_, at) => offset + at)
      assert.deepEqual(
        placesOf(page).map((place) => place.row.value),
        expected
      )
      assertWithinBudget(served, 50, million)
      worst = {
        calls: Math.max(worst.calls, served.calls.length),
        rows: Math.max(worst.rows, served.rowsGiven())
      }
      const again = serve(lists)
      await readPage(again.fetch, wanted(offset + length, 50, { known: page.ends }))
      assert.equal(again.calls.length, 2)
      assert.ok(again.rowsGiven() <= 102)
    }
    t.diagnostic(`at most ${worst.calls} calls and ${worst.rows} rows for a page of 50`)
  })
}
