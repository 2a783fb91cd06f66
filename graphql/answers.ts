/**
 * What a client gets for what went wrong: before an operation ran, while it did, and with a part of its data missing.
 */
import type { ExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql'
import { Fault } from '../core/faults.ts'
import type { OperationContext } from './connections.ts'
import { BadInput, formatError, plainError, SystemFailure, tellError, Unauthenticated } from './errors.ts'
import { withoutSuggestion } from './introspection.ts'
import { TooComplex } from './judge.ts'

export interface ErrorAnswer {
  readonly status: number
  readonly errors: readonly GraphQLFormattedError[]
}

/** What mercurius and Fastify throw. */
interface Thrown {
  readonly statusCode?: unknown
  /** The errors of a query that is not valid. */
  readonly errors?: unknown
}

const invalid = ({ message, locations }: GraphQLError, isOpen: boolean): GraphQLFormattedError => ({
  ...plainError(isOpen ? message : withoutSuggestion(message), 'GRAPHQL_VALIDATION_FAILED'),
  ...(locations && { locations })
})

function ofThrown(error: Thrown, isOpen: boolean): ErrorAnswer | null {
  const { statusCode, errors } = error
  // The gateway's own have a status too, for the API's clients.
  if (error instanceof Fault) return null
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return null
  if (statusCode === 405) return { status: 405, errors: [plainError('A mutation is sent by POST', 'BAD_REQUEST')] }
  if (statusCode === 413) {
    return { status: 200, errors: [plainError('The request is larger than any may be', 'QUERY_TOO_COMPLEX')] }
  }
  if (!Array.isArray(errors)) {
    return { status: statusCode, errors: [plainError('This is no GraphQL request in JSON', 'BAD_REQUEST')] }
  }
  return { status: statusCode, errors: errors.map((one: GraphQLError) => invalid(one, isOpen)) }
}

/** An error that no operation has: before it ran, or of a request that is none. `isOpen`: it may name the schema's own words. */
export function answerFor(error: unknown, isOpen: boolean, note: (error: unknown) => void): ErrorAnswer {
  if (error instanceof TooComplex) return { status: 200, errors: [plainError(error.message, 'QUERY_TOO_COMPLEX')] }
  const thrown = ofThrown(error as Thrown, isOpen)
  if (thrown !== null && !(error instanceof BadInput)) return thrown
  return { status: 200, errors: [tellError(error, note)] }
}

/** What is wrong with the session is wrong with each operation of a batch; any other error is the whole request's. */
export function answersOf(error: unknown, { errors }: ErrorAnswer, body: unknown): object {
  const answer = { data: null, errors }
  const isOfSession = error instanceof Unauthenticated || error instanceof SystemFailure
  return isOfSession && Array.isArray(body) ? body.map(() => answer) : answer
}

/** A session that a system has refused leaves nothing else, of an operation that was over by then neither. */
export function refusedAnswers(answers: unknown, { hasWritten }: OperationContext['view']): object {
  const error = new Unauthenticated(hasWritten)
  return answersOf(error, { status: 200, errors: [tellError(error, () => {})] }, answers)
}

/** The errors of an operation, each as its field's client may read it. */
export function formatExecution(
  { data, errors }: ExecutionResult & { readonly errors: readonly GraphQLError[] },
  isOpen: boolean,
  note: (error: unknown) => void
) {
  const formatted = errors.flatMap((error) => {
    const thrown = ofThrown((error.originalError ?? {}) as Thrown, isOpen)
    return thrown?.errors ?? [formatError(error, note)]
  })
  return { statusCode: 200, response: { data: data ?? null, errors: formatted as unknown as GraphQLError[] } }
}

/** Adds what is missing; a session that a system has refused leaves nothing but that. */
export function complete(execution: ExecutionResult, { view, partial }: OperationContext): void {
  const mutable = execution as { data?: unknown; errors?: readonly unknown[] }
  if (view.calls.isRefused) {
    mutable.data = null
    mutable.errors = [tellError(new Unauthenticated(view.hasWritten), () => {})]
  } else if (partial !== undefined && partial.size > 0) {
    mutable.errors = [...(mutable.errors ?? []), ...partial.values()]
  }
}
