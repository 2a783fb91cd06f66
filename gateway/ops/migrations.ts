/**
 * The word of a migration, by an operator or by the systems' own provisioning events (contract section 8).
 */
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { systemNames } from '../../core/words.ts'
import { checked } from './checked.ts'

const Migration = Type.Object(
  {
    i_customer: Type.Integer({ minimum: 1 }),
    state: Type.Union([Type.Literal('started'), Type.Literal('finished'), Type.Literal('failed')]),
    to: Type.Optional(Type.Union(systemNames.map((system) => Type.Literal(system))))
  },
  { additionalProperties: false }
)

/** The systems' own provisioning events: customers and accounts, exported and imported. */
const ProvisioningEvent = Type.Object({
  event_type: Type.String({ pattern: '^(?:Customer|Account)/Status/(?:Exported|Imported)$' }),
  variables: Type.Record(Type.String(), Type.Unknown(), { default: {} })
})

/** Whom a word of a migration is about; null for an event that does not tell. */
function movedBy(body: unknown): { what: string; moved: { iCustomer?: number; iAccount?: number } | null } {
  if (typeof body !== 'object' || body === null || !('event_type' in body)) {
    const { i_customer: iCustomer, state } = checked(Migration, body, 'the body')
    return { what: state, moved: { iCustomer } }
  }
  const { event_type: what, variables } = checked(ProvisioningEvent, body, 'the event')
  const iCustomer = idOf(variables.i_customer)
  const iAccount = idOf(variables.i_account)
  if (iCustomer === undefined && iAccount === undefined) return { what, moved: null }
  return { what, moved: { ...(iCustomer !== undefined && { iCustomer }), ...(iAccount !== undefined && { iAccount }) } }
}

/** Ids come as numbers or as strings of digits. */
function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined
}

/** Forgets what the word makes doubtful: login hints, and where the customer is. */
export async function tellMigration(app: FastifyInstance, body: unknown) {
  const { what, moved } = movedBy(body)
  if (app.hasDecorator('loginForwarding')) await app.loginForwarding.forgetHints()
  if (app.hasDecorator('entityLocation')) {
    if (moved === null) await app.entityLocation.forgetAll()
    else await app.entityLocation.forget(moved)
  }
  app.log.info({ ...moved, what }, 'a migration was told: login hints and locations are forgotten')
}
