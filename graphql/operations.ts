/**
 * The operations of a request: one or a batch, by query text or by the hash of a known one.
 */
import { BadInput, UnknownQuery } from './errors.ts'
import { digestOf, type KnownQueries } from './known-queries.ts'

/** An operation as GraphQL over HTTP has it; the query is put in where a hash names it. */
export interface SentOperation {
  query?: unknown
  readonly variables?: unknown
  readonly operationName?: unknown
  readonly extensions?: unknown
  /** GraphQL over HTTP's own name for the hash. */
  readonly documentId?: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What was sent; null for what is no operation, which GraphQL itself refuses. */
export function operationsIn(sent: unknown): SentOperation[] | null {
  const all = Array.isArray(sent) ? sent : [sent]
  return all.every(isObject) ? all : null
}

function hashIn({ extensions, documentId }: SentOperation): string | null {
  if (typeof documentId === 'string') return documentId.replace(/^sha256:/, '')
  const written = typeof extensions === 'string' ? parsed(extensions) : extensions
  const persisted = isObject(written) ? written.persistedQuery : undefined
  const digest = isObject(persisted) ? persisted.sha256Hash : undefined
  return typeof digest === 'string' ? digest : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Puts the known queries' texts in; throws UnknownQuery for a hash that is not known, and BadInput for a text that must be. */
export function createPersisted(known: KnownQueries | null, isOnlyKnown: boolean) {
  return function putIn(operation: SentOperation): void {
    const digest = hashIn(operation)
    const isNamed = digest !== null && (operation.query ?? '') === ''
    if (isNamed) operation.query = known?.get(digest)
    if (isNamed && operation.query === undefined) throw new UnknownQuery()
    if (!isOnlyKnown || known === null || typeof operation.query !== 'string') return
    if (!known.has(digestOf(operation.query))) throw new BadInput('Only known queries run here')
  }
}
