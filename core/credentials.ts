/**
 * Finds what a client shows to prove its session, in the contract's order (section 4).
 */
import { Fault } from './faults.ts'
import type { Swap } from './swap.ts'
import type { Call, Credential, CredentialKind, Home, JsonObject, KeptSession, Route, System } from './words.ts'

/** The names of the systems' own session cookies. */
export type UpstreamCookies = Readonly<Record<'access_token' | 'session_id', string>>

/** Longest credential that is looked at: beyond the longest header Node accepts none can work. */
const credentialLimit = 16_384

/** The token of `Authorization: Bearer` (RFC 6750; the scheme's case does not matter, RFC 9110 section 11.1). */
export function bearerOf(authorization: string | undefined): Credential | null {
  if (authorization === undefined || authorization.length < 8) return null
  if (authorization.charCodeAt(6) !== 0x20 || authorization.slice(0, 6).toLowerCase() !== 'bearer') return null
  const value = authorization.slice(7).trim()
  return value === '' ? null : { kind: 'access_token', value }
}

function shown(where: JsonObject | null, kinds: readonly CredentialKind[], place: string): Credential[] {
  const found: Credential[] = []
  for (const kind of kinds) {
    const value = where?.[kind]
    if (value === undefined || value === null || value === '') continue
    if (typeof value !== 'string' || value.length > credentialLimit) {
      throw new Fault('malformed_request', `${place}.${kind} is not a text of at most ${credentialLimit} characters`)
    }
    found.push({ kind, value })
  }
  return found
}

/**
 * The credentials inside a call, of the first place that has any: `auth_info`, then the parameters of `Session/*`.
 * More than one is more than one name of the same session; that they have one home is for the caller to check.
 */
export function credentialsInCall(route: Route, call: Call): Credential[] {
  const inAuthInfo = shown(call.authInfo, ['access_token', 'session_id'], 'auth_info')
  if (inAuthInfo.length > 0 || route.service !== 'Session') return inAuthInfo
  return shown(call.params, ['access_token', 'session_id', 'refresh_token'], 'params')
}

/** All that a call holds, beside the place that decides too: none of it may reach the system that did not issue it. */
export function everyCredentialIn({ service }: Route, { authInfo, params }: Call): Credential[] {
  return [authInfo, service === 'Session' ? params : null].flatMap((place) =>
    (['access_token', 'session_id', 'refresh_token'] as const).flatMap((kind) => {
      const value = place?.[kind]
      return typeof value === 'string' && value !== '' ? [{ kind, value }] : []
    })
  )
}

export function credentialsInCookies(
  cookies: Readonly<Record<string, string | undefined>>,
  names: UpstreamCookies
): Credential[] {
  const found: Credential[] = []
  for (const kind of ['access_token', 'session_id'] as const) {
    const value = cookies[names[kind]]
    if (value !== undefined && value !== '' && value.length <= credentialLimit) found.push({ kind, value })
  }
  return found
}

/** Subprotocols that hold a token, `access_token.<token>`, or say that the next one is it, `access_token, <token>`. */
const tokenProtocol = /^(?:access_token|bearer)(?:\.(.+))?$/i

/**
 * What the request for a WebSocket shows: a page can put its token nowhere but into the URL, as `?access_token=`, or among
 * the subprotocols. In this order; throws `malformed_request` for two that differ in one place.
 */
export function credentialsInHandshake(url: string, protocols: string | undefined): Credential[] {
  const query = new URLSearchParams(url.split('?').slice(1).join('?')).getAll('access_token')
  const offered = (protocols ?? '').split(',').map((protocol) => protocol.trim())
  const among = offered.flatMap((protocol, at) => {
    const match = tokenProtocol.exec(protocol)
    if (match === null) return []
    return [match[1] ?? offered[at + 1] ?? '']
  })
  return [query, among].flatMap((values) => {
    const [value, ...others] = new Set(values.filter((one) => one !== '' && one.length <= credentialLimit))
    if (others.length > 0) throw new Fault('malformed_request', 'the request shows two access tokens')
    return value === undefined ? [] : [{ kind: 'access_token', value } as const]
  })
}

export interface Shown {
  readonly credentials: readonly Credential[]
  /** True when they came in one place of one call, where two names of different sessions contradict each other. */
  readonly together: boolean
}

/** All that a request shows, of the first place that has any: header, call, cookies. */
export function shownCredentials(
  authorization: string | undefined,
  route: Route,
  call: Call | null,
  inCookies: readonly Credential[]
): Shown {
  const bearer = bearerOf(authorization)
  if (bearer !== null) return { credentials: [bearer], together: false }
  const inCall = call === null ? [] : credentialsInCall(route, call)
  if (inCall.length > 0) return { credentials: inCall, together: true }
  return { credentials: inCookies, together: false }
}

/** In whose name the gateway itself asks the systems: with the session's own credentials, each system's its own. */
export interface Caller {
  readonly credentialOn: (system: System) => Credential | null
}

/** A session's own credential on each system; null where it does not live. */
export function callerOf(shown: readonly Credential[], { system: lives, session }: Home): Caller {
  const first = shown.find(({ kind }) => kind !== 'refresh_token') ?? null
  const half = session?.halves?.source
  return {
    credentialOn(system) {
      if (first === null) return null
      if (lives !== 'both') return lives === system ? first : null
      if (system === 'target') return first
      const value = half?.[first.kind] ?? half?.access_token
      return value === undefined ? null : { kind: half?.[first.kind] ? first.kind : 'access_token', value }
    }
  }
}

/** A cookie that is only named like a credential may hold anything, `49` say, which is no secret to be swapped. */
export const isLikeCredential = ({ value }: Credential): boolean => value.length >= 16

/**
 * What the source must read in the place of each credential that the client holds. `seen` are all that the request shows,
 * older ones and those of other sessions too: none of them is for the source.
 */
export function swapsFor({ source, target }: NonNullable<KeptSession['halves']>, seen: readonly Credential[]): Swap[] {
  const held = (['access_token', 'session_id', 'refresh_token'] as const).flatMap((kind) => {
    const value = target[kind]
    return value === undefined ? [] : [{ kind, value }]
  })
  const swaps = new Map<string, string>()
  for (const { kind, value } of [...held, ...seen.filter(isLikeCredential)]) {
    const own = source[kind] ?? ''
    if (!swaps.has(value) && value !== own) swaps.set(value, own)
  }
  return [...swaps].map(([from, to]) => ({ from, to }))
}
