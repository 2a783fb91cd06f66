/**
 * The mutations: each writes to the system that serves what it names, and reads what has become of it.
 */
import { type GraphQLSchema, isInputObjectType } from 'graphql'
import type { Reference } from '../core/references.ts'
import type { JsonObject } from '../core/words.ts'
import type { OperationContext } from './connections.ts'
import { afterWrite, createdNumber, write } from './entities.ts'
import { BadInput, type SystemWord, systemIn } from './errors.ts'
import { infoOf, numberOf } from './inputs.ts'
import type { Entity } from './records.ts'

type Input = JsonObject

const customer = (iCustomer: number): Reference => ({
  kind: 'customer',
  keys: { i_customer: numberOf(iCustomer, 'iCustomer') }
})
const account = (iAccount: number): Reference => ({
  kind: 'account',
  keys: { i_account: numberOf(iAccount, 'iAccount') }
})

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

export const createMutations = (schema: GraphQLSchema) => asWrites(mutations(schema))
