/**
 * What a schema says of values that are not there.
 */
import { Check } from 'typebox/schema'
import type { TSchema } from '../core/schema.ts'

interface Shape {
  readonly default?: unknown
  readonly items?: Shape
  readonly properties?: Readonly<Record<string, Shape>>
  readonly anyOf?: readonly Shape[]
}

/** The value with its defaults, in the same objects; what a union is of, its first variant that fits then tells. */
export function fillDefaults(schema: TSchema, value: unknown): unknown {
  return fill(schema as Shape, value)
}

function fill(schema: Shape, given: unknown): unknown {
  const value = given === undefined ? structuredClone(schema.default) : given
  if (schema.anyOf !== undefined) return fillVariant(schema.anyOf, value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const [at, item] of value.entries()) value[at] = fill(schema.items, item)
    return value
  }
  const holder = value as Record<string, unknown>
  for (const [key, own] of Object.entries(schema.properties ?? {})) {
    const filled = fill(own, holder[key])
    if (filled !== undefined) holder[key] = filled
  }
  return value
}

function fillVariant(variants: readonly Shape[], value: unknown): unknown {
  for (const variant of variants) {
    const filled = fill(variant, structuredClone(value))
    if (Check(variant as TSchema, filled)) return filled
  }
  return value
}
