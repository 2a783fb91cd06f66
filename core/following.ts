/**
 * Pages of a merged list that begin behind a row, for cursors. Customers who move between the systems shift the offsets
 * of everybody after them, so a walk by offsets (pages.ts) would repeat some rows and skip others; keys stay.
 */
import { type IsExported, isOrdered, type Listed, type PagePick } from './merge.ts'
import type { Compare, RowKey } from './order.ts'
import { type Part, type Parts, pageOf } from './parts.ts'
import { askOne, type FetchRows, ListDisorder } from './seek.ts'
import { longestList, seekPlace } from './seek-key.ts'
import type { System } from './words.ts'

/** Where a walk through a list has come to. */
export interface Mark {
  /** The last row that was given: whatever comes up to it, on either system, is behind. */
  readonly key: RowKey
  /** How many rows of each list were up to it: a hint. Absent for a system that was not there. */
  readonly places: Readonly<Partial<Record<System, number>>>
}

/** What a client asks for. */
export interface Follow<L extends Listed = Listed> {
  /** One or both. */
  readonly systems: readonly System[]
  /** Null: from the beginning. */
  readonly after: Mark | null
  /** Rows wanted, at least 0. */
  readonly limit: number
  /** A total order, by value and then by id: rows that tie are one entity. */
  readonly compare: Compare
  /** Asked of the target's row where both systems have one. */
  readonly isExported: IsExported<L>
  /** Whether this failure of a system only means that its part is missing; any other is thrown. */
  readonly isMissing: (error: unknown, system: System) => boolean
}

export interface Followed<L extends Listed = Listed> {
  /**
   * In order; `at` is an index into that system's `lists[system].rows`. As many as `limit`, if there are; fewer, with
   * `hasMore`, where a system gives no more at a time.
   */
  readonly picks: readonly PagePick[]
  readonly lists: Readonly<Partial<Record<System, L>>>
  /** The failures of the systems that have no part in this page. */
  readonly missing: Readonly<Partial<Record<System, unknown>>>
  /** Whether an answered system has rows behind these; false for `limit` 0, which looks at none. */
  readonly hasMore: boolean
  /** The mark behind the pick of this index. */
  markAt(at: number): Mark
}

/** How often a system's place is searched before its list counts as one that never stands still. */
const searchesAtMost = 6

/**
 * Reads one page. The systems are worked on independently and at the same time. Each costs one call, for at most
 * `limit` + 2 rows, while its place in the mark is right. Where its list has shifted by `d` rows it costs a second one,
 * for at most `limit` + 4, and between the two at most 2 * floor(log2(d)) + 1 probes of one row each; none if up to
 * `limit` rows came. A list that ends in the page, behind a round number of rows, costs a probe: that may be all that its
 * system gives at a time.
 * A failure is thrown once the other system is done as well, so that no call is left behind; of two failures that of the
 * system which `systems` names first.
 */
export async function readFollowing<L extends Listed>(fetch: FetchRows<L>, wanted: Follow<L>): Promise<Followed<L>> {
  const { systems, isMissing } = wanted
  const outcomes = await Promise.all(systems.map((system) => tryPart(fetch, system, wanted)))
  const parts: Parts<L> = {}
  const lists: Partial<Record<System, L>> = {}
  const missing: Partial<Record<System, unknown>> = {}
  for (const outcome of outcomes) {
    const { system } = outcome
    if ('part' in outcome) {
      parts[system] = outcome.part
      lists[system] = outcome.part.list
    } else if (isMissing(outcome.error, system)) missing[system] = outcome.error
    else throw outcome.error
  }
  return { lists, missing, ...pageOf(parts, wanted) }
}

async function tryPart<L extends Listed>(fetch: FetchRows<L>, system: System, wanted: Follow<L>) {
  try {
    return { system, part: await readPart(fetch, system, wanted) }
  } catch (error) {
    return { system, error }
  }
}

async function readPart<L extends Listed>(fetch: FetchRows<L>, system: System, wanted: Follow<L>): Promise<Part<L>> {
  const { after, limit, compare } = wanted
  if (limit === 0)
    return { list: await askOne(fetch, system, 0, 0, true), from: 0, cut: 0, isLast: false, isCapped: false }
  let place = placeOf(after, system)
  for (let searches = 0; ; searches++) {
    // Wider each time: then a row that left or came since the search need not spoil the read.
    const part = await readAround(fetch, system, place, 2 ** searches, wanted)
    if (after === null || isEnough(part, limit)) return part
    if (searches === searchesAtMost) throw new ListDisorder(system)
    const rowAt = async (at: number) => (await askOne(fetch, system, at, 1, false)).rows[0]
    place = await seekPlace(rowAt, { ...part, rows: part.list.rows }, after.key, compare)
  }
}

/** Where to look first; a place that cannot be is as good as none. */
function placeOf(after: Mark | null, system: System): number {
  const place = after?.places[system] ?? 0
  return Number.isSafeInteger(place) && place > 0 && place < longestList ? place : 0
}

/**
 * The page's rows and one more, which tells whether there are more; and the row before them, which proves the place.
 * A `room` of more than 1 adds as many, less one, on both sides.
 */
async function readAround<L extends Listed>(
  fetch: FetchRows<L>,
  system: System,
  place: number,
  room: number,
  { after, limit, compare }: Follow<L>
): Promise<Part<L>> {
  const from = Math.max(place - room, 0)
  const asked = place - from + limit + room
  const list = await askOne(fetch, system, from, asked, true)
  const { rows } = list
  if (!isOrdered(rows, compare)) throw new ListDisorder(system)
  const behind = after === null ? 0 : rows.findIndex((row) => compare(row, after.key) > 0)
  const isShort = rows.length < asked
  const isCapped = isShort && mayBeCap(rows.length) && (await hasRowBehind(fetch, system, from, rows))
  return { list, from, cut: behind === -1 ? rows.length : behind, isLast: isShort && !isCapped, isCapped }
}

/** A system that gives fewer rows at a time than it is asked for gives a round number of them. */
const mayBeCap = (rows: number) => rows > 0 && rows % 50 === 0

/** A system that ignores paging gives a row that is among these. */
async function hasRowBehind(fetch: FetchRows, system: System, from: number, rows: readonly RowKey[]): Promise<boolean> {
  const [next] = (await askOne(fetch, system, from + rows.length, 1, false)).rows
  return next !== undefined && !rows.some(({ id }) => id === next.id)
}

/** Whether it is certain that no row behind the mark precedes these, and these are as many as the page may need. */
function isEnough({ list, from, cut, isLast, isCapped }: Part<Listed>, limit: number): boolean {
  const behind = list.rows.length - cut
  return (cut > 0 || from === 0) && (isLast || behind > limit || (isCapped && behind > 0))
}
