/**
 * Invoices, computed: three per customer, newest first.
 */
import { type Answer, fileAnswer } from '../answers.ts'
import { callFault, fault } from '../api-fault.ts'
import { exactNumber, intOf, isSet, type JsonObject, textOf } from '../exact-json.ts'
import { pdfOf } from '../files.ts'
import { answer, keptOrder, numberFilter, orderedIds, orderOf, pageOf } from '../lists.ts'
import { isOwned, requireNotAccount, visibleCustomers } from '../scope.ts'
import type { Call } from '../system.ts'

export const invoiceMethods = {
  'Invoice/get_invoice_info': getInfo,
  'Invoice/get_invoice_list': getList
}

/** An invoice's id is its customer's times four plus its month; months are issued over three days each. */
const months = ['2026-03', '2026-04', '2026-05']
const idOf = (iCustomer: number, month: number) => iCustomer * 4 + month
const customerOfInvoice = (iInvoice: number) => Math.floor(iInvoice / 4)
const dateOf = (iInvoice: number) => `${months[iInvoice % 4]}-0${(customerOfInvoice(iInvoice) % 3) + 1}`

function recordOf(iInvoice: number): JsonObject {
  const iCustomer = customerOfInvoice(iInvoice)
  return {
    i_invoice: iInvoice,
    invoice_number: `INV-${iInvoice}`,
    i_customer: iCustomer,
    issue_date: dateOf(iInvoice),
    due_date: `${months[iInvoice % 4]}-28`,
    amount_due: exactNumber(`${iCustomer % 300}.${iInvoice % 10}0`),
    amount_paid: exactNumber('0.00'),
    iso_4217: 'USD',
    invoice_status_desc: 'Unpaid'
  }
}

function getInfo(call: Call): JsonObject | Answer {
  requireNotAccount(call)
  const id = intOf(call.params.i_invoice) ?? 0
  const owner = call.system.data.row('customers', 'i_customer', customerOfInvoice(id))
  if (owner === undefined || id % 4 === 3 || !isOwned(call, owner.i_customer)) throw fault('Server.Invoice.not_found')
  if (!isSet(call.params.get_pdf)) return { invoice_info: recordOf(id) }
  return fileAnswer('application/pdf', `invoice-${id}.pdf`, pdfOf(`Invoice ${id} - ${call.system.release}`))
}

function getList(call: Call): JsonObject {
  requireNotAccount(call)
  const { params, system } = call
  const page = pageOf(call)
  const { field, isDescending } = orderOf(call, ['issue_date', 'desc'])
  const conditions = [
    ...visibleCustomers(call),
    ...numberFilter('i_customer', params.i_customer),
    ...numberFilter('i_parent', params.i_parent)
  ]
  const where = conditions.map(({ sql }) => sql).join(' AND ') || '1'
  const args = conditions.flatMap((condition) => condition.args)
  const customers = orderedIds(system.data, `SELECT i_customer AS id FROM customers WHERE ${where} ORDER BY id`, args)
  const name = `invoices ${where} ${JSON.stringify(args)} ${field} ${isDescending}`
  const sorted = keptOrder(system.data, name, () => orderInvoices(call, customers, field, isDescending))
  const ids = hasFilter(params) ? sorted.filter((id) => isWanted(id, params)) : sorted
  return answer(
    call,
    'invoice_list',
    [...ids.subarray(page.offset, page.offset + page.limit)].map(recordOf),
    ids.length
  )
}

/** Few distinct dates, so one pass per date over customers in order of their ids sorts any number of invoices. */
function orderInvoices(call: Call, customers: Int32Array, field: string, isDescending: boolean): Int32Array {
  if (field === 'i_invoice') {
    const ids = Int32Array.from(customers, (i) => i).reduce<number[]>((all, i) => {
      all.push(idOf(i, 0), idOf(i, 1), idOf(i, 2))
      return all
    }, [])
    return Int32Array.from(isDescending ? ids.reverse() : ids)
  }
  if (field !== 'issue_date') throw callFault('Client', call.name, 'unknown_order', `Cannot order by ${field}`)
  const buckets = new Map<string, number[]>()
  for (const iCustomer of customers) {
    for (let month = 0; month < months.length; month++) {
      const id = idOf(iCustomer, month)
      const bucket = buckets.get(dateOf(id))
      if (bucket === undefined) buckets.set(dateOf(id), [id])
      else bucket.push(id)
    }
  }
  const dates = [...buckets.keys()].toSorted()
  if (isDescending) dates.reverse()
  return Int32Array.from(dates.flatMap((date) => buckets.get(date) ?? []))
}

const filters = ['issued_after', 'issued_before', 'invoice_number']

function hasFilter(params: JsonObject): boolean {
  return filters.some((name) => textOf(params[name]) !== undefined)
}

function isWanted(id: number, params: JsonObject): boolean {
  const [after, before, number] = filters.map((name) => textOf(params[name]))
  if (number !== undefined && number !== `INV-${id}`) return false
  const date = dateOf(id)
  return (after === undefined || date >= after.slice(0, 10)) && (before === undefined || date <= before.slice(0, 10))
}
