/**
 * What the end of an attempt means: for the client a fault, for the breaker a failure of the system or not, and whether
 * the request may be sent once more (contract section 7).
 */
import { Fault, GivenUp, KnownCause } from '../../core/faults.ts'
import type { System } from '../../core/words.ts'

export type Outcome =
  /** With any status that is the system's own word, a business fault included. */
  | 'answered'
  /** 502, 503 or 504 without a faultcode: somebody else spoke for the system. */
  | 'unavailable'
  /** Refused, not in time, or not trusted: nothing was sent. */
  | 'no_connection'
  /** No headers in time. */
  | 'timeout'
  /** The connection ended before the answer's headers, or what came was no HTTP. */
  | 'reset'
  /** It ended behind them. */
  | 'broken_off'
  /** Nobody waits for the answer any more, or the client's part of the request was no good: it tells nothing. */
  | 'given_up'

const tellNothing: ReadonlySet<Outcome> = new Set<Outcome>(['given_up'])
const areFailures: ReadonlySet<Outcome> = new Set<Outcome>([
  'unavailable',
  'no_connection',
  'timeout',
  'reset',
  'broken_off'
])

export const tellsOfSystem = (outcome: Outcome): boolean => !tellNothing.has(outcome)
export const isFailure = (outcome: Outcome): boolean => areFailures.has(outcome)

/** Why a request was ended here: no headers in time. */
export class HeadersTimeout extends Error {
  override readonly name = 'HeadersTimeout'
}

/** How far an attempt had come. */
export interface Progress {
  /** It had a connection: a byte may have left. Undici begins a request only on a connection that stands. */
  readonly isStarted: boolean
  /** The answer's headers were here. */
  readonly isAnswered: boolean
}

const codeOf = (error: Error) => (error as { code?: unknown }).code

/** What undici says of a request that cannot be written as HTTP, or whose body is not what its head promised. */
const faultyRequest: ReadonlySet<unknown> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'
])

export function outcomeOf(cause: Error, { isStarted, isAnswered }: Progress): Outcome {
  if (cause instanceof GivenUp || cause instanceof Fault || faultyRequest.has(codeOf(cause))) return 'given_up'
  if (isAnswered) return 'broken_off'
  if (!isStarted) return 'no_connection'
  return cause instanceof HeadersTimeout || codeOf(cause) === 'UND_ERR_HEADERS_TIMEOUT' ? 'timeout' : 'reset'
}

export function faultOf(outcome: Outcome, system: System, cause: Error, retryAfter: number): Fault {
  if (cause instanceof Fault) return cause
  if (faultyRequest.has(codeOf(cause))) {
    return new Fault('malformed_request', 'a header or the path has a character that HTTP does not allow', { cause })
  }
  if (outcome === 'timeout') return new Fault('system_timeout', system, { cause })
  if (outcome === 'no_connection') return new Fault('system_unavailable', system, { cause, retryAfter })
  return new Fault('bad_gateway', system, { cause })
}

/** A connection that was lost, refused or used by nobody: the next one may stand. */
const lost: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'UND_ERR_SOCKET'])

/** Whether another connection may do better: not after a timeout, which would double the wait, nor for bytes that are no HTTP. */
export const isWorthAnother = (cause: Error): boolean => lost.has(codeOf(cause))

const breakerOpen = new KnownCause('BreakerOpen', 'The breaker is open')

class NoCapacity extends Error {
  override readonly name = 'NoCapacity'
}

/** The fault of a request that was not sent at all. */
export function refusalFor(why: 'breaker' | 'capacity', system: System, retryAfter: number): Fault {
  const cause = why === 'breaker' ? breakerOpen : new NoCapacity('Too much is under way')
  return new Fault('system_unavailable', system, { cause, retryAfter })
}
