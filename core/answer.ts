/**
 * Reads what a system answered: sessions, faults, and what they mean for where a session lives (protocol sections 2 and 3).
 */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import type { HeaderValues } from './headers.ts'
import type { Credential, JsonObject, Route } from './words.ts'

/** An answer that was read whole. */
export interface Answer {
  readonly status: number
  readonly statusMessage: string
  readonly headers: HeaderValues
  readonly body: Buffer
}

/** Largest readable copy of a compressed answer, bytes. */
const readableLimitBytes = 4 << 20

const decoders: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync
}

/** The answer's JSON object, read from a copy; null for anything else. */
export function jsonOf({ headers, body }: Pick<Answer, 'headers' | 'body'>): JsonObject | null {
  try {
    const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase()
    const decode = decoders[encoding]
    const text = (decode === undefined ? body : decode(body, { maxOutputLength: readableLimitBytes })).toString()
    const value: unknown = JSON.parse(text)
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

/** The faults by which a system says that it does not know the session. */
const sessionFaults: ReadonlySet<string> = new Set([
  'Server.Session.check_auth.auth_failed',
  'Client.check_auth.envelope_missed',
  'Client.Session.check_auth.failed_to_process_jwt',
  'Client.Session.check_auth.failed_to_process_access_token',
  'Client.Session.ping.failed_to_process_access_token'
])

/** Statuses under which a session fault can come, so that no other answer need be held back and read. */
export function mayRefuseSession(route: Route, status: number): boolean {
  return status === 500 || (status === 401 && route.wire === 'plain') || (status === 200 && isPing(route))
}

const isPing = ({ service, method }: Route) => service === 'Session' && method === 'ping'

/** Whether a system says that it does not know the session: then it did nothing. `Session/ping` says so with 200 and user 0. */
export function refusesSession(route: Route, answer: Answer): boolean {
  if (answer.status === 401) return route.wire === 'plain'
  if (isPing(route) && answer.status === 200) return userOf(answer) === 0
  return sessionFaults.has(faultcodeOf(answer) ?? '')
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
