/**
 * The schema's own scalars.
 */
import { GraphQLError, Kind, type ValueNode, valueFromASTUntyped } from 'graphql'
import { exactNumber } from '../core/exact-json.ts'
import { isExactNumber, numberAs } from './exact-input.ts'

const asText = (node: ValueNode): unknown =>
  node.kind === Kind.INT || node.kind === Kind.FLOAT || node.kind === Kind.STRING ? node.value : undefined

const scalar = (parse: (value: unknown) => unknown) => ({
  serialize: (value: unknown) => value,
  parseValue: parse,
  parseLiteral: (node: ValueNode) => parse(asText(node))
})

/** An amount becomes a number of the API's JSON, with the digits that it was given with. */
function parseDecimal(value: unknown): unknown {
  const text = typeof value === 'number' || isExactNumber(value) ? JSON.stringify(value) : value
  if (typeof text === 'string' && /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) return exactNumber(text)
  throw new GraphQLError('A Decimal is a text such as "12.50"')
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** An instant becomes the API's `YYYY-MM-DD hh:mm:ss`, which is UTC. */
function parseInstant(value: unknown): string {
  const ms = typeof value === 'string' && instant.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(ms)) throw new GraphQLError('A DateTime is a text such as "2026-06-15T12:00:00Z"')
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

/** A value that is written in the query. */
function literalOf(node: ValueNode, variables: Record<string, unknown> | null | undefined): unknown {
  if (node.kind === Kind.INT || node.kind === Kind.FLOAT) return numberAs(node.value)
  if (node.kind === Kind.LIST) return node.values.map((value) => literalOf(value, variables))
  if (node.kind !== Kind.OBJECT) return valueFromASTUntyped(node, variables)
  return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, literalOf(value, variables)]))
}

export const scalars = {
  Decimal: scalar(parseDecimal),
  DateTime: scalar(parseInstant),
  JSON: {
    serialize: (value: unknown) => value,
    parseValue: (value: unknown) => value,
    parseLiteral: literalOf
  }
}
