import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../core/faults.ts'
import { naturalKeys, type Reference, referencesIn } from '../../core/references.ts'
import type { JsonObject } from '../../core/words.ts'

const routeOf = (name: string) => {
  const [service = '', method = ''] = name.split('/')
  return { service, method }
}
const customer = (number: number): Reference => ({ kind: 'customer', keys: { i_customer: number } })
const account = (number: number): Reference => ({ kind: 'account', keys: { i_account: number } })
const faultOf = (name: string, params: unknown): string => {
  try {
    referencesIn(routeOf(name), params as JsonObject)
  } catch (error) {
    assert.ok(error instanceof Fault)
    assert.equal(error.fault, 'malformed_request')
    return error.message.replace('The request cannot be read: ', '')
  }
  assert.fail('nothing was thrown')
}

const customerInfo = 'Customer/get_customer_info'
const accountInfo = 'Account/get_account_info'

const rows: readonly (readonly [what: string, name: string, params: object | null, references: Reference[]])[] = [
  ['no parameters', customerInfo, null, []],
  ['empty parameters', customerInfo, {}, []],
  ['a customer', customerInfo, { i_customer: 7 }, [customer(7)]],
  ['a customer as digits', customerInfo, { i_customer: '7' }, [customer(7)]],
  ['digits with zeros in front', customerInfo, { i_customer: '007' }, [customer(7)]],
  ['the largest number', customerInfo, { i_customer: Number.MAX_SAFE_INTEGER }, [customer(Number.MAX_SAFE_INTEGER)]],
  ['an account', accountInfo, { i_account: 9 }, [account(9)]],
  ['a master account', 'Account/get_alias_list', { i_master_account: 9 }, [account(9)]],
  ['both, the account first', 'X/y', { i_customer: 7, i_account: 9 }, [account(9), customer(7)]],
  ['a record to write', 'Customer/update_customer', { customer_info: { i_customer: 7, name: 'x' } }, [customer(7)]],
  ['an account to write', 'Account/update_account', { account_info: { i_account: '9' } }, [account(9)]],
  ['a creation under a customer', 'Account/add_account', { account_info: { i_customer: 7, id: 'x' } }, [customer(7)]],
  ['an alias to write', 'Account/add_alias', { alias_info: { i_master_account: 9, id: 'x' } }, [account(9)]],
  ['any record', 'X/y', { some_new_info: { i_customer: 7 } }, [customer(7)]],
  ['the same number twice', 'X/y', { i_customer: 7, customer_info: { i_customer: '7' } }, [customer(7)]],
  ['an alias beside its master', 'X/y', { i_master_account: 8, i_account: 9 }, [account(9)]],
  ['an alias below its master', 'X/y', { i_master_account: 8, alias_info: { i_account: 9 } }, [account(9)]],
  ['nothing: null', customerInfo, { i_customer: null }, []],
  ['nothing: an empty text', customerInfo, { i_customer: '' }, []],
  ['nothing beside a number', 'X/y', { i_customer: null, customer_info: { i_customer: 7 } }, [customer(7)]],
  ['a record that is none', 'X/y', { customer_info: null, account_info: [{ i_account: 9 }], x_info: 'i_account' }, []],
  ['a member that is no record', 'X/y', { search: { i_customer: 7 } }, []],
  ['a record inside a record', 'X/y', { a_info: { b_info: { i_customer: 7 } } }, []],
  ['another number', 'X/y', { i_parent: 7, i_env: 1, i_customer_type: 2 }, []],
  ['a name', customerInfo, { name: 'x' }, [{ kind: 'customer', keys: { name: 'x' } }]],
  ['a login', customerInfo, { login: 'x' }, [{ kind: 'customer', keys: { login: 'x' } }]],
  [
    'all natural keys that are given',
    customerInfo,
    { name: 'x', refnum: 5, login: '' },
    [{ kind: 'customer', keys: { refnum: '5', name: 'x' } }]
  ],
  ['an id', accountInfo, { id: '1555' }, [{ kind: 'account', keys: { id: '1555' } }]],
  ['an id as a number', accountInfo, { id: 15550000001 }, [{ kind: 'account', keys: { id: '15550000001' } }]],
  ['a number beats natural keys', customerInfo, { i_customer: 7, name: 'x' }, [customer(7)]],
  [
    "another kind's number does not",
    accountInfo,
    { i_customer: 7, id: 'x' },
    [{ kind: 'account', keys: { id: 'x' } }, customer(7)]
  ],
  [
    "nor the other way about, and the account's first",
    customerInfo,
    { i_account: 9, name: 'x' },
    [account(9), { kind: 'customer', keys: { name: 'x' } }]
  ],
  ['natural keys of other methods are filters', 'Customer/get_customer_list', { name: 'x' }, []],
  ['natural keys to write', 'Customer/update_customer', { customer_info: { name: 'x' } }, []],
  ['natural keys of the other kind', customerInfo, { id: 'x' }, []],
  ['a natural key of 1000 characters', accountInfo, { id: 'x'.repeat(1000) }, [named('account', 'x'.repeat(1000))]],
  ['a natural key beyond that', accountInfo, { id: 'x'.repeat(1001) }, []],
  ['natural keys that are no texts', accountInfo, { id: ['x'], login: { x: 1 } }, []]
]

function named(kind: 'account', id: string): Reference {
  return { kind, keys: { id } }
}

for (const [what, name, params, references] of rows) {
  test(`${name} with ${what}: ${references.length} references`, () => {
    assert.deepEqual(referencesIn(routeOf(name), params as JsonObject | null), references)
  })
}

const noNumbers = [
  0,
  -7,
  7.5,
  2 ** 53,
  '0',
  '-7',
  '7.5',
  '9007199254740993',
  ' 7',
  '7x',
  'x',
  '0x7',
  '1e3',
  true,
  [],
  {},
  [7]
]
for (const value of noNumbers) {
  test(`${JSON.stringify(value)} is no entity's number`, () => {
    assert.equal(faultOf('X/y', { i_customer: value }), 'params.i_customer is not a whole number above 0')
    const nested = faultOf('X/y', { customer_info: { i_customer: value } })
    assert.equal(nested, 'params.customer_info.i_customer is not a whole number above 0')
    assert.equal(faultOf('X/y', { i_account: value }), 'params.i_account is not a whole number above 0')
    assert.equal(faultOf('X/y', { i_master_account: value }), 'params.i_master_account is not a whole number above 0')
  })
}

const contradictions: readonly (readonly [params: object, places: string])[] = [
  [{ i_customer: 7, customer_info: { i_customer: 8 } }, 'params.i_customer and params.customer_info.i_customer'],
  [
    { account_info: { i_customer: 7 }, customer_info: { i_customer: 8 } },
    'params.account_info.i_customer and params.customer_info.i_customer'
  ],
  [{ i_account: '7', account_info: { i_account: 8 } }, 'params.i_account and params.account_info.i_account'],
  [
    { i_account: 6, i_master_account: 7, alias_info: { i_master_account: 8 } },
    'params.i_master_account and params.alias_info.i_master_account'
  ]
]
for (const [params, places] of contradictions) {
  test(`${JSON.stringify(params)} contradicts itself`, () => {
    assert.equal(faultOf('X/y', params), `${places} contradict each other`)
  })
}

test("a member that no API has is no record, so that a client's text never comes back in a fault", () => {
  for (const name of ['<b>_info', `${'x'.repeat(61)}_info`, 'a b_info', 'é_info']) {
    assert.deepEqual(referencesIn(routeOf('X/y'), { [name]: { i_customer: 'x' } }), [])
  }
})

test('whatever the parameters are, there is at most one reference of a kind, or a malformed request', () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(1, 2, '1', '2', '', null))
  const key = fc.constantFrom('i_customer', 'i_account', 'i_master_account', 'id', 'name', 'login', 'refnum')
  const record = fc.dictionary(key, value)
  const name = fc.constantFrom('customer_info', 'account_info', 'alias_info', '__proto__')
  const params = fc.tuple(record, fc.dictionary(name, fc.oneof(record, value)))
  fc.assert(
    fc.property(params, fc.constantFrom(...Object.keys(naturalKeys), 'X/y'), ([top, records], method) => {
      try {
        const references = referencesIn(routeOf(method), { ...top, ...records })
        const kinds = references.map(({ kind }) => kind)
        assert.ok(['', 'account', 'customer', 'account,customer'].includes(kinds.join()))
        for (const { keys } of references) assert.ok(Object.keys(keys).length > 0)
      } catch (error) {
        assert.ok(error instanceof Fault && error.fault === 'malformed_request', String(error))
      }
    })
  )
})
