/**
 * Customers' numbers out of whatever was pasted: lines, a column of a spreadsheet, a list with commas, JSON.
 */

/** What stands between entries. A dash does not, nor what a date or a time has: half of a range would be somebody else. */
const between = /[\s,;|"'[\]{}]+/

/** JSON says before each what it is. */
const keys = /["']?\bi_customer\b["']?\s*:/g

/**
 * `#` begins a comment, and lines above the first number that hold none are a title.
 * @param {string} text
 * @returns {{ ids: number[], doubles: number, mistakes: { line: number, entry: string }[] }} each once, in order; how many
 *   came again, and what cannot be a customer's number
 */
export function customersIn(text) {
  const ids = new Set()
  const mistakes = []
  let doubles = 0
  for (const [at, whole] of text.split(/\r\n|\r|\n/).entries()) {
    const [line = ''] = whole.split('#', 1)
    if (ids.size + mistakes.length === 0 && !/\p{N}/u.test(line)) continue
    for (const entry of line.replaceAll(keys, ' ').split(between)) {
      if (entry === '') continue
      const id = /^\d+$/.test(entry) ? Number(entry) : 0
      if (id < 1 || !Number.isSafeInteger(id)) mistakes.push({ line: at + 1, entry })
      else if (ids.has(id)) doubles += 1
      else ids.add(id)
    }
  }
  return { ids: [...ids], doubles, mistakes }
}
