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

type EntityLocation = FastifyInstance['entityLocation']

interface Word {
  readonly what: string
  /** Whom it is about; null for an event that does not tell. */
  readonly moved: Parameters<EntityLocation['forget']>[0] | null
  /** What it says of a customer's move; null where it is about accounts. */
  readonly move: Parameters<EntityLocation['noteMove']>[0] | null
}

function wordIn(body: unknown): Word {
  if (typeof body === 'object' && body !== null && 'event_type' in body) return wordOfEvent(body)
  const { i_customer: iCustomer, state, to = null } = checked(Migration, body, 'the body')
  return { what: state, moved: { iCustomer }, move: { iCustomer, state, to } }
}

function wordOfEvent(event: object): Word {
  const { event_type: what, variables } = checked(ProvisioningEvent, event, 'the event')
  const iCustomer = idOf(variables.i_customer)
  const iAccount = idOf(variables.i_account)
  if (iCustomer === undefined && iAccount === undefined) return { what, moved: null, move: null }
  const moved = { ...(iCustomer !== undefined && { iCustomer }), ...(iAccount !== undefined && { iAccount }) }
  if (iCustomer === undefined || !what.startsWith('Customer/')) return { what, moved, move: null }
  // Both systems tell of their half in the same words: which of them it was is not known.
  return { what, moved, move: { iCustomer, state: 'finished', to: null, by: 'event' } }
}

/** Ids come as numbers or as strings of digits. */
function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined
}

/** Forgets what the word makes doubtful: login hints, and where the customer is. Then those who listen may look. */
export async function tellMigration(app: FastifyInstance, body: unknown) {
  const { what, moved, move } = wordIn(body)
  if (app.hasDecorator('loginForwarding')) await app.loginForwarding.forgetHints()
  if (app.hasDecorator('entityLocation')) {
    if (moved === null) await app.entityLocation.forgetAll()
    else await app.entityLocation.forget(moved)
    if (move !== null) app.entityLocation.noteMove(move)
  }
  app.log.info({ ...moved, what }, 'a migration was told: login hints and locations are forgotten')
}
