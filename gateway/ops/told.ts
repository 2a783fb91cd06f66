/**
 * What the body of a told migration says, checked: a word of one customer or of many, or a system's own event.
 */
import type { FastifyInstance } from 'fastify'
import { Check } from 'typebox/schema'
import { agreed, type Placed } from '../../core/migration-words.ts'
import { type Static, Type } from '../../core/schema.ts'
import { systemNames } from '../../core/words.ts'
import { checked } from './checked.ts'

const Migration = Type.Object(
  {
    i_customer: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    state: Type.Union([Type.Literal('started'), Type.Literal('finished'), Type.Literal('failed')]),
    to: Type.Optional(Type.Union(systemNames.map((system) => Type.Literal(system))))
  },
  { additionalProperties: false }
)
type Told = Static<typeof Migration>

/** The systems' own provisioning events: customers and accounts, exported and imported. */
const ProvisioningEvent = Type.Object({
  event_type: Type.String({ pattern: '^(?:Customer|Account)/Status/(?:Exported|Imported)$' }),
  variables: Type.Record(Type.String(), Type.Unknown(), { default: {} })
})

export type Word = Parameters<FastifyInstance['entityLocation']['noteMove']>[0]

const wordOf = ({ i_customer: iCustomer, state, to }: Told): Word => ({ iCustomer, state, to: to ?? null })

export const wordIn = (body: unknown): Word => wordOf(checked(Migration, body, 'the body'))

export function wordsIn(many: readonly Placed[]): Word[] {
  const told = many.map(({ place, value }): [string, Told] => [
    place,
    // Names what is wrong, which takes its time.
    Check(Migration, value) ? (value as Told) : checked(Migration, value, `${place} `)
  ])
  return agreed(told).map(wordOf)
}

/** Ids come as numbers or as strings of digits. */
function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined
}

export interface ToldEvent {
  readonly what: string
  readonly iCustomer: number | undefined
  readonly iAccount: number | undefined
}

export function eventIn(body: unknown): ToldEvent {
  const { event_type: what, variables } = checked(ProvisioningEvent, body, 'the event')
  return { what, iCustomer: idOf(variables.i_customer), iAccount: idOf(variables.i_account) }
}
