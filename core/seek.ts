/**
 * Where a place of the merged list cuts both systems' lists, found by comparing single rows (contract section 6).
 */
import { type BothLists, isOrdered, isSourceFirst, type Listed, type Split } from './merge.ts'
import type { Compare, RowKey } from './order.ts'
import type { System } from './words.ts'

/**
 * One upstream call: `limit` rows from `offset` on. `limit` null: as many as the system gives by itself.
 * `isPage` is false for a probe of the search, which may ask for less (no total, say).
 */
export type FetchRows<L extends Listed = Listed> = (
  system: System,
  offset: number,
  limit: number | null,
  isPage: boolean
) => Promise<L>

/** Thrown when a system's rows are not in order or not those asked for; system null: the lists kept changing. */
export class ListDisorder extends Error {
  override readonly name = 'ListDisorder'
  readonly system: System | null

  constructor(system: System | null) {
    super(system === null ? 'The lists kept changing' : `The rows of the ${system} are not in order`)
    this.system = system
  }
}

/**
 * Asks one system. Who gives more rows than it was asked for has ignored `limit`, so perhaps `offset` too: from offset 0
 * on that is harmless, elsewhere nobody knows which rows they are.
 */
export async function askOne<L extends Listed>(
  fetch: FetchRows<L>,
  system: System,
  offset: number,
  limit: number | null,
  isPage: boolean
): Promise<L> {
  const listed = await fetch(system, offset, limit, isPage)
  if (limit !== null && offset > 0 && listed.rows.length > limit) throw new ListDisorder(system)
  return listed
}

/** Asks both systems at once. */
export async function askBoth<L extends Listed>(
  fetch: FetchRows<L>,
  offsets: Split,
  limits: Readonly<Record<System, number | null>>,
  isPage: boolean
): Promise<BothLists<L>> {
  const ask = (system: System) => askOne(fetch, system, offsets[system], limits[system], isPage)
  const [source, target] = await Promise.all([ask('source'), ask('target')])
  return { source, target }
}

const oneEach = { source: 1, target: 1 } as const

/** `beyond`: the merged list ends before the place. `disorder`: the rows of that system contradicted each other. */
export type Sought = { readonly found: Split } | { readonly beyond: Split } | { readonly disorder: System }

/** The nearest probed rows of one system on both sides of what is still searched. */
interface Bounds {
  lower: RowKey | undefined
  upper: RowKey | undefined
}

function isBetween(row: RowKey | undefined, { lower, upper }: Bounds, compare: Compare | null): boolean {
  // No row before one that was there: the list got shorter meanwhile.
  if (row === undefined) return upper === undefined
  return isOrdered(
    [lower, row, upper].filter((one) => one !== undefined),
    compare
  )
}

/**
 * Finds how many of the first `offset` merged rows are the source's: the least `i` for which the target's last row
 * before the place, `T[offset - i - 1]`, comes before the source's first row after it, `S[i]`. A missing row is after
 * everything. One row of each system is asked for per step, at most ceil(log2(offset + 1)) times.
 */
export async function seekSplit(fetch: FetchRows, offset: number, compare: Compare | null): Promise<Sought> {
  const bounds: Record<System, Bounds> = {
    source: { lower: undefined, upper: undefined },
    target: { lower: undefined, upper: undefined }
  }
  let low = 0
  let high = offset
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const asked = { source: middle, target: offset - middle - 1 }
    const answers = await askBoth(fetch, asked, oneEach, false)
    const [source] = answers.source.rows
    const [target] = answers.target.rows
    if (!isBetween(source, bounds.source, compare)) return { disorder: 'source' }
    if (!isBetween(target, bounds.target, compare)) return { disorder: 'target' }
    if (source === undefined && target === undefined) return { beyond: { source: middle, target: offset - middle } }
    if (target !== undefined && (source === undefined || !isSourceFirst(source, target, compare))) {
      high = middle
      bounds.source.upper = source
      bounds.target.lower = target
    } else {
      low = middle + 1
      bounds.source.lower = source
      bounds.target.upper = target
    }
  }
  return { found: { source: low, target: offset - low } }
}
