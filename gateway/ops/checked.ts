/**
 * Bodies of ops requests: checked by a schema, or a fault that names the key.
 */
import { Errors } from 'typebox/schema'
import { Fault } from '../../core/faults.ts'
import type { Static, TSchema } from '../../core/schema.ts'
import { fillDefaults } from '../defaults.ts'

export function checked<Schema extends TSchema>(schema: Schema, body: unknown, what: string): Static<Schema> {
  const value = fillDefaults(schema, structuredClone(body))
  const [, [error]] = Errors(schema, value)
  if (error === undefined) return value as Static<Schema>
  throw new Fault('malformed_request', `${what}${error.instancePath.replaceAll('/', '.')} ${error.message}`)
}
