/**
 * Customers: read, listed, created, changed and terminated.
 */
import { fault } from '../api-fault.ts'
import { isJsonObject, isSet, type JsonObject, textOf } from '../exact-json.ts'
import { listTable, numberFilter, textFilter } from '../lists.ts'
import { customerRecord, writableFields } from '../records.ts'
import { type Condition, customerOf, requireHere, requireStaff, visibleCustomers } from '../scope.ts'
import type { Call, System } from '../system.ts'
import { type CustomerRow, worldNow } from '../world.ts'

export const customerMethods = {
  'Customer/get_customer_info': getInfo,
  'Customer/get_customer_list': getList,
  'Customer/add_customer': add,
  'Customer/update_customer': update,
  'Customer/terminate_customer': terminate
}

const orders = {
  i_customer: false,
  i_parent: false,
  i_customer_type: false,
  balance: false,
  name: true,
  login: true,
  refnum: true,
  companyname: true,
  firstname: true,
  lastname: true,
  iso_4217: true,
  bill_status: true,
  creation_date: true
}
const searchable = ['name', 'login', 'refnum', 'companyname', 'firstname', 'lastname']
const fixedFields = ['i_customer', 'bill_status', 'must_change', 'extra', 'creation_date']

function getInfo(call: Call): JsonObject {
  return { customer_info: customerRecord(call.system.data.world, customerOf(call), true) }
}

function getList(call: Call): JsonObject {
  requireStaff(call)
  const withStatus = isSet(call.params.get_statuses)
  return listTable(call, {
    table: 'customers',
    arrayKey: 'customer_list',
    conditions: conditionsOf(call),
    orders,
    recordOf: (row) => customerRecord(call.system.data.world, row, withStatus)
  })
}

function conditionsOf(call: Call): Condition[] {
  const { params } = call
  return [
    ...visibleCustomers(call),
    ...['name', 'companyname', 'firstname', 'lastname', 'iso_4217', 'bill_status'].flatMap((name) =>
      textFilter(name, params[name])
    ),
    ...textFilter('email_of(i_customer, extra)', params.email),
    ...['i_parent', 'i_customer_type', 'i_main_customer', 'i_office_type'].flatMap((name) =>
      numberFilter(name, params[name])
    ),
    ...searchConditions(params.search),
    ...(isSet(params.skip_exported) ? [{ sql: "bill_status <> 'E'", args: [] }] : [])
  ]
}

function searchConditions(search: unknown): Condition[] {
  if (!isJsonObject(search) || !Array.isArray(search.search_by)) return []
  const alternatives = search.search_by
    .filter((name): name is string => typeof name === 'string' && searchable.includes(name))
    .flatMap((name) => textFilter(name, search.value))
  if (alternatives.length === 0) return []
  return [
    { sql: `(${alternatives.map(({ sql }) => sql).join(' OR ')})`, args: alternatives.flatMap(({ args }) => args) }
  ]
}

function add(call: Call): JsonObject {
  requireStaff(call)
  const { data } = call.system
  const info = isJsonObject(call.params.customer_info) ? call.params.customer_info : {}
  const name = textOf(info.name)
  if (name === undefined || name === '') throw fault('Client.malformed_request')
  requireFreeName(call.system, 0, info)
  const id = data.takeId('customers')
  const blank: CustomerRow = {
    ...data.world.customer(id),
    name,
    login: null,
    refnum: null,
    companyname: null,
    firstname: null,
    lastname: null,
    i_parent: call.session.iReseller,
    i_customer_type: 1,
    i_office_type: 1,
    i_main_customer: null,
    balance: '0.00',
    bill_status: 'O',
    blocked: 'N',
    must_change: 0,
    creation_date: worldNow
  }
  data.put('customers', blank)
  data.change('customers', id, writableFields(info, fixedFields))
  return { i_customer: id }
}

function update(call: Call): JsonObject {
  const info = isJsonObject(call.params.customer_info) ? call.params.customer_info : {}
  const row = customerOf(call, info)
  requireHere(row)
  requireFreeName(call.system, row.i_customer, info)
  call.system.data.change('customers', row.i_customer, writableFields(info, fixedFields))
  return { i_customer: row.i_customer }
}

/** Names and logins are unique in one system. */
function requireFreeName({ data }: System, except: number, info: JsonObject): void {
  for (const column of ['name', 'login']) {
    const value = textOf(info[column])
    const holder = value === undefined ? undefined : data.row('customers', column, value)
    if (holder !== undefined && holder.i_customer !== except) throw fault('Server.Customer.duplicate_name')
  }
}

function terminate(call: Call): JsonObject {
  requireStaff(call)
  const row = customerOf(call)
  requireHere(row)
  const { data, sessions } = call.system
  data.change('customers', row.i_customer, { bill_status: 'C' })
  data.run("UPDATE accounts SET bill_status = 'C' WHERE i_customer = ?", row.i_customer)
  sessions.endWhere(({ iCustomer }) => iCustomer === row.i_customer)
  return { success: 1 }
}
