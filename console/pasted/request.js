/**
 * A request in any form in which people have one, as /explain wants it: a curl line, the text of an HTTP request, an
 * address alone, or /explain's own JSON. Nothing of it is kept, and no note repeats a word of it but the names of flags:
 * it may hold a credential.
 */
import { requestBy } from './curl.js'
import { createHeaders } from './headers.js'
import { wordsOf } from './shell.js'
import { Unreadable } from './unreadable.js'
import { asBash } from './windows.js'

/**
 * @typedef {object} Described
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {string} body
 */

/**
 * @typedef {object} Pasted
 * @property {Described} request
 * @property {string[]} notes  what was not taken over
 */

/** @typedef {((name: string) => string) | null} ReadFile  null where files cannot be read */

function readCurl(text, readFile) {
  const { words, rest, isFilled } = wordsOf(asBash(text.replaceAll('\r\n', '\n')))
  const { request, notes } = requestBy(words.slice(1), readFile)
  if (isFilled) notes.push('A variable in it is not filled in here: put its value into the line.')
  if (/^&[^\s&]/.test(rest)) notes.push('It ends at its first &, as for a shell: put the whole address into quotes.')
  if (/[\s;&|](?:[^\s;&|]*\/)?curl(?:\.exe)?\s/i.test(rest)) notes.push('Only the first request is explained.')
  return { request, notes: [...new Set(notes)] }
}

const requestLine = /^([A-Za-z]+)[ \t]+(\S+)(?:[ \t]+HTTP\/\d(?:\.\d)?)?[ \t]*$/
const address = /^(?:https?:\/\/|\/)\S*$/i

function readHttp(text) {
  const [head = '', ...rest] = text.replaceAll('\r\n', '\n').split(/\n[ \t]*\n/)
  const [first = '', ...lines] = head.split('\n')
  const [, method = '', url = ''] = requestLine.exec(first.trim()) ?? []
  if (!address.test(url)) {
    throw new Unreadable(
      'This is neither a curl line nor an HTTP request. Paste a line that begins with "curl", or one such as ' +
        '"POST /rest/Customer/get_customer_info HTTP/1.1" with the headers below it, an empty line, and the body.'
    )
  }
  const headers = createHeaders()
  const isHeader = (line) => /^[^\s:]+:/.test(line)
  for (const line of lines.filter(isHeader)) headers.addLine(line)
  const isComplete = lines.every((line) => isHeader(line) || line.trim() === '')
  return {
    request: { method: method.toUpperCase(), url, headers: headers.all(), body: rest.join('\n\n') },
    notes: isComplete ? [] : ['Lines between the headers that are none were left out.']
  }
}

/** What /explain takes, as it takes it; null for any other text. */
function readJson(text) {
  try {
    const { method = 'POST', headers = {}, body = '', ...rest } = JSON.parse(text)
    return typeof rest.url === 'string' ? { request: { ...rest, method, headers, body }, notes: [] } : null
  } catch {
    return null
  }
}

/** What comes along from a terminal: a prompt. */
const prompt = /^(?:[$#>%]\s+|(?:PS )?[A-Za-z]:\\[^>\n]*>\s*|[\w.-]+@[\w.-]+:[^\s$#]*[$#]\s+)/

/**
 * Throws Unreadable, which says what to do.
 * @param {string} text
 * @param {ReadFile} readFile
 * @returns {Pasted}
 */
export function parsePasted(text, readFile) {
  const trimmed = text.trim().replace(prompt, '')
  if (trimmed === '') throw new Unreadable('Paste a request first: a curl line, or its HTTP text.')
  if (/^(?:\S*[/\\])?curl(?:\.exe)?(?:\s|$)/i.test(trimmed)) return readCurl(trimmed, readFile)
  if (address.test(trimmed)) return { request: { method: 'GET', url: trimmed, headers: {}, body: '' }, notes: [] }
  // What a body ends with is a part of it.
  return readJson(trimmed) ?? readHttp(text.trimStart())
}
