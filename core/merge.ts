/**
 * One page out of what two systems list: in order, ties to the target, doubles once (contract section 6).
 */
import type { Compare, RowKey } from './order.ts'
import type { System } from './words.ts'

/** How many rows of each system precede a place of the merged list. */
export interface Split {
  readonly source: number
  readonly target: number
}

/** A row of a page: whose it is, and its index among the rows that this system gave. */
export interface PagePick {
  readonly system: System
  readonly at: number
}

/** What one upstream call gives: rows that have keys; anything else about it is the caller's (its bytes). */
export interface Listed<R extends RowKey = RowKey> {
  readonly rows: readonly R[]
}

export type BothLists<L extends Listed = Listed> = Readonly<Record<System, L>>

/** Ties go to the target; in a list without an order (null) all of the target's rows come first. */
export const isSourceFirst = (source: RowKey, target: RowKey, compare: Compare | null): boolean =>
  compare !== null && compare(source, target) < 0

/** Whether each row is at its place among its own system's; equal ones may follow each other in any way. */
export const isOrdered = (rows: readonly RowKey[], compare: Compare | null): boolean =>
  compare === null ||
  rows.every((row, at) => {
    const previous = rows[at - 1]
    return previous === undefined || compare(previous, row) <= 0
  })

/**
 * Whether the merged list can be cut before the rows at `from`: all that precede them there precede them in the merged
 * list. A row before the cut has to be there, or the place is beyond its system's list.
 */
export function isCut(lists: BothLists, from: Split, compare: Compare | null): boolean {
  const source = lists.source.rows[from.source]
  const target = lists.target.rows[from.target]
  const lastSource = lists.source.rows[from.source - 1]
  const lastTarget = lists.target.rows[from.target - 1]
  if (from.source > 0) {
    if (lastSource === undefined) return false
    if (target !== undefined && !isSourceFirst(lastSource, target, compare)) return false
  }
  if (from.target > 0) {
    if (lastTarget === undefined) return false
    if (source !== undefined && isSourceFirst(source, lastTarget, compare)) return false
  }
  return true
}

/** Whether a row of the target is a customer's exported record: who was moved back lives on the source again. */
export type IsExported<L extends Listed = Listed> = (list: L, at: number) => boolean

/**
 * At most `limit` places of the merged list from `from` on, which indexes the rows; `taken` counts them for each system.
 * A row that both systems hold keeps both its places, but is picked once: the target's, unless that is exported. The last
 * row of each system before `from` was shown on an earlier page (only its double, which is on this one, could have hidden
 * it), so a double of it is not picked at all.
 */
export function mergeRows<L extends Listed>(
  lists: BothLists<L>,
  from: Split,
  limit: number,
  compare: Compare | null,
  isExported: IsExported<L>
): { readonly picks: readonly PagePick[]; readonly taken: Split } {
  const places: PagePick[] = []
  const next = { ...from }
  while (places.length < limit) {
    const source = lists.source.rows[next.source]
    const target = lists.target.rows[next.target]
    if (source === undefined && target === undefined) break
    const isOfSource = target === undefined || (source !== undefined && isSourceFirst(source, target, compare))
    const system = isOfSource ? 'source' : 'target'
    places.push({ system, at: next[system]++ })
  }
  const isDouble = doublesOf(lists, from, next, isExported)
  return {
    picks: places.filter((place) => !isDouble(place)),
    taken: { source: next.source - from.source, target: next.target - from.target }
  }
}

/** Tells of each place between two splits whether its row is left out for its double. */
function doublesOf<L extends Listed>(lists: BothLists<L>, from: Split, to: Split, isExported: IsExported<L>) {
  const idAt = (system: System, at: number) => lists[system].rows[at]?.id ?? ''
  const ofSource = new Set(lists.source.rows.slice(from.source, to.source).map(({ id }) => id))
  const ofTarget = new Map<string, number>()
  for (let at = Math.max(from.target - 1, 0); at < to.target; at++) ofTarget.set(idAt('target', at), at)
  /** The target's row on this very page that gives way to the source's. */
  const givesWay = (at: number) => at >= from.target && isExported(lists.target, at)

  return function isDouble({ system, at }: PagePick): boolean {
    const id = idAt(system, at)
    if (id === '') return false
    if (system === 'target') return id === idAt('source', from.source - 1) || (ofSource.has(id) && givesWay(at))
    const double = ofTarget.get(id)
    return double !== undefined && !givesWay(double)
  }
}
