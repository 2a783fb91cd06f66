/**
 * Whether a merged page is what the customers' places say: nobody twice, nobody who has moved away, nobody missing.
 */
type Row = Readonly<Record<string, unknown>>

export interface ExpectedPage {
  readonly offset: number
  readonly limit: number
  /** Ids run from 1 to this without a gap, each active on one system. */
  readonly customers: number
  /** Customers who moved while the page was made; where nobody did, the page is known exactly. */
  readonly moving: ReadonlySet<number>
}

const idsOf = (rows: readonly Row[], id: string) => rows.map((row) => Number(row[id]))

function twiceIn(ids: readonly number[]): number | null {
  const seen = new Set<number>()
  for (const id of ids) {
    if (seen.has(id)) return id
    seen.add(id)
  }
  return null
}

/** Any list: no row twice. */
export function rowMistake(rows: readonly Row[], id: string, moving: ReadonlySet<number>): string | null {
  const twice = twiceIn(idsOf(rows, id))
  return twice === null || moving.has(twice) ? null : `${id} ${twice} twice`
}

/** A page of all customers, ordered by their ids; null where it is right. */
export function pageMistake(rows: readonly Row[], { offset, limit, customers, moving }: ExpectedPage): string | null {
  const mistake = rowMistake(rows, 'i_customer', moving)
  if (mistake !== null) return mistake
  const exported = rows.find((row) => row.bill_status === 'E' && !moving.has(Number(row.i_customer)))
  if (exported !== undefined) return `customer ${exported.i_customer} as the source has it, exported`
  const ids = idsOf(rows, 'i_customer')
  const unordered = ids.find((id, at) => at > 0 && id < (ids[at - 1] as number))
  if (unordered !== undefined) return `customer ${unordered} out of order`
  // Who is on the way is on neither system for a moment, and every offset behind is one less.
  if (moving.size > 0) return null
  const wanted = Array.from(
    { length: Math.max(0, Math.min(limit, customers - offset)) },
    (_none, at) => offset + at + 1
  )
  const missing = wanted.find((id, at) => ids[at] !== id)
  return missing === undefined ? null : `customer ${missing} is missing at offset ${offset}`
}
