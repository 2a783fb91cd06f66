import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  absent,
  endOfNested,
  endOfString,
  endOfValue,
  garbage,
  rawAt,
  skipSpace,
  wantedOf
} from '../../core/json-bytes.ts'

const values: readonly (readonly [what: string, text: string])[] = [
  ['a string', '"a"'],
  ['a string with a quote', String.raw`"a\"b"`],
  ['a string that ends with a backslash', String.raw`"a\\"`],
  ['a string with brackets', '"[{]}"'],
  ['a number', '-1.5e3'],
  ['a word', 'true'],
  ['null', 'null'],
  ['an empty object', '{}'],
  ['an array of objects', '[{"a":[1]},{"b":"]"}]']
]

for (const [what, text] of values) {
  for (const behind of ['', ' ', ',1', ']', '}']) {
    test(`json-bytes: ${what} before "${behind}" ends where it ends`, () =>
      assert.equal(endOfValue(Buffer.from(` ${text}${behind}`), 1), 1 + text.length))
  }
}

for (const text of ['"a', String.raw`"a\"`, '{"a":1', '[1}', '{"a":[}]', 'nul', '']) {
  test(`json-bytes: ${text} is no value`, () => assert.equal(endOfValue(Buffer.from(text), 0), garbage))
}

const keys: readonly (readonly [what: string, text: string, field: string | null, id: string | null])[] = [
  ['both keys', '{"id":7,"name":"a"}', '"a"', '7'],
  ['the last of a name', '{"name":"a","name":"b"}', '"b"', null],
  ['an escaped name', String.raw`{"n\u0061me":1}`, '1', null],
  ['spaces around the colon', '{"name" : 1}', '1', null],
  ['a name as a value', '{"a":"name","b":"id"}', null, null],
  ['names further inside', '{"a":{"name":1,"id":2},"b":[{"id":3}]}', null, null],
  ['an array as a value', '{"name":[1]}', 'null', null]
]

for (const [what, text, field, id] of keys) {
  test(`json-bytes: the values of wanted keys are found with ${what}`, () => {
    const body = Buffer.from(text)
    const wanted = wantedOf('name', 'id')
    assert.equal(endOfNested(body, 0, wanted), body.length)
    const rawOf = (at: number) => (at === absent ? null : rawAt(body, at))
    assert.deepEqual([rawOf(wanted.fieldAt), rawOf(wanted.idAt)], [field, id])
  })
}

test('json-bytes: space is what JSON calls so', () => {
  assert.equal(skipSpace(Buffer.from(' \t\r\nx'), 0), 4)
  assert.equal(skipSpace(Buffer.from('\u00a0x'), 0), 0)
  assert.equal(skipSpace(Buffer.from('  '), 0), 2)
})

test('json-bytes: a string without its end is garbage', () =>
  assert.equal(endOfString(Buffer.from('"abc'), 0), garbage))
