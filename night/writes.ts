/**
 * One write in the ways in which clients write: each changes a note, of a customer or of an account, to its own mark.
 */
import { escapeMarkup } from '../core/soap-text.ts'
import { markOf } from '../soak/arrivals.ts'
import type { Dice } from '../soak/dice.ts'
import type { Outgoing } from '../soak/load/client.ts'
import { type Credentials, say, sayAnonymously } from '../soak/load/forms.ts'
import { hosts } from '../soak/settings.ts'
import type { Subject } from './people.ts'

export interface Way {
  readonly name: string
  /** In whose session. */
  readonly by: 'admin' | 'customer' | 'account'
  /** Whose note it changes. */
  readonly of: 'customer' | 'account'
  readonly weight: number
  tell(subject: Subject, mark: number, session: Credentials): Outgoing
}

const soapSpace = 'http://schemas.xmlsoap.org/soap/envelope/'

function soap({ iCustomer }: Subject, mark: number, { sessionId }: Credentials): Outgoing {
  const record = `<customer_info><i_customer>${iCustomer}</i_customer><note>${markOf(mark)}</note></customer_info>`
  const header = `<s:Header><auth_info><session_id>${escapeMarkup(sessionId)}</session_id></auth_info></s:Header>`
  const body = `<s:Body><update_customer>${record}</update_customer></s:Body>`
  return {
    method: 'POST',
    path: '/soap/Customer/update_customer',
    headers: { host: hosts.admin, 'content-type': 'text/xml; charset=utf-8', soapaction: '"update_customer"' },
    body: Buffer.from(`<s:Envelope xmlns:s="${soapSpace}">${header}${body}</s:Envelope>`)
  }
}

const mutation = 'mutation ($i: Int!, $note: String!) { updateCustomer(iCustomer: $i, input: { note: $note }) { id } }'

function graphql({ iCustomer }: Subject, mark: number, { accessToken }: Credentials): Outgoing {
  return {
    method: 'POST',
    path: '/graphql',
    headers: { host: hosts.admin, 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
    body: Buffer.from(JSON.stringify({ query: mutation, variables: { i: iCustomer, note: markOf(mark) } }))
  }
}

const ofCustomer = (info: object) => ({ call: 'Customer/update_customer', params: { customer_info: info } })
const ofAccount = (info: object) => ({ call: 'Account/update_account', params: { account_info: info } })

/** The API's own wire forms in turn, by the mark. */
const forms = ['bearer', 'session id', 'form', 'multipart', 'path'] as const
const formOf = (mark: number) => forms[mark % forms.length] ?? 'bearer'
const ownFormOf = (mark: number) => (mark % 2 === 0 ? 'bearer' : 'cookie')

export const ways: readonly Way[] = [
  {
    name: 'administrator, by i_customer',
    by: 'admin',
    of: 'customer',
    weight: 25,
    tell: ({ iCustomer }, mark, session) =>
      say({ realm: 'admin', ...ofCustomer({ i_customer: iCustomer, note: markOf(mark) }) }, formOf(mark), session)
  },
  {
    name: 'administrator, by i_account',
    by: 'admin',
    of: 'account',
    weight: 20,
    tell: ({ iAccount }, mark, session) =>
      say({ realm: 'admin', ...ofAccount({ i_account: iAccount, note: markOf(mark) }) }, formOf(mark), session)
  },
  { name: 'administrator, SOAP', by: 'admin', of: 'customer', weight: 10, tell: soap },
  { name: 'administrator, GraphQL', by: 'admin', of: 'customer', weight: 15, tell: graphql },
  {
    name: 'customer, own session',
    by: 'customer',
    of: 'customer',
    weight: 20,
    tell: (_subject, mark, session) =>
      say({ realm: 'customer', ...ofCustomer({ note: markOf(mark) }) }, ownFormOf(mark), session)
  },
  {
    name: 'account, own session',
    by: 'account',
    of: 'account',
    weight: 10,
    tell: (_subject, mark, session) =>
      say({ realm: 'account', ...ofAccount({ note: markOf(mark) }) }, ownFormOf(mark), session)
  }
]

const isOpenTo = ({ iAccount, hasOwnSessions }: Subject, { by, of }: Way) =>
  (of === 'customer' || iAccount !== null) && (by === 'admin' || hasOwnSessions)

/** One of the ways that there are for this customer. */
export const wayFor = (subject: Subject, dice: Dice): Way =>
  dice.weighted(ways.filter((way) => isOpenTo(subject, way)).map((way) => [way.weight, way] as const))

/** Whose note it is, as one word. */
export const holderOf = ({ iCustomer, iAccount }: Subject, { of }: Way): string =>
  of === 'customer' ? `customer:${iCustomer}` : `account:${iAccount}`

export const login = (realm: 'admin' | 'customer' | 'account', who: { login: string; password: string }): Outgoing =>
  sayAnonymously({ realm, call: 'Session/login', params: { login: who.login, password: who.password } })
