import assert from 'node:assert/strict'
import { test } from 'node:test'
import typebox from 'typebox'
import { Type } from '../../core/schema.ts'

type Build = (type: typeof Type) => unknown

const cases: readonly [what: string, build: Build][] = [
  ['an array', (type) => type.Array(type.String(), { minItems: 1, description: 'Some.' })],
  ['a boolean', (type) => type.Boolean({ default: false })],
  ['an integer', (type) => type.Integer({ minimum: 0, maximum: 9 })],
  ['a text', (type) => type.String({ format: 'host' })],
  ['a constant text', (type) => type.Literal('auto')],
  ['a constant number', (type) => type.Literal(301)],
  ['a constant false', (type) => type.Literal(false, { description: 'Off.' })],
  ['anything', (type) => type.Unknown()],
  ['anything with words', (type) => type.Unknown({ description: 'Any.' })],
  ['one of several', (type) => type.Union([type.Boolean(), type.Object({})], { default: {} })],
  ['what TypeScript alone sees', (type) => type.Unsafe<1>(type.Union([type.Literal(1)]))],
  ['any keys', (type) => type.Record(type.String(), type.Integer(), { default: {} })],
  ['an object of nothing', (type) => type.Object({}, { additionalProperties: false })],
  ['an object of what may be absent', (type) => type.Object({ a: type.Optional(type.String()) })],
  ['an object of both', (type) => type.Object({ a: type.Optional(type.String()), b: type.Integer({ default: 1 }) })],
  [
    'an object with the keys of another',
    (type) => {
      const { properties } = type.Object({ a: type.Optional(type.Object({ b: type.Boolean() })), c: type.String() })
      return type.Object({ ...properties, d: type.Optional(type.Union([type.Boolean(), type.String()])) })
    }
  ]
]

for (const [what, build] of cases) {
  test(`schema: ${what} is the JSON Schema that TypeBox makes`, () => {
    assert.equal(JSON.stringify(build(Type)), JSON.stringify(build(typebox)))
  })
}

test('schema: what may be absent in one object is as it was in another', () => {
  const text = Type.String()
  const schema = Type.Object({ may: Type.Optional(text), must: text }) as unknown as { required: string[] }
  assert.deepEqual(schema.required, ['must'])
})
