/**
 * What an operation cannot be where it comes by HTTP.
 */
import { type DocumentNode, getOperationAST, parse } from 'graphql'
import { BadInput } from './errors.ts'
import type { Judged } from './judge.ts'
import type { SentOperation } from './operations.ts'

function documentOf(query: unknown): DocumentNode | null {
  try {
    return parse(String(query), { noLocation: true })
  } catch {
    return null
  }
}

/** mercurius looks at what kind of operation a GET asks for before it knows that there is one. */
function refuseNameless({ query, operationName }: SentOperation): void {
  const document = documentOf(query)
  if (document === null) return
  if (!getOperationAST(document, typeof operationName === 'string' ? operationName : null)) {
    throw new BadInput('operationName names no operation of the query')
  }
}

export function refuseOverHttp(method: string, sent: readonly SentOperation[], { types }: Judged): void {
  if (types.includes('subscription')) throw new BadInput('A subscription needs a WebSocket')
  for (const [at, operation] of sent.entries()) {
    if (method === 'GET' && types[at] === null) refuseNameless(operation)
  }
}
