/**
 * Lists: paging, totals and orders, over tables and over computed rows alike.
 * A table's ids in one order are kept while nothing changes, so a page costs the same at any offset.
 */
import type { SQLInputValue } from 'node:sqlite'
import { callFault } from './api-fault.ts'
import { type Data, keyOf, type Row, type Table } from './data.ts'
import { intOf, isSet, type JsonObject, textOf } from './exact-json.ts'
import type { Condition } from './scope.ts'
import type { Call } from './system.ts'

/** Rows that come without a `limit`. */
const serverCap = 100
const keptOrders = 64

export interface TableList<T extends Table> {
  table: T
  arrayKey: string
  conditions: Condition[]
  /** Fields that a client may order by; true for text, which compares without case. */
  orders: Record<string, boolean>
  recordOf: (row: Row<T>) => JsonObject
}

export interface RowList {
  arrayKey: string
  rows: JsonObject[]
  key: string
  /** Field and direction of the default order; the key breaks ties, always ascending. */
  order: [field: string, direction: 'asc' | 'desc']
}

interface Page {
  offset: number
  limit: number
}

export function listTable<T extends Table>(call: Call, list: TableList<T>): JsonObject {
  const key = keyOf[list.table]
  const page = pageOf(call)
  const { field, isDescending } = orderOf(call, [key, 'asc'])
  const isText = list.orders[field]
  if (isText === undefined) throw callFault('Client', call.name, 'unknown_order', `Cannot order by ${field}`)
  const where = list.conditions.map(({ sql }) => sql).join(' AND ') || '1'
  const expression = field === 'balance' ? 'CAST(balance AS REAL)' : isText ? `fold(${field})` : field
  const sql = `SELECT ${key} AS id FROM ${list.table} WHERE ${where}
    ORDER BY ${expression} ${isDescending ? 'DESC' : 'ASC'}, ${key}`
  const { data } = call.system
  const ids = orderedIds(
    data,
    sql,
    list.conditions.flatMap(({ args }) => args)
  )
  const rows = [...ids.subarray(page.offset, page.offset + page.limit)].flatMap(
    (id) => data.row(list.table, key, id) ?? []
  )
  return answer(call, list.arrayKey, rows.map(list.recordOf), ids.length)
}

export function listRows(call: Call, { arrayKey, rows, key, order }: RowList): JsonObject {
  const { offset, limit } = pageOf(call)
  const { field, isDescending } = orderOf(call, order)
  const sorted = rows.toSorted((a, b) => {
    const compared = compareValues(a[field], b[field])
    return (isDescending ? -compared : compared) || compareValues(a[key], b[key])
  })
  return answer(call, arrayKey, sorted.slice(offset, offset + limit), rows.length)
}

export function answer(call: Call, arrayKey: string, rows: JsonObject[], total: number): JsonObject {
  return isSet(call.params.get_total) ? { [arrayKey]: rows, total } : { [arrayKey]: rows }
}

export function pageOf({ name, params }: Call): Page {
  const refuse = (what: string) => callFault('Client', name, what, `${what.replaceAll('_', ' ')}: see limit and offset`)
  if (params.offset !== undefined && params.limit === undefined) throw refuse('offset_without_limit')
  const limit = params.limit === undefined ? serverCap : intOf(params.limit)
  const offset = params.offset === undefined ? 0 : intOf(params.offset)
  if (limit === undefined || limit < 0) throw refuse('invalid_limit')
  if (offset === undefined || offset < 0) throw refuse('invalid_offset')
  return { limit, offset }
}

export function orderOf({ name, params }: Call, [field, direction]: RowList['order']) {
  const wanted = textOf(params.order_direction)?.toLowerCase()
  if (wanted !== undefined && wanted !== 'asc' && wanted !== 'desc') {
    throw callFault('Client', name, 'unknown_order', 'order_direction is asc or desc')
  }
  const explicit = textOf(params.order_by)
  return { field: explicit ?? field, isDescending: (wanted ?? (explicit === undefined ? direction : 'asc')) === 'desc' }
}

/** NULL first; text without case by code points; numbers by value, however big. */
export function compareValues(a: unknown, b: unknown): number {
  if (a === b) return 0
  const [left, right] = [textOf(a), textOf(b)]
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined)
  if (typeof a === 'string' || typeof b === 'string') return order(left.toLowerCase(), right.toLowerCase())
  if (left.includes('.') || right.includes('.')) return Number(left) - Number(right)
  return order(BigInt(left), BigInt(right))
}

function order<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b)
}

/** Names take `%` as a wildcard; without one they must be equal, case aside. */
export function textFilter(column: string, value: unknown): Condition[] {
  const text = textOf(value)
  if (text === undefined || text === '') return []
  if (!text.includes('%')) return [{ sql: `fold(${column}) = ?`, args: [text.toLowerCase()] }]
  return [{ sql: `fold(${column}) LIKE ? ESCAPE '\\'`, args: [text.toLowerCase().replace(/[\\_]/g, '\\$&')] }]
}

export function numberFilter(column: string, value: unknown): Condition[] {
  const number = intOf(value)
  return number === undefined ? [] : [{ sql: `${column} = ?`, args: [number] }]
}

interface KeptOrder {
  version: number
  ids: Int32Array
}

const orders = new WeakMap<Data, Map<string, KeptOrder>>()

export function orderedIds(data: Data, sql: string, args: SQLInputValue[]): Int32Array {
  return keptOrder(data, `${sql} ${JSON.stringify(args)}`, () => {
    // As one text: an object for each row would cost more than to put them in order.
    const all = data.get<{ ids: string }>(`SELECT json_group_array(id) AS ids FROM (${sql})`, ...args)
    return Int32Array.from(JSON.parse(all?.ids ?? '[]') as number[])
  })
}

/** Ids computed once per version of the data; the least recently used order goes first. */
export function keptOrder(data: Data, name: string, compute: () => Int32Array): Int32Array {
  const kept = orders.get(data) ?? new Map<string, KeptOrder>()
  orders.set(data, kept)
  const found = kept.get(name)
  const entry = found?.version === data.version ? found : { version: data.version, ids: compute() }
  kept.delete(name)
  kept.set(name, entry)
  if (kept.size > keptOrders) kept.delete(kept.keys().next().value ?? '')
  return entry.ids
}
