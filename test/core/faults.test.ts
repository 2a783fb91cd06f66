import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, type FaultName, faults, renderFault } from '../../core/faults.ts'

/** Contract section 7. */
const contract: readonly (readonly [number, string])[] = [
  [400, 'Client.Dispatcher.malformed_request'],
  [401, 'Client.Dispatcher.unauthorized'],
  [403, 'Client.Dispatcher.other_site'],
  [404, 'Client.Dispatcher.not_found'],
  [409, 'Client.Dispatcher.ambiguous_entity'],
  [413, 'Client.Dispatcher.body_too_large'],
  [421, 'Client.Dispatcher.unknown_realm'],
  [421, 'Client.Dispatcher.unknown_ops_host'],
  [429, 'Client.Dispatcher.too_many_tokens'],
  [429, 'Client.Dispatcher.too_many_logins'],
  [502, 'Server.Dispatcher.bad_gateway'],
  [502, 'Server.Dispatcher.list_out_of_order'],
  [503, 'Server.Dispatcher.system_unavailable'],
  [503, 'Server.Dispatcher.store_unavailable'],
  [503, 'Server.Dispatcher.partial_list'],
  [503, 'Server.Dispatcher.migration_in_progress'],
  [504, 'Server.Dispatcher.system_timeout'],
  [504, 'Server.Dispatcher.fence_unsettled']
]
const nameOf = (faultcode: string) => faultcode.split('.')[2] as FaultName

for (const [status, faultcode] of contract) {
  test(`${faultcode} is ${status}`, () => {
    const fault = new Fault(nameOf(faultcode), 'source')
    assert.deepEqual([fault.statusCode, fault.faultcode, fault.fault], [status, faultcode, nameOf(faultcode)])
    assert.ok(fault.message !== '' && !fault.message.includes('%'), fault.message)
  })
}

test('there are no others, and none is 500, which clients take for an ended session, but the one that means it', () => {
  const names = contract.map(([, faultcode]) => nameOf(faultcode))
  assert.deepEqual(Object.keys(faults).sort(), [...names, 'session_ended'].sort())
  const ended = Object.keys(faults).filter((name) => new Fault(name as FaultName).statusCode === 500)
  assert.deepEqual(ended, ['session_ended'])
  assert.equal(new Fault('session_ended').faultcode, 'Server.Session.check_auth.auth_failed')
})

for (const name of ['system_unavailable', 'system_timeout', 'bad_gateway', 'partial_list'] as const) {
  test(`${name} names the system`, () => assert.match(new Fault(name, 'target').message, /\btarget\b/))
}

for (const what of ['$&', "$'", '$1 $$', '100%', '%']) {
  test(`the sentence has "${what}" as it is`, () => {
    assert.equal(new Fault('malformed_request', what).message, `The request cannot be read: ${what}`)
  })
}

test('the cause and the time to wait are kept', () => {
  const cause = new Error('ECONNREFUSED')
  const fault = new Fault('system_unavailable', 'source', { cause, retryAfter: 5 })
  assert.deepEqual([fault.cause, fault.retryAfter], [cause, 5])
  assert.equal(new Fault('not_found').retryAfter, undefined)
  assert.ok(fault instanceof Error)
})

test('the cause is not rendered', () => {
  const fault = new Fault('system_unavailable', 'source', { cause: new Error('connect 10.0.0.2:443') })
  for (const wire of ['rest', 'soap', 'plain', 'page'] as const) {
    assert.ok(!renderFault(fault, wire, true)[1].includes('10.0.0.2'))
  }
})

for (const [wire, acceptsHtml, type] of [
  ['rest', false, 'application/json'],
  ['rest', true, 'application/json'],
  ['plain', true, 'application/json'],
  ['page', false, 'application/json'],
  ['page', true, 'text/html'],
  ['soap', false, 'text/xml'],
  ['soap', true, 'text/xml']
] as const) {
  test(`${wire}${acceptsHtml ? ', by a browser' : ''}: a fault is ${type}`, () => {
    const [contentType] = renderFault(new Fault('not_found'), wire, acceptsHtml)
    assert.equal(contentType.split(';')[0], type)
    assert.match(contentType, /charset=utf-8$/)
  })
}

const nasty = new Fault('malformed_request', `</soap:Body><script>"a" & 'b'\\`)

test('JSON: two keys, whatever the sentence holds', () => {
  assert.deepEqual(JSON.parse(renderFault(nasty, 'rest', false)[1]), {
    faultcode: 'Client.Dispatcher.malformed_request',
    faultstring: nasty.message
  })
})

test('SOAP: an envelope with a fault, escaped', () => {
  const [, text] = renderFault(nasty, 'soap', false)
  assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>/)
  assert.match(text, /xmlns:soap="http:\/\/schemas\.xmlsoap\.org\/soap\/envelope\/"/)
  assert.match(text, /<soap:Fault><faultcode>Client\.Dispatcher\.malformed_request<\/faultcode><faultstring>/)
  assert.ok(text.includes('&lt;/soap:Body&gt;&lt;script&gt;') && text.includes(' &amp; '))
  assert.equal(text.split('</soap:Body>').length, 2)
})
