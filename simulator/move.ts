/**
 * Moves a customer between two systems: exported on one, imported on the other with its record as it is now, its
 * accounts and aliases. Call records need no carrying: each system computes those that it would have (xdrs.ts).
 */
import { once } from 'node:events'
import http from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Data } from './data.ts'
import type { System } from './system.ts'
import type { AccountRow, CustomerRow } from './world.ts'

/** JSON-safe, as two processes pass it over HTTP. */
export interface CustomerBundle {
  customer: CustomerRow
  accounts: AccountRow[]
}

export function exportCustomer(
  { data, sessions }: Pick<System, 'data' | 'sessions'>,
  iCustomer: number
): CustomerBundle {
  const customer = data.row('customers', 'i_customer', iCustomer)
  if (customer === undefined || customer.bill_status === 'E') {
    throw new Error(`customer ${iCustomer} is not active on this system`)
  }
  const accounts = data.all<AccountRow>('SELECT * FROM accounts WHERE i_customer = ?', iCustomer)
  data.transaction(() => {
    data.run("UPDATE customers SET bill_status = 'E' WHERE i_customer = ?", iCustomer)
    data.run("UPDATE accounts SET bill_status = 'E' WHERE i_customer = ?", iCustomer)
  })
  data.version++
  sessions.endWhere((session) => session.iCustomer === iCustomer)
  return { customer, accounts }
}

export function importCustomer(data: Data, { customer, accounts }: CustomerBundle): void {
  data.transaction(() => {
    data.put('customers', customer)
    // Accounts that ended elsewhere must not live on here.
    data.run('DELETE FROM accounts WHERE i_customer = ?', customer.i_customer)
    for (const account of accounts) data.put('accounts', account)
  })
}

export type MoveStep = 'Exported' | 'Imported'

/** Tells a handler of provisioning events what happened to the customer and to each of its accounts. */
export async function sendEvents(url: URL, step: MoveStep, { customer, accounts }: CustomerBundle): Promise<void> {
  await postEvent(url, `Customer/Status/${step}`, { i_customer: customer.i_customer })
  for (const { i_account } of accounts) await postEvent(url, `Account/Status/${step}`, { i_account })
}

/** Not by fetch, which takes more of the CPU than a move does. */
async function postEvent(url: URL, eventType: string, variables: Record<string, number>): Promise<void> {
  const { request: begin } = url.protocol === 'https:' ? await import('node:https') : http
  const request = begin(url, { method: 'POST', headers: { 'content-type': 'application/json' } })
  request.end(JSON.stringify({ event_type: eventType, variables }))
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  await buffer(response)
  const { statusCode = 0 } = response
  if (statusCode < 200 || statusCode > 299) throw new Error(`${url.origin} answered ${statusCode} to ${eventType}`)
}
