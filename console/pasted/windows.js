/**
 * Command lines of Windows, as bash would have them: of its prompt, which escapes by ^, and of PowerShell, which does by `.
 */

const asWord = (text) => `'${text.replaceAll("'", "'\\''")}'`

/** What a program makes of its own quotes: \" and "" are one. */
const inQuotes = (text) => asWord(text.replaceAll(/\\([\\"])|""/g, (_all, sign) => sign ?? '"'))

/** One that is never closed is matched all the same, so that it is looked for once: it stays, to be refused. */
const closed = (rewrite) => (all, quoted) =>
  all.length >= quoted.length + 2 && all.endsWith('"') ? rewrite(quoted) : '"'

/** Browsers copy ^" for each quote; a quote without ^ shelters what it holds from the prompt. */
function fromPrompt(text) {
  const unescaped = text.replaceAll(
    /("[^"\n]*"?)|\^(?:\n(\n)?|([\s\S]))/g,
    (_all, sheltered, line, sign) => sheltered ?? line ?? sign ?? ''
  )
  return unescaped.replaceAll(/"([^"\\]*(?:(?:\\[\s\S]|"")[^"\\]*)*)(?:"|\\?$)/g, closed(inQuotes))
}

const signs = { n: '\n', r: '\r', t: '\t', 0: '\0' }
const unescapeBackticks = (text) =>
  text.replaceAll(/`([\s\S])|""/g, (_all, sign) => (sign === undefined ? '"' : (signs[sign] ?? sign)))

/** Older ones lose the quotes of a value on the way to a program, so that people write \" for them. */
const toProgram = (text) => asWord(text.replaceAll('\\"', '"'))

function fromPowerShell(text) {
  return text.replaceAll(
    /'([^']*(?:''[^']*)*)'|"([^"`]*(?:(?:`[\s\S]|"")[^"`]*)*)(?:"|`?$)|`\n|`([\s\S])/g,
    (all, single, double, escaped) => {
      if (single !== undefined) return toProgram(single.replaceAll("''", "'"))
      if (double !== undefined) return closed((text) => toProgram(unescapeBackticks(text)))(all, double)
      return escaped === undefined ? ' ' : asWord(unescapeBackticks(`\`${escaped}`))
    }
  )
}

/** @param {string} line whose line ends are one sign each */
export function asBash(line) {
  if (/\s\^"|\^\n/.test(line)) return fromPrompt(line)
  return /`\n/.test(line) || /^\S*curl\.exe\s.*\s'/is.test(line) ? fromPowerShell(line) : line
}
