/**
 * What staff do in the dual realms: calls that name a customer or an account, merged lists, contexts, creations.
 */
import type { System } from '../../core/words.ts'
import type { Dice } from '../dice.ts'
import type { Expected } from '../ledger.ts'
import type { Places } from '../places.ts'
import type { Person } from '../systems.ts'
import type { Cast, Session } from './actors.ts'
import type { Told } from './books.ts'
import { say } from './forms.ts'
import { pageMistake, rowMistake } from './pages.ts'
import type { MakeAsking } from './people.ts'
import { anywhere, only } from './sessions.ts'

type Json = Readonly<Record<string, unknown>>

export interface StaffOptions {
  readonly places: Places
  readonly known: Cast['known']
  readonly customers: number
  readonly releases: Readonly<Record<System, string>>
}

const contextHeader = 'x-dispatcher-context'

/** A session that the source opened lives there alone, and one with a context has asked for one system. */
export function whereOr(session: Session, otherwise: Expected): Expected {
  if (session.context !== null) return only(session.context)
  return session.lives === 'source' ? only('source') : otherwise
}

export function located({ customer, account }: Person): Expected {
  const names = [`customer:${customer.i_customer}`, ...(account === null ? [] : [`account:${account.i_account}`])]
  return { kind: 'located', customer: customer.i_customer, names }
}

export function staffCalls({ places, known, customers, releases }: StaffOptions) {
  const somebody = (dice: Dice): Person =>
    dice.pick(known.movers.length > 0 && dice.chance(0.4) ? known.movers : known.settled)

  /** The record is the one that was asked for; the ledger knows whether it came from where the customer is. */
  function checkRecord(key: 'customer' | 'account', wanted: number | undefined) {
    return ({ json }: Told) => {
      const record = (json?.[`${key}_info`] ?? {}) as Json
      return Number(record[`i_${key}`]) === wanted ? null : `i_${key} is ${record[`i_${key}`]} instead of ${wanted}`
    }
  }

  const readCustomer: MakeAsking = (actor, session, dice, form) => {
    const person = somebody(dice)
    const call = 'Customer/get_customer_info'
    const { i_customer, login } = person.customer
    const params = dice.chance(0.15) ? { login } : { i_customer }
    const expected = whereOr(session, located(person))
    const check = checkRecord('customer', i_customer)
    return { call, outgoing: say({ realm: actor.realm, call, params }, form, session), expected, check }
  }

  const readAccount: MakeAsking = (actor, session, dice, form) => {
    const person = somebody(dice)
    const call = 'Account/get_account_info'
    const params = { i_account: person.account?.i_account }
    const expected = whereOr(session, located(person))
    const check = checkRecord('account', person.account?.i_account)
    return { call, outgoing: say({ realm: actor.realm, call, params }, form, session), expected, check }
  }

  const write: MakeAsking = (actor, session, dice, form) => {
    const person = somebody(dice)
    const note = `staff ${Math.floor(dice.next() * 1e9)}`
    const { i_customer } = person.customer
    const choices = [
      ['Customer/update_customer', { customer_info: { i_customer, note } }],
      ['Account/update_account', { account_info: { i_account: person.account?.i_account, note } }],
      ['CallControl/originate_call', { i_customer, from: '1', to: '2' }]
    ] as const
    const [call, params] = dice.pick(choices)
    const outgoing = say({ realm: actor.realm, call, params }, form, session)
    return { call, outgoing, expected: whereOr(session, located(person)), isWrite: true }
  }

  const create: MakeAsking = (actor, session, dice, form) => {
    const call = 'Customer/add_customer'
    const params = { customer_info: { name: `soak ${dice.next()}`, iso_4217: 'USD' } }
    const outgoing = say({ realm: actor.realm, call, params }, form, session)
    return { call, outgoing, expected: whereOr(session, only('target')), isWrite: true }
  }

  const readPlain: MakeAsking = (actor, session, _dice, form) => {
    const call = 'Generic/get_session_data'
    const expected = whereOr(session, only('target'))
    const wanted = expected.kind === 'system' ? releases[expected.system] : null
    const check = ({ json }: Told) => (json?.release === wanted ? null : `the release is ${json?.release}`)
    return { call, outgoing: say({ realm: actor.realm, call, params: {} }, form, session), expected, check }
  }

  const readInContext: MakeAsking = (actor, session, dice, form) => {
    const context = dice.pick(['source', 'target'] as const)
    const asking = readPlain(actor, session, dice, form)
    const { outgoing } = asking
    return {
      ...asking,
      outgoing: { ...outgoing, headers: { ...outgoing.headers, [contextHeader]: context } },
      expected: only(context),
      check: ({ json }) => (json?.release === releases[context] ? null : `the release is ${json?.release}`)
    }
  }

  const movingDuring = ({ sentAt, endedAt }: Told) =>
    new Set(places.movesDuring(sentAt, endedAt).map(({ customer }) => customer))

  /** Pages of every customer, by id: each page is known. */
  const listCustomers: MakeAsking = (actor, session, dice, form) => {
    const call = 'Customer/get_customer_list'
    const limit = dice.pick([5, 20, 50])
    const offset = Math.floor(dice.next() * Math.max(1, customers - limit))
    const params = { limit, offset, order_by: 'i_customer' }
    const outgoing = say({ realm: actor.realm, call, params }, form, session)
    const isWhole = actor.realm === 'admin' && session.context === null
    return {
      call,
      outgoing,
      expected: anywhere,
      isPage: true,
      check: (told) => {
        const rows = told.json?.customer_list as Json[]
        const moving = movingDuring(told)
        return isWhole
          ? pageMistake(rows, { offset, limit, customers, moving })
          : rowMistake(rows, 'i_customer', moving)
      }
    }
  }

  const listOthers: MakeAsking = (actor, session, dice, form) => {
    const [call, key, id, order] = dice.pick([
      ['Customer/get_customer_list', 'customer_list', 'i_customer', 'name'],
      ['Account/get_account_list', 'account_list', 'i_account', 'i_account'],
      ['Invoice/get_invoice_list', 'invoice_list', 'i_invoice', 'issue_date']
    ] as const)
    const params = { limit: 20, offset: Math.floor(dice.next() * customers * 0.8), order_by: order }
    const outgoing = say({ realm: actor.realm, call, params }, form, session)
    const check = (told: Told) => rowMistake(told.json?.[key] as Json[], id, movingDuring(told))
    return { call, outgoing, expected: anywhere, isPage: true, check }
  }

  return { readCustomer, readAccount, write, create, readPlain, readInContext, listCustomers, listOthers }
}
