/**
 * What a merged page of customers must be, and how it must have been found.
 */
import type { Given } from '../peers/system.ts'
import type { Customer } from './stage.ts'

export interface Expected {
  readonly order: string
  readonly offset: number
  readonly limit: number
}

function wrong(what: string, { order, offset }: Expected): never {
  throw new Error(`the page by ${order} at offset ${offset} is wrong: ${what}`)
}

/** As many rows as were asked for, each at its place; those who moved as the target has them. */
export function expectPage(rows: readonly Customer[], expected: Expected): void {
  const { order, offset, limit } = expected
  if (rows.length !== limit) wrong(`${rows.length} rows instead of ${limit}`, expected)
  for (const [at, row] of rows.entries()) {
    if (row.bill_status === 'E') wrong(`customer ${row.i_customer} is the source's exported row`, expected)
    // Customers are numbered from 1 on without a gap, and no two have one name.
    if (order === 'i_customer' && row.i_customer !== offset + at + 1) wrong(`row ${at} is ${row.i_customer}`, expected)
    const previous = rows[at - 1]
    if (order === 'name' && previous !== undefined && previous.name.toLowerCase() >= row.name.toLowerCase()) {
      wrong(`${row.name} behind ${previous.name}`, expected)
    }
  }
}

const idsOf = (rows: readonly Customer[]) => rows.map(({ i_customer: id }) => id).join(' ')

/** The source has everybody: alone it gives the same customers in the same order. */
export function expectSame(merged: readonly Customer[], alone: readonly Customer[], expected: Expected): void {
  if (idsOf(merged) !== idsOf(alone)) wrong(`customers ${idsOf(merged)} instead of ${idsOf(alone)}`, expected)
}

/** Rows of the table say what they are of: a known place takes the page's own two calls, one that is searched more. */
export function expectWay({
  isSearched,
  given
}: {
  readonly isSearched: boolean
  readonly given: readonly Given[]
}): void {
  const other = given.find(({ calls }) => calls > 2 !== isSearched)
  if (other === undefined) return
  throw new Error(`a page whose place was ${isSearched ? 'not known' : 'known'} took ${other.calls} calls`)
}
