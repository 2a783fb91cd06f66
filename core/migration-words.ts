/**
 * Many words of a migration at once: a JSON array, or a line each (NDJSON). All are looked at before any takes effect.
 */
import { Fault } from './faults.ts'

/** One of many, and what an operator calls its place. */
export interface Placed {
  readonly place: string
  readonly value: unknown
}

const malformed = (why: string) => new Fault('malformed_request', why)

/** The lines of a text; blank ones are none. Throws the number of the first that is not JSON. */
export function linesOf(text: string): Placed[] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return []
    const place = `line ${at + 1}`
    try {
      return [{ place, value: JSON.parse(line) as unknown }]
    } catch {
      throw malformed(`${place} is not JSON`)
    }
  })
}

export const itemsOf = (values: readonly unknown[]): Placed[] =>
  values.map((value, at) => ({ place: `[${at}]`, value }))

interface Word {
  readonly i_customer: number
  readonly state: string
  readonly to?: string | undefined
}

/** Words without those that are said twice; throws where two about one customer contradict each other, or there are none. */
export function agreed<One extends Word>(words: readonly (readonly [place: string, word: One])[]): One[] {
  const first = new Map<number, readonly [place: string, word: One]>()
  for (const [place, word] of words) {
    const known = first.get(word.i_customer)
    if (known === undefined) first.set(word.i_customer, [place, word])
    else if (known[1].state !== word.state) throw malformed(`${known[0]} and ${place}: state of one i_customer differs`)
    else if (known[1].to !== word.to) throw malformed(`${known[0]} and ${place}: to of one i_customer differs`)
  }
  if (first.size === 0) throw malformed('the body names no customer')
  return [...first.values()].map(([, word]) => word)
}
