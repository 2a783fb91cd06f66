/** Commands on a WebSocket: what tells where they go, and how the gateway's own fault answers one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultAnswer, readCommand, referencesOf } from '../../core/command.ts'
import { Fault } from '../../core/faults.ts'

const customer = (number: number) => ({ kind: 'customer', keys: { i_customer: number } })
const account = (number: number) => ({ kind: 'account', keys: { i_account: number } })

const rows: readonly (readonly [what: string, text: string, references: readonly unknown[] | null])[] = [
  ['a customer', '{"command":"a","params":{"i_customer":7}}', [customer(7)]],
  ['an account, as a text', '{"command":"a","params":{"i_account":"8"}}', [account(8)]],
  ['both', '{"command":"a","params":{"i_customer":7,"i_account":8}}', [account(8), customer(7)]],
  ['a customer within a record', '{"command":"a","params":{"customer_info":{"i_customer":7}}}', [customer(7)]],
  ['a customer without params', '{"command":"a","i_customer":7}', [customer(7)]],
  ['nobody', '{"command":"a","params":{"tracking_id":"x"}}', []],
  ['nobody, in natural keys', '{"command":"get_customer_info","params":{"name":"x"}}', []],
  ['nothing: a text', '"a"', null],
  ['nothing: a list', '[{"i_customer":7}]', null],
  ['nothing: no JSON', 'i_customer=7', null],
  ['nothing: null', 'null', null]
]
for (const [what, text, references] of rows) {
  test(`a command names ${what}`, () => {
    const command = readCommand(text)
    assert.deepEqual(command === null ? null : referencesOf(command), references)
  })
}

test('a command that contradicts itself has no system', () => {
  const command = readCommand('{"params":{"i_customer":7,"customer_info":{"i_customer":8}}}')
  assert.ok(command)
  assert.throws(() => referencesOf(command), { faultcode: 'Client.Dispatcher.malformed_request' })
})

const fault = new Fault('ambiguous_entity')
const told = { faultcode: fault.faultcode, faultstring: fault.message }
for (const [text, answer] of [
  ['{"command":"a","id":7}', { response: 'a', id: 7, fault: told }],
  ['{"command":"a","id":{"x":null}}', { response: 'a', id: { x: null }, fault: told }],
  ['{"command":5}', { fault: told }],
  ['no command', { fault: told }]
] as const) {
  test(`a fault answers ${text}`, () => {
    assert.deepEqual(JSON.parse(faultAnswer(fault, readCommand(text))), answer)
  })
}
