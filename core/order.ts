/**
 * The order of a list: what its rows are compared by, and how (protocol section 4).
 */

export type Direction = 'asc' | 'desc'

/** How values of a field compare: numbers by value, texts without case by code points; NULL is before everything. */
export type ValueKind = 'number' | 'text'

/** The order in which a system gives a list. */
export interface Order {
  readonly field: string
  readonly direction: Direction
  /** The field that is unique in one system; '' when none is known. */
  readonly id: string
  /** How rows of one value follow each other by their id; `none` when that is not known. */
  readonly ties: Direction | 'none'
  /** How the field's values compare; null takes it from the values themselves. */
  readonly kind: ValueKind | null
}

/** What a row is compared by, read from its bytes. */
export interface RowKey {
  readonly value: SortValue
  /** The text of the row's id: digits, or a string's content; '' when it has none. */
  readonly id: string
}

export type SortValue = null | number | bigint | string

/** Negative when `a` comes before `b`, 0 for a tie. */
export type Compare = (a: RowKey, b: RowKey) => number

const isDigit = (unit: number) => unit >= 0x30 && unit <= 0x39
const isHighSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
const isLowSurrogate = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff
const lowerAscii = (unit: number) => (unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit)

/** By code points: where two texts part, JavaScript's own `<` puts a surrogate pair before U+E000 to U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let at = 0
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === shorter) return a.length - b.length
  // Texts may part inside a pair: then the code points that differ begin with its first half, which they share.
  const isInPair = isLowSurrogate(a.charCodeAt(at)) || isLowSurrogate(b.charCodeAt(at))
  if (isInPair && at > 0 && isHighSurrogate(a.charCodeAt(at - 1))) at--
  return (a.codePointAt(at) ?? 0) - (b.codePointAt(at) ?? 0)
}

/**
 * Without case. What is ASCII as far as the texts are the same is decided without lower-casing anything; behind it
 * `toLowerCase` has to see all of the text, since a final sigma depends on what stands before it.
 */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if ((left | right) > 0x7f) return compareCodePoints(a.toLowerCase(), b.toLowerCase())
    if (left === right) continue
    const parted = lowerAscii(left) - lowerAscii(right)
    if (parted !== 0) return parted
  }
  return a.length - b.length
}

/** A number and a bigint compare exactly; `-` would not take them together. */
const compareNumbers = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0)

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** A number out of a text: exact for integers of any length, null for what is none. */
function numberOf(text: string): number | bigint | null {
  if (/^-?\d{16,}$/.test(text)) return BigInt(text)
  return decimal.test(text) ? Number(text) : null
}

/** In a field of numbers an empty text is how an answer writes NULL. */
const numericOf = (value: SortValue): SortValue => {
  if (typeof value !== 'string') return value
  const text = value.trim()
  return text === '' ? null : (numberOf(text) ?? text)
}

function compareValues(a: SortValue, b: SortValue): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  if (typeof a === 'string') return compareTexts(a, String(b))
  return typeof b === 'string' ? compareTexts(String(a), b) : compareNumbers(a, b)
}

function compareAsTexts(a: SortValue, b: SortValue): number {
  return compareValues(a === null ? null : String(a), b === null ? null : String(b))
}

/** What is no number all the same comes behind the numbers, as a text. */
function compareAsNumbers(a: SortValue, b: SortValue): number {
  const left = numericOf(a)
  const right = numericOf(b)
  if (left === null || right === null || typeof left === typeof right) return compareValues(left, right)
  return Number(typeof left === 'string') - Number(typeof right === 'string') || compareValues(left, right)
}

const isAllDigits = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) if (!isDigit(text.charCodeAt(at))) return false
  return true
}

function compareIds(a: string, b: string): number {
  if (a === b || a === '' || b === '') return 0
  if (!isAllDigits(a) || !isAllDigits(b)) return compareCodePoints(a, b)
  const left = a.replace(/^0+/, '')
  const right = b.replace(/^0+/, '')
  return left.length - right.length || compareCodePoints(left, right)
}

const comparators = { text: compareAsTexts, number: compareAsNumbers }

/** NULL comes first and last under `desc`, which turns the values around, never the ties. */
export function createCompare({ direction, id, ties, kind }: Order): Compare {
  const compare = kind === null ? compareValues : comparators[kind]
  const sign = direction === 'asc' ? 1 : -1
  const tieSign = ties === 'asc' ? 1 : -1
  const hasTies = ties !== 'none' && id !== ''
  return function compareRows(a, b) {
    const byValue = compare(a.value, b.value)
    if (byValue !== 0) return sign * byValue
    const byId = hasTies ? compareIds(a.id, b.id) : 0
    return byId === 0 ? 0 : tieSign * byId
  }
}

const quote = 0x22

/** What a JSON value's text sorts as: null for an object, an array and for what is no JSON. */
export function sortValueOf(raw: string): SortValue {
  // Most values are strings as they stand: those are read without the rest, which costs more.
  if (raw.charCodeAt(0) === quote && !raw.includes('\\')) return raw.slice(1, -1)
  if (raw === 'true' || raw === 'false') return raw
  if (/^-?\d{16,}$/.test(raw)) return BigInt(raw)
  try {
    const value: unknown = JSON.parse(raw)
    return typeof value === 'string' || typeof value === 'number' ? value : null
  } catch {
    return null
  }
}
