/**
 * Builds the schemas of what the outside gives: TypeBox's types, plain JSON Schema when it runs. TypeBox's own builder
 * brings an engine of some hundred files, and every process that starts would load them all.
 */
import type typebox from 'typebox'
import type { TSchema } from 'typebox'

export type { Static, TSchema } from 'typebox'

type Builder = Pick<
  typeof typebox,
  | 'Array'
  | 'Boolean'
  | 'Integer'
  | 'Literal'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
  | 'Unsafe'
>

/** No key of JSON Schema: it is for whoever builds the object around it. */
const isOptional = Symbol('optional')

type Built = TSchema & { readonly [isOptional]?: true }

const builder = {
  Array: (items: Built, options?: object) => ({ type: 'array', items, ...options }),
  Boolean: (options?: object) => ({ type: 'boolean', ...options }),
  Integer: (options?: object) => ({ type: 'integer', ...options }),
  Literal: (value: unknown, options?: object) => ({ type: typeof value, const: value, ...options }),
  Object(properties: Readonly<Record<string, Built>>, options?: object) {
    const required = Object.keys(properties).filter((key) => !properties[key]?.[isOptional])
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
  },
  Optional: (schema: Built) => ({ ...schema, [isOptional]: true }),
  /** Its keys are any texts. */
  Record: (_key: Built, value: Built, options?: object) => ({
    type: 'object',
    patternProperties: { '^.*$': value },
    ...options
  }),
  String: (options?: object) => ({ type: 'string', ...options }),
  Union: (anyOf: readonly Built[], options?: object) => ({ anyOf, ...options }),
  Unknown: (options?: object) => ({ ...options }),
  Unsafe: (schema: Built) => schema
}

export const Type = builder as unknown as Builder
