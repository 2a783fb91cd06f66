/**
 * The pages of somebody who is logged in. Lists and files come from the API, by the page's own script and forms.
 */
import type { Answer } from '../answers.ts'
import type { Exchange } from '../calls.ts'
import { type JsonObject, textOf } from '../exact-json.ts'
import { methods } from '../methods/index.ts'
import type { Session } from '../sessions.ts'
import { escapeHtml, insideAnswer } from './layout.ts'

type Page = (exchange: Exchange, session: Session) => Answer

interface Table {
  call: string
  key: string
  fields: Readonly<Record<string, string>>
  /** What stands at the end of each row. */
  more?: string
}

function tableOf({ call, key, fields, more = '' }: Table): string {
  const heads = Object.values(fields).map((head) => `<th>${head}</th>`)
  const names = Object.keys(fields).join(' ')
  return `<table data-call="${call}" data-key="${key}" data-fields="${names}"><thead><tr>${heads.join('')}</tr></thead><tbody></tbody>${more}</table>`
}

/** The file comes by a form: the browser saves what is an attachment, and the page stays. */
const pdfForm = `<template><form method="post" action="/rest/Invoice/get_invoice_info"><input type="hidden" name="params"><button>PDF</button></form></template>`

function dashboard(exchange: Exchange, session: Session): Answer {
  const { data } = exchange.system
  const row = session.iCustomer === null ? undefined : data.row('customers', 'i_customer', session.iCustomer)
  const body = `<p>Welcome, <b>${escapeHtml(row?.name ?? session.login)}</b>.</p>
<p>Logged in as ${escapeHtml(session.login)}, realm ${session.realm}.</p>`
  return insideAnswer(exchange, 'Dashboard', body)
}

function invoices(exchange: Exchange): Answer {
  const fields = { invoice_number: 'Number', issue_date: 'Issued', amount_due: 'Due' }
  const table = tableOf({ call: 'Invoice/get_invoice_list', key: 'invoice_list', fields, more: pdfForm })
  return insideAnswer(exchange, 'Invoices', table)
}

function calls(exchange: Exchange): Answer {
  const call = exchange.realm === 'account' ? 'Account/get_xdr_list' : 'Customer/get_customer_xdrs'
  const fields = { bill_time: 'Time', CLI: 'From', CLD: 'To', charged_amount: 'Charged' }
  return insideAnswer(exchange, 'Calls', tableOf({ call, key: 'xdr_list', fields }))
}

/** Reads or changes whoever is logged in, by the API's own methods. */
function own(exchange: Exchange, session: Session, verb: 'get' | 'update', info: JsonObject = {}): JsonObject {
  const { system, realm } = exchange
  const kind = realm === 'account' ? 'account' : 'customer'
  const name = `${kind === 'account' ? 'Account' : 'Customer'}/${verb}_${kind}${verb === 'get' ? '_info' : ''}`
  const found = methods.get(name)
  if (found === undefined) throw new Error(`${name} is gone`)
  const params = verb === 'get' ? {} : { [`${kind}_info`]: info }
  const result = found({ system, realm, name, session, params, files: [] }) as JsonObject
  return (result[`${kind}_info`] ?? {}) as JsonObject
}

function profile(exchange: Exchange, session: Session): Answer {
  const { email } = own(exchange, session, 'get')
  const form = `<form id="profile"><label>E-mail <input name="email" type="email" value="${escapeHtml(textOf(email) ?? '')}"></label><button>Save</button></form>`
  return insideAnswer(exchange, 'Profile', form)
}

export function saveProfile(exchange: Exchange, session: Session): void {
  own(exchange, session, 'update', { email: textOf(exchange.content.params.email) ?? '' })
}

export const insidePages: Readonly<Record<string, Page>> = {
  '/dashboard': dashboard,
  '/invoices': invoices,
  '/calls': calls,
  '/profile': profile
}
