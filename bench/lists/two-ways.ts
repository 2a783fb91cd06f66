/**
 * Two ways from two systems' pages to one: rows found in the bytes and spliced, as the gateway does it; and parsed,
 * merged and written anew, as it is done by whoever does not look at bytes.
 */
import { createCompare } from '../../core/order.ts'
import { readPage } from '../../core/pages.ts'
import { type Row, type ScannedList, scanList } from '../../core/rows.ts'
import { splicePage } from '../../core/splice.ts'
import type { System } from '../../core/words.ts'
import type { Customer } from './stage.ts'

/** One answer of each system, by name. */
export type Bodies = Readonly<Record<System, Buffer>>

interface Answer {
  customer_list: Customer[]
}

const compare = createCompare({ field: 'name', direction: 'asc', id: 'i_customer', ties: 'asc', kind: null })

export function scanned(body: Buffer): ScannedList {
  const list = scanList(body, 'customer_list', 'name', 'i_customer')
  if (list === null) throw new Error(`no list: ${body.toString().slice(0, 500)}`)
  return list
}

export async function splice(bodies: Bodies, limit: number): Promise<Buffer> {
  const fetch = async (system: System) => {
    const list = scanned(bodies[system])
    return { rows: list.rows, list }
  }
  const { lists, picks } = await readPage(fetch, {
    offset: 0,
    limit,
    known: null,
    compare,
    isDisjoint: true,
    isExported: () => false
  })
  const rows = picks.map(({ system, at }) => ({ list: lists[system].list, row: lists[system].rows[at] as Row }))
  return splicePage(lists.target.list, rows, null)
}

export function parseAndMerge(bodies: Bodies, limit: number): Buffer {
  const { customer_list: source } = JSON.parse(bodies.source.toString()) as Answer
  const answer = JSON.parse(bodies.target.toString()) as Answer
  const { customer_list: target } = answer
  const merged: Customer[] = []
  const next = { source: 0, target: 0 }
  while (merged.length < limit) {
    const left = source[next.source]
    const right = target[next.target]
    if (left === undefined && right === undefined) break
    const isLeft = right === undefined || (left !== undefined && left.name.toLowerCase() < right.name.toLowerCase())
    merged.push((isLeft ? left : right) as Customer)
    next[isLeft ? 'source' : 'target']++
  }
  answer.customer_list = merged
  return Buffer.from(JSON.stringify(answer))
}
