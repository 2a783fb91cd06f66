/**
 * Reads and edits members of a JSON object in its text: what is not touched keeps its bytes, `1.10` and ids beyond 2^53
 * with it. The text is known to be a valid JSON object; nothing here checks that.
 */

interface Member {
  readonly name: string
  /** From the name's quote to the value's end. */
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

const isSpace = (character: string | undefined) =>
  character === ' ' || character === '\n' || character === '\r' || character === '\t'

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text[at])) at++
  return at
}

/** The end of the string whose opening quote is at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** The end of the value at `from`, without the space behind it. */
function endOfValue(text: string, from: number): number {
  let end = from
  let depth = 0
  for (let at = from; at < text.length; at = end) {
    const character = text[at]
    const isClosing = character === '}' || character === ']'
    if (depth === 0 && (isClosing || character === ',' || isSpace(character))) return end
    end = character === '"' ? endOfString(text, at) : at + 1
    if (character === '{' || character === '[') depth++
    else if (isClosing) depth--
  }
  return end
}

function nameOf(raw: string): string {
  return raw.includes('\\') ? JSON.parse(raw) : raw.slice(1, -1)
}

function membersOf(text: string): Member[] {
  const members: Member[] = []
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text[at] === '"') {
    const start = at
    const nameEnd = endOfString(text, start)
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const end = endOfValue(text, valueStart)
    members.push({ name: nameOf(text.slice(start, nameEnd)), start, valueStart, end })
    at = skipSpace(text, skipSpace(text, end) + 1)
  }
  return members
}

/** The text of a member's value, the last one's if the name comes twice; undefined when there is none. */
export function memberText(objectText: string, name: string): string | undefined {
  const member = membersOf(objectText).findLast((one) => one.name === name)
  return member && objectText.slice(member.valueStart, member.end)
}

/**
 * The object's text with members set (to raw JSON) or removed (null), every duplicate of them too. What is set stands
 * at the end; the other members and the space around the object keep their bytes.
 */
export function withMembers(objectText: string, changes: Readonly<Record<string, string | null>>): string {
  const kept = membersOf(objectText)
    .filter(({ name }) => !Object.hasOwn(changes, name))
    .map(({ start, end }) => objectText.slice(start, end))
  const set = Object.entries(changes).flatMap(([name, raw]) => (raw === null ? [] : `${JSON.stringify(name)}:${raw}`))
  const [open, close] = [objectText.indexOf('{') + 1, objectText.lastIndexOf('}')]
  return `${objectText.slice(0, open)}${[...kept, ...set].join(',')}${objectText.slice(close)}`
}
