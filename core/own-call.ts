/**
 * Calls that the gateway makes by itself: questions about sessions and entities, and pages of lists.
 */
import { type AskedBy, type Client, clientOf, forwardingHeaders } from './headers.ts'
import { type Trace, type TraceHeaders, traceHeaders } from './trace.ts'
import type { Credential, RealmName } from './words.ts'

/** In whose name the gateway asks. */
export interface Asker {
  readonly realm: RealmName
  readonly client: Client
}

/** A request for which calls are made. */
interface Asking extends AskedBy {
  readonly place: { readonly realm: RealmName }
  readonly headers: TraceHeaders
  readonly trail: { readonly trace: Trace }
}

export const askerOf = (request: Asking): Asker => ({
  realm: request.place.realm,
  client: { ...clientOf(request), trace: traceHeaders(request.trail.trace, request.headers) }
})

export interface OwnCall {
  readonly method: 'POST'
  readonly path: string
  /** A flat list of names and values. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/**
 * A JSON call. `paramsText` is the text of its `params`; the credential goes where its kind has its place; the systems
 * count failures by the client's address, so they are told who asks as they are with every call.
 */
export function ownCall(path: string, paramsText: string, credential: Credential | null, client: Client): OwnCall {
  const headers = ['Content-Type', 'application/json', ...forwardingHeaders(client), ...(client.trace ?? [])]
  let authInfo = ''
  if (credential?.kind === 'access_token') headers.push('Authorization', `Bearer ${credential.value}`)
  else if (credential !== null) authInfo = `"auth_info":${JSON.stringify({ [credential.kind]: credential.value })},`
  return { method: 'POST', path, headers, body: Buffer.from(`{${authInfo}"params":${paramsText}}`) }
}
