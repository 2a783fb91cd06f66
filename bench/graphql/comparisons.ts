/**
 * Queries, and the calls that a client without GraphQL makes for the same: each gives what it has found, for the other to
 * be the same.
 */
import type { Client, Json } from './client.ts'

export interface Comparison {
  readonly name: string
  /** That the client makes directly. */
  readonly calls: number
  readonly direct: (client: Client) => Promise<unknown>
  readonly graphql: (client: Client) => Promise<unknown>
}

const pageSize = 50
/** As many at a time as the gateway lets a query have. */
const atATime = 8

const list = (json: Json, key: string) => json[key] as Json[]
const params = (given: object) => ({ params: given })
const customerList = (client: Client) =>
  client.send('/rest/Customer/get_customer_list', params({ limit: pageSize, offset: 0 }))

async function query(client: Client, text: string): Promise<Json> {
  const { data, errors } = await client.send('/graphql', { query: text })
  if (errors !== undefined) throw new Error(`${text}: ${JSON.stringify(errors).slice(0, 500)}`)
  return data as Json
}

const nodesOf = (connection: unknown) => list(connection as Json, 'nodes')
/** JSON numbers have lost their last zeros; so have these. */
const amount = (balance: unknown) => (balance === null ? null : Number(balance))

const page: Comparison = {
  name: `${pageSize} customers`,
  calls: 1,
  async direct(client) {
    const rows = list(await customerList(client), 'customer_list')
    return rows.map(({ i_customer, name, balance }) => [i_customer, name, balance])
  },
  async graphql(client) {
    const { customers } = await query(client, `{ customers(first: ${pageSize}) { nodes { iCustomer name balance } } }`)
    return nodesOf(customers).map(({ iCustomer, name, balance }) => [iCustomer, name, amount(balance)])
  }
}

const nested: Comparison = {
  name: `${pageSize} customers, 10 accounts of each`,
  calls: 1 + pageSize,
  async direct(client) {
    const rows = list(await customerList(client), 'customer_list')
    const asked = rows.map(({ i_customer }) => params({ i_customer, limit: 10, offset: 0 }))
    const answers = await client.sendAll('/rest/Account/get_account_list', asked, atATime)
    return rows.map(({ i_customer }, at) => [i_customer, list(answers[at] as Json, 'account_list').map(({ id }) => id)])
  },
  async graphql(client) {
    const text = `{ customers(first: ${pageSize}) { nodes { iCustomer accounts(first: 10) { nodes { number } } } } }`
    const { customers } = await query(client, text)
    return nodesOf(customers).map(({ iCustomer, accounts }) => [
      iCustomer,
      nodesOf(accounts).map(({ number }) => number)
    ])
  }
}

const single: Comparison = {
  name: 'one customer, where it is active',
  calls: 1,
  async direct(client) {
    const { customer_info } = await client.send('/rest/Customer/get_customer_info', params({ i_customer: 7 }))
    const { i_customer, name } = customer_info as Json
    return [i_customer, name]
  },
  async graphql(client) {
    const { customer } = await query(client, '{ customer(iCustomer: 7) { iCustomer name } }')
    const { iCustomer, name } = customer as Json
    return [iCustomer, name]
  }
}

export const comparisons: readonly Comparison[] = [single, page, nested]
