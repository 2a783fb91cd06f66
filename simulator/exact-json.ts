/**
 * JSON that keeps numbers as they are written: `1.10` stays `1.10`, and an id above 2^53 keeps its last digit.
 */
export type JsonObject = { [key: string]: unknown }

interface JsonWithSource {
  rawJSON(text: string): object
  isRawJSON(value: unknown): value is { rawJSON: string }
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}

// The language has had these for a while; the type library of the compiler has them not yet.
const json = JSON as unknown as JsonWithSource

// A reviver makes parsing several times slower, so only texts with a suspicious number get one.
const inexactNumber = /\d{16}|\d\.\d*0(?!\d)|\d[eE]/

/** A number of the wire from its text. */
export function exactNumber(text: string): object {
  return json.rawJSON(text)
}

export function parseJson(text: string): unknown {
  if (!inexactNumber.test(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value
  )
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !json.isRawJSON(value)
}

/** The text of a scalar, whether it came as a string or as a number; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  return json.isRawJSON(value) ? value.rawJSON : undefined
}

/** Integers come as numbers or as strings; undefined for what is neither. */
export function intOf(value: unknown): number | undefined {
  const text = textOf(value)?.trim()
  if (text === undefined || !/^-?\d{1,15}$/.test(text)) return undefined
  return Number(text)
}

/** Flags come as 0/1, "0"/"1", "Y"/"N" or booleans. */
export function isSet(value: unknown): boolean {
  return value === true || value === 'Y' || value === 'y' || intOf(value) === 1
}
