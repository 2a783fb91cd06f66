/**
 * Where credentials occur in bytes, however their characters are written.
 *
 * Each character may be written as it is, percent-encoded (`%2E`), as a JSON escape (`\u002e`, `\/`), or as a JSON escape
 * that is itself percent-encoded (`%5Cu002e`). Of occurrences that overlap, the one that begins first wins, and of those
 * that begin together the longest. The time grows with the bytes alone, however hostile they are, as long as a credential
 * does not begin again and again inside itself ("aaaa"); tokens do not.
 */
import type { Swap } from './swap.ts'

interface Wanted extends Swap {
  readonly bytes: Buffer
  /** False for a credential with a "%" or "\" of its own, where these stand for themselves. */
  readonly escapable: boolean
}

export interface Plan {
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
export const absent = -1
export const cut = -2

export function planOf(swaps: readonly Swap[]): Plan {
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
export function occurrenceAt(text: Buffer, at: number, wanted: readonly Wanted[], isEnd: boolean) {
  for (const swap of wanted) {
    const end = endOfCredential(text, at, swap)
    if (end >= 0) return { swap, end }
    if (end === cut && !isEnd) return cut
  }
  return absent
}
