import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../core/faults.ts'
import type { ListMethod } from '../../core/methods.ts'
import { isDisjoint, isSet, pagingOf, partChanges, wantsTotal } from '../../core/paging.ts'

const list: ListMethod = {
  arrayKey: 'things',
  id: 'i_thing',
  orderBy: 'i_thing',
  direction: 'asc',
  ties: 'asc',
  compare: {},
  skipExported: 'skip_exported',
  exportedFilters: ['skip_exported', 'state']
}
const withoutFilter: ListMethod = { ...list, skipExported: '', exportedFilters: [] }

for (const [params, limit, offset] of [
  [null, null, 0],
  [{}, null, 0],
  [{ limit: 50 }, 50, 0],
  [{ limit: 0 }, 0, 0],
  [{ limit: 50, offset: 100 }, 50, 100],
  [{ limit: '50', offset: '100' }, 50, 100],
  [{ limit: ' 50 ', offset: '007' }, 50, 7],
  [{ limit: 5, offset: 0 }, 5, 0],
  [{ limit: 5, offset: null }, 5, 0],
  [{ limit: 5, offset: '' }, 5, 0],
  [{ limit: null }, null, 0],
  [{ limit: '' }, null, 0],
  // The systems' own affair: it asks for nothing that needs a limit.
  [{ offset: 0 }, null, 0],
  [{ offset: '0' }, null, 0],
  [{ limit: Number.MAX_SAFE_INTEGER, offset: Number.MAX_SAFE_INTEGER }, 2 ** 53 - 1, 2 ** 53 - 1]
] as const) {
  test(`paging: ${JSON.stringify(params)} is limit ${limit}, offset ${offset}`, () => {
    assert.deepEqual(pagingOf(params), { limit, offset })
  })
}

for (const [params, name] of [
  [{ limit: -1 }, 'limit'],
  [{ limit: '-1' }, 'limit'],
  [{ limit: 1.5 }, 'limit'],
  [{ limit: '1.5' }, 'limit'],
  [{ limit: '1e3' }, 'limit'],
  [{ limit: '0x10' }, 'limit'],
  [{ limit: 'abc' }, 'limit'],
  [{ limit: ' ' }, 'limit'],
  [{ limit: true }, 'limit'],
  [{ limit: [] }, 'limit'],
  [{ limit: {} }, 'limit'],
  [{ limit: 2 ** 53 }, 'limit'],
  [{ limit: Number.POSITIVE_INFINITY }, 'limit'],
  [{ limit: Number.NaN }, 'limit'],
  [{ limit: '9007199254740993' }, 'limit'],
  [{ limit: 5, offset: -1 }, 'offset'],
  [{ limit: 5, offset: 0.5 }, 'offset'],
  [{ limit: 5, offset: 'x' }, 'offset'],
  [{ limit: 5, offset: false }, 'offset'],
  [{ offset: 1 }, 'offset'],
  [{ offset: '10', limit: '' }, 'offset']
] as const) {
  test(`paging: ${JSON.stringify(params)} is malformed, and the fault names ${name}`, () => {
    assert.throws(
      () => pagingOf(params),
      (error) =>
        error instanceof Fault && error.fault === 'malformed_request' && error.message.includes(`params.${name}`)
    )
  })
}

for (const [value, set] of [
  [1, true],
  ['1', true],
  ['Y', true],
  ['y', true],
  [true, true],
  [0, false],
  ['0', false],
  ['N', false],
  ['n', false],
  [false, false],
  ['', false],
  [null, false],
  [undefined, false],
  [2, false],
  ['11', false],
  ['yes', false],
  [[1], false]
] as const) {
  test(`paging: a flag that is ${JSON.stringify(value)} is ${set ? 'set' : 'not set'}`, () => {
    assert.equal(isSet(value), set)
    assert.equal(wantsTotal({ get_total: value }), set)
  })
}

test('paging: who gives no parameters wants no total', () => assert.equal(wantsTotal(null), false))

for (const [params, added, disjoint] of [
  [null, true, true],
  [{}, true, true],
  [{ name: '%', get_statuses: 1 }, true, true],
  [{ skip_exported: '' }, true, true],
  [{ skip_exported: null }, true, true],
  [{ state: '' }, true, true],
  [{ skip_exported: 0 }, false, false],
  [{ skip_exported: 'N' }, false, false],
  [{ skip_exported: 1 }, false, true],
  [{ skip_exported: 'Y' }, false, true],
  [{ state: 'E' }, false, false],
  [{ state: 0 }, false, false],
  [{ state: 'O', skip_exported: '1' }, false, true]
] as const) {
  const what = `${added ? 'left out' : 'left alone'}, the lists ${disjoint ? 'have nobody' : 'may have somebody'} in common`
  test(`paging: ${JSON.stringify(params)}: exported rows are ${what}`, () => {
    const part = { offset: 0, limit: null, isPage: true }
    assert.deepEqual(partChanges(list, params, part), added ? { skip_exported: '1' } : {})
    assert.equal(isDisjoint(list, params), disjoint)
    assert.deepEqual(partChanges(withoutFilter, params, part), {})
    assert.equal(isDisjoint(withoutFilter, params), false)
  })
}

for (const [part, changes] of [
  [
    { offset: 0, limit: 5, isPage: true },
    { limit: '5', offset: '0', skip_exported: '1' }
  ],
  [
    { offset: 7, limit: 0, isPage: true },
    { limit: '0', offset: '7', skip_exported: '1' }
  ],
  [
    { offset: 2, limit: 1, isPage: false },
    { limit: '1', offset: '2', get_total: null, skip_exported: '1' }
  ],
  [{ offset: 0, limit: null, isPage: true }, { skip_exported: '1' }]
] as const) {
  test(`paging: ${JSON.stringify(part)} changes ${JSON.stringify(changes)} and nothing else`, () => {
    assert.deepEqual(partChanges(list, { get_total: 1, limit: 3, offset: 9, name: 'x' }, part), changes)
  })
}
