/**
 * Numbers of a request as they are written: `extra` goes to a system, where no digit of it may be another.
 */
import { exactNumber } from '../core/exact-json.ts'

/** The language has these; the compiler's library has them not yet. */
const json = JSON as unknown as {
  isRawJSON(value: unknown): boolean
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
}

/** A whole number stays one in every spelling, as the schema's Int takes it; one that JavaScript would change becomes exact. */
export function numberAs(text: string): number | object {
  const value = Number(text)
  return Number.isSafeInteger(value) || String(value) === text ? value : exactNumber(text)
}

export const isExactNumber = (value: unknown): value is object => json.isRawJSON(value)

export const parseInput = (text: string): unknown =>
  json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? numberAs(source) : value
  )
