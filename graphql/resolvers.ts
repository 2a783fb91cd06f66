/**
 * The fields of queries and mutations. Whatever hangs on an entity is the loaders'.
 */
import type { FastifyInstance } from 'fastify'
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql'
import { isInputObjectType } from 'graphql'
import { parseExact } from '../core/exact-json.ts'
import { memberText } from '../core/json-text.ts'
import type { Reference } from '../core/references.ts'
import { type JsonObject, systemNames } from '../core/words.ts'
import {
  asksTotal,
  connectionFields,
  type OperationContext,
  type PageArguments,
  readConnection
} from './connections.ts'
import { afterWrite, createdNumber, readEntity, write } from './entities.ts'
import { BadInput, type SystemWord, systemIn } from './errors.ts'
import { accountParams, customerParams, infoOf, numberOf } from './inputs.ts'
import { type Entity, recordFields } from './records.ts'
import { scalars } from './scalars.ts'
import { sessionOf } from './session.ts'
import { statusOf } from './status.ts'

interface OfSystem {
  readonly system?: SystemWord | null
}

type Input = JsonObject

const reference = (kind: Reference['kind'], keys: Readonly<Record<string, number | string>>): Reference => ({
  kind,
  keys
})
const customer = (iCustomer: number) => reference('customer', { i_customer: numberOf(iCustomer, 'iCustomer') })
const account = (iAccount: number) => reference('account', { i_account: numberOf(iAccount, 'iAccount') })

/** The reference that exactly one of two arguments makes. */
function oneOf(
  kind: Reference['kind'],
  keys: Readonly<Record<string, number | string | null | undefined>>,
  names: string
) {
  const given = Object.entries(keys).filter(
    (entry): entry is [string, number | string] => entry[1] !== undefined && entry[1] !== null
  )
  if (given.length !== 1) throw new BadInput(`exactly one of ${names} is needed`)
  for (const [name, value] of given) if (typeof value === 'number') numberOf(value, name)
  return reference(kind, Object.fromEntries(given))
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

type Mutation = (parent: unknown, given: never, context: OperationContext) => Promise<Entity>

/** Each is a write that whoever puts up a fence waits for, from before it is decided where it goes. */
function asWrites(all: Readonly<Record<string, Mutation>>): Record<string, Mutation> {
  const asWrite = (mutate: Mutation): Mutation =>
    async function write(parent, given, context) {
      context.view.fencing.begin()
      try {
        return await mutate(parent, given, context)
      } finally {
        context.view.fencing.end()
      }
    }
  return Object.fromEntries(Object.entries(all).map(([name, mutate]) => [name, asWrite(mutate)]))
}

function mutations(schema: GraphQLSchema) {
  const fieldsOf = (name: string) => {
    const type = schema.getType(name)
    return isInputObjectType(type) ? Object.keys(type.getFields()) : []
  }
  const customerInfo = (input: Input) => infoOf(input, fieldsOf('CustomerInput'))
  const accountInfo = (input: Input) => infoOf(input, fieldsOf('AccountInput'))

  return {
    async createCustomer(
      _: unknown,
      { system: asked, input }: { system: SystemWord; input: Input },
      { view }: OperationContext
    ) {
      const { system } = await view.systemFor([], systemIn(asked))
      const params = { customer_info: customerInfo(input) }
      const answer = await write(view, system, ['Customer', 'add_customer'], params, [])
      return afterWrite(view, system, () => customer(createdNumber(system, answer, 'i_customer')))
    },
    async updateCustomer(
      _: unknown,
      { iCustomer, input }: { iCustomer: number; input: Input },
      { view }: OperationContext
    ) {
      const references = [customer(iCustomer)]
      const params = { customer_info: { i_customer: iCustomer, ...customerInfo(input) } }
      const { system } = await view.systemFor(references)
      await write(view, system, ['Customer', 'update_customer'], params, references)
      return afterWrite(view, system, () => customer(iCustomer))
    },
    async createAccount(_: unknown, { input }: { input: Input }, { view }: OperationContext) {
      const { iCustomer } = input
      if (typeof iCustomer !== 'number') throw new BadInput('input.iCustomer is needed: whose the account becomes')
      const references = [customer(iCustomer)]
      const params = { account_info: accountInfo(input) }
      const { system } = await view.systemFor(references)
      const answer = await write(view, system, ['Account', 'add_account'], params, references)
      return afterWrite(view, system, () => account(createdNumber(system, answer, 'i_account')))
    },
    async updateAccount(
      _: unknown,
      { iAccount, input }: { iAccount: number; input: Input },
      { view }: OperationContext
    ) {
      if (input.iCustomer !== undefined) throw new BadInput("input.iCustomer: an account stays its customer's")
      const references = [account(iAccount)]
      const params = { account_info: { i_account: iAccount, ...accountInfo(input) } }
      const { system } = await view.systemFor(references)
      await write(view, system, ['Account', 'update_account'], params, references)
      return afterWrite(view, system, () => account(iAccount))
    }
  }
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
  Mutation: asWrites(mutations(schema)),
  CustomerConnection: connectionFields,
  AccountConnection: connectionFields,
  InvoiceConnection: connectionFields,
  XdrConnection: connectionFields,
  Difference: {
    source: ({ source, name }: FieldDifference) => exactly(source, name),
    target: ({ target, name }: FieldDifference) => exactly(target, name)
  }
})
