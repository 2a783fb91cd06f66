/**
 * Faults: the gateway's own errors, in the API's own shape (contract section 7).
 */
import type { Answer } from './answer.ts'
import { faultPage, type PageOfFault } from './fault-page.ts'
import { soapFault, soapType } from './soap-text.ts'
import type { System, Wire } from './words.ts'

type FaultRow = readonly [status: number, side: 'Client' | 'Server', sentence: string, faultcode?: string]

/**
 * Status, side and sentence of every fault of the contract; `%` is a system, a method or a key, never a client's text. A
 * fourth word is the faultcode of one that speaks as a system does.
 */
export const faults = {
  malformed_request: [400, 'Client', 'The request cannot be read: %'],
  unauthorized: [401, 'Client', 'The ops token is missing or wrong'],
  other_site: [403, 'Client', 'The request may come from another site: %'],
  not_found: [404, 'Client', 'Nothing is served at this path'],
  ambiguous_entity: [409, 'Client', 'The entity is active on both systems'],
  body_too_large: [413, 'Client', 'The body must be read before it can be routed and is over % bytes'],
  unknown_realm: [421, 'Client', 'No realm answers to this host'],
  unknown_ops_host: [421, 'Client', 'Ops has no such host: ask by an IP address, or add the host to ops.hosts'],
  too_many_tokens: [429, 'Client', 'Too many wrong ops tokens from this address'],
  too_many_logins: [429, 'Client', 'Too many logins for this address and login'],
  bad_gateway: [502, 'Server', 'System % gave no answer that can be used'],
  list_out_of_order: [502, 'Server', 'List out of order: %'],
  // The only one of ours with 500, on purpose: every client of the API then logs in again (protocol.md section 2).
  session_ended: [500, 'Server', 'The session has ended: log in again', 'Server.Session.check_auth.auth_failed'],
  system_unavailable: [503, 'Server', 'System % is unavailable'],
  store_unavailable: [503, 'Server', 'What is kept of this session cannot be read now'],
  partial_list: [503, 'Server', 'System % could not answer its part of the list'],
  migration_in_progress: [503, 'Server', 'The customer is being moved'],
  system_timeout: [504, 'Server', 'System % sent no headers in time'],
  fence_unsettled: [
    504,
    'Server',
    'Writes are still under way, or a gateway has not answered: the fence stands; tell started again before the export'
  ]
} as const satisfies Record<string, FaultRow>

export type FaultName = keyof typeof faults

interface FaultOptions extends ErrorOptions {
  /** Seconds until a client may try again; sent as `Retry-After` (RFC 9110 section 10.2.3). */
  readonly retryAfter?: number
  /** A `Set-Cookie` of the gateway's own. */
  readonly setCookie?: string | null
}

export class Fault extends Error {
  override readonly name = 'Fault'
  readonly fault: FaultName
  readonly statusCode: number
  readonly faultcode: string
  readonly retryAfter: number | undefined
  readonly setCookie: string | null

  /** `what` takes the place of `%`: the system's name, or what is wrong; it is sent to the client. */
  constructor(fault: FaultName, what = '', options: FaultOptions = {}) {
    const [statusCode, side, sentence, faultcode = `${side}.Dispatcher.${fault}`]: FaultRow = faults[fault]
    // By a function: a text could hold what `replace` takes for a pattern.
    super(
      sentence.replace('%', () => what),
      options
    )
    this.fault = fault
    this.statusCode = statusCode
    this.faultcode = faultcode
    this.retryAfter = options.retryAfter
    this.setCookie = options.setCookie ?? null
  }
}

/** Why a request to a system was ended by the gateway: nobody waits for the answer any more. It tells nothing of the system. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

/** The session does not live on a system, or the system does not know its half any more. */
export class NoSessionThere extends Error {
  override readonly name = 'NoSessionThere'
}

/** A system that refuses, in its own words, what the gateway has asked of it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly system: System
  readonly answer: Answer

  constructor(system: System, answer: Answer) {
    super(`System ${system} refuses a call`)
    this.system = system
    this.answer = answer
  }
}

/** Why requests are refused for a while: it is logged where it begins, not with each of them. */
export class KnownCause extends Error {
  override readonly name: string

  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

/** Never a message of somebody else: it may quote the client. */
export const codeOf = (cause: unknown) =>
  cause instanceof Error ? ((cause as { code?: unknown }).code ?? cause.name) : undefined

/** Why a system gave nothing, down to the first cause: "System source is unavailable: ECONNREFUSED". */
export function whyOf(error: unknown): string {
  const own = error instanceof Fault ? error.message : String(codeOf(error))
  return error instanceof Error && error.cause instanceof Error ? `${own}: ${whyOf(error.cause)}` : own
}

/** A fault as its asker can read it: content type and text. JSON for API calls, SOAP for SOAP, a page for a browser's page. */
export function renderFault(
  fault: Fault,
  wire: Wire,
  acceptsHtml: boolean,
  asked: Pick<PageOfFault, 'requestId' | 'isRead'> = { requestId: '', isRead: true }
): readonly [contentType: string, text: string] {
  const { faultcode, message } = fault
  if (wire === 'soap') return [soapType, soapFault(faultcode, message)]
  if (wire === 'page' && acceptsHtml) {
    const { statusCode: status, retryAfter } = fault
    return ['text/html; charset=utf-8', faultPage({ status, faultcode, retryAfter, ...asked })]
  }
  return ['application/json; charset=utf-8', JSON.stringify({ faultcode, faultstring: message })]
}
