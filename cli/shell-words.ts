/**
 * The words of a pasted command line, as a POSIX shell, or bash with its $'...', would read them. Nothing is run and
 * nothing is filled in.
 */
import { wrongUsage } from './errors.ts'

/** What bash reads behind a backslash in $'...'. */
const ansi: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  f: '\f',
  v: '\v'
}

const codePoint = (hex: string) => {
  const code = Number.parseInt(hex, 16)
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
}

const unescapeAnsi = (text: string) =>
  text.replaceAll(
    /\\(?:u([\da-f]{1,4})|U([\da-f]{1,8})|x([\da-f]{1,2})|(.))/gis,
    (_all, short, long, byte, other: string) => {
      const hex = short ?? long ?? byte
      return hex === undefined ? (ansi[other] ?? other) : codePoint(hex)
    }
  )

/** One piece of a word at a time: a quoted one, an escaped character, or plain text. */
const piece =
  /(?<ansi>\$'(?<ansiText>(?:[^'\\]|\\[\s\S])*)')|(?<single>'(?<singleText>[^']*)')|(?<double>"(?<doubleText>(?:[^"\\]|\\[\s\S])*)")|(?<joined>\\\r?\n)|(?:\\(?<escaped>[\s\S]))|(?<plain>[^\s'"\\]+)|(?<space>\s+)/y

function textOf(groups: Readonly<Record<string, string | undefined>>): string {
  const { ansi: isAnsi, ansiText = '', single, singleText = '', double, doubleText = '', escaped, plain = '' } = groups
  if (isAnsi !== undefined) return unescapeAnsi(ansiText)
  if (single !== undefined) return singleText
  if (double !== undefined) return doubleText.replaceAll(/\\(?:(["\\$`])|\r?\n)/g, (_all, kept?: string) => kept ?? '')
  return escaped ?? plain
}

export function shellWords(line: string): string[] {
  const words: string[] = []
  let word: string | null = null
  piece.lastIndex = 0
  while (piece.lastIndex < line.length) {
    const { groups } = piece.exec(line) ?? {}
    if (groups === undefined) throw wrongUsage('the command line has a quote that does not end')
    if (groups.joined !== undefined) continue
    if (groups.space === undefined) word = (word ?? '') + textOf(groups)
    else if (word !== null) {
      words.push(word)
      word = null
    }
  }
  if (word !== null) words.push(word)
  return words
}
