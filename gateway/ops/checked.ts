/**
 * Bodies of ops requests: checked by a schema, or a fault that names the key.
 */
import type Type from 'typebox'
import type { Static } from 'typebox'
import Value from 'typebox/value'
import { Fault } from '../../core/faults.ts'

export function checked<Schema extends Type.TSchema>(schema: Schema, body: unknown, what: string): Static<Schema> {
  const value = Value.Default(schema, structuredClone(body))
  const [error] = Value.Errors(schema, value)
  if (error === undefined) return value as Static<Schema>
  throw new Fault('malformed_request', `${what}${error.instancePath.replaceAll('/', '.')} ${error.message}`)
}
