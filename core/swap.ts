/**
 * Puts a system's own credentials where a client wrote those of the other system (contract section 7), in whatever wire
 * form: headers, URLs, JSON, form and multipart bodies. Everything else stays byte for byte.
 *
 * Each character of a credential may be written as it is, percent-encoded (`%2E`), as a JSON escape (`\u002e`, `\/`), or
 * as a JSON escape that is itself percent-encoded (`%5Cu002e`). Of occurrences that overlap, the one that begins first
 * wins, and of those that begin together the longest. The time grows with the bytes alone, however hostile they are,
 * as long as a credential does not begin again and again inside itself ("aaaa"); tokens do not.
 */

/** One credential of the client and what the system knows instead; '' where the system has none: then it goes. */
export interface Swap {
  readonly from: string
  readonly to: string
}

interface Wanted extends Swap {
  readonly bytes: Buffer
  /** False for a credential with a "%" or "\" of its own, where these stand for themselves. */
  readonly escapable: boolean
}

interface Plan {
  /** Longest first. */
  readonly wanted: readonly Wanted[]
  /** No text with fewer characters holds an occurrence. */
  readonly shortest: number
  /** 1 for each byte with which an occurrence can begin. */
  readonly beginnings: Uint8Array
}

const percent = 0x25
const backslash = 0x5c

/** Instead of where something ends: it is not here, or the bytes end before that can be told. */
const absent = -1
const cut = -2

/** What needs no escape anywhere and has no short one in JSON (RFC 3986 section 2.3, RFC 8259 section 7). */
const isPlain = (credential: string) => /^[\w.~-]*$/.test(credential)

function planOf(swaps: readonly Swap[]): Plan {
  const wanted: Wanted[] = []
  const beginnings = new Uint8Array(256)
  for (const { from, to } of swaps) {
    if (from === '') continue
    const bytes = Buffer.from(from)
    if (/[%\\]/.test(from)) wanted.push({ from, to, bytes, escapable: false })
    wanted.push({ from, to, bytes, escapable: true })
    for (const byte of [bytes.readUInt8(), percent, backslash]) beginnings[byte] = 1
  }
  wanted.sort((a, b) => b.bytes.length - a.bytes.length)
  return { wanted, shortest: Math.min(...wanted.map(({ from }) => from.length)), beginnings }
}

/** -1 for what is no hexadecimal digit. */
function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Where `byte` ends that begins at `at`, as it is or percent-encoded. */
function endOfByte(text: Buffer, at: number, byte: number): number {
  if (at >= text.length) return cut
  if (text[at] === percent) {
    if (at + 2 >= text.length) return cut
    const isHigh = hexValue(text[at + 1] as number) === byte >> 4
    if (isHigh && hexValue(text[at + 2] as number) === (byte & 15)) return at + 3
  }
  return text[at] === byte ? at + 1 : absent
}

/** Where a JSON escape of `byte` ends whose backslash ends at `at`. */
function endOfEscape(text: Buffer, at: number, byte: number): number {
  if (byte === backslash || byte === 0x22 || byte === 0x2f) {
    const end = endOfByte(text, at, byte)
    if (end !== absent) return end
  }
  let end = endOfByte(text, at, 0x75) // "u"
  for (let shift = 12; shift >= 0 && end > 0; shift -= 4) {
    const digit = (byte >> shift) & 15
    const begin = end
    end = endOfByte(text, begin, digit + (digit < 10 ? 0x30 : 0x57))
    if (end === absent && digit > 9) end = endOfByte(text, begin, digit + 0x37)
  }
  return end
}

/** Where the character `byte` ends that begins at `at`: as a JSON escape, percent-encoded or as it is. */
function endOfCharacter(text: Buffer, at: number, byte: number): number {
  const afterBackslash = endOfByte(text, at, backslash)
  const end = afterBackslash > 0 ? endOfEscape(text, afterBackslash, byte) : absent
  return end === absent ? endOfByte(text, at, byte) : end
}

/** Where the credential ends that begins at `at`. */
function endOfCredential(text: Buffer, at: number, { bytes, escapable }: Wanted): number {
  let end = at
  for (let index = 0; index < bytes.length; index++) {
    if (end >= text.length) return cut
    const here = text[end]
    const byte = bytes[index] as number
    if (escapable && (here === percent || here === backslash)) {
      end = endOfCharacter(text, end, byte)
      if (end < 0) return end
    } else if (here === byte) end++
    else return absent
  }
  return end
}

/** `cut` when the text ends before it can be told, which at the end of all is the same as nothing. */
function occurrenceAt(text: Buffer, at: number, wanted: readonly Wanted[], isEnd: boolean) {
  for (const swap of wanted) {
    const end = endOfCredential(text, at, swap)
    if (end >= 0) return { swap, end }
    if (end === cut && !isEnd) return cut
  }
  return absent
}

/** `to` written as the occurrence was, character by character. */
function inSameForm(occurrence: string, to: string): string {
  const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0')
  let index = 0
  return occurrence.replace(/(?:\\|%5c)(?:u|%75)(?:%..|.){4}|%..|./gi, (character) => {
    const bytes = character.match(/%..|./g) ?? []
    const next = to.charAt(index++)
    const content = bytes.length === 1 ? next : `\\u00${hex(next)}`
    return bytes.map((byte, at) => (byte.length === 1 ? content.charAt(at) : `%${hex(content.charAt(at))}`)).join('')
  })
}

/** Each `to` takes the place of its `from` exactly, escaped or not: then a streamed body's Content-Length stays true. */
export function keepsLength(swaps: readonly Swap[]): boolean {
  return swaps.every(({ from, to }) => from === '' || (from.length === to.length && isPlain(from) && isPlain(to)))
}

/** What stands for an occurrence: escaped only if that was. */
function replacement(occurrence: string, swap: Swap): string {
  const { from, to } = swap
  if (occurrence === from) return to
  if (keepsLength([swap])) return inSameForm(occurrence, to)
  const content = /\\|%5c/i.test(occurrence) ? JSON.stringify(to).slice(1, -1) : to
  return occurrence.includes('%') ? encodeURIComponent(content) : content
}

/**
 * The text with its occurrences swapped; the same Buffer when nothing occurs. Unless this is the end, what could be the
 * beginning of an occurrence is left out, and `rest` is where that begins.
 */
function rewrite(text: Buffer, { wanted, beginnings }: Plan, isEnd: boolean): { done: Buffer; rest: number } {
  const parts: Buffer[] = []
  let copied = 0
  let rest = text.length
  for (let at = 0; at < rest; ) {
    const found = beginnings[text[at] as number] === 1 ? occurrenceAt(text, at, wanted, isEnd) : absent
    if (found === absent) at++
    else if (found === cut) rest = at
    else {
      const occurrence = text.toString('utf8', at, found.end)
      parts.push(text.subarray(copied, at), Buffer.from(replacement(occurrence, found.swap)))
      copied = at = found.end
    }
  }
  if (copied === 0) return { done: rest === text.length ? text : text.subarray(0, rest), rest }
  return { done: Buffer.concat([...parts, text.subarray(copied, rest)]), rest }
}

function rewriteText(text: string, plan: Plan): string {
  // Most headers are.
  if (text.length < plan.shortest) return text
  const bytes = Buffer.from(text)
  const { done } = rewrite(bytes, plan, true)
  return done === bytes ? text : done.toString()
}

/** Swaps in the path and query of a URL, or in a header's value. */
export const swapText = (text: string, swaps: readonly Swap[]): string => rewriteText(text, planOf(swaps))

/** Which of the items of a list that a client wrote a system means by one of its own; that one itself where it is none. */
export const clientsOwn = (item: string, written: string, swaps: readonly Swap[]): string =>
  written
    .split(',')
    .map((one) => one.trim())
    .find((one) => swapText(one, swaps) === item) ?? item

/** The same for many texts. */
export function createTextSwap(swaps: readonly Swap[]): (text: string) => string {
  const plan = planOf(swaps)
  return (text) => rewriteText(text, plan)
}

/** Swaps in every value of a flat list of names and values. Content-Length is the caller's, who knows the body. */
export function swapHeaders(headers: readonly string[], swaps: readonly Swap[]): string[] {
  const plan = planOf(swaps)
  return headers.map((text, index) => (index % 2 === 0 ? text : rewriteText(text, plan)))
}

/** Swaps in a whole body; the same Buffer when nothing occurs. */
export const swapBytes = (body: Buffer, swaps: readonly Swap[]): Buffer => rewrite(body, planOf(swaps), true).done

/**
 * Swaps in a body as it passes, all forms included: exactly as `swapBytes` in the whole. Of a chunk only what could be
 * the beginning of an occurrence is held back; a chunk without occurrences is not copied.
 */
export async function* swapStream(body: AsyncIterable<Buffer>, swaps: readonly Swap[]): AsyncGenerator<Buffer> {
  const plan = planOf(swaps)
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of body) {
    const text = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const { done, rest } = rewrite(text, plan, false)
    held = text.subarray(rest)
    if (done.length > 0) yield done
  }
  if (held.length > 0) yield rewrite(held, plan, true).done
}
