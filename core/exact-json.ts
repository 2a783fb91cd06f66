/**
 * JSON whose numbers keep every digit on their way through: ids above 2^53 and `1.10` are written as they were read.
 */

/** The language has these; the compiler's library has them not yet. */
const json = JSON as unknown as {
  rawJSON(text: string): object
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
}

/** A reviver makes reading several times slower, so only a text with a number that could suffer gets one. */
const couldSuffer = /\d[\d.]{15}|\d\.\d*0(?!\d)|\d[eE]|-0(?![\d.])|0\.0{6}/

/** A number that is written as this text. */
export const exactNumber = (text: string): object => json.rawJSON(text)

/** Reads JSON; a number that JavaScript would write in another way becomes an object that JSON.stringify writes as it was. */
export function parseExact(text: string): unknown {
  if (!couldSuffer.test(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value
  )
}
