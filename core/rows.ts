/**
 * Finds the rows of a list's answer, and what they are compared by, in the answer's bytes. Nothing else is decoded:
 * parsing two pages costs several times what scanning them does, and rows have to go on byte for byte anyway. The marks
 * of JSON stand here and not in a file of their own: as another module's names they made the scan a fifth slower.
 */
import { type RowKey, sortValueOf } from './order.ts'

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

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
/** What a function gives instead of a position for bytes that are no JSON. */
const garbage = -1
const absent = -1

const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const isDelimiter = (byte: number | undefined) => byte === comma || byte === closeBracket || byte === closeBrace
/** A closing bracket stands two behind its opening one in ASCII, `[]` and `{}` alike. */
const closerOf = (opener: number | undefined) => (opener === openBrace ? closeBrace : closeBracket)

function skipSpace(body: Buffer, from: number): number {
  let at = from
  while (at < body.length && isSpace(body[at])) at++
  return at
}

/** The end of the string whose opening quote is at `from`. */
function endOfString(body: Buffer, from: number): number {
  for (let at = from + 1; at < body.length; at++) {
    const byte = body[at]
    if (byte === quote) return at + 1
    if (byte === backslash) at++
  }
  return garbage
}

function endOfScalar(body: Buffer, from: number): number {
  let at = from
  while (at < body.length && !isDelimiter(body[at]) && !isSpace(body[at])) at++
  return at
}

/** The text of the scalar at `from`, whose quotes are known to be closed; an object or an array reads as null. */
function rawAt(body: Buffer, from: number): string {
  const first = body[from]
  if (first === openBrace || first === openBracket) return 'null'
  return body.toString('utf8', from, first === quote ? endOfString(body, from) : endOfScalar(body, from))
}

/** The content of a string's raw text. */
const textOf = (raw: string) => String(sortValueOf(raw) ?? '')

const isScalar = (raw: string) => raw === 'null' || sortValueOf(raw) !== null

/** The keys of a row that are read, as they stand in its bytes, and where their last values begin. */
interface Wanted {
  readonly field: Buffer
  readonly id: Buffer
  fieldAt: number
  idAt: number
}

const wantedOf = (field: string, id: string): Wanted => ({
  field: Buffer.from(field),
  id: Buffer.from(id),
  fieldAt: absent,
  idAt: absent
})

const nothingWanted = wantedOf('', '')

function isAt(body: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length || start === end) return false
  for (let at = start; at < end; at++) if (body[at] !== name[at - start]) return false
  return true
}

/** Notes where the value of a wanted key begins. Any string of the row itself may come here, values too. */
function noteKey(body: Buffer, start: number, end: number, isEscaped: boolean, wanted: Wanted): void {
  const behind = skipSpace(body, end)
  if (body[behind] !== colon) return
  const valueAt = skipSpace(body, behind + 1)
  const decoded = isEscaped ? Buffer.from(textOf(rawAt(body, start))) : null
  const [bytes, from, to] = decoded === null ? [body, start + 1, end - 1] : [decoded, 0, decoded.length]
  if (isAt(bytes, from, to, wanted.field)) wanted.fieldAt = valueAt
  if (isAt(bytes, from, to, wanted.id)) wanted.idAt = valueAt
}

/**
 * The end of the object or array that begins at `from`: its brackets must be nested and its strings closed, no more is
 * checked. This loop sees every byte of an answer; it is one function because a call for every string makes it slower.
 */
function endOfNested(body: Buffer, from: number, wanted: Wanted): number {
  const { length } = body
  const fieldSize = wanted.field.length
  const idSize = wanted.id.length
  const outerClosers: number[] = []
  let closer = closerOf(body[from])
  let depth = 1
  let at = from + 1
  while (at < length) {
    const byte = body[at++] as number
    if (byte === quote) {
      const start = at
      let isEscaped = false
      while (at < length) {
        const inside = body[at]
        if (inside === quote) break
        if (inside === backslash) {
          isEscaped = true
          at++
        }
        at++
      }
      const size = at++ - start
      if (depth > 1) continue
      if (size === fieldSize || size === idSize || isEscaped) noteKey(body, start - 1, at, isEscaped, wanted)
    } else if (byte < openBracket) {
      // Digits, commas, colons and spaces: the most of what is outside of strings.
    } else if (byte === closer) {
      if (--depth === 0) return at
      closer = outerClosers.pop() as number
    } else if (byte === openBrace || byte === openBracket) {
      depth++
      outerClosers.push(closer)
      closer = closerOf(byte)
    } else if (byte === closeBrace || byte === closeBracket) return garbage
  }
  return garbage
}

function endOfValue(body: Buffer, from: number): number {
  const first = body[from]
  if (first === quote) return endOfString(body, from)
  if (first === openBrace || first === openBracket) return endOfNested(body, from, nothingWanted)
  return isScalar(rawAt(body, from)) ? endOfScalar(body, from) : garbage
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
