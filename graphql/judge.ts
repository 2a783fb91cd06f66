/**
 * Judges a request before anything is asked of a system: known queries are put in, limits are kept.
 */
import type { GraphQLSchema } from 'graphql'
import { NoRequest } from './errors.ts'
import { createLimits, type Judged as JudgedOperation } from './limits.ts'
import { createPersisted, type SentOperation } from './operations.ts'
import type { GraphqlSetting } from './options.ts'

/** A request over a limit. */
export class TooComplex extends Error {
  override readonly name = 'TooComplex'
}

export interface Judged {
  /** Of each operation; null for one without. */
  readonly names: readonly (string | null)[]
  /** Of each operation; null for one that GraphQL will refuse. */
  readonly types: readonly JudgedOperation['type'][]
  /** What all of them select together. */
  readonly selected: ReadonlySet<string>
}

/** Of a GET they are a text. */
function variablesOf(variables: unknown): Record<string, unknown> | null {
  let value = variables
  try {
    if (typeof variables === 'string') value = JSON.parse(variables)
  } catch {
    return null
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

const operationOf = ({ query, variables, operationName }: SentOperation) => ({
  query: typeof query === 'string' ? query : '',
  variables: variablesOf(variables),
  operationName: typeof operationName === 'string' ? operationName : null
})

const hasText = ({ query }: SentOperation) => typeof query === 'string' && query !== ''

export function createJudge(schema: GraphQLSchema, setting: GraphqlSetting) {
  const limits = createLimits(schema, setting.limits)
  const putIn = createPersisted(setting.knownQueries, setting.isProduction)

  /** Throws TooComplex, NoRequest, or what createPersisted throws. */
  return function judge(sent: readonly SentOperation[]): Judged {
    for (const operation of sent) putIn(operation)
    if (!sent.every(hasText)) throw new NoRequest()
    const { tooComplex, operations } = limits.judge(sent.map(operationOf))
    if (tooComplex !== null) throw new TooComplex(tooComplex)
    return {
      names: operations.map(({ name }) => name),
      types: operations.map(({ type }) => type),
      selected: new Set(operations.flatMap(({ selected }) => [...selected]))
    }
  }
}
