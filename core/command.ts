/**
 * Commands on a WebSocket, as far as they tell where they go (protocol section 6: JSON text; their form is assumed to be
 * `{"command": "...", "id": ..., "params": {...}}`).
 */
import type { Fault } from './faults.ts'
import { type Reference, referencesIn } from './references.ts'
import type { JsonObject } from './words.ts'

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export interface Command {
  readonly name: string
  /** What the client tells its answer by; undefined where it says nothing. */
  readonly id: unknown
  readonly params: JsonObject | null
}

/** Reads a message; null for one that is no command: it names nobody, and its system says what it makes of it. */
export function readCommand(text: string): Command | null {
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return null
    const { command, id, params } = value
    return { name: typeof command === 'string' ? command : '', id, params: isObject(params) ? params : value }
  } catch {
    return null
  }
}

/** Whom a command is about; throws `malformed_request` as for a call. */
export const referencesOf = ({ params }: Command): Reference[] =>
  referencesIn({ service: 'CallControl', method: '' }, params)

/** A fault of the gateway's own as the answer to a command. */
export function faultAnswer({ faultcode, message }: Fault, command: Command | null): string {
  const { name = '', id } = command ?? {}
  const answers = { ...(name !== '' && { response: name }), ...(id !== undefined && { id }) }
  return JSON.stringify({ ...answers, fault: { faultcode, faultstring: message } })
}
