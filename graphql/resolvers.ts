/**
 * The fields of queries. Whatever hangs on an entity is the loaders', what writes is the mutations'.
 */
import type { FastifyInstance } from 'fastify'
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql'
import { parseExact } from '../core/exact-json.ts'
import { memberText } from '../core/json-text.ts'
import type { Reference } from '../core/references.ts'
import { systemNames } from '../core/words.ts'
import {
  asksTotal,
  connectionFields,
  type OperationContext,
  type PageArguments,
  readConnection
} from './connections.ts'
import { readEntity } from './entities.ts'
import { BadInput, type SystemWord, systemIn } from './errors.ts'
import { accountParams, customerParams, numberOf } from './inputs.ts'
import { createMutations } from './mutations.ts'
import { type Entity, recordFields } from './records.ts'
import { scalars } from './scalars.ts'
import { sessionOf } from './session.ts'
import { statusOf } from './status.ts'

interface OfSystem {
  readonly system?: SystemWord | null
}

/** The reference that exactly one of two arguments makes. */
function oneOf(
  kind: Reference['kind'],
  keys: Readonly<Record<string, number | string | null | undefined>>,
  names: string
): Reference {
  const given = Object.entries(keys).filter(
    (entry): entry is [string, number | string] => entry[1] !== undefined && entry[1] !== null
  )
  if (given.length !== 1) throw new BadInput(`exactly one of ${names} is needed`)
  for (const [name, value] of given) if (typeof value === 'number') numberOf(value, name)
  return { kind, keys: Object.fromEntries(given) }
}

const statuses = (context: OperationContext, type: string) =>
  context.view.selected.has(`${type}.status`) ? { get_statuses: 1 } : {}

function queries(app: FastifyInstance) {
  return {
    async systems(_: unknown, _arguments: unknown, { view }: OperationContext) {
      await view.calls.requireLive()
      return systemNames.map((system) => statusOf(app, system))
    },
    session: (_: unknown, _arguments: unknown, { view }: OperationContext) => sessionOf(view),
    customers(_: unknown, asked: CustomersArguments, context: OperationContext, info: GraphQLResolveInfo) {
      const { view } = context
      return readConnection(
        view,
        {
          kind: 'customer',
          params: customerParams(asked.filter, asked.orderBy),
          extras: statuses(context, 'Customer'),
          systems: view.systemsFor(systemIn(asked.system)),
          isOfEntity: false,
          wantsTotal: asksTotal(info)
        },
        asked
      )
    },
    customer: (_: unknown, { iCustomer, name, system }: CustomerArguments, { view }: OperationContext) =>
      readEntity(view, oneOf('customer', { i_customer: iCustomer, name }, 'iCustomer and name'), systemIn(system)),
    accounts(_: unknown, asked: AccountsArguments, context: OperationContext, info: GraphQLResolveInfo) {
      const { view } = context
      return readConnection(
        view,
        {
          kind: 'account',
          params: accountParams(asked.filter),
          extras: statuses(context, 'Account'),
          systems: view.systemsFor(systemIn(asked.system)),
          isOfEntity: asked.filter?.iCustomer != null,
          wantsTotal: asksTotal(info)
        },
        asked
      )
    },
    account: (_: unknown, { iAccount, number, system }: AccountArguments, { view }: OperationContext) =>
      readEntity(view, oneOf('account', { i_account: iAccount, id: number }, 'iAccount and number'), systemIn(system))
  }
}

interface CustomersArguments extends PageArguments, OfSystem {
  readonly filter?: Parameters<typeof customerParams>[0]
  readonly orderBy?: Parameters<typeof customerParams>[1]
}

interface CustomerArguments extends OfSystem {
  readonly iCustomer?: number | null
  readonly name?: string | null
}

interface AccountsArguments extends PageArguments, OfSystem {
  readonly filter?: Parameters<typeof accountParams>[0]
}

interface AccountArguments extends OfSystem {
  readonly iAccount?: number | null
  readonly number?: string | null
}

interface FieldDifference {
  readonly name: string
  readonly source: Entity
  readonly target: Entity
}

const exactly = ({ text }: Entity, name: string) => {
  const value = memberText(text, name)
  return value === undefined ? null : parseExact(value)
}

export const createResolvers = (app: FastifyInstance, schema: GraphQLSchema) => ({
  ...scalars,
  ...recordFields,
  Query: queries(app),
  Mutation: createMutations(schema),
  CustomerConnection: connectionFields,
  AccountConnection: connectionFields,
  InvoiceConnection: connectionFields,
  XdrConnection: connectionFields,
  Difference: {
    source: ({ source, name }: FieldDifference) => exactly(source, name),
    target: ({ target, name }: FieldDifference) => exactly(target, name)
  }
})
