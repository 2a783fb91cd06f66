/**
 * Finds the rows of a list's answer, and what they are compared by, in the answer's bytes: they have to go on byte for
 * byte anyway.
 */
import {
  absent,
  endOfNested,
  endOfString,
  endOfValue,
  garbage,
  rawAt,
  skipSpace,
  textOf,
  type Wanted,
  wantedOf
} from './json-bytes.ts'
import { type RowKey, sortValueOf } from './order.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

export interface Row extends RowKey {
  /** The row's bytes in its answer: start inclusive, end exclusive. */
  readonly start: number
  readonly end: number
}

export interface ScannedList {
  readonly body: Buffer
  readonly rows: readonly Row[]
  /** The bytes between the array's brackets. */
  readonly arrayStart: number
  readonly arrayEnd: number
  /**
   * `total` at the top of the answer: where its value stands, and what it is; null where there is none. `value` is null
   * when it is no whole number >= 0; a text of digits counts as a number.
   */
  readonly total: { readonly start: number; readonly end: number; readonly value: number | null } | null
}

/** Digits, or a string's content. */
function idOf(raw: string): string {
  const first = raw.charCodeAt(0)
  if (first === quote) return textOf(raw)
  return first === 0x2d || (first >= 0x30 && first <= 0x39) ? raw : ''
}

function rowOf(body: Buffer, start: number, wanted: Wanted): Row | null {
  wanted.fieldAt = absent
  wanted.idAt = absent
  const end = body[start] === openBrace ? endOfNested(body, start, wanted) : endOfValue(body, start)
  if (end === garbage) return null
  const { fieldAt, idAt } = wanted
  const rawField = fieldAt === absent ? 'null' : rawAt(body, fieldAt)
  const rawId = idAt === fieldAt ? rawField : idAt === absent ? 'null' : rawAt(body, idAt)
  return { start, end, value: sortValueOf(rawField), id: idOf(rawId) }
}

/** Collects the rows of the array whose bracket is at `from`; gives its end. */
function scanRows(body: Buffer, from: number, wanted: Wanted, rows: Row[]): number {
  let at = skipSpace(body, from + 1)
  if (body[at] === closeBracket) return at + 1
  for (;;) {
    const row = rowOf(body, at, wanted)
    if (row === null) return garbage
    rows.push(row)
    at = skipSpace(body, row.end)
    if (body[at] === closeBracket) return at + 1
    if (body[at] !== comma) return garbage
    at = skipSpace(body, at + 1)
  }
}

/** A value at the top of the answer; `rows` is null where it is not a wanted array. */
interface Member {
  readonly start: number
  readonly end: number
  readonly rows: Row[] | null
}

/** What stands at the top of the answer, the last of each name as JSON.parse has it; null for what is no JSON object. */
function scanMembers(body: Buffer, arrayKey: string, wanted: Wanted): Map<unknown, Member> | null {
  const members = new Map<unknown, Member>()
  let at = skipSpace(body, 0)
  if (body[at] !== openBrace) return null
  at = skipSpace(body, at + 1)
  let isMore = body[at] !== closeBrace
  while (isMore) {
    const nameEnd = body[at] === quote ? endOfString(body, at) : garbage
    if (nameEnd === garbage) return null
    const name = sortValueOf(rawAt(body, at))
    at = skipSpace(body, nameEnd)
    if (name === null || body[at] !== colon) return null
    const start = skipSpace(body, at + 1)
    const isList = body[start] === openBracket && (arrayKey === '' || arrayKey === name)
    const rows: Row[] | null = isList ? [] : null
    const end = rows === null ? endOfValue(body, start) : scanRows(body, start, wanted, rows)
    if (end === garbage) return null
    members.set(name, { start, end, rows })
    at = skipSpace(body, end)
    isMore = body[at] === comma
    if (isMore) at = skipSpace(body, at + 1)
  }
  return body[at] === closeBrace && skipSpace(body, at + 1) === body.length ? members : null
}

function totalOf(body: Buffer, { start, end }: Member): ScannedList['total'] {
  const value = sortValueOf(rawAt(body, start)) ?? ''
  const number = typeof value !== 'string' || /^\d+$/.test(value) ? Number(value) : -1
  return { start, end, value: Number.isSafeInteger(number) && number >= 0 ? number : null }
}

/**
 * Null for an answer that is not a JSON object with that array. `arrayKey` '' takes the only array at the top of the
 * object. `field` and `id` are the keys of each row that are read; '' reads nothing.
 */
export function scanList(body: Buffer, arrayKey: string, field: string, id: string): ScannedList | null {
  const members = scanMembers(body, arrayKey, wantedOf(field, id))
  if (members === null) return null
  const lists = [...members.values()].filter(({ rows }) => rows !== null)
  const list = lists[0]
  if (!list?.rows || lists.length > 1) return null
  const total = members.get('total')
  return {
    body,
    rows: list.rows,
    arrayStart: list.start + 1,
    arrayEnd: list.end - 1,
    total: total === undefined || total === list ? null : totalOf(body, total)
  }
}
