import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createListTable, type ListMethod, lists, orderOf } from '../../core/methods.ts'
import { plain, rest } from './routes.ts'

const listOf = createListTable({})

const row = (name: string): ListMethod => {
  const list = listOf(rest(name))
  assert.ok(list)
  return list
}

// Protocol section 4.
for (const [name, arrayKey, id, orderBy, direction] of [
  ['Customer/get_customer_list', 'customer_list', 'i_customer', 'i_customer', 'asc'],
  ['Account/get_account_list', 'account_list', 'i_account', 'i_account', 'asc'],
  ['Account/get_alias_list', 'alias_list', 'i_account', 'i_account', 'asc'],
  ['Invoice/get_invoice_list', 'invoice_list', 'i_invoice', 'issue_date', 'desc'],
  ['Customer/get_customer_xdrs', 'xdr_list', 'i_xdr', 'bill_time', 'desc'],
  ['Account/get_xdr_list', 'xdr_list', 'i_xdr', 'bill_time', 'desc'],
  ['Customer/get_extensions_list', 'extensions_list', 'i_account', 'i_account', 'asc'],
  ['Customer/get_huntgroup_list', 'huntgroup_list', 'i_c_group', 'i_c_group', 'asc'],
  ['DID/get_number_list', 'number_list', 'i_did_number', 'i_did_number', 'asc'],
  ['BillingSession/get_active_sessions_list', 'active_session_list', 'i_active_session', 'i_active_session', 'asc'],
  ['Account/get_mailbox_message_list', 'messages', 'message_uid', 'delivery_date', 'desc'],
  ['WebLog/get_web_log_list', 'web_log_list', 'i_web_log', 'timestamp', 'desc'],
  ['Subscription/get_subscription_list', 'subscription_list', 'i_subscription', 'i_subscription', 'asc'],
  ['Product/get_product_list', 'product_list', 'i_product', 'i_product', 'asc']
] as const) {
  test(`list table: ${name} has ${arrayKey}, by ${orderBy} ${direction}`, () => {
    const list = row(name)
    assert.deepEqual([list.arrayKey, list.id, list.orderBy, list.direction], [arrayKey, id, orderBy, direction])
    assert.equal(list.ties, 'asc')
    assert.equal(list.skipExported, name === 'Customer/get_customer_list' ? 'skip_exported' : '')
    assert.deepEqual(
      list.exportedFilters,
      name === 'Customer/get_customer_list' ? ['skip_exported', 'bill_status'] : []
    )
  })
}

test('list table: this page names all of it', () => assert.equal(Object.keys(lists).length, 15))

for (const name of ['Acme/get_thing_list', 'Customer/get_x_y_list', 'Toast/get_list_list']) {
  test(`list table: ${name} is a list that nobody knows: the only array, in no order`, () => {
    const list = row(name)
    assert.deepEqual([list.arrayKey, list.id, list.orderBy, list.skipExported], ['', '', '', ''])
    assert.equal(orderOf(list, {}), null)
  })
}

for (const route of [
  rest('CallControl/get_sip_calls_list'),
  rest('Customer/get_customer_info'),
  rest('Acme/get_list'),
  rest('Acme/get_thing_lists'),
  rest('Acme/get_thing_listing'),
  rest('Acme/forget_thing_list'),
  rest('Acme/delete_thing_list'),
  rest('Acme/GET_THING_LIST'),
  rest('Acme/constructor'),
  rest('__proto__/toString'),
  plain
]) {
  test(`list table: ${route.service}/${route.method} is no list`, () => assert.equal(listOf(route), null))
}

test('list table: a deployment changes keys of a row, and the others stay', () => {
  const changed = createListTable({ 'Account/get_account_list': { orderBy: 'id', compare: { id: 'text' } } })
  const before = row('Account/get_account_list')
  assert.deepEqual(changed(rest('Account/get_account_list')), { ...before, orderBy: 'id', compare: { id: 'text' } })
  assert.deepEqual(changed(rest('Customer/get_customer_list')), row('Customer/get_customer_list'))
  assert.deepEqual(listOf(rest('Account/get_account_list')), before)
})

test('list table: a deployment adds rows, by any name, and takes some away', () => {
  const changed = createListTable({
    'Acme/get_thing_list': { arrayKey: 'things', id: 'i_thing' },
    'Acme/search_things': { orderBy: 'name' },
    'Product/get_product_list': false,
    'Acme/get_price_list': false,
    'CallControl/get_sip_calls_list': { arrayKey: 'calls_list' }
  })
  const unknown = row('Acme/get_other_list')
  assert.deepEqual(changed(rest('Acme/get_thing_list')), { ...unknown, arrayKey: 'things', id: 'i_thing' })
  assert.deepEqual(changed(rest('Acme/search_things')), { ...unknown, orderBy: 'name' })
  assert.equal(changed(rest('Product/get_product_list')), null)
  assert.equal(changed(rest('Acme/get_price_list')), null)
  assert.equal(changed(rest('CallControl/get_sip_calls_list'))?.arrayKey, 'calls_list')
})

const customers = row('Customer/get_customer_list')
const invoices = row('Invoice/get_invoice_list')
for (const [list, params, field, direction] of [
  [customers, null, 'i_customer', 'asc'],
  [customers, {}, 'i_customer', 'asc'],
  [customers, { order_by: 'name' }, 'name', 'asc'],
  [customers, { order_by: 'name', order_direction: 'desc' }, 'name', 'desc'],
  [customers, { order_by: 'name', order_direction: 'DESC' }, 'name', 'desc'],
  [customers, { order_direction: 'desc' }, 'i_customer', 'desc'],
  // What is wrong the systems refuse in their own words.
  [customers, { order_by: 'name', order_direction: 'sideways' }, 'name', 'asc'],
  [customers, { order_by: 7 }, 'i_customer', 'asc'],
  [customers, { order_by: '' }, 'i_customer', 'asc'],
  [invoices, {}, 'issue_date', 'desc'],
  [invoices, { order_direction: 'asc' }, 'issue_date', 'asc'],
  // A list that is by default the newest first is ascending by whatever else is asked for.
  [invoices, { order_by: 'i_invoice' }, 'i_invoice', 'asc'],
  [invoices, { order_by: 'issue_date' }, 'issue_date', 'asc']
] as const) {
  test(`order of ${list.arrayKey} with ${JSON.stringify(params)}: ${field} ${direction}, ties by ${list.id}`, () => {
    assert.deepEqual(orderOf(list, params), { field, direction, id: list.id, ties: 'asc', kind: null })
  })
}

test('order: of a list that nobody knows it is what the request says, without ties where it has no id', () => {
  const order = orderOf(row('Acme/get_thing_list'), { order_by: 'rank', order_direction: 'desc' })
  assert.deepEqual(order, { field: 'rank', direction: 'desc', id: '', ties: 'none', kind: null })
})

test('order: how a field compares, and its ties, are what the table says', () => {
  const list: ListMethod = { ...customers, compare: { balance: 'number' }, ties: 'desc' }
  assert.deepEqual(orderOf(list, { order_by: 'balance' }), {
    field: 'balance',
    direction: 'asc',
    id: 'i_customer',
    ties: 'desc',
    kind: 'number'
  })
  assert.equal(orderOf(list, { order_by: 'name' })?.kind, null)
})
