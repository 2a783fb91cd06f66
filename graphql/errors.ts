/**
 * What can go wrong with a field, and how it is told: never with an address, a stack or a client's secret.
 */
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { jsonOf } from '../core/answer.ts'
import { Fault, NoSessionThere, Refusal } from '../core/faults.ts'
import type { System } from '../core/words.ts'

/** No live session: the client must log in. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated'
  /** A write of the request was done before the session ended. */
  readonly hasWritten: boolean
  constructor(hasWritten = false) {
    const done = hasWritten ? '; a write of this request was done before: do not send that again' : ''
    super(`There is no live session: log in, and send its access token as Authorization: Bearer${done}`)
    this.hasWritten = hasWritten
  }
}

/** Arguments that cannot be served. */
export class BadInput extends Error {
  override readonly name = 'BadInput'
}

/** What was sent is no request of GraphQL's. */
export class NoRequest extends Error {
  override readonly name = 'NoRequest'
  readonly statusCode = 400
}

/** A hash that no known query has; clients know the message and send the text. */
export class UnknownQuery extends Error {
  override readonly name = 'UnknownQuery'
  constructor() {
    super('PersistedQueryNotFound')
  }
}

/** A system that could not answer; the cause says why. */
export class SystemFailure extends Error {
  override readonly name = 'SystemFailure'
  readonly system: System
  constructor(system: System, cause: unknown) {
    super(`The ${system} could not answer`, { cause })
    this.system = system
  }
}

/** A write that is done, but whose record could not be read: it must not be sent again. The cause says why. */
export class UnreadWrite extends Error {
  override readonly name = 'UnreadWrite'
  constructor(cause: unknown) {
    super('The write is done', { cause })
  }
}

/** Whether it is a system, or what stands before it, that failed, and not what the client has asked for. */
export const isSystemsFailure = (error: unknown): boolean =>
  error instanceof NoSessionThere || (error instanceof Fault && error.statusCode >= 500)

interface Told {
  readonly message: string
  readonly extensions: Readonly<Record<string, unknown>>
}

/** A system as the schema's enum has it. */
export type SystemWord = Uppercase<System>

export const systemWord = (system: System) => system.toUpperCase() as SystemWord
export const systemIn = (word: SystemWord | null | undefined): System | null =>
  word == null ? null : (word.toLowerCase() as System)

/** Longest text of a system's fault that is told. */
const faultTextLimit = 500

function ofRefusal({ system, answer }: Refusal): Told {
  const { faultcode, faultstring } = jsonOf(answer) ?? {}
  const isFault = typeof faultcode === 'string'
  const unread = new Fault('bad_gateway', system)
  return {
    message: isFault && typeof faultstring === 'string' ? faultstring.slice(0, faultTextLimit) : unread.message,
    extensions: { system: systemWord(system), faultcode: isFault ? faultcode : unread.faultcode }
  }
}

function ofSystem(system: System, cause: unknown): Told {
  if (cause instanceof Refusal) return ofRefusal(cause)
  const fault = cause instanceof Fault ? cause : new Fault('partial_list', system)
  const message = cause instanceof NoSessionThere ? `The session does not live on the ${system}` : fault.message
  return { message, extensions: { system: systemWord(system), faultcode: fault.faultcode } }
}

const ofNoSession = ({ message, hasWritten }: Unauthenticated): Told => ({
  message,
  extensions: { code: 'UNAUTHENTICATED', ...(hasWritten && { written: true }) }
})

function ofUnreadWrite({ cause }: UnreadWrite): Told | null {
  const told = toldOf(cause)
  return (
    told && {
      message: `The write is done, but its record could not be read: ${told.message}`,
      extensions: { ...told.extensions, written: true }
    }
  )
}

/** What a client is told of an error; null for a mistake of ours. */
function toldOf(error: unknown): Told | null {
  if (error instanceof Unauthenticated) return ofNoSession(error)
  if (error instanceof BadInput) return { message: error.message, extensions: { code: 'BAD_USER_INPUT' } }
  if (error instanceof UnknownQuery)
    return { message: error.message, extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }
  if (error instanceof UnreadWrite) return ofUnreadWrite(error)
  if (error instanceof SystemFailure) return ofSystem(error.system, error.cause)
  if (error instanceof Refusal) return ofRefusal(error)
  if (error instanceof Fault) return { message: error.message, extensions: { faultcode: error.faultcode } }
  return null
}

/** The error of a connection that lacks a system's part. */
export function partialError(system: System, cause: unknown, path: readonly (string | number)[]): GraphQLError {
  const { message, extensions } = ofSystem(system, cause)
  return new GraphQLError(message, { path, extensions })
}

const internal: Told = { message: 'The gateway failed', extensions: { code: 'INTERNAL_SERVER_ERROR' } }

/** An error as the client reads it; `note` gets what nobody outside may see. */
export function formatError(error: GraphQLError, note: (error: unknown) => void): GraphQLFormattedError {
  const { originalError, path, locations } = error
  const place = { ...(path && { path }), ...(locations && { locations }) }
  // graphql-js' own: the query, or a value in it.
  if (originalError === undefined || originalError === null) {
    return { message: error.message, ...place, extensions: { code: 'GRAPHQL_VALIDATION_FAILED', ...error.extensions } }
  }
  const told = toldOf(originalError)
  if (told === null) note(originalError)
  return { ...(told ?? internal), ...place }
}

/** An error before any field. */
export function plainError(message: string, code: string): GraphQLFormattedError {
  return { message, extensions: { code } }
}

/** An error of no field. */
export function tellError(error: unknown, note: (error: unknown) => void): GraphQLFormattedError {
  const told = toldOf(error)
  if (told === null) note(error)
  return told ?? internal
}
