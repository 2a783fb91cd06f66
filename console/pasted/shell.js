/**
 * The words of a command line as bash reads them: '…', "…", $'…', backslashes, continued lines, redirections, comments.
 * Nothing is run and nothing is filled in.
 */
import { Unreadable } from './unreadable.js'

/** One piece of a word at a time, or what stands between two. */
const piece = new RegExp(
  [
    String.raw`\$'(?<ansi>[^'\\]*(?:\\[\s\S][^'\\]*)*)'`,
    "'(?<single>[^']*)'",
    String.raw`\$?"(?<double>[^"\\]*(?:\\[\s\S][^"\\]*)*)"`,
    // What is copied from a terminal has the prompt of a continued line.
    String.raw`(?<joined>\\(?:\n(?:> (?=['\x22-]|https?:))?|$))`,
    String.raw`\\(?<escaped>[\s\S])`,
    // A line that begins with a flag has lost the backslash of the one before.
    String.raw`(?<space>(?:[^\S\n]|\n(?=[^\S\n]*--?[A-Za-z])|(?<![^\s|;&<>])#[^\n]*)+)`,
    String.raw`(?<redirect>&?[<>][<>&|]*[^\S\n]*)`,
    String.raw`(?<end>[|;&\n])`,
    String.raw`(?<plain>(?:[^\s'"\\|;&<>$]|\$(?!['"]))+)`
  ].join('|'),
  'y'
)

const signs = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', E: '\x1b', f: '\f', v: '\v' }

const fromCode = (code) => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd')

/** Bytes are those of UTF-8; Firefox writes Latin letters by one each. */
function fromBytes(codes) {
  const bytes = Uint8Array.from(codes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return String.fromCharCode(...bytes)
  }
}

const ansiEscape =
  /(?<bytes>(?:\\x[\dA-Fa-f]{1,2}|\\[0-7]{1,3})+)|\\u(?<short>[\dA-Fa-f]{1,4})|\\U(?<long>[\dA-Fa-f]{1,8})|\\c(?<control>[\s\S])|\\(?<sign>[\s\S])/g

function meant(...found) {
  const { bytes, short, long, control, sign } = found.at(-1)
  if (bytes !== undefined) {
    const codes = bytes.slice(1).split('\\')
    return fromBytes(
      codes.map((code) => (code[0] === 'x' ? Number.parseInt(code.slice(1), 16) : Number.parseInt(code, 8)))
    )
  }
  if (sign !== undefined) return signs[sign] ?? (/['"\\?]/.test(sign) ? sign : `\\${sign}`)
  return control === undefined ? fromCode(Number.parseInt(short ?? long, 16)) : fromCode(control.charCodeAt(0) & 0x1f)
}

function textOf({ ansi, single, double, escaped, plain }) {
  if (ansi !== undefined) return ansi.replaceAll(ansiEscape, meant)
  if (double !== undefined) return double.replaceAll(/\\(?:(["\\$`])|\n)/g, (_all, kept) => kept ?? '')
  return single ?? escaped ?? plain
}

/** What a shell would have put something in for. */
const isFilled = ({ double, plain }) =>
  /\$[\w{(]|`/.test(plain ?? '') || /\$[\w{(]|`/.test((double ?? '').replaceAll(/\\[\s\S]/g, ''))

/**
 * @param {string} line
 * @returns {{ words: string[], rest: string, isFilled: boolean }} the words of the first command, what stands behind it
 *   from the sign that ends it on, and whether a shell would have put a variable's value into them
 */
export function wordsOf(line) {
  const words = []
  let word = null
  let filled = false
  /** The name of a file behind > is no word of the command's. */
  let isTarget = false
  const end = () => {
    if (word !== null && !isTarget) words.push(word)
    if (word !== null) isTarget = false
    word = null
  }
  let at = 0
  for (; at < line.length; at = piece.lastIndex) {
    piece.lastIndex = at
    const groups = piece.exec(line)?.groups
    if (groups === undefined) throw new Unreadable('A quote is opened and never closed: was the whole line pasted?')
    if (groups.joined !== undefined) continue
    if (groups.end !== undefined) break
    if (groups.redirect !== undefined) {
      // 2>: the number of what is redirected.
      if (/^\d+$/.test(word ?? '')) word = null
      end()
      isTarget = true
    } else if (groups.space !== undefined) end()
    else {
      word = (word ?? '') + textOf(groups)
      filled ||= isFilled(groups)
    }
  }
  end()
  return { words, rest: line.slice(at), isFilled: filled }
}
