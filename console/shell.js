/**
 * The words of a command line as a shell reads them: '…', "…", $'…', backslashes, continued lines. Nothing is expanded.
 */

const simpleEscapes = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', E: '\x1b', f: '\f', v: '\v' }

/** Codes in $'…', as bash has them: the longest first. */
const codes = /^(?:x([\da-f]{1,2})|u([\da-f]{1,4})|U([\da-f]{1,8})|([0-7]{1,3}))/i

/** @returns {[text: string, length: number]} what stands for an escape behind its backslash */
function ansiEscape(rest) {
  const [whole = '', x, u, wide, octal] = codes.exec(rest) ?? []
  if (whole !== '') {
    const code = octal === undefined ? Number.parseInt(x ?? u ?? wide, 16) : Number.parseInt(octal, 8) & 0xff
    return [code <= 0x10ffff ? String.fromCodePoint(code) : '', whole.length]
  }
  const sign = rest[0] ?? ''
  return [simpleEscapes[sign] ?? sign, 1]
}

/** Windows' own prompt escapes by ^; a browser's "copy as cURL (cmd)" writes it before every quote. */
const isWindows = (text) => /\^(?:"|\r?\n)/.test(text)
const fromWindows = (text) => text.replaceAll(/\^(\r?\n|[\s\S])/g, (_, sign) => (/\n/.test(sign) ? ' ' : sign))

/** Each reads from behind the opening quote, and gives the text and where the closing one is; null where there is none. */
const quotes = {
  "'"(text, from) {
    const end = text.indexOf("'", from)
    return end === -1 ? null : { value: text.slice(from, end), end }
  },
  '"'(text, from) {
    let value = ''
    for (let at = from; at < text.length; at += 1) {
      const sign = text[at]
      if (sign === '"') return { value, end: at }
      if (sign === '\\' && '"\\$`\n'.includes(text[at + 1] ?? ' ')) {
        at += 1
        if (text[at] !== '\n') value += text[at]
      } else value += sign
    }
    return null
  },
  "$'"(text, from) {
    let value = ''
    for (let at = from; at < text.length; at += 1) {
      const sign = text[at]
      if (sign === "'") return { value, end: at }
      if (sign === '\\') {
        const [meant, length] = ansiEscape(text.slice(at + 1, at + 10))
        value += meant
        at += length
      } else value += sign
    }
    return null
  }
}

/** Where a command ends for the shell: what follows is another's. */
const ends = /[|;&<>\n]/

/**
 * @param {string} pasted
 * @returns {{ words: string[], problem: string }} the words of the first command
 */
export function words(pasted) {
  const text = (isWindows(pasted) ? fromWindows(pasted) : pasted).replaceAll('\r\n', '\n')
  const found = []
  let word = null
  const end = () => {
    if (word !== null) found.push(word)
    word = null
  }
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]
    const quote = sign === '$' && text[at + 1] === "'" ? "$'" : sign
    if (Object.hasOwn(quotes, quote)) {
      const quoted = quotes[quote](text, at + quote.length)
      if (quoted === null)
        return { words: [], problem: 'A quote is opened and never closed: was the whole line pasted?' }
      word = (word ?? '') + quoted.value
      at = quoted.end
    } else if (sign === '\\') {
      at += 1
      if (text[at] !== '\n') word = (word ?? '') + (text[at] ?? '')
    } else if (ends.test(sign)) {
      end()
      break
    } else if (/\s/.test(sign)) end()
    else word = (word ?? '') + sign
  }
  end()
  return { words: found, problem: '' }
}
