import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { memberText, withMembers } from '../../core/json-text.ts'

const object = ` { "limit" : 1.10 , "of":{"limit":2,"a":[{"offset":3}]},"text":"\\"limit\\":4,}", "id":12345678901234567890 } `

for (const [name, text] of [
  ['limit', '1.10'],
  ['of', '{"limit":2,"a":[{"offset":3}]}'],
  ['text', '"\\"limit\\":4,}"'],
  ['id', '12345678901234567890'],
  ['offset', undefined],
  ['a', undefined],
  ['', undefined],
  ['__proto__', undefined],
  ['constructor', undefined]
] as const) {
  test(`json text: the member ${JSON.stringify(name)} is ${text}`, () => assert.equal(memberText(object, name), text))
}

for (const [text, name, expected] of [
  ['{}', 'a', undefined],
  [' { } ', 'a', undefined],
  ['{"a":1,"b":2,"a":3}', 'a', '3'],
  ['{"\\u0061":1}', 'a', '1'],
  ['{"a\\"b":1}', 'a"b', '1'],
  ['{"":1}', '', '1'],
  ['{"__proto__":1}', '__proto__', '1'],
  ['{"a":[ ]}', 'a', '[ ]'],
  ['{"a":"\\\\"}', 'a', '"\\\\"'],
  ['{"a" :\n[1, 2] }', 'a', '[1, 2]']
] as const) {
  test(`json text: ${JSON.stringify(text)} has ${expected} as ${JSON.stringify(name)}`, () => {
    assert.equal(memberText(text, name), expected)
  })
}

for (const [text, changes, expected] of [
  ['{}', {}, '{}'],
  ['{}', { a: '1' }, '{"a":1}'],
  [' { } ', { a: null }, ' {} '],
  ['{"a":1}', { a: null }, '{}'],
  ['{"a":1}', { a: '{"b":1.10}' }, '{"a":{"b":1.10}}'],
  ['{"a":1,"b":2.0,"c":3}', { b: null }, '{"a":1,"c":3}'],
  ['{"a":1,"b":2.0}', { a: '9', c: '"x"' }, '{"b":2.0,"a":9,"c":"x"}'],
  ['{"a":1,"b":2,"a":3}', { a: '4' }, '{"b":2,"a":4}'],
  ['{"\\u0061":1,"b":{"a":1}}', { a: null }, '{"b":{"a":1}}'],
  ['\n{"a" :\t1 , "id":12345678901234567890}\n', { limit: '5' }, '\n{"a" :\t1,"id":12345678901234567890,"limit":5}\n'],
  ['{"a":"}"}', { 'b"': '"{"' }, '{"a":"}","b\\"":"{"}']
] as const) {
  test(`json text: ${JSON.stringify(text)} with ${JSON.stringify(changes)}`, () => {
    assert.equal(withMembers(text, changes), expected)
  })
}

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 2 })
// No name has a backslash: after one, V8 reads other names wrongly that are written in escapes (nodejs/node#63785).
const unit = fc.string({ minLength: 1, maxLength: 1 }).filter((one) => one !== '\\')
const name = fc.oneof(fc.constantFrom('a', 'b', 'limit', '__proto__', '1', '"', ','), fc.string({ unit }))
/** A name as JSON may write it: as it is, or in escapes alone. */
const nameText = fc.tuple(name, fc.boolean()).map(([one, isEscaped]) => {
  if (!isEscaped) return JSON.stringify(one)
  return `"${one.replace(/./gs, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
})
const valueText = fc.oneof(
  fc.constantFrom('1.10', '12345678901234567890', '-1e5', '"\\/\\u0061"', 'true', 'null', '{ "a":{"b" : [ ] }}'),
  fc
    .tuple(fc.jsonValue({ stringUnit: unit }), fc.constantFrom(0, 1, '\t'))
    .map(([value, indent]) => JSON.stringify(value, null, indent))
)
const members = fc.array(fc.tuple(space, nameText, space, space, valueText, space), { maxLength: 6 })
const objectText = fc.tuple(space, members, space).map(([open, all, close]) => {
  const texts = all.map(([a, key, b, c, value, d]) => `${a}${key}${b}:${c}${value}${d}`)
  return `${open}{${texts.length === 0 ? open : texts.join(',')}}${close}`
})
const changesOf = fc.dictionary(name, fc.option(valueText), { maxKeys: 4 })

test('json text: each member of any object is the text of its value', () => {
  fc.assert(
    fc.property(objectText, name, (text, other) => {
      const parsed = JSON.parse(text)
      for (const one of [other, ...Object.keys(parsed)]) {
        const found = memberText(text, one)
        const expected = Object.hasOwn(parsed, one) ? JSON.stringify(parsed[one]) : undefined
        assert.equal(found && JSON.stringify(JSON.parse(found)), expected)
      }
    })
  )
})

test('json text: any object with any changes has them, and its other members keep their texts', () => {
  fc.assert(
    fc.property(objectText, changesOf, (text, changes) => {
      const changed = withMembers(text, changes)
      const expected = new Map<string, unknown>(Object.entries(JSON.parse(text)))
      for (const [one, raw] of Object.entries(changes)) {
        if (raw === null) expected.delete(one)
        else expected.set(one, JSON.parse(raw))
      }
      assert.deepEqual(new Map(Object.entries(JSON.parse(changed))), expected)
      for (const one of expected.keys()) {
        assert.equal(memberText(changed, one), Object.hasOwn(changes, one) ? changes[one] : memberText(text, one))
      }
    })
  )
})

test('json text: a member that is set twice stands there once', () => {
  fc.assert(
    fc.property(objectText, changesOf, (text, changes) => {
      const once = withMembers(text, changes)
      assert.equal(withMembers(once, changes), once)
    })
  )
})
