/**
 * Lists of customers' numbers, as people and scripts write them: what the console reads, and what is wrong by its line.
 */
import { customersIn } from '../console/pasted/customers.js'
import { wrongUsage } from './errors.ts'

/** Bad places that are named; a wrong file has them in each line. */
const namedMistakes = 5

/** A single bad number is the whole text's: nobody is told half of a list. */
export function readIds(text: string, from: string): number[] {
  const { ids, mistakes } = customersIn(text)
  if (mistakes.length === 0) return ids
  const named = mistakes
    .slice(0, namedMistakes)
    .map(({ line, entry }) => `${from}:${line}: ${JSON.stringify(entry.slice(0, 40))} is not a customer's number`)
  const more = mistakes.length > namedMistakes ? [`and ${mistakes.length - namedMistakes} more`] : []
  throw wrongUsage([...named, ...more, 'nothing was told'].join('\n'))
}
