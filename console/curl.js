/**
 * A pasted request, whatever its form, as /explain wants it: a curl line, the text of an HTTP request, or an address alone.
 * Nothing of it is kept, and no note repeats a word of it but the names of flags: it may hold a credential.
 */
import { addHeaderLine, addUsual, ignoredWithValue, known, silent, takers, valueless } from './curl-flags.js'
import { words } from './shell.js'

/**
 * @typedef {object} Described
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {string} body
 */

/**
 * @typedef {object} Pasted
 * @property {Described | null} request  null where nothing could be made of the text: then `problem` says what to do
 * @property {string} problem
 * @property {string[]} notes  what was not taken over
 */

/** A word that begins with one dash may hold several flags, and the value of the last. */
function* flagsIn(args) {
  const rest = [...args]
  while (rest.length > 0) {
    const word = rest.shift()
    if (!word.startsWith('-') || word === '-') {
      yield { name: null, value: word }
      continue
    }
    if (word.startsWith('--')) {
      const takes = known.has(word) ? !valueless.has(known.get(word)) : ignoredWithValue.has(word)
      yield { name: word, value: takes ? (rest.shift() ?? '') : '' }
      continue
    }
    for (let at = 1; at < word.length; at += 1) {
      const name = `-${word[at]}`
      const takes = known.has(name) ? !valueless.has(known.get(name)) : ignoredWithValue.has(name)
      const attached = word.slice(at + 1)
      yield { name, value: takes ? (attached === '' ? (rest.shift() ?? '') : attached) : '' }
      if (takes) break
    }
  }
}

/** What curl sends if nothing else is said. */
function finish(request) {
  const { headers, notes, pieces, isJson, isForm, isGet, isHead } = request
  const data = isJson ? request.json : pieces.join('&')
  const hasData = isJson || pieces.length > 0
  let url = request.urls[0] ?? ''
  if (request.urls.length > 1) notes.push('It names several addresses: only the first is explained.')
  if (isJson) {
    addUsual(headers, 'content-type', 'application/json')
    addUsual(headers, 'accept', 'application/json')
  } else if (isForm) addUsual(headers, 'content-type', 'multipart/form-data')
  else if (hasData && !isGet) addUsual(headers, 'content-type', 'application/x-www-form-urlencoded')
  if (isGet && data !== '') url += `${url.includes('?') ? '&' : '?'}${data}`
  const usual = isHead ? 'HEAD' : (hasData || isForm) && !isGet ? 'POST' : 'GET'
  return {
    method: request.method === '' ? usual : request.method,
    url,
    headers: Object.fromEntries(headers),
    body: isGet ? '' : data
  }
}

/** Without a scheme curl takes http; a path alone stays one. */
const withScheme = (url) => (/^(?:[a-z][a-z\d+.-]*:\/\/|\/)/i.test(url) ? url : `http://${url}`)

/** @returns {Pasted} */
function parseCurl(text) {
  const { words: args, problem } = words(text)
  if (problem !== '') return { request: null, problem, notes: [] }
  const request = { method: '', urls: [], headers: new Map(), pieces: [], json: '', notes: [] }
  const ignored = new Set()
  for (const { name, value } of flagsIn(args.slice(1))) {
    const taker = name === null ? 'url' : known.get(name)
    if (taker !== undefined) takers[taker](request, value, name)
    else if (!silent.has(name)) ignored.add(name)
  }
  // A name that is not a flag's could be a part of what was pasted, such as a body that was not quoted.
  const named = [...ignored].filter((name) => ignoredWithValue.has(name))
  if (named.length > 0) request.notes.push(`Ignored, since they do not change where it goes: ${named.join(', ')}.`)
  if (named.length < ignored.size) request.notes.push('Flags that are not known here were ignored.')
  const described = finish(request)
  if (described.url === '') {
    return { request: null, problem: 'The curl line names no address: add the one that the client calls.', notes: [] }
  }
  return { request: { ...described, url: withScheme(described.url) }, problem: '', notes: request.notes }
}

const requestLine = /^([A-Za-z]+)[ \t]+(\S+)(?:[ \t]+HTTP\/\d(?:\.\d)?)?[ \t]*$/
const address = /^(?:https?:\/\/|\/)\S*$/i

/** @returns {Pasted} */
function parseHttp(text) {
  const [head = '', ...rest] = text.replaceAll('\r\n', '\n').split(/\n[ \t]*\n/)
  const [first = '', ...lines] = head.split('\n')
  const [, method = '', url = ''] = requestLine.exec(first.trim()) ?? []
  if (!address.test(url)) {
    const problem =
      'This is neither a curl line nor an HTTP request. Paste a line that begins with "curl", or one such as ' +
      '"POST /rest/Customer/get_customer_info HTTP/1.1" with the headers below it, an empty line, and the body.'
    return { request: null, problem, notes: [] }
  }
  const headers = new Map()
  const unread = []
  for (const line of lines) {
    if (/^[^\s:]+:/.test(line)) addHeaderLine(headers, line)
    else if (line.trim() !== '') unread.push(line)
  }
  const notes = unread.length > 0 ? ['Lines between the headers that are none were left out.'] : []
  return {
    request: { method: method.toUpperCase(), url, headers: Object.fromEntries(headers), body: rest.join('\n\n') },
    problem: '',
    notes
  }
}

/**
 * @param {string} text
 * @returns {Pasted}
 */
export function parsePasted(text) {
  // A prompt in front of it comes with what is copied from a terminal.
  const trimmed = text.trim().replace(/^[$#>%]\s+/, '')
  if (trimmed === '')
    return { request: null, problem: 'Paste a request first: a curl line, or its HTTP text.', notes: [] }
  if (/^curl(?:\.exe)?\s/i.test(trimmed)) return parseCurl(trimmed)
  if (address.test(trimmed))
    return { request: { method: 'GET', url: trimmed, headers: {}, body: '' }, problem: '', notes: [] }
  // What a body ends with is a part of it.
  return parseHttp(text.trimStart())
}
