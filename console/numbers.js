/**
 * Customers' numbers out of whatever was pasted: a column of a spreadsheet, a list with commas, a JSON array.
 */

/** What stands between entries. A dash does not: "7-9" may mean a range, and half of it would be somebody else. */
const between = /[\s,;:|"'`#/\\()[\]{}<>]+/

/**
 * @param {string} text
 * @returns {{ ids: number[], doubles: number, wrong: number }} each once, in order; how many came twice, and how many
 *   entries cannot be a customer's number; words without any digit are passed over, as a column's title is
 */
export function customersIn(text) {
  const ids = new Set()
  let doubles = 0
  let wrong = 0
  for (const entry of text.split(between)) {
    if (!/\d/.test(entry)) continue
    const id = /^\d+$/.test(entry) ? Number(entry) : 0
    if (id < 1 || !Number.isSafeInteger(id)) wrong += 1
    else if (ids.has(id)) doubles += 1
    else ids.add(id)
  }
  return { ids: [...ids], doubles, wrong }
}
