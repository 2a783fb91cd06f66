/**
 * One page of a merged list out of what was read of each system's list behind a mark.
 */
import type { Follow, Mark } from './following.ts'
import type { Listed, PagePick } from './merge.ts'
import type { Compare, RowKey } from './order.ts'
import { type System, systemNames } from './words.ts'

/** What was read of one system's list. */
export interface Part<L extends Listed> {
  readonly list: L
  /** How many rows of the system's list precede these. */
  readonly from: number
  /** How many of these are up to the mark. */
  readonly cut: number
  /** Whether the system's list ends with these: it gave fewer than it was asked for. */
  readonly isLast: boolean
  /** Whether more follow although it gave fewer: it gives no more at a time. The page ends early then. */
  readonly isCapped: boolean
}

export type Parts<L extends Listed> = Partial<Record<System, Part<L>>>

/**
 * Merges the parts. A row is only taken while each system shows its next one or has none: what a part does not show may
 * come first. Only a capped part ends a page early: each pick takes one row of each part at most, and a part has more than `limit`
 * behind the mark, or all that its system has. (Where a system's own rows tie, each takes more: then the next page has
 * the rest.)
 */
export function pageOf<L extends Listed>(parts: Parts<L>, { after, limit, compare, isExported }: Follow<L>) {
  const next = { source: parts.source?.cut ?? 0, target: parts.target?.cut ?? 0 }
  const rowsOf = (system: System): readonly RowKey[] => parts[system]?.list.rows ?? []
  const hasNext = (system: System) => next[system] < rowsOf(system).length
  const isShown = (system: System) => hasNext(system) || (parts[system]?.isLast ?? true)
  const picks: PagePick[] = []
  const marks: Mark[] = []
  while (picks.length < limit && systemNames.every(isShown)) {
    const system = firstOf(rowsOf('source')[next.source], rowsOf('target')[next.target], compare, () => {
      const list = parts.target?.list
      return list !== undefined && isExported(list, next.target)
    })
    const row = rowsOf(system)[next[system]]
    if (row === undefined) break
    picks.push({ system, at: next[system] })
    for (const name of systemNames) next[name] = firstBehind(rowsOf(name), next[name], row, compare)
    marks.push({ key: { value: row.value, id: row.id }, places: placesAt(parts, next, after) })
  }
  const markAt = (at: number): Mark => {
    const mark = marks[at]
    if (mark === undefined) throw new RangeError(`No row ${at} in a page of ${picks.length}`)
    return mark
  }
  const hasMore = limit > 0 && systemNames.some((system) => hasNext(system) || !isShown(system))
  return { picks, hasMore, markAt }
}

/** Whose row is next. Of an entity that both have it is the target's, unless that is exported. */
function firstOf(
  source: RowKey | undefined,
  target: RowKey | undefined,
  compare: Compare,
  isTargetExported: () => boolean
): System {
  if (source === undefined) return 'target'
  if (target === undefined) return 'source'
  const order = compare(source, target)
  return order < 0 || (order === 0 && isTargetExported()) ? 'source' : 'target'
}

function firstBehind(rows: readonly RowKey[], from: number, key: RowKey, compare: Compare): number {
  let at = from
  for (let row = rows[at]; row !== undefined && compare(row, key) <= 0; row = rows[at]) at++
  return at
}

/** A system that is missing keeps its place, which is still a good one to look first when it is back. */
function placesAt(parts: Parts<Listed>, next: Readonly<Record<System, number>>, after: Mark | null): Mark['places'] {
  const places = { ...after?.places }
  for (const system of systemNames) {
    const part = parts[system]
    if (part !== undefined) places[system] = part.from + next[system]
  }
  return places
}
