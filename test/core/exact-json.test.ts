import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactNumber, parseExact } from '../../core/exact-json.ts'

for (const text of [
  '9007199254740993',
  '1.10',
  '0.00',
  '-0',
  '[-0,1]',
  '0.0000001',
  '123456789.123456789',
  '1e3',
  '1E+21',
  '100000000000000000000000',
  '-23.61693',
  '{"a":[1.50,{"b":12345678901234567890}],"c":"1.50"}'
]) {
  test(`exact JSON: ${text} comes out as it came in`, () => {
    assert.equal(JSON.stringify(parseExact(text)), text)
  })
}

test('exact JSON: a number of any digits is written with them', () => {
  assert.equal(JSON.stringify({ limit: exactNumber('12.50') }), '{"limit":12.50}')
})

const digits = fc.stringMatching(/^[0-9]{1,24}$/)
const numberText = fc
  .tuple(
    fc.boolean(),
    fc.stringMatching(/^(?:0|[1-9][0-9]{0,20})$/),
    fc.option(digits),
    fc.option(fc.integer({ min: -30, max: 30 }))
  )
  .map(([isNegative, whole, fraction, exponent]) =>
    [
      isNegative ? '-' : '',
      whole,
      fraction === null ? '' : `.${fraction}`,
      exponent === null ? '' : `e${exponent}`
    ].join('')
  )

test('exact JSON: every number keeps its text', () => {
  fc.assert(
    fc.property(fc.array(numberText, { maxLength: 5 }), (numbers) => {
      const text = `[${numbers.join(',')}]`
      assert.equal(JSON.stringify(parseExact(text)), text)
    }),
    { numRuns: 2000 }
  )
})
