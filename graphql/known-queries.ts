/**
 * The file of known queries: a JSON object of texts by their SHA-256, in hexadecimal.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export type KnownQueries = ReadonlyMap<string, string>

export const digestOf = (query: string) => hash('sha256', query)

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/** Longest part of a wrong key that is shown. */
const shownOfKey = 64

/** Throws a sentence that says what is wrong with the file. */
export function readKnownQueries(file: string): KnownQueries {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new Error(`${file} cannot be read`)
  }
  const known = objectIn(text)
  if (known === null) throw new Error(`${file} holds no JSON object of queries by their SHA-256`)
  const wrong = Object.keys(known).find((key) => {
    const query = known[key]
    return typeof query !== 'string' || digestOf(query) !== key
  })
  if (wrong !== undefined) {
    throw new Error(`${file}: ${JSON.stringify(wrong.slice(0, shownOfKey))} is not the SHA-256 of its query`)
  }
  return new Map(Object.entries(known as Record<string, string>))
}
