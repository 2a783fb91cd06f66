import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { locationOf, placeBy, type Standing, standingOf } from '../../core/location.ts'
import { answerOf, faultOf } from './answers.ts'

const json = (value: unknown, status = 200) => answerOf(status, JSON.stringify(value))
const customerOf = (record: object) => json({ customer_info: { i_customer: 7, ...record } })

const standings: readonly (readonly [what: string, answer: ReturnType<typeof answerOf>, standing: Standing])[] = [
  ['an open customer', customerOf({ bill_status: 'O' }), 'active'],
  ['a suspended one', customerOf({ bill_status: 'S', status: 'suspended' }), 'active'],
  ['one without a status', customerOf({}), 'active'],
  ['one with a status that nobody knows', customerOf({ bill_status: 'X', status: 'on_fire' }), 'active'],
  ['one with a status that is no text', customerOf({ bill_status: 1, status: null }), 'active'],
  ['a closed one', customerOf({ bill_status: 'C' }), 'inactive'],
  ['a deactivated one', customerOf({ bill_status: 'd' }), 'inactive'],
  ['an exported one', customerOf({ bill_status: 'E' }), 'exported'],
  ['an exported one in small letters', customerOf({ bill_status: 'e' }), 'exported'],
  ['an exported one by status alone', customerOf({ status: 'Exported' }), 'exported'],
  ['a closed one that was exported', customerOf({ bill_status: 'C', status: 'exported' }), 'exported'],
  ['a record without its member', json({ i_customer: 7, bill_status: 'C' }), 'inactive'],
  ['a record whose number is a text', json({ i_customer: '7' }), 'active'],
  ['a record that does not say whose it is', json({ customer_info: { name: 'x' } }), 'active'],
  ['an empty object', json({}), 'absent'],
  ['null', answerOf(200, ' null\n'), 'absent'],
  ['an empty record', json({ customer_info: {} }), 'absent'],
  ['no record', json({ customer_info: null }), 'absent'],
  ['not found', faultOf('Server.Customer.not_found'), 'absent'],
  ['not found, in its method', faultOf('Server.Customer.get_customer_info.NOT_FOUND'), 'absent'],
  ['access denied', faultOf('Server.Customer.get_customer_info.access_denied'), 'absent'],
  ['an exported fault', faultOf('Server.Customer.exported'), 'exported'],
  ['a session that is not known', faultOf('Server.Session.check_auth.auth_failed'), 'refused'],
  ['another fault', faultOf('pb_delta.connection_failed'), 'unclear'],
  ['a fault that is not about exported entities', faultOf('Server.exported.limit'), 'unclear'],
  ['an answer about something else', json({ success: 1 }), 'unclear'],
  ['a record of the other kind', json({ account_info: { i_account: 9 } }), 'unclear'],
  ['a list', json([{ i_customer: 7 }]), 'unclear'],
  ['a record that is a list', json({ customer_info: [] }), 'unclear'],
  ['a record that is a text', json({ customer_info: '' }), 'unclear'],
  ['nothing', answerOf(200, ''), 'unclear'],
  ['a page', answerOf(200, '<html></html>'), 'unclear'],
  ['a page that is not there', answerOf(404, 'not_found'), 'unclear'],
  ['another success', json({ customer_info: { i_customer: 7 } }, 204), 'unclear'],
  ['a redirect', answerOf(302, ''), 'unclear'],
  ['a bad gateway', answerOf(502, '<html></html>'), 'unavailable'],
  ['a system that is not there', json({ customer_info: { i_customer: 7 } }, 503), 'unavailable'],
  ['a gateway that waited', faultOf('Server.Customer.not_found', 504), 'unavailable']
]
for (const [what, answer, standing] of standings) {
  test(`${what} is ${standing}`, () => assert.equal(standingOf('customer', answer).standing, standing))
}

test('an account says whose it is', () => {
  const account = { account_info: { i_account: 9, i_customer: '7', bill_status: 'O' } }
  assert.deepEqual(standingOf('account', json(account)), { standing: 'active', iCustomer: 7 })
  assert.deepEqual(standingOf('account', json({ i_account: 9 })), { standing: 'active', iCustomer: null })
  assert.deepEqual(standingOf('account', json({ i_customer: 7 })), { standing: 'unclear', iCustomer: null })
  const odd = { account_info: { i_account: 9, i_customer: 'x' } }
  assert.deepEqual(standingOf('account', json(odd)), { standing: 'active', iCustomer: null })
})

test('a compressed answer is read', () => {
  const body = gzipSync(JSON.stringify({ customer_info: { i_customer: 7, bill_status: 'E' } }))
  const told = standingOf('customer', answerOf(200, body, { 'content-encoding': 'gzip' }))
  assert.deepEqual(told, { standing: 'exported', iCustomer: 7 })
})

/** The target's standing across, the source's down; "!" may be remembered, "-" is nowhere, "2" is ambiguous, "?" unknown. */
const table = `
              active   inactive exported absent   refused  unclear  unavailable
  active      2        source!  source!  source!  source!  source!  source!
  inactive    target!  source!  source!  source!  source   source   source
  exported    target!  target!  -        target   target   target   target
  absent      target!  target!  source   -        target   target   target
  refused     target!  source   source   source   -        -        ?
  unclear     target!  source   source   source   -        -        ?
  unavailable target!  source   source   source   -        ?        ?`
const [columns = [], ...lines] = table
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
const names: Readonly<Record<string, string | null>> = { '2': 'ambiguous', '-': null, '?': 'unknown' }

test('the table has every pair', () => {
  assert.equal(columns.length, 7)
  assert.equal(lines.flatMap(([, ...cells]) => cells).length, 49)
})

for (const [source, ...cells] of lines) {
  for (const [at, cell] of cells.entries()) {
    const target = columns[at]
    test(`${source} on the source and ${target} on the target: ${cell}`, () => {
      const expected = { at: cell in names ? names[cell] : cell.replace('!', ''), certain: cell.endsWith('!') }
      assert.deepEqual(locationOf(source as Standing, target as Standing), expected)
    })
  }
}

for (const [state, to, place] of [
  ['started', 'target', 'source'],
  ['finished', 'target', 'target'],
  ['failed', 'target', 'source'],
  ['started', 'source', 'target'],
  ['finished', 'source', 'source'],
  ['finished', null, null],
  ['failed', null, null]
] as const) {
  test(`the last word is "${state}", to ${to}: ${place}`, () => assert.equal(placeBy(state, to), place))
}
