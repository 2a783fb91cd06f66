/**
 * Reads what a system answered: sessions, faults, and what they mean for where a session lives (protocol sections 2 and 3).
 */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { resultIn } from './envelope.ts'
import type { HeaderValues } from './headers.ts'
import type { Credential, Half, JsonObject, Route } from './words.ts'

/** An answer that was read whole. */
export interface Answer {
  readonly status: number
  readonly statusMessage: string
  readonly headers: HeaderValues
  readonly body: Buffer
}

/** Whether nobody answered for the system: these come from what stands in front of it (protocol section 2). */
export const isUnavailable = (status: number): boolean => status >= 502 && status <= 504

/** Largest readable copy of a compressed answer, bytes. */
const readableLimitBytes = 4 << 20

const decoders: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync
}

const isXml = /^(?:text|application)\/(?:[\w.-]+\+)?xml(?:\s*;|$)/i

/** The answer's JSON object, or what its SOAP envelope says in the place of one, read from a copy; null for anything else. */
export function jsonOf({ headers, body }: Pick<Answer, 'headers' | 'body'>): JsonObject | null {
  try {
    const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase()
    const decode = decoders[encoding]
    const bytes = decode === undefined ? body : decode(body, { maxOutputLength: readableLimitBytes })
    const contentType = String(headers['content-type'] ?? '')
    if (isXml.test(contentType)) return resultIn(bytes, contentType)
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}

export function faultcodeOf(answer: Answer): string | null {
  if (answer.status < 400) return null
  const faultcode = jsonOf(answer)?.faultcode
  return typeof faultcode === 'string' ? faultcode : null
}

/** The last words of fault codes by which a system says that it does not have the method (protocol section 2). */
export const lackingWords: readonly string[] = ['unknown_method', 'method_not_found', 'no_such_method']

/** How SOAP::Lite words it, whose code then names no more than a side. */
const lackingSentence = /^(?:Failed to (?:locate method|access class) \(|Denied access to method \()/

/** How much of an answer can say that the system does not have the method, bytes; 0 when none of it can. */
export const mayLackMethod = (status: number): number => (status === 500 ? 4096 : 0)

/** Whether a system says that it does not have the method: then it did nothing. */
export function lacksMethod(answer: Pick<Answer, 'status' | 'headers' | 'body'>, words = lackingWords): boolean {
  if (mayLackMethod(answer.status) === 0) return false
  const { faultcode, faultstring } = jsonOf(answer) ?? {}
  if (typeof faultcode === 'string' && words.includes(faultcode.slice(faultcode.lastIndexOf('.') + 1))) return true
  return typeof faultstring === 'string' && lackingSentence.test(faultstring)
}

/** The faults by which a system says that it does not know the session. */
const sessionFaults: ReadonlySet<string> = new Set([
  'Server.Session.check_auth.auth_failed',
  'Client.check_auth.envelope_missed',
  'Client.Session.check_auth.failed_to_process_jwt',
  'Client.Session.check_auth.failed_to_process_access_token',
  'Client.Session.ping.failed_to_process_access_token'
])

export const isSessionFault = (faultcode: string): boolean => sessionFaults.has(faultcode)

/** Largest answer that is held back to be read, bytes. */
const heldBytes = 65_536

/** How much of an answer can be a session fault, bytes: no other answer need be held back and read. */
export function mayRefuseSession(route: Route, status: number): number {
  const may = status === 500 || (status === 401 && route.wire === 'plain') || (status === 200 && isPing(route))
  return may ? heldBytes : 0
}

const isPing = ({ service, method }: Route) => service === 'Session' && method === 'ping'

/** Whether a system says that it does not know the session: then it did nothing. `Session/ping` says so with 200 and user 0. */
export function refusesSession(route: Route, answer: Answer): boolean {
  if (answer.status === 401) return route.wire === 'plain'
  if (isPing(route) && answer.status === 200) return userOf(answer) === 0
  return isSessionFault(faultcodeOf(answer) ?? '')
}

/** The calls that read one entity whole: their answers tell its state. */
const isInfo = ({ method }: Route) => method === 'get_customer_info' || method === 'get_account_info'

/** Most of an answer that says no more than that there is nothing; an envelope around it has its namespaces. */
const emptyAnswerBytes = 64
const emptyEnvelopeBytes = 1024

/** How much of an answer can say that an entity is not there, bytes; 0 when none of it can. */
export function mayMissEntity(route: Route, { status, headers }: Omit<Answer, 'body'>): number {
  if (status === 500) return heldBytes
  if (status !== 200) return 0
  if (isInfo(route)) return heldBytes
  const mostBytes = route.wire === 'soap' ? emptyEnvelopeBytes : emptyAnswerBytes
  return Number(headers['content-length'] ?? 0) <= mostBytes ? mostBytes : 0
}

const wordOf = (value: unknown) => (typeof value === 'string' ? value.trim().toUpperCase() : '')

/** Whether a record says that its entity has moved away. */
export const isExported = ({ bill_status: billStatus, status }: JsonObject): boolean =>
  wordOf(billStatus) === 'E' || wordOf(status) === 'EXPORTED'

/** Nothing where a record could be. */
export const isEmptyRecord = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0)

/** JSON's null and what is no JSON read the same, and mean different things. */
export const saysNull = ({ body }: Answer): boolean => body.length < 16 && body.toString().trim() === 'null'

/** Whether an answer says that the entity in question is not there, or is exported (contract section 5). */
export function missesEntity(route: Route, answer: Answer): boolean {
  const faultcode = faultcodeOf(answer)
  if (faultcode !== null) return /\.(?:not_found|exported)$/i.test(faultcode)
  if (answer.status !== 200) return false
  const json = jsonOf(answer)
  if (json === null) return saysNull(answer)
  const member = isInfo(route) ? route.method.slice('get_'.length) : ''
  const record = Object.hasOwn(json, member) ? json[member] : json
  return isEmptyRecord(record) || (isInfo(route) && isExported({ ...(record as JsonObject) }))
}

/** The user of a `Session/ping` answer: 0 for a dead session, null for an answer that tells none. */
export function userOf(answer: Answer): number | null {
  if (answer.status !== 200) return null
  const user = jsonOf(answer)?.user_id
  if (typeof user === 'string') return /^\d+$/.test(user) ? Number(user) : null
  return typeof user === 'number' && Number.isFinite(user) ? user : null
}

/** A session that an answer has opened or renewed. */
export interface OpenedSession {
  readonly credentials: readonly Credential[]
  /** How long its access token lives, ms; null when the answer does not say. */
  readonly lifetimeMs: number | null
}

/** The session in the answer of a login or a refresh; null when there is none. */
export function sessionOf(answer: Answer): OpenedSession | null {
  if (answer.status !== 200) return null
  const json = jsonOf(answer)
  if (json === null) return null
  const credentials: Credential[] = []
  for (const kind of ['access_token', 'session_id', 'refresh_token'] as const) {
    const value = json[kind]
    if (typeof value === 'string' && value !== '') credentials.push({ kind, value })
  }
  if (!credentials.some(({ kind }) => kind !== 'refresh_token')) return null
  const seconds = Number(json.expires_in)
  return { credentials, lifetimeMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null }
}

export const halfOf = ({ credentials }: OpenedSession): Half =>
  Object.fromEntries(credentials.map(({ kind, value }) => [kind, value]))
