/**
 * Lists of customers' numbers, as people and scripts write them.
 */
import { wrongUsage } from './errors.ts'

/** Bad places that are named; a wrong file has them in each line. */
const namedMistakes = 5

/**
 * Numbers in lines, or separated by spaces, commas or semicolons; `#` begins a comment. Each is there once, in the order of
 * the text. A single bad one is the whole text's: nobody is told half of a list.
 */
export function readIds(text: string, from: string): number[] {
  const ids = new Set<number>()
  const mistakes: string[] = []
  for (const [at, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    for (const word of (line.split('#', 1)[0] ?? '').split(/[\s,;]+/)) {
      if (word === '') continue
      const id = /^\d{1,16}$/.test(word) ? Number(word) : 0
      if (id > 0 && Number.isSafeInteger(id)) ids.add(id)
      else mistakes.push(`${from}:${at + 1}: ${JSON.stringify(word.slice(0, 40))} is not a customer's number`)
    }
  }
  if (mistakes.length > 0) {
    const more = mistakes.length > namedMistakes ? [`and ${mistakes.length - namedMistakes} more`] : []
    throw wrongUsage([...mistakes.slice(0, namedMistakes), ...more, 'nothing was told'].join('\n'))
  }
  return [...ids]
}
