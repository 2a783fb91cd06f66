/**
 * Reads a call out of a request: which API and method the URL names, and the two JSON values (auth_info, params) of
 * the four wire forms: JSON, urlencoded form, multipart, and everything in the URL path.
 */
import type { IncomingMessage } from 'node:http'
import { fault } from './api-fault.ts'
import { isJsonObject, type JsonObject, parseJson } from './exact-json.ts'
import type { OpenEntry } from './journal.ts'
import { readMultipart, type UploadedFile } from './multipart.ts'

export type Api = 'rest' | 'soap' | 'portasip' | 'callcontrol' | 'espf' | 'doc' | 'page'

export interface Target {
  api: Api
  service: string | null
  method: string | null
  /** Decoded path without the query. */
  path: string
  query: URLSearchParams
  /** What follows the method in the path: `/<auth_info>/<params>`. */
  rest: string
}

export interface Content {
  authInfo: JsonObject
  params: JsonObject
  files: UploadedFile[]
  /** The body as text where it is not one of the forms above, such as SOAP. */
  text: string
}

const callPath = /^\/(rest|soap|portasip\/rest|callcontrol(?:\/rest)?)\/(\w+)(?:\/(\w+))?(\/.*)?$/s

export function targetOf(url: string): Target {
  const mark = url.indexOf('?')
  const raw = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const path = decodedOr(raw)
  const base = { path, query, rest: '', service: null, method: null }
  const match = callPath.exec(path)
  if (match === null) return { ...base, api: plainApiOf(path) }
  const [, prefix = '', first = '', second, rest = ''] = match
  const api = prefix.split('/')[0] as Api
  // `/callcontrol/<method>` names no service: the whole prefix is one.
  if (prefix === 'callcontrol') return { ...base, api, service: 'CallControl', method: second ?? first, rest }
  return { ...base, api, service: first, method: second ?? null, rest }
}

export async function contentOf(req: IncomingMessage, target: Target, open: OpenEntry | null): Promise<Content> {
  const type = req.headers['content-type'] ?? ''
  const empty: Content = { authInfo: {}, params: {}, files: [], text: '' }
  if (/^multipart\/form-data/i.test(type)) {
    const { fields, files } = await readMultipart(req, type, open)
    return { ...empty, ...formOf(fields.get('auth_info'), fields.get('params')), files }
  }
  const text = (await bodyOf(req, open)).toString()
  if (target.api === 'soap') return { ...empty, text }
  if (text.trim() === '') return { ...empty, ...pathForm(target.rest) }
  if (/^application\/x-www-form-urlencoded/i.test(type)) {
    const fields = new URLSearchParams(text)
    return { ...empty, ...formOf(fields.get('auth_info'), fields.get('params')) }
  }
  const body = objectFrom(text)
  if (target.api === 'espf') return { ...empty, params: body }
  return { ...empty, authInfo: nested(body.auth_info), params: nested(body.params) }
}

/** Everything in the path: `/{"session_id":...}/{"limit":1}`, or `//{"login":...}` without credentials. */
function pathForm(rest: string): Pick<Content, 'authInfo' | 'params'> {
  const text = rest.replace(/^\//, '')
  if (text.trim() === '' || text === '/') return { authInfo: {}, params: {} }
  const end = text.startsWith('{') ? endOfObject(text) : 0
  return formOf(text.slice(0, end), text.slice(end).replace(/^\//, ''))
}

function formOf(authInfo: string | null | undefined, params: string | null | undefined) {
  return { authInfo: objectFrom(authInfo ?? ''), params: objectFrom(params ?? '') }
}

/** Where the JSON object that a text starts with ends; slashes and braces inside strings do not count. */
function endOfObject(text: string): number {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (inString && char === '\\') at++
    else if (char === '"') inString = !inString
    else if (!inString && char === '{') depth++
    else if (!inString && char === '}' && --depth === 0) return at + 1
  }
  return text.length
}

function objectFrom(text: string): JsonObject {
  const trimmed = text.trim().replace(/\/$/, '')
  if (trimmed === '') return {}
  try {
    const value = parseJson(trimmed)
    if (isJsonObject(value)) return value
  } catch {
    // Told apart from a well-formed non-object by nobody: both are the same mistake to a client.
  }
  throw fault('Client.malformed_request')
}

/** Some clients send the inner values as JSON texts, as the form encoding does. */
function nested(value: unknown): JsonObject {
  if (value === undefined || value === null) return {}
  if (typeof value === 'string') return objectFrom(value)
  if (isJsonObject(value)) return value
  throw fault('Client.malformed_request')
}

function decodedOr(raw: string): string {
  try {
    return decodeURIComponent(raw)
  } catch {
    return raw
  }
}

function plainApiOf(path: string): Api {
  if (path.startsWith('/espf/v1/')) return 'espf'
  return path.startsWith('/doc/api') ? 'doc' : 'page'
}

function bodyOf(req: IncomingMessage, open: OpenEntry | null): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      open?.bodyChunk(chunk)
    })
    req.on('end', () => {
      open?.bodyEnd()
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks))
    })
    req.on('error', reject)
  })
}
