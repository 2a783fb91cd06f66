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

/**
 * At most `limit` places of the merged list from `from` on, which indexes the rows; `taken` counts them for each system.
 * A row that both systems hold keeps both its places, but is picked once: the target's. The last row of each system
 * before `from` was shown on an earlier page (only its double, which is on this one, could have hidden it), so a double
 * of it is not picked at all.
 */
export function mergeRows(
  lists: BothLists,
  from: Split,
  limit: number,
  compare: Compare | null
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
  const ofTarget = new Set(lists.target.rows.slice(Math.max(from.target - 1, 0), next.target).map(({ id }) => id))
  const lastOfSource = lists.source.rows[from.source - 1]?.id
  const isDouble = ({ system, at }: PagePick) => {
    const id = lists[system].rows[at]?.id ?? ''
    return id !== '' && (system === 'source' ? ofTarget.has(id) : id === lastOfSource)
  }
  return {
    picks: places.filter((place) => !isDouble(place)),
    taken: { source: next.source - from.source, target: next.target - from.target }
  }
}
