/**
 * The words everybody shares (docs/architecture.md): systems, realms, calls, credentials, homes, decisions.
 */
import type { Duplex } from 'node:stream'

/** An installation of one release: customers leave the source and arrive at the target. */
export const systemNames = ['source', 'target'] as const
export type System = (typeof systemNames)[number]

export const otherSystem = (system: System): System => (system === 'source' ? 'target' : 'source')

/** Whom the API is for. */
export const realmNames = [
  'admin',
  'reseller',
  'customer',
  'account',
  'cc_staff',
  'distributor',
  'representative'
] as const
export type RealmName = (typeof realmNames)[number]

/** In a single-home realm a session lives on one system; in every other realm it may live on both. */
export const isSingleHome = (realm: RealmName): boolean => realm === 'customer' || realm === 'account'

/** The three API families, and everything else that a host serves. */
export type Family = 'billing' | 'portasip' | 'callcontrol' | 'page'

/** How a request is written: API calls by REST or SOAP, plain REST (`/espf`, `/doc/api`), or a browser's page. */
export type Wire = 'rest' | 'soap' | 'plain' | 'page'

export type JsonObject = { readonly [key: string]: unknown }

/** An API request whatever its wire form, as far as it had to be read. */
export interface Call {
  readonly authInfo: JsonObject | null
  readonly params: JsonObject | null
  /** The text of `params` as the client wrote it, so that its numbers can go on as they are; `{}` where there is none. */
  readonly paramsText: string
}

/** The one call that says nothing, so that "nothing was read" can be told by identity. */
export const noCall: Call = Object.freeze({ authInfo: null, params: null, paramsText: '{}' })

/** What a request line tells about a call; service and method are '' where there are none. */
export interface Route {
  readonly family: Family
  readonly wire: Wire
  readonly service: string
  readonly method: string
  /** What a URL-path call has behind its method: `/<auth_info>/<params>`; `noCall` for every other call. */
  readonly inPath: Call
  /** Set once a SOAP envelope was read: `method` is what its Body names. Until then it is the URL's word alone. */
  readonly inEnvelope?: true
}

export type CredentialKind = 'access_token' | 'session_id' | 'refresh_token'

/** What a client shows to prove its session. */
export interface Credential {
  readonly kind: CredentialKind
  readonly value: string
}

/** How a home is known, best first (contract section 4); `unasked` stands where an explanation asks nobody. */
export type Evidence = 'record' | 'signature' | 'cookie' | 'asked' | 'no_credential' | 'unknown_credential' | 'unasked'

/** What a session is called by one system. */
export type Half = Readonly<Partial<Record<CredentialKind, string>>>

/** What the gateway keeps of a session in a dual realm beyond its home. */
export interface KeptSession {
  readonly id: string
  /** The session's names on both systems; the client holds the target's. Null once the source's half is lost. */
  readonly halves: Readonly<Record<System, Half>> | null
  /** The system that the client has asked for until further notice. */
  readonly context: System | null
}

/** Where a session lives and how that is known. */
export interface Home {
  readonly system: System | 'both'
  readonly by: Evidence
  /** Set where the gateway keeps more of the session. */
  readonly session?: KeptSession
}

/** Whether somebody who must know says so: else a session fault may mean "the other system" (contract section 4). */
export const isCertain = ({ by }: Home): boolean => by === 'record' || by === 'signature' || by === 'asked'

/** Set by a listener on the raw request: the realm that it fixes, if any. */
export const listenerRealm = Symbol('listenerRealm')

/** Set by a listener on the raw request of a client that wants a WebSocket. */
export const upgrade = Symbol('upgrade')

/** The connection of such a request, and what has come on it behind the head. */
export interface Upgrade {
  readonly socket: Duplex
  readonly head: Buffer
}

declare module 'node:http' {
  interface IncomingMessage {
    [listenerRealm]?: RealmName
    [upgrade]?: Upgrade
  }
}
