import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCompare, type Order, type RowKey, type SortValue, sortValueOf } from '../../core/order.ts'
import { exactNumber } from '../../simulator/exact-json.ts'
import { compareValues } from '../../simulator/lists.ts'

const byName: Order = { field: 'name', direction: 'asc', id: 'i_customer', ties: 'asc', kind: null }
const ordered = (order: Partial<Order> = {}) => createCompare({ ...byName, ...order })
const key = (value: SortValue, id = ''): RowKey => ({ value, id })

/** The sign of comparing two values, checked in both directions and under both of them. */
function signOf(a: SortValue, b: SortValue, kind: Order['kind'] = null): number {
  const compare = ordered({ kind })
  const sign = Math.sign(compare(key(a), key(b)))
  const isSame = (other: number) => assert.ok(Math.sign(other) === sign, `${String(a)} against ${String(b)}`)
  isSame(-compare(key(b), key(a)))
  isSame(ordered({ kind, direction: 'desc' })(key(b), key(a)))
  return sign
}

const texts: readonly (readonly [string, '<' | '=', string])[] = [
  ['', '<', 'a'],
  ['a', '<', 'ab'],
  ['ACME', '=', 'acme'],
  ['acme', '<', 'Zebra'],
  ['Zebra', '<', 'öresund'],
  ['ÖRESUND', '=', 'öresund'],
  ['_', '<', 'Z'],
  ['z', '<', 'É'],
  ['[', '<', 'a'],
  ['1', '<', 'A'],
  ['10', '<', '9'],
  ['ab\u{1f600}', '=', 'AB\u{1f600}'],
  ['a\u{1f600}', '<', 'a\u{1f601}'],
  // JavaScript's own `<` has these the other way round.
  ['\uffee', '<', '\u{1f600}'],
  ['a\ue000', '<', 'A\u{10000}'],
  ['\ud83d\uffee', '<', '\u{1f600}'],
  ['\ud83d ', '<', '\ud83d!'],
  // A final sigma, the sign of Kelvin, a letter that becomes two.
  ['ΑΣ', '=', 'ας'],
  ['ΑΣΑ', '=', 'ασα'],
  ['\u212a', '=', 'K'],
  ['i', '<', 'İ'],
  ['İ', '=', 'i\u0307'],
  ['I\u0307', '=', 'İ']
]

for (const [a, relation, b] of texts) {
  test(`order: as texts ${JSON.stringify(a)} ${relation} ${JSON.stringify(b)}`, () => {
    assert.equal(signOf(a, b), relation === '=' ? 0 : -1)
    assert.equal(signOf(a, b, 'text'), relation === '=' ? 0 : -1)
  })
}

const numbers: readonly (readonly [SortValue, '<' | '=', SortValue])[] = [
  [-23.61693, '<', -23.6],
  [2, '<', 10],
  ['2', '<', '10'],
  ['9', '<', 10],
  ['1.10', '=', 1.1],
  ['1.10', '=', '1.1'],
  ['-23.61693', '<', '-3'],
  [' 5 ', '=', 5],
  ['+5', '=', 5],
  ['.5', '=', 0.5],
  ['1e3', '=', 1000],
  [9007199254740992n, '<', 9007199254740993n],
  ['9007199254740992', '<', '9007199254740993'],
  [9007199254740993n, '=', '9007199254740993'],
  [9007199254740992, '<', 9007199254740993n],
  [9007199254740991, '<', 9007199254740992n],
  [1.5, '<', 12345678901234567890n],
  ['-12345678901234567891', '<', '-12345678901234567890'],
  [1, '<', ''.padStart(400, '9')],
  // An empty value of a number is a NULL; what is no number at all comes last, as a text.
  [null, '=', ''],
  ['', '<', -5],
  [99, '<', 'none'],
  [99n, '<', '0x10'],
  ['Else', '<', 'none']
]

for (const [a, relation, b] of numbers) {
  test(`order: as numbers ${typeof a} ${a} ${relation} ${typeof b} ${b}`, () => {
    assert.equal(signOf(a, b, 'number'), relation === '=' ? 0 : -1)
  })
}

const mixed: readonly (readonly [SortValue, '<' | '=', SortValue, Order['kind']])[] = [
  [null, '<', '', null],
  [null, '<', '', 'text'],
  [null, '<', -1, null],
  [null, '=', null, null],
  [2, '<', 10, null],
  [2, '<', 10n, null],
  [10, '<', '2', null],
  [10n, '<', '2', null],
  [10, '<', 2, 'text'],
  [10n, '<', 2, 'text'],
  [10, '=', '10', null],
  ['10', '<', '2', null]
]

for (const [a, relation, b, kind] of mixed) {
  test(`order: kind ${kind}: ${typeof a} ${a} ${relation} ${typeof b} ${b}`, () => {
    assert.equal(signOf(a, b, kind), relation === '=' ? 0 : -1)
  })
}

test('order: NULL comes first, and last under desc', () => {
  const rows = [key('b'), key(null), key('A')]
  assert.deepEqual(rows.toSorted(ordered()), [key(null), key('A'), key('b')])
  assert.deepEqual(rows.toSorted(ordered({ direction: 'desc' })), [key('b'), key('A'), key(null)])
})

const ids: readonly (readonly [string, '<' | '=', string])[] = [
  ['9', '<', '10'],
  ['007', '=', '7'],
  ['0', '<', '00001'],
  ['99999999999999999999', '<', '100000000000000000000'],
  ['12345678901234567890', '<', '12345678901234567891'],
  ['10', '<', '9a'],
  ['B', '<', 'a'],
  ['\uffee', '<', '\u{1f600}'],
  ['', '=', '5'],
  ['5', '=', '']
]

for (const direction of ['asc', 'desc'] as const) {
  for (const [a, relation, b] of ids) {
    test(`order: ${direction}, one value: id ${JSON.stringify(a)} ${relation} ${JSON.stringify(b)} as ties say`, () => {
      const compared = (ties: Order['ties'], id = 'i_customer') =>
        Math.sign(ordered({ direction, ties, id })(key('Same', a), key('same', b)))
      assert.equal(compared('asc'), relation === '=' ? 0 : -1)
      assert.equal(compared('desc'), relation === '=' ? 0 : 1)
      assert.equal(compared('none'), 0)
      assert.equal(compared('asc', ''), 0)
    })
  }
}

test('order: texts follow each other by the code points of their small letters', () => {
  const pointsOf = (text: string) => Array.from(text.toLowerCase(), (one) => one.codePointAt(0) ?? 0)
  const expected = (a: string, b: string) => {
    const [left, right] = [pointsOf(a), pointsOf(b)]
    const at = left.findIndex((point, index) => point !== right[index])
    return at === -1 ? Math.sign(left.length - right.length) : Math.sign((left[at] ?? 0) - (right[at] ?? -1))
  }
  const unit = fc.oneof(
    fc.constantFrom('a', 'A', 'b', 'Σ', 'İ', '\ud83d', '\ude00', '\ue000', '\uffee', '\u{1f600}'),
    fc.string({ unit: 'grapheme', maxLength: 1 })
  )
  const text = fc.array(unit, { maxLength: 5 }).map((units) => units.join(''))
  const check = (a: string, b: string) => assert.equal(signOf(a, b, 'text'), expected(a, b))
  fc.assert(fc.property(text, text, check), { numRuns: 1000 })
})

test('order: any values of a kind can be sorted', () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.integer({ min: -20, max: 20 }),
    fc.bigInt({ min: -20n, max: 20n }),
    fc.constantFrom(0.5, 9007199254740993n, 1e300),
    fc.constantFrom(
      '',
      ' ',
      'a',
      'A',
      'b',
      '1',
      '01',
      '1.0',
      '-5',
      '10',
      '9007199254740992',
      'é',
      '\u{1f600}',
      '\uffee'
    )
  )
  for (const kind of ['text', 'number'] as const) {
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        if (signOf(a, b, kind) <= 0 && signOf(b, c, kind) <= 0) assert.ok(signOf(a, c, kind) <= 0)
      }),
      { numRuns: 1000 }
    )
  }
})

test('order: the simulated systems compare the same way', () => {
  const number = fc.oneof(
    fc.integer().map(String),
    fc.bigInt().map(String),
    fc.tuple(fc.integer(), fc.nat(99)).map(([whole, cents]) => `${whole}.${String(cents).padStart(2, '0')}`)
  )
  const same = (a: string, b: string, theirs: number, kind: Order['kind']) =>
    assert.equal(signOf(sortValueOf(a), sortValueOf(b), kind), Math.sign(theirs))
  fc.assert(
    fc.property(number, number, (a, b) => {
      const areWhole = !a.includes('.') && !b.includes('.')
      if (!areWhole && Number(a) === Number(b) && a !== b) return
      same(a, b, compareValues(exactNumber(a), exactNumber(b)), 'number')
    })
  )
  // Above U+FFFF they compare computed rows by UTF-16.
  const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0xd7ff }).map((unit) => String.fromCharCode(unit)) })
  const value = fc.option(fc.oneof(text, fc.constantFrom('acme', 'ACME', 'Acme 2')))
  fc.assert(
    fc.property(value, value, (a, b) => same(JSON.stringify(a), JSON.stringify(b), compareValues(a, b), 'text'))
  )
})

for (const [raw, value] of [
  ['null', null],
  ['0', 0],
  ['-12', -12],
  ['123456789012345', 123456789012345],
  ['-123456789012345', -123456789012345],
  ['1234567890123456', 1234567890123456n],
  ['-1234567890123456', -1234567890123456n],
  ['12345678901234567890', 12345678901234567890n],
  ['1.10', 1.1],
  ['-23.61693', -23.61693],
  ['1e3', 1000],
  ['12345678901234567890.5', 12345678901234567000],
  ['true', 'true'],
  ['false', 'false'],
  ['""', ''],
  ['"12"', '12'],
  ['"null"', 'null'],
  ['"Zürich"', 'Zürich'],
  ['"Z\\u00fcrich \\"West\\""', 'Zürich "West"'],
  ['"\\x"', null],
  ['{"a":1}', null],
  ['[1]', null],
  ['', null],
  ['12x', null],
  ['nul', null]
] as const) {
  test(`order: ${raw || 'nothing'} sorts as ${typeof value} ${value}`, () => assert.equal(sortValueOf(raw), value))
}
