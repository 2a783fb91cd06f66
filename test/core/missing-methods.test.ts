import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keptMissing, MissingMethods, missingNameOf, otherMethods } from '../../core/missing-methods.ts'

for (const [service, method, name] of [
  ['Customer', 'get_customer_info', 'Customer/get_customer_info'],
  ['Session', 'ping', 'Session/ping'],
  ['CDR', 'get_h323_list', 'CDR/get_h323_list'],
  ['Customer', '', 'Customer/*'],
  ['Customer', 'a9fc62c22529547256913502b270cc3c', otherMethods],
  ['Customer', 'Get_customer', otherMethods],
  ['Customer', 'get__customer', otherMethods],
  ['Customer', 'get_customer_', otherMethods],
  ['Customer', `get_${'x'.repeat(57)}`, otherMethods],
  ['Customer2', 'get_info', otherMethods],
  ['A'.repeat(41), 'get_info', otherMethods]
] as const) {
  test(`${service}/${method} is counted as ${name}`, () => assert.equal(missingNameOf({ service, method }), name))
}

test('a method is new once for each system', () => {
  const missing = new MissingMethods()
  assert.equal(missing.note('A/b', 'source', 1), true)
  assert.equal(missing.note('A/b', 'target', 2), true)
  assert.equal(missing.note('A/b', 'source', 3), false)
  assert.equal(missing.note(otherMethods, 'source', 4), false)
  assert.deepEqual(missing.list(), [
    { call: otherMethods, system: 'source', count: 1, at: 4 },
    { call: 'A/b', system: 'source', count: 2, at: 3 },
    { call: 'A/b', system: 'target', count: 1, at: 2 }
  ])
})

test('names by mistake push out each other, not what is often asked for, and no count is lost', () => {
  const missing = new MissingMethods()
  for (const at of [1, 2]) missing.note('SIMCard/get_sim_card_list', 'source', at)
  const mistakes = Array.from({ length: 1000 }, (_none, at) => missing.note(`A/b${at}`, 'source', at + 3))
  assert.equal(mistakes.filter(Boolean).length, keptMissing - 1, 'the log is not flooded')
  const rows = missing.list()
  assert.ok(rows.length <= keptMissing + 1)
  assert.equal(rows.find(({ call }) => call === 'SIMCard/get_sim_card_list')?.count, 2)
  assert.equal(
    rows.reduce((sum, { count }) => sum + count, 0),
    1002
  )
})
