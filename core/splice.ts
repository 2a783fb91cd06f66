/**
 * A merged answer out of the systems' own bytes: no row is written anew, so ids beyond 2^53, `1.10` and every escape
 * arrive as they were sent.
 */
import type { Row, ScannedList } from './rows.ts'

/** A row of the merged page, and the answer that has it. */
export interface PickedRow {
  readonly list: ScannedList
  readonly row: Row
}

/** Bytes that go into the answer together. */
interface Run {
  readonly body: Buffer
  readonly start: number
  end: number
}

const quote = 0x22
const comma = Buffer.from(',')

/** Between neighbours there is a comma and space alone; anything else is another row. */
function areNeighbours(body: Buffer, end: number, start: number): boolean {
  if (start <= end) return false
  for (let at = end; at < start; at++) {
    const byte = body[at] as number
    if (byte > 0x20 && byte !== 0x2c) return false
  }
  return true
}

/** Neighbours in one answer are one run, with what is between them; other rows have a comma between them. */
function runsOf(picks: readonly PickedRow[]): Run[] {
  const runs: Run[] = []
  let last: Run | undefined
  for (const { list, row } of picks) {
    if (last?.body === list.body && areNeighbours(list.body, last.end, row.start)) {
      last.end = row.end
      continue
    }
    if (last !== undefined) runs.push({ body: comma, start: 0, end: 1 })
    last = { body: list.body, start: row.start, end: row.end }
    runs.push(last)
  }
  return runs
}

/** Written as the system wrote its own: between quotes if that is. */
function totalRun({ body }: ScannedList, start: number, total: number): Run {
  const text = Buffer.from(body[start] === quote ? `"${total}"` : `${total}`)
  return { body: text, start: 0, end: text.length }
}

/**
 * `base`'s answer with other rows in its array and another total; everything else is its own bytes. With `total` null
 * base's stays as it is, and where base has none it is not added.
 */
export function splicePage(base: ScannedList, picks: readonly PickedRow[], total: number | null): Buffer {
  const { body, arrayStart, arrayEnd } = base
  const edits = [{ start: arrayStart, end: arrayEnd, runs: runsOf(picks) }]
  if (total !== null && base.total !== null) {
    const { start, end } = base.total
    edits.push({ start, end, runs: [totalRun(base, start, total)] })
  }
  const runs: Run[] = []
  let from = 0
  for (const edit of edits.sort((a, b) => a.start - b.start)) {
    runs.push({ body, start: from, end: edit.start }, ...edit.runs)
    from = edit.end
  }
  runs.push({ body, start: from, end: body.length })
  return concat(runs)
}

function concat(runs: readonly Run[]): Buffer {
  const whole = Buffer.allocUnsafe(runs.reduce((size, { start, end }) => size + end - start, 0))
  let at = 0
  for (const { body, start, end } of runs) at += body.copy(whole, at, start, end)
  return whole
}
