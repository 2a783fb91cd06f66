/**
 * Cursors: the key of a row, and its place in each system's list, as an opaque text. They hold what their client has been
 * shown, and say nothing that is believed: places are verified, and everything is read with the client's own session.
 */
import { hash } from 'node:crypto'
import type { Mark } from '../core/following.ts'
import { BadInput } from './errors.ts'

/** Longest cursor that is read: a name is the longest thing in it. */
const longestCursor = 8192

/** A bigint is no JSON. */
const packValue = (value: Mark['key']['value']) => (typeof value === 'bigint' ? { n: String(value) } : value)

function unpackValue(packed: unknown): Mark['key']['value'] | undefined {
  if (packed === null || typeof packed === 'string') return packed
  if (typeof packed === 'number' && Number.isFinite(packed)) return packed
  const digits = typeof packed === 'object' && 'n' in packed ? packed.n : undefined
  return typeof digits === 'string' && /^-?\d{1,100}$/.test(digits) ? BigInt(digits) : undefined
}

const isPlace = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Which list a cursor is of: its method, parameters and systems, all but the page. */
export const listKey = (...parts: readonly string[]) => hash('sha256', parts.join('\0'), 'base64url').slice(0, 12)

export function encodeCursor({ key, places }: Mark, ofList: string): string {
  const packed = [ofList, packValue(key.value), key.id, places.source ?? null, places.target ?? null]
  return Buffer.from(JSON.stringify(packed)).toString('base64url')
}

function unpack(text: string): unknown[] {
  try {
    const packed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(packed) ? packed : []
  } catch {
    return []
  }
}

/** Throws BadInput for a text that is no cursor of this list. */
export function decodeCursor(text: string, ofList: string): Mark {
  const [of, packedValue, id, source, target] = text.length > longestCursor ? [] : unpack(text)
  const value = unpackValue(packedValue)
  if (of !== ofList || value === undefined || typeof id !== 'string' || id === '') {
    throw new BadInput('after is no cursor of this list: take one of its own pages, with the same filter and order')
  }
  return {
    key: { value, id },
    places: { ...(isPlace(source) && { source }), ...(isPlace(target) && { target }) }
  }
}
