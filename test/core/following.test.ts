import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Follow, type Followed, type Mark, readFollowing } from '../../core/following.ts'
import { type Compare, createCompare, type RowKey } from '../../core/order.ts'
import { type FetchRows, ListDisorder } from '../../core/pages.ts'
import { otherSystem, type System, systemNames } from '../../core/words.ts'
import {
  ascendingThenId,
  copiedLists,
  descendingThenId,
  type Lists,
  row,
  rows,
  type Served,
  serve,
  type WrittenLists
} from './ordered-lists.ts'

interface SomeList {
  readonly rows: readonly RowKey[]
}
type Page = Followed<SomeList>

const wanted = (after: Mark | null, limit: number, more: Partial<Follow> = {}): Follow => ({
  systems: systemNames,
  after,
  limit,
  compare: ascendingThenId,
  isExported: () => false,
  isMissing: () => false,
  ...more
})

const markOf = (key: RowKey, source?: number, target?: number): Mark => ({
  key,
  places: { ...(source !== undefined && { source }), ...(target !== undefined && { target }) }
})

const rowsOf = ({ picks, lists }: Page) =>
  picks.map(({ system, at }) => ({ system, row: lists[system]?.rows[at] ?? assert.fail('no such row') }))

/** 's1 t2': whose each row is, and its value. */
const told = (page: Page) =>
  rowsOf(page)
    .map(({ system, row: { value } }) => `${system[0]}${value}`)
    .join(' ')

const upTo = (count: number, first = 0, step = 1) => Array.from({ length: count }, (_, at) => row(first + at * step))
const disorderOf = (system: System) => (error: unknown) => error instanceof ListDisorder && error.system === system

/** Everybody once: of two rows that tie it is the target's, unless that is exported. */
function mergedOnce(lists: WrittenLists, compare: Compare, isExported: (id: string) => boolean) {
  const isTied = (one: RowKey, others: readonly RowKey[]) => others.some((other) => compare(one, other) === 0)
  const source = lists.source.filter((one) => !isTied(one, lists.target) || isExported(one.id))
  const target = lists.target.filter((one) => !isTied(one, lists.source) || !isExported(one.id))
  return [
    ...source.map((one) => ({ system: 'source' as const, row: one })),
    ...target.map((one) => ({ system: 'target' as const, row: one }))
  ].toSorted((a, b) => compare(a.row, b.row))
}

/** All pages by their marks; `limits` are used in turn. A page that is not full has to be the last. */
async function walk(fetch: FetchRows<SomeList>, limits: readonly number[], more: Partial<Follow> = {}) {
  const seen: ReturnType<typeof rowsOf> = []
  const pages: Page[] = []
  let after: Mark | null = null
  for (let hasMore = true; hasMore; ) {
    const limit = limits[pages.length % limits.length] ?? 1
    const page: Page = await readFollowing(fetch, wanted(after, limit, more))
    if (page.hasMore) assert.equal(page.picks.length, limit)
    seen.push(...rowsOf(page))
    pages.push(page)
    assert.ok(pages.length < 1000, 'the walk goes round')
    after = page.picks.length > 0 ? page.markAt(page.picks.length - 1) : after
    hasMore = page.hasMore
  }
  return { seen, pages }
}

// Tables of edges.

const odd = [1, 3, 5]
const even = [2, 4, 6]
const twoEach = { source: 2, target: 2 }
for (const [what, source, target, after, limit, expected, hasMore] of [
  ['the beginning', odd, even, null, 2, 's1 t2', true],
  ['the middle', odd, even, markOf(row(2), 1, 1), 2, 's3 t4', true],
  ['the last full page', odd, even, { key: row(4), places: twoEach }, 2, 's5 t6', false],
  ['a page that is not full', odd, even, { key: row(4), places: twoEach }, 5, 's5 t6', false],
  ['one row is left', odd, even, { key: row(4), places: twoEach }, 1, 's5', true],
  ['the very end', odd, even, markOf(row(6), 3, 3), 2, '', false],
  ['behind the very end', odd, even, markOf(row(9), 3, 3), 2, '', false],
  ['a key that nobody has any more', odd, [2, 6], markOf(row(4), 2, 1), 2, 's5 t6', false],
  ['empty lists', [], [], null, 2, '', false],
  ['empty lists, behind a row', [], [], markOf(row(4), 0, 0), 2, '', false],
  ['an empty target', odd, [], markOf(row(1), 1, 0), 1, 's3', true],
  ['an empty source', [], even, markOf(row(2), 0, 1), 2, 't4 t6', false],
  ['one system’s rows are all first', [1, 2, 3], [7, 8, 9], null, 4, 's1 s2 s3 t7', true],
  ['a double is one row', [1, 2, 3], [2, 3, 4], null, 3, 's1 t2 t3', true],
  ['nothing but doubles', odd, odd, null, 3, 't1 t3 t5', false]
] as const) {
  test(`page: ${what}: "${expected}"`, async () => {
    const served = serve({ source: rows(...source), target: rows(...target) })
    const page = await readFollowing(served.fetch, wanted(after, limit))
    assert.deepEqual([told(page), page.hasMore, page.missing], [expected, hasMore, {}])
    assert.equal(served.calls.length, 2)
  })
}

test('the first page asks for one row more; later ones begin one row earlier, where there is one', async () => {
  const served = serve({ source: upTo(20, 0, 2), target: upTo(20, 1, 2) })
  await readFollowing(served.fetch, wanted(null, 5))
  await readFollowing(served.fetch, wanted(markOf(row(0), 1, 0), 5))
  await readFollowing(served.fetch, wanted(markOf(row(9), 5, 5), 5))
  assert.deepEqual(served.calls, [
    ['source', 0, 6, true],
    ['target', 0, 6, true],
    ['source', 0, 7, true],
    ['target', 0, 6, true],
    ['source', 4, 7, true],
    ['target', 4, 7, true]
  ])
})

test('a mark tells the row and how many of each system’s were up to it, doubles of both', async () => {
  const page = await readFollowing(serve({ source: rows(1, 2, 3), target: rows(2, 4) }).fetch, wanted(null, 3))
  assert.deepEqual(
    page.picks.map((_, at) => page.markAt(at)),
    [markOf(row(1), 1, 0), markOf(row(2), 2, 1), markOf(row(3), 3, 1)]
  )
})

test('a mark has of its row what it is compared by, and no more', async () => {
  const fetch = async () => ({ rows: [{ ...row(1), start: 0, end: 9 }] })
  const page = await readFollowing(fetch, wanted(null, 1, { systems: ['target'] }))
  assert.deepEqual(page.markAt(0), { key: { value: 1, id: '1' }, places: { target: 1 } })
})

for (const at of [-1, 2, 0.5, Number.NaN]) {
  test(`no mark behind the row ${at} of a page of two`, async () => {
    const page = await readFollowing(serve({ source: rows(1), target: rows(2) }).fetch, wanted(null, 2))
    assert.throws(() => page.markAt(at), RangeError)
  })
}

for (const after of [null, markOf(row(3), 2, 1)]) {
  test(`limit 0 ${after ? 'behind a row' : 'from the beginning'} asks each for no rows, and tells nothing`, async () => {
    const served = serve({ source: rows(...odd), target: rows(...even) })
    const page = await readFollowing(served.fetch, wanted(after, 0))
    assert.deepEqual([page.picks, page.hasMore, page.missing], [[], false, {}])
    assert.deepEqual(page.lists, { source: { rows: [] }, target: { rows: [] } })
    assert.throws(() => page.markAt(0), RangeError)
    assert.deepEqual(served.calls, [
      ['source', 0, 0, true],
      ['target', 0, 0, true]
    ])
  })
}

test('limit 0 of a system that gives rows all the same tells nothing either', async () => {
  const served = serve({ source: rows(...odd), target: rows(...even) }, { ignoresPaging: ['source'] })
  const page = await readFollowing(served.fetch, wanted(null, 0))
  assert.deepEqual([page.picks, page.hasMore], [[], false])
})

for (const system of systemNames) {
  test(`the ${system} alone: the other is not asked, and keeps its place in the marks`, async () => {
    const served = serve({ source: rows(1, 2, 3), target: rows(1, 2, 3) })
    const page = await readFollowing(served.fetch, wanted(markOf(row(1), 1, 1), 1, { systems: [system] }))
    assert.deepEqual([told(page), page.hasMore, Object.keys(page.lists)], [`${system[0]}2`, true, [system]])
    assert.deepEqual(page.markAt(0).places, { source: 1, target: 1, [system]: 2 })
    assert.ok(served.calls.every(([asked]) => asked === system))
  })
}

// Doubles.

const isFirst = (_list: unknown, at: number) => at === 0
for (const [what, source, target, limit, expected] of [
  ['gives way to the source’s', [1, 2], [1, 3], 4, 's1 s2 t3'],
  ['has no double: it is shown', [2], [1, 3], 4, 't1 s2 t3'],
  ['gives way where the page ends', [1, 2], [1, 3], 1, 's1']
] as const) {
  test(`an exported row of the target ${what}`, async () => {
    const lists = { source: rows(...source), target: rows(...target) }
    const page = await readFollowing(serve(lists).fetch, wanted(null, limit, { isExported: isFirst }))
    assert.equal(told(page), expected)
    const { seen } = await walk(serve(lists).fetch, [limit], { isExported: (list, at) => list.rows[at]?.value === 1 })
    assert.deepEqual(new Set(seen.map(({ row: { id } }) => id)).size, seen.length)
  })
}

test('whether a row is exported is asked of doubles alone, by its place in the target’s answer', async () => {
  const asked: unknown[] = []
  const isExported = ({ rows: given }: SomeList, at: number) => {
    asked.push([given.length, at, given[at]?.value])
    return false
  }
  const served = serve({ source: rows(1, 4, 6), target: rows(2, 3, 4, 5) })
  await readFollowing(served.fetch, wanted(markOf(row(2), 1, 1), 9, { isExported }))
  assert.deepEqual(asked, [[4, 2, 4]])
})

// What values there may be.

const big = 2n ** 60n
for (const [what, compare, source, target, expected] of [
  [
    'nulls first',
    createCompare({ field: 'name', direction: 'asc', id: 'id', ties: 'asc', kind: 'text' }),
    [row(null, 1), row(null, 4), row('A', 2)],
    [row(null, 3), row(null, 4), row('b', 5)],
    's1 t3 t4 s2 t5'
  ],
  [
    'nulls last, ids ascending',
    createCompare({ field: 'name', direction: 'desc', id: 'id', ties: 'asc', kind: 'text' }),
    [row('c', 7), row('B', 1), row('b', 9), row(null, 2)],
    [row('b', 1), row('b', 3), row(null, 10)],
    's7 t1 t3 s9 s2 t10'
  ],
  [
    'equal values, ids descending',
    createCompare({ field: 'when', direction: 'desc', id: 'id', ties: 'desc', kind: null }),
    [row('x', 30), row('x', 9), row('x', 8)],
    [row('x', 100), row('x', 9), row('x', 1)],
    't100 s30 t9 s8 t1'
  ],
  [
    'ids beyond what a number holds',
    createCompare({ field: 'id', direction: 'asc', id: 'id', ties: 'asc', kind: 'number' }),
    [row(1, 1), row(big, String(big)), row(big + 2n, String(big + 2n))],
    [row(big, String(big)), row(big + 1n, String(big + 1n))],
    `s1 t${big} t${big + 1n} s${big + 2n}`
  ]
] as const) {
  test(`values: ${what}, by pages of one, two and all`, async () => {
    for (const limit of [1, 2, 9]) {
      const served = serve({ source, target })
      const { seen, pages } = await walk(served.fetch, [limit], { compare })
      assert.equal(seen.map(({ system, row: { id } }) => `${system[0]}${id}`).join(' '), expected)
      assert.equal(served.calls.length, 2 * pages.length)
    }
  })
}

for (const [what, target, expected] of [
  ['the other has some', [2, 4], 's1 t2 s3 t4'],
  ['the other has none', [], 's1 s2 s3']
] as const) {
  test(`rows of one system that tie are one, and those behind them are not lost: ${what}`, async () => {
    const source = [row(1), ...Array.from({ length: 5 }, () => row(2)), row(3)]
    for (const limit of [1, 2, 3]) {
      const { fetch } = serve({ source, target: rows(...target) })
      const seen: string[] = []
      let after: Mark | null = null
      for (let page: Page | null = null; page?.hasMore !== false; ) {
        page = await readFollowing(fetch, wanted(after, limit))
        assert.ok(page.picks.length > 0)
        seen.push(told(page))
        after = page.markAt(page.picks.length - 1)
      }
      assert.equal(seen.join(' '), expected)
    }
  })
}

// What a shift costs.

/** A list of even numbers with as many rows as that. */
const evenList = (length: number) => ({ length, at: (index: number) => row(2 * index) })
const probesAtMost = (shift: number) => 2 * Math.floor(Math.log2(shift)) + 1
const isProbe = ([, , limit, isPage]: Served['calls'][number]) => limit === 1 && !isPage

const limit = 10
for (const shift of [1, 2, limit - 1, limit, limit + 1, limit + 2, 12, 50, 99, 1000, 65_536, 400_000]) {
  for (const [direction, place] of [
    ['came', 500_000 - shift],
    ['left', 500_000 + shift]
  ] as const) {
    const most = direction === 'came' && shift <= limit ? 0 : probesAtMost(shift)
    test(`${shift} rows ${direction} before the mark: two calls and at most ${most} probes`, async () => {
      const served = serve({ source: evenList(1_000_000), target: evenList(0) })
      const page = await readFollowing(served.fetch, wanted(markOf(row(999_999), place, 0), limit))
      assert.equal(told(page), `s${[...Array(limit).keys()].map((at) => 1_000_000 + 2 * at).join(' s')}`)
      assert.equal(page.markAt(0).places.source, 500_001)
      const ofSource = served.calls.filter(([system]) => system === 'source')
      const probes = ofSource.filter(isProbe)
      assert.ok(probes.length <= most, `${probes.length} probes`)
      assert.equal(ofSource.length, 2 + probes.length)
      assert.equal(served.calls.length, ofSource.length + 1)
      assert.ok(served.rowsGiven() <= limit + 2 + (limit + 4) + probes.length)
    })
  }
}

test('rows that came before the mark cost no second call when the answer has the list’s end', async () => {
  const served = serve({ source: upTo(10), target: [] })
  const page = await readFollowing(served.fetch, wanted(markOf(row(6), 4, 0), 6))
  assert.deepEqual([told(page), page.hasMore], ['s7 s8 s9', false])
  assert.equal(served.calls.length, 2)
})

for (const [what, source] of [
  ['absent', undefined],
  ['0', 0],
  ['negative', -7],
  ['no whole number', 3.5],
  ['NaN', Number.NaN],
  ['infinite', Number.POSITIVE_INFINITY],
  ['beyond all integers', 1e300],
  ['beyond what any list has', 2 ** 45],
  ['far beyond the list', 2 ** 31 - 1],
  ['just beyond the list', 101],
  ['the list’s end', 100],
  ['right', 60]
] as const) {
  test(`a place that is ${what}: the page is right`, async () => {
    const served = serve({ source: upTo(100), target: [] })
    const page = await readFollowing(served.fetch, wanted(markOf(row(59), source, 0), 3))
    assert.deepEqual([told(page), page.hasMore], ['s60 s61 s62', true])
    assert.deepEqual(page.markAt(2).places, { source: 63, target: 0 })
    assert.ok(served.calls.length <= 3 + probesAtMost(2 ** 31))
    for (const [, offset, count] of served.calls)
      assert.ok(Number.isSafeInteger(offset) && offset >= 0 && Number(count) > 0)
  })
}

test('any place of any list: the page is right, for what it may cost', async () => {
  const sized = fc.record({
    size: fc.nat(200),
    key: fc.nat(400),
    place: fc.nat(220),
    count: fc.integer({ min: 1, max: 9 })
  })
  await fc.assert(
    fc.asyncProperty(sized, async ({ size, key, place, count }) => {
      const served = serve({ source: [], target: upTo(size, 0, 2) })
      const after = markOf(row(key), 0, place)
      const page = await readFollowing(served.fetch, wanted(after, count, { systems: ['target'] }))
      const cut = Math.min(Math.floor(key / 2) + 1, size)
      assert.equal(
        told(page),
        upTo(Math.min(count, size - cut), 2 * cut, 2)
          .map(({ value }) => `t${value}`)
          .join(' ')
      )
      assert.equal(page.hasMore, size - cut > count)
      const shift = Math.abs(cut - place)
      assert.ok(served.calls.length <= (shift === 0 ? 1 : 2 + probesAtMost(shift)), `${served.calls.length} calls`)
    }),
    { numRuns: 500 }
  )
})

for (const slow of systemNames) {
  const other = otherSystem(slow)
  test(`each system goes at its own pace: the ${other}’s search does not wait for the ${slow}`, {
    timeout: 5000
  }, async () => {
    const inner = serve({ source: upTo(1000, 0, 2), target: upTo(1000, 1, 2) })
    const isRead = Promise.withResolvers<void>()
    let pages = 0
    const fetch: Served['fetch'] = async (system, offset, count, isPage) => {
      if (system === slow) await isRead.promise
      const listed = await inner.fetch(system, offset, count, isPage)
      if (system === other && isPage && ++pages === 2) isRead.resolve()
      return listed
    }
    const page = await readFollowing(fetch, wanted({ key: row(999), places: { [slow]: 500, [other]: 100 } }, 2))
    assert.equal(told(page), 's1000 t1001')
    const systems = inner.calls.map(([system]) => system)
    assert.equal(systems.indexOf(slow), systems.length - 1)
  })
}

// Any lists.

const strict = fc.constantFrom(ascendingThenId, descendingThenId)
const manyLimits = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 5 })

test('any two lists by pages of any sizes: everybody once, in order, for one call of each system a page', async () => {
  const any = strict.chain((compare) => fc.tuple(fc.constant(compare), copiedLists(compare, false, 30)))
  const exported = fc.array(fc.nat(30)).map((ids) => new Set(ids.map(String)))
  await fc.assert(
    fc.asyncProperty(any, manyLimits, exported, async ([compare, lists], limits, ids) => {
      const served = serve(lists)
      const isExported = ({ rows: given }: SomeList, at: number) => ids.has(given[at]?.id ?? '')
      const { seen, pages } = await walk(served.fetch, limits, { compare, isExported })
      const whole = mergedOnce(lists, compare, (id) => ids.has(id))
      assert.deepEqual(seen, whole)
      assert.equal(served.calls.length, 2 * pages.length)
      let given = 0
      for (const [at, page] of pages.entries()) {
        const asked = limits[at % limits.length] ?? 1
        given += page.picks.length
        assert.equal(page.hasMore, given < whole.length)
        for (const [, , count] of served.calls.slice(2 * at, 2 * at + 2)) assert.ok((count ?? 0) <= asked + 2)
      }
    }),
    { numRuns: 500 }
  )
})

test('any row’s mark, not only a page’s last, goes on behind that row', async () => {
  const any = strict.chain((compare) => fc.tuple(fc.constant(compare), copiedLists(compare, false, 20)))
  await fc.assert(
    fc.asyncProperty(any, fc.nat(20), fc.integer({ min: 1, max: 5 }), async ([compare, lists], at, count) => {
      const served = serve(lists)
      const first = await readFollowing(served.fetch, wanted(null, 20, { compare }))
      if (at >= first.picks.length) return
      const next = await readFollowing(served.fetch, wanted(first.markAt(at), count, { compare }))
      const whole = mergedOnce(lists, compare, () => false)
      assert.deepEqual(rowsOf(next), whole.slice(at + 1, at + 1 + count))
      assert.equal(served.calls.length, 4)
    })
  )
})

// Lists that change.

interface Change {
  readonly kind: 'move' | 'remove' | 'add'
  readonly on: System
  readonly which: number
}
const anyChange: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('move', 'move', 'remove', 'add'),
  on: fc.constantFrom(...systemNames),
  which: fc.nat(1000)
})

/** Lists in order that change one row at a time, and know whom they never touched. */
function createMoving(first: WrittenLists, compare: Compare) {
  const lists: Record<System, RowKey[]> = { source: [...first.source], target: [...first.target] }
  const untouched = new Set([...first.source, ...first.target].map(({ id }) => id))
  let newest = 1000
  function put(system: System, one: RowKey) {
    lists[system] = [...lists[system].filter(({ id }) => id !== one.id), one].toSorted(compare)
  }
  function change({ kind, on, which }: Change): void {
    const [one] = kind === 'add' ? [] : lists[on].splice(which % Math.max(lists[on].length, 1), 1)
    if (kind === 'add') put(on, row(which % 24, ++newest))
    if (one === undefined) return
    untouched.delete(one.id)
    if (kind === 'move') put(otherSystem(on), one)
  }
  return { lists, untouched, change }
}

for (const [what, size, atOnce] of [
  ['one row moves, comes or leaves before a call', 24, 1],
  ['many rows move, come and leave before a call', 60, 20]
] as const) {
  test(`whenever ${what}: nobody twice, in order, and everybody who stayed`, async () => {
    const any = strict.chain((compare) => fc.tuple(fc.constant(compare), copiedLists(compare, false, size)))
    const changes = fc.array(fc.array(anyChange, { maxLength: atOnce }), { minLength: 10, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(any, changes, manyLimits, async ([compare, first], all, limits) => {
        const { lists, untouched, change } = createMoving(first, compare)
        const before = (call: number) => all[call - 1]?.forEach(change)
        const { seen } = await walk(serve(lists, { before }).fetch, limits, { compare })
        const keys = seen.map(({ row: one }) => one)
        assert.ok(keys.every((one, at) => at === 0 || compare(keys[at - 1] ?? one, one) < 0))
        const ids = new Set(keys.map(({ id }) => id))
        assert.equal(ids.size, keys.length)
        for (const id of untouched) assert.ok(ids.has(id), `${id} is missing`)
      }),
      { numRuns: 400 }
    )
  })
}

test('rows that left between the search and the read are found out, and the place is searched anew', async () => {
  const lists = { source: upTo(100), target: rows() }
  const before = (call: number) => void (call === 3 && lists.source.splice(0, 10))
  const served = serve(lists, { before })
  const page = await readFollowing(served.fetch, wanted(markOf(row(59), 61), 2, { systems: ['source'] }))
  assert.equal(told(page), 's60 s61')
  assert.equal(page.markAt(0).places.source, 51)
})

// The mark is at 50. From place 10 on probes go up from 13 on, from place 90 on down from 88 on: the second is 2 further.
for (const [what, place, call, change] of [
  ['the last row read, again', 10, 2, (list: RowKey[]) => list.unshift(row(-1))],
  ['a row before the last one read', 10, 2, (list: RowKey[]) => list.unshift(...upTo(3, -3))],
  ['the row of the probe before, again', 10, 3, (list: RowKey[]) => list.unshift(...upTo(2, -2))],
  ['a row before that of the probe before', 10, 3, (list: RowKey[]) => list.unshift(...upTo(3, -3))],
  ['the first row read, again', 90, 2, (list: RowKey[]) => list.splice(0, 1)],
  ['a row behind the first one read', 90, 2, (list: RowKey[]) => list.splice(0, 3)],
  ['the row of the higher probe before, again', 90, 3, (list: RowKey[]) => list.splice(0, 2)],
  ['a row behind that of the higher probe before', 90, 3, (list: RowKey[]) => list.splice(0, 3)],
  ['no row before the first one read', 90, 2, (list: RowKey[]) => list.splice(70)],
  ['no row before that of a probe', 90, 3, (list: RowKey[]) => list.splice(70)]
] as const) {
  test(`a probe that finds ${what}: the list has changed, so the search ends there`, async () => {
    const lists = { source: upTo(100, 0, 2), target: rows() }
    const served = serve(lists, { before: (number) => void (number === call && change(lists.source)) })
    const page = await readFollowing(served.fetch, wanted(markOf(row(99), place), 2, { systems: ['source'] }))
    assert.equal(told(page), 's100 s102')
    assert.deepEqual(served.calls.slice(0, call + 1).map(isProbe), [false, ...Array(call - 1).fill(true), false])
  })
}

test('a list that never stands still is told after six searches', async () => {
  // Whenever a page is read, a thousand rows have come before the mark since the search, or have left again.
  const near = upTo(500, 1000)
  const far = [...upTo(1000), ...near]
  const lists = { source: near, target: rows() }
  const inner = serve(lists)
  const fetch: Served['fetch'] = (system, offset, count, isPage) => {
    if (isPage) lists.source = lists.source === near ? far : near
    return inner.fetch(system, offset, count, isPage)
  }
  const after = markOf(row(1204), 205)
  await assert.rejects(readFollowing(fetch, wanted(after, 2, { systems: ['source'] })), disorderOf('source'))
  assert.equal(inner.calls.filter(([, , , isPage]) => isPage).length, 7)
  assert.ok(inner.calls.length <= 7 + 6 * probesAtMost(1000))
})

// Systems that fail.

const away = new Error('away')
const isAway = (error: unknown) => error === away

for (const system of systemNames) {
  const other = otherSystem(system)

  test(`the ${system} fails on page 2 of 4 and is back: none of its rows behind the mark comes again`, async () => {
    const inner = serve({ source: upTo(12, 0, 2), target: upTo(12, 1, 2) })
    let page = 1
    const asked: [page: number, system: System][] = []
    const fetch: Served['fetch'] = async (name, ...rest) => {
      asked.push([page, name])
      if (page === 2 && name === system) throw away
      return inner.fetch(name, ...rest)
    }
    const values: unknown[] = []
    const places: Mark['places'][] = []
    let after: Mark | null = null
    for (; page <= 4; page++) {
      const found: Page = await readFollowing(fetch, wanted(after, 4, { isMissing: isAway }))
      assert.deepEqual(found.missing, page === 2 ? { [system]: away } : {})
      assert.deepEqual(Object.keys(found.lists), page === 2 ? [other] : ['source', 'target'])
      assert.ok(found.hasMore)
      values.push(...rowsOf(found).map(({ row: { value } }) => value))
      after = found.markAt(3)
      places.push(after.places)
    }
    const second = system === 'source' ? [5, 7, 9, 11] : [4, 6, 8, 10]
    const third = system === 'source' ? [12, 13, 14, 15] : [11, 12, 13, 14]
    const fourth = third.map((value) => value + 4)
    assert.deepEqual(values, [0, 1, 2, 3, ...second, ...third, ...fourth])
    assert.equal(places[0]?.[system], 2)
    assert.equal(places[1]?.[system], 2)
    // What it has missed is within what it is asked for at its old place: seen, then read behind.
    assert.equal(asked.filter(([at, name]) => at === 3 && name === system).length, 2)
    assert.equal(asked.filter(([at]) => at === 4).length, 2)
  })

  test(`the ${system} was not there from the beginning: no place in the mark, and found when it is back`, async () => {
    const inner = serve({ source: upTo(12, 0, 2), target: upTo(12, 1, 2) })
    const fetch: Served['fetch'] = async (name, ...rest) =>
      name === system ? Promise.reject(away) : inner.fetch(name, ...rest)
    const page = await readFollowing(fetch, wanted(null, 3, { isMissing: isAway }))
    const mark = page.markAt(2)
    assert.deepEqual(mark.places, { [other]: 3 })
    const next = await readFollowing(inner.fetch, wanted(mark, 2))
    const last = Number(mark.key.value)
    assert.deepEqual(
      rowsOf(next).map(({ row: { value } }) => value),
      [last + 1, last + 2]
    )
  })

  test(`the ${system} fails in the search: it is missing, and the other’s rows are there`, async () => {
    const inner = serve({ source: upTo(500), target: upTo(500) })
    const fetch: Served['fetch'] = async (name, offset, count, isPage) => {
      if (name === system && !isPage) throw away
      return inner.fetch(name, offset, count, isPage)
    }
    const after = { key: row(299), places: { source: 300, target: 300, [system]: 5 } }
    const page = await readFollowing(fetch, wanted(after, 2, { isMissing: isAway }))
    assert.deepEqual([told(page), page.missing], [`${other[0]}300 ${other[0]}301`, { [system]: away }])
    assert.deepEqual(page.markAt(0).places, { [system]: 5, [other]: 301 })
  })

  test(`the ${system} alone, and missing: nothing, and nothing more`, async () => {
    const more = { systems: [system], isMissing: isAway }
    const page = await readFollowing(() => Promise.reject(away), wanted(null, 2, more))
    assert.deepEqual([page.picks, page.lists, page.missing, page.hasMore], [[], {}, { [system]: away }, false])
    assert.throws(() => page.markAt(0), RangeError)
  })

  test(`the ${system} fails otherwise: that is thrown, once the ${other} is done`, async () => {
    const failure = new Error('broken')
    const inner = serve({ source: upTo(500), target: upTo(500) })
    const asked: [unknown, System][] = []
    const isMissing = (error: unknown, name: System) => {
      asked.push([error, name])
      return isAway(error)
    }
    const after = markOf(row(299), 5, 5)
    const fetch: Served['fetch'] = async (name, ...rest) =>
      name === system ? Promise.reject(failure) : inner.fetch(name, ...rest)
    await assert.rejects(readFollowing(fetch, wanted(after, 2, { isMissing })), failure)
    assert.deepEqual(asked, [[failure, system]])
    const { length } = inner.calls
    assert.deepEqual(inner.calls.at(-1), [other, 298, 6, true])
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(inner.calls.length, length)
  })
}

for (const limit of [0, 2]) {
  test(`both are missing, limit ${limit}: no rows, no more, and both failures`, async () => {
    const failures = { source: new Error('source'), target: new Error('target') }
    const fetch = (system: System) => Promise.reject(failures[system])
    const page = await readFollowing(fetch, wanted(markOf(row(3), 2, 1), limit, { isMissing: () => true }))
    assert.deepEqual([page.picks, page.lists, page.missing, page.hasMore], [[], {}, failures, false])
  })
}

test('a failure that is undefined is one as well', async () => {
  const page = await readFollowing(() => Promise.reject(undefined), wanted(null, 2, { isMissing: () => true }))
  assert.deepEqual(page.missing, { source: undefined, target: undefined })
  await assert.rejects(
    readFollowing(() => Promise.reject(undefined), wanted(null, 2)),
    (error) => error === undefined
  )
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
  test(`a fetch that ${what} for both systems rejects once, with the first’s, and nothing is left unhandled`, async (t) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    t.after(() => process.off('unhandledRejection', note))
    await assert.rejects(readFollowing(fails, wanted(null, 2)), { message: 'source' })
    await assert.rejects(readFollowing(fails, wanted(null, 2, { systems: ['target', 'source'] })), {
      message: 'target'
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(unhandled, [])
  })
}

// Systems that give other rows than they are asked for.

for (const system of systemNames) {
  const other = otherSystem(system)
  const listsOf = (own: readonly RowKey[], others: readonly RowKey[] = []) => ({
    source: others,
    target: others,
    [system]: own
  })

  for (const [what, place, values] of [
    ['on the first page', null, [1, 3, 2]],
    ['beyond the page', null, [1, 2, 4, 3]],
    ['behind the mark', 1, [1, 2, 4, 3]],
    ['up to the mark', 2, [1, 4, 3, 6]]
  ] as const) {
    test(`the ${system}’s rows are out of order ${what}: told at once`, async () => {
      const served = serve(listsOf(rows(...values)))
      const after = place === null ? null : { key: row(2 * place), places: { [system]: place } }
      await assert.rejects(readFollowing(served.fetch, wanted(after, 3)), disorderOf(system))
      assert.equal(served.calls.length, 2)
    })
  }

  test(`the ${system} ignores offset and limit: harmless at the beginning, told behind it`, async () => {
    const { fetch } = serve(listsOf(upTo(9, 0, 2), upTo(9, 1, 2)), { ignoresPaging: [system] })
    const page = await readFollowing(fetch, wanted(null, 3))
    assert.deepEqual(
      rowsOf(page).map((one) => one.row.value),
      [0, 1, 2]
    )
    await assert.rejects(walk(fetch, [3]), disorderOf(system))
  })

  test(`the ${system} ignores offset and limit, but has fewer rows than a page: right all the same`, async () => {
    for (let size = 0; size < 8; size++) {
      const lists = listsOf(upTo(size, 0, 2), upTo(40, 1, 2))
      const { seen } = await walk(serve(lists, { ignoresPaging: [system] }).fetch, [7])
      assert.deepEqual(
        seen,
        mergedOnce(lists, ascendingThenId, () => false)
      )
    }
  })

  test(`the ${system} ignores offset alone: told, for few calls`, async () => {
    const inner = serve(listsOf(upTo(1000, 0, 2), upTo(1000, 1, 2)))
    const fetch: Served['fetch'] = (name, offset, ...rest) => inner.fetch(name, name === system ? 0 : offset, ...rest)
    const after = { key: row(999), places: { source: 500, target: 500 } }
    await assert.rejects(readFollowing(fetch, wanted(after, 10)), disorderOf(system))
    const ofSystem = inner.calls.filter(([name]) => name === system)
    assert.ok(ofSystem.length <= 7 + 6 * 2, `${ofSystem.length} calls`)
    assert.equal(inner.calls.length, ofSystem.length + 1)
  })

  test(`the ${system} has a row for any offset, each behind the one before: told, for bounded calls`, async () => {
    const lists: Lists = {
      ...{ source: [], target: [] },
      [system]: { length: Number.MAX_SAFE_INTEGER, at: (index: number) => row(index) }
    }
    const served = serve(lists)
    const after = { key: row(Number.MAX_SAFE_INTEGER), places: {} }
    await assert.rejects(readFollowing(served.fetch, wanted(after, 2)), disorderOf(system))
    const ofOther = served.calls.filter(([name]) => name === other)
    assert.equal(ofOther.length, 1)
    assert.ok(served.calls.length <= 1 + 7 + 6 * probesAtMost(2 ** 31), `${served.calls.length} calls`)
  })
}

for (const [mostRows, limit] of [
  [50, 120],
  [100, 500],
  [100, 99]
] as const) {
  test(`systems that give ${mostRows} rows at a time, whatever they are asked: no row is lost by pages of ${limit}`, async () => {
    const lists = { source: upTo(430, 1, 2), target: upTo(260, 2, 2) }
    const { fetch } = serve(lists, { mostRows })
    const seen: string[] = []
    let after: Mark | null = null
    for (let hasMore = true; hasMore; ) {
      const page: Page = await readFollowing(fetch, wanted(after, limit))
      assert.ok(page.picks.length > 0, 'each page goes on')
      seen.push(...rowsOf(page).map(({ row: { id } }) => id))
      after = page.markAt(page.picks.length - 1)
      hasMore = page.hasMore
    }
    assert.deepEqual(
      seen,
      mergedOnce(lists, ascendingThenId, () => false).map(({ row: { id } }) => id)
    )
  })
}

test('a list that ends with a round number of rows costs one probe more', async () => {
  const { calls, fetch } = serve({ source: upTo(100), target: [] })
  const { picks, hasMore } = await readFollowing(fetch, wanted(null, 200))
  assert.deepEqual([picks.length, hasMore, calls.length], [100, false, 3])
})
