/**
 * Pages of a merged list: exact at any depth, without fetching what precedes them (contract section 6).
 */
import {
  type BothLists,
  type IsExported,
  isCut,
  isOrdered,
  type Listed,
  mergeRows,
  type PagePick,
  type Split
} from './merge.ts'
import type { Compare, RowKey } from './order.ts'
import { askBoth, type FetchRows, ListDisorder, seekSplit } from './seek.ts'
import { type System, systemNames } from './words.ts'

export type { Listed, PagePick, Split } from './merge.ts'
export { type FetchRows, ListDisorder } from './seek.ts'

/** What a client asks for, and what is known of its list. */
export interface Wanted<L extends Listed = Listed> {
  readonly offset: number
  /** Null when the client gave none; `offset` is 0 then. */
  readonly limit: number | null
  /** Where this very offset was in the lists before; it is verified, never trusted. */
  readonly known: Split | null
  /** Null for a list of unknown order: all of the target's rows, then all of the source's. */
  readonly compare: Compare | null
  /** True when no row can be in both lists (the source leaves exported rows out): it only moved between the two calls. */
  readonly isDisjoint: boolean
  /** Asked of the target's row where both systems have one. */
  readonly isExported: IsExported<L>
}

export interface MergedPage<L extends Listed> {
  /** In order; `at` is an index into that system's `lists[system].rows`. */
  readonly picks: readonly PagePick[]
  /** The answers of both systems to the page's own two calls. */
  readonly lists: BothLists<L>
  /** Where the page begins, and where the next one will: rows that were left out as doubles are counted. */
  readonly begins: Split
  readonly ends: Split
}

/** How often a place is searched before the lists count as never standing still. */
const searchesAtMost = 6
/** How often a page of a disjoint list is read before a double in it counts as one. */
const readsAtMost = 3

const start: Split = { source: 0, target: 0 }

/**
 * Reads one page. Each search ends with a read from one row before the place on, which shows whether the lists are cut
 * there indeed; a known place spares the search as long as it is still right.
 */
export async function readPage<L extends Listed>(fetch: FetchRows<L>, wanted: Wanted<L>): Promise<MergedPage<L>> {
  const { offset, limit, compare } = wanted
  if (limit === null) return readWhole(fetch, wanted)
  if (limit === 0) return emptyPage(await askBoth(fetch, start, both(0), true), wanted.known ?? start)
  const known = offset === 0 ? start : wanted.known
  let page = known !== null && isPlace(known, offset) ? await readAt(fetch, wanted, known, limit) : null
  let blamed: System | null = null
  for (let searches = 0; page === null; searches++) {
    if (searches === searchesAtMost) throw new ListDisorder(blamed)
    const sought = await seekSplit(fetch, offset, compare)
    blamed = 'disorder' in sought ? sought.disorder : null
    if ('beyond' in sought) return emptyPage(await askBoth(fetch, sought.beyond, both(limit), true), sought.beyond)
    if ('found' in sought) page = await readAt(fetch, wanted, sought.found, limit)
  }
  return page
}

const isPlace = ({ source, target }: Split, offset: number) =>
  Number.isSafeInteger(source) && source >= 0 && target >= 0 && source + target === offset

const both = <T>(one: T) => ({ source: one, target: one })

const emptyPage = <L extends Listed>(lists: BothLists<L>, at: Split): MergedPage<L> => ({
  picks: [],
  lists,
  begins: at,
  ends: at
})

/** The page at a place; null when that is no cut of the lists, or no longer. */
const readAt = <L extends Listed>(fetch: FetchRows<L>, wanted: Wanted<L>, begins: Split, limit: number) =>
  untilSettled(wanted, async () => {
    const before = { source: Math.min(begins.source, 1), target: Math.min(begins.target, 1) }
    const offsets = { source: begins.source - before.source, target: begins.target - before.target }
    const limits = { source: limit + before.source, target: limit + before.target }
    const lists = await askBoth(fetch, offsets, limits, true)
    refuseDisorder(lists, wanted.compare)
    return isCut(lists, before, wanted.compare) ? pageOf(lists, begins, before, limit, wanted) : null
  })

/**
 * The page of a client that gave no limit. Systems cap it at a number of rows that is theirs to know, so beyond that
 * number no place is certain.
 */
const readWhole = <L extends Listed>(fetch: FetchRows<L>, wanted: Wanted<L>) =>
  untilSettled(wanted, async () => {
    const lists = await askBoth(fetch, start, both(null), true)
    refuseDisorder(lists, wanted.compare)
    const size = Math.max(lists.source.rows.length, lists.target.rows.length)
    const largest = systemNames.filter((system) => size > 0 && lists[system].rows.length === size)
    const more = await Promise.all(largest.map((system) => hasMore(fetch, system, lists[system].rows, wanted.compare)))
    return pageOf(lists, start, start, more.includes(true) ? size : Number.POSITIVE_INFINITY, wanted)
  })

/** Whether a system has a row after these; a system that ignores `offset` and `limit` gives rows that it gave before. */
async function hasMore(fetch: FetchRows, system: System, rows: readonly RowKey[], compare: Compare | null) {
  const [next, ...others] = (await fetch(system, rows.length, 1, false)).rows
  const last = rows.at(-1)
  if (next === undefined || last === undefined || others.length > 0) return false
  if (!isOrdered([last, next], compare)) return false
  // One row that has no id cannot be told from its like; that is no system's cap.
  return next.id === '' ? rows.length > 1 : !rows.some(({ id }) => id === next.id)
}

function refuseDisorder(lists: BothLists, compare: Compare | null): void {
  for (const system of systemNames) if (!isOrdered(lists[system].rows, compare)) throw new ListDisorder(system)
}

function pageOf<L extends Listed>(
  lists: BothLists<L>,
  begins: Split,
  from: Split,
  limit: number,
  { compare, isExported }: Wanted<L>
): MergedPage<L> {
  const { picks, taken } = mergeRows(lists, from, limit, compare, isExported)
  const ends = { source: begins.source + taken.source, target: begins.target + taken.target }
  return { picks, lists, begins, ends }
}

const hasDoubles = ({ picks, begins, ends }: MergedPage<Listed>) =>
  picks.length < ends.source + ends.target - begins.source - begins.target

/** Rows of a disjoint list that are on both systems were moving: they are there once when it is read again. */
async function untilSettled<P extends MergedPage<Listed> | null>(
  { isDisjoint }: Pick<Wanted, 'isDisjoint'>,
  read: () => Promise<P>
): Promise<P> {
  for (let reads = 1; ; reads++) {
    const page = await read()
    if (page === null || !isDisjoint || reads === readsAtMost || !hasDoubles(page)) return page
  }
}
