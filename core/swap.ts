/**
 * Puts a system's own credentials where a client wrote those of the other system (contract section 7), in whatever wire
 * form: headers, URLs, JSON, form and multipart bodies. Everything else stays byte for byte.
 */
import { absent, cut, occurrenceAt, type Plan, planOf } from './occurrences.ts'

/** One credential of the client and what the system knows instead; '' where the system has none: then it goes. */
export interface Swap {
  readonly from: string
  readonly to: string
}

/** What needs no escape anywhere and has no short one in JSON (RFC 3986 section 2.3, RFC 8259 section 7). */
const isPlain = (credential: string) => /^[\w.~-]*$/.test(credential)

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
    if (beginnings[text[at] as number] !== 1) {
      at++
      continue
    }
    const found = occurrenceAt(text, at, wanted, isEnd)
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
