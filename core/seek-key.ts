/**
 * Where a key stands in one system's list by now, found by single rows from where it was last.
 */
import type { Compare, RowKey } from './order.ts'

/** Rows that were read near the place. */
export interface Window {
  readonly rows: readonly RowKey[]
  /** How many rows of the system's list precede these. */
  readonly from: number
  /** How many of these are up to the key. */
  readonly cut: number
}

/** Longer than any list is: what says otherwise is no place. */
export const longestList = 2 ** 31

/**
 * Finds how many rows of a list are up to a key, from a part that was read elsewhere: by single rows in steps that
 * double, then by halves. What it finds is verified by the next read, so a search in a list that changes may just end.
 */
export async function seekPlace(
  rowAt: (at: number) => Promise<RowKey | undefined>,
  { rows, from, cut }: Window,
  key: RowKey,
  compare: Compare
): Promise<number> {
  if (cut > 0 && cut < rows.length) return from + cut
  const isUp = cut > 0
  let [low, high] = isUp ? [from + cut, longestList] : [0, from]
  let [lower, upper] = isUp ? [rows[cut - 1], undefined] : [undefined, rows[0]]
  let isDoubling = true
  for (let step = 1; low < high; step *= 2) {
    const stepped = isUp ? Math.min(low + step, high) - 1 : Math.max(high - step, 0)
    const at = isDoubling ? stepped : Math.floor((low + high) / 2)
    const row = await rowAt(at)
    const isUpTo = row !== undefined && compare(row, key) <= 0
    if (!isBetween(row, lower, upper, compare)) return isUpTo ? at + 1 : at
    if (isUpTo) [low, lower] = [at + 1, row]
    else [high, upper] = [at, row]
    isDoubling &&= isUpTo === isUp
  }
  return low
}

/** Truly between: the same row at two places is a list that moved, or a system that ignores `offset`. */
function isBetween(
  row: RowKey | undefined,
  lower: RowKey | undefined,
  upper: RowKey | undefined,
  compare: Compare
): boolean {
  if (row === undefined) return upper === undefined
  return (lower === undefined || compare(lower, row) < 0) && (upper === undefined || compare(row, upper) < 0)
}
