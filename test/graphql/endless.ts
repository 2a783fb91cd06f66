/** A schema with the shapes of the merged view, and a way back from an account to its customer, so that depth has no end. */
import { buildSchema } from 'graphql'

const page = (type: string) => `
  type ${type}Connection { edges: [${type}Edge!]! nodes: [${type}!]! pageInfo: PageInfo! totalCount: Int! counts: [Count!]! }
  type ${type}Edge { cursor: String! node: ${type}! }`

export const schema = buildSchema(`
  type Query {
    session: Session!
    customers(first: Int = 50, after: String): CustomerConnection!
    customer(iCustomer: Int): Customer
    owner: Owner
    anyone: Anyone
  }
  type Mutation { updateCustomer(iCustomer: Int!): Customer! }
  type Subscription { customerMoved: Customer! }
  type Session { realm: String! }
  interface Owner { name: String! accounts(first: Int = 50): AccountConnection! }
  union Anyone = Customer | Account
  type Customer implements Owner {
    name: String!
    status: String
    on: Customer
    accounts(first: Int = 50): AccountConnection!
    xdrs(from: String, first: Int = 100): XdrConnection!
    unsized(first: Int): XdrConnection!
  }
  type Account { number: String! customer: Customer }
  type Xdr { cli: String }
  type PageInfo { endCursor: String }
  type Count { totalCount: Int! }
  ${page('Customer')} ${page('Account')} ${page('Xdr')}`)
