/**
 * The request that curl would send for its arguments.
 */
import { splitAddress, withQuery, withTarget } from './address.js'
import { encode, encodedField, multipart, part } from './fields.js'
import { flagsIn } from './flags.js'
import { createHeaders } from './headers.js'
import { Unreadable } from './unreadable.js'

/** HTTP Basic wants bytes, and `btoa` takes only Latin letters. */
const base64 = (text) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))

/** What the flags have said so far. */
function createRequest() {
  return {
    method: '',
    url: null,
    target: null,
    headers: createHeaders(),
    data: null,
    parts: [],
    queries: [],
    cookies: [],
    user: null,
    bearer: null,
    agent: null,
    referer: null,
    isJson: false,
    isGet: false,
    isHead: false,
    isUpload: false,
    isChallenged: false,
    notes: new Set()
  }
}

function addData(request, text, joint = '&') {
  request.data = request.data === null ? text : request.data + joint + text
}

/** What each flag does to the request; `file` reads the file that a value names. */
const takers = {
  url(request, value) {
    if (request.url !== null) {
      throw new Unreadable('It names several addresses: leave one, and put values that hold spaces into quotes.')
    }
    if (value.startsWith('@')) throw new Unreadable('The address is in a file: put it into the line.')
    request.url = value
  },
  method: (request, value) => {
    request.method = value.toUpperCase()
  },
  header(request, value, file) {
    const lines = value.startsWith('@') ? file(value.slice(1)).split(/\r?\n/) : [value]
    for (const line of lines) request.headers.addLine(line)
  },
  data(request, value, file) {
    addData(request, value.startsWith('@') ? file(value.slice(1)).replaceAll(/[\r\n\0]/g, '') : value)
  },
  binary: (request, value, file) => addData(request, value.startsWith('@') ? file(value.slice(1)) : value),
  raw: (request, value) => addData(request, value),
  encoded: (request, value, file) => addData(request, encodedField(value, file)),
  json(request, value, file) {
    request.isJson = true
    addData(request, value.startsWith('@') ? file(value.slice(1)) : value, '')
  },
  form: (request, value, file, name) => request.parts.push(part(value, false, name, file)),
  formString: (request, value, file, name) => request.parts.push(part(value, true, name, file)),
  upload(request, _value, _file, name) {
    request.isUpload = true
    request.notes.add(`What ${name} uploads is not looked at.`)
  },
  cookie(request, value, _file, name) {
    // An empty name only makes curl remember.
    if (value === '') return
    if (value.startsWith('@') || !value.includes('=')) {
      throw new Unreadable(`${name} names a file of cookies: put them into the line, as ${name} 'name=value'.`)
    }
    request.cookies.push(value)
  },
  user: (request, value) => {
    request.user = value
  },
  bearer: (request, value) => {
    request.bearer = value
  },
  agent: (request, value) => {
    request.agent = value
  },
  referer: (request, value) => {
    request.referer = value.replace(/;auto$/, '')
  },
  query: (request, value, file) =>
    request.queries.push(value.startsWith('+') ? encode(value.slice(1)) : encodedField(value, file)),
  target: (request, value) => {
    request.target = value
  },
  get: (request) => {
    request.isGet = true
  },
  head: (request) => {
    request.isHead = true
  },
  challenged: (request) => {
    request.isChallenged = true
  }
}

function authorizationOf({ bearer, user, isChallenged }, userOfUrl) {
  if (bearer !== null) return `Bearer ${bearer}`
  const shown = user ?? userOfUrl
  // Others are shown only once the server has asked for them.
  if (shown === null || isChallenged) return null
  return `Basic ${base64(shown.includes(':') ? shown : `${shown}:`)}`
}

function bodyOf({ headers, data, parts, isGet, isJson }) {
  if (parts.length > 0) {
    const { boundary, body } = multipart(parts)
    headers.set('content-type', `${headers.get('content-type') ?? 'multipart/form-data'}; boundary=${boundary}`)
    return body
  }
  if (isJson) {
    headers.addUsual('content-type', 'application/json')
    headers.addUsual('accept', 'application/json')
  } else if (data !== null && !isGet) headers.addUsual('content-type', 'application/x-www-form-urlencoded')
  return isGet ? '' : (data ?? '')
}

function methodOf({ method, data, parts, isGet, isHead, isUpload }) {
  const hasData = data !== null && !isGet
  if ([hasData, parts.length > 0, isHead, isUpload].filter(Boolean).length > 1) {
    throw new Unreadable('It would be several requests in one, and curl refuses that: use one of -d, -F, -T and -I.')
  }
  if (method !== '') return method
  if (isHead) return 'HEAD'
  if (isUpload) return 'PUT'
  return hasData || parts.length > 0 ? 'POST' : 'GET'
}

/** What curl sends, with what it sends by itself where nothing else is said. */
function finish(request) {
  if (request.url === null) {
    throw new Unreadable('The curl line names no address: add the one that the client calls.')
  }
  const { headers, cookies, agent, referer, queries, data, isGet, target } = request
  const method = methodOf(request)
  const address = splitAddress(request.url)
  const body = bodyOf(request)
  headers.addUsual('cookie', cookies.length === 0 ? null : cookies.join('; '))
  headers.addUsual('authorization', authorizationOf(request, address.user))
  headers.addUsual('user-agent', agent === '' ? null : agent)
  headers.addUsual('referer', referer === '' ? null : referer)
  const full = [...queries, isGet ? (data ?? '') : ''].reduce(withQuery, address.url)
  const url = target === null ? full : withTarget(full, target)
  return { method, url, headers: headers.all(), body }
}

/** The files that a line names, as far as there are any here. */
const fileReader = (name, readFile) => (file) => {
  if (file === '-') throw new Unreadable(`${name} takes the input of the command: put what it holds into the line.`)
  if (readFile === null) {
    throw new Unreadable(`${name} names a file, which a page cannot read: put what the file holds into the line.`)
  }
  return readFile(file)
}

/**
 * @param {readonly string[]} args
 * @param {((name: string) => string) | null} readFile null where files cannot be read
 * @returns {{ request: { method: string, url: string, headers: Record<string, string>, body: string }, notes: string[] }}
 */
export function requestBy(args, readFile) {
  const request = createRequest()
  for (const { what, name, value } of flagsIn(args)) {
    if (what === 'next') {
      request.notes.add('Only the first request is explained.')
      break
    }
    if (what !== '') takers[what](request, value, fileReader(name, readFile), name)
  }
  return { request: finish(request), notes: [...request.notes] }
}
