/**
 * Walks through the bytes of a JSON text, and notes where the values of two of an object's keys begin. Nothing else is
 * decoded: parsing two pages costs several times what walking through them does. The marks of JSON are this file's alone:
 * shared with another module they make the loop over the bytes a fifth slower, so that whoever needs some has its own.
 */
import { sortValueOf } from './order.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
/** What a function gives instead of a position for bytes that are no JSON. */
export const garbage = -1
export const absent = -1

const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const isDelimiter = (byte: number | undefined) => byte === comma || byte === closeBracket || byte === closeBrace
/** A closing bracket stands two behind its opening one in ASCII, `[]` and `{}` alike. */
const closerOf = (opener: number | undefined) => (opener === openBrace ? closeBrace : closeBracket)

export function skipSpace(body: Buffer, from: number): number {
  let at = from
  while (at < body.length && isSpace(body[at])) at++
  return at
}

/** The end of the string whose opening quote is at `from`. */
export function endOfString(body: Buffer, from: number): number {
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
export function rawAt(body: Buffer, from: number): string {
  const first = body[from]
  if (first === openBrace || first === openBracket) return 'null'
  return body.toString('utf8', from, first === quote ? endOfString(body, from) : endOfScalar(body, from))
}

/** The content of a string's raw text. */
export const textOf = (raw: string) => String(sortValueOf(raw) ?? '')

const isScalar = (raw: string) => raw === 'null' || sortValueOf(raw) !== null

/** The keys of a row that are read, as they stand in its bytes, and where their last values begin. */
export interface Wanted {
  readonly field: Buffer
  readonly id: Buffer
  fieldAt: number
  idAt: number
}

export const wantedOf = (field: string, id: string): Wanted => ({
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
export function endOfNested(body: Buffer, from: number, wanted: Wanted): number {
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

export function endOfValue(body: Buffer, from: number): number {
  const first = body[from]
  if (first === quote) return endOfString(body, from)
  if (first === openBrace || first === openBracket) return endOfNested(body, from, nothingWanted)
  return isScalar(rawAt(body, from)) ? endOfScalar(body, from) : garbage
}
