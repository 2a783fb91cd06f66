import assert from 'node:assert/strict'
import { test } from 'node:test'
import typebox from 'typebox'
import Value from 'typebox/value'
import { Type } from '../../core/schema.ts'
import { fillDefaults } from '../../gateway/defaults.ts'

const build = (type: typeof Type) =>
  type.Object({
    text: type.String({ default: 'a' }),
    may: type.Optional(type.String()),
    inner: type.Object(
      { number: type.Integer({ default: 1 }), list: type.Array(type.Integer(), { default: [] }) },
      { default: {}, additionalProperties: false }
    ),
    bare: type.Optional(type.Object({ number: type.Integer({ default: 2 }) })),
    rows: type.Array(type.Object({ host: type.String({ default: 'b' }), port: type.Integer() }), { default: [{}] }),
    either: type.Union([type.Literal(false), type.Object({ every: type.Integer({ minimum: 1, default: 5 }) })], {
      default: {}
    }),
    both: type.Union([
      type.Object({ a: type.Integer(), left: type.Integer({ default: 1 }) }, { additionalProperties: false }),
      type.Object({ b: type.Integer(), right: type.Integer({ default: 2 }) }, { additionalProperties: false })
    ]),
    words: type.Record(type.String(), type.Object({ a: type.Integer({ default: 3 }) }), { default: {} })
  })

const values: readonly unknown[] = [
  {},
  { text: '', may: 'c', inner: { number: 0, list: [1] } },
  { text: null, inner: null, rows: null, either: null },
  { inner: 'x', rows: 'x', either: 'x', both: 'x', words: 'x', bare: 'x' },
  { rows: {}, words: [] },
  { inner: { more: 1 }, more: {} },
  { bare: {}, rows: [{}, { port: 1 }, null, 'x'] },
  { either: false },
  { either: { every: 7 } },
  { either: { every: 0 } },
  { both: { a: 1 } },
  { both: { b: 1 } },
  { both: { c: 1 } },
  { words: { one: {}, two: { a: 1 } } },
  'x',
  null,
  undefined
]

for (const value of values) {
  test(`defaults: ${JSON.stringify(value)} is completed as TypeBox completes it`, () => {
    const completed = fillDefaults(build(Type), structuredClone(value))
    assert.deepEqual(completed, Value.Default(build(typebox), structuredClone(value)))
  })
}

test('defaults: what one value was given is not shared with the next', () => {
  const schema = build(Type)
  const first = fillDefaults(schema, {}) as { inner: { list: number[] } }
  first.inner.list.push(1)
  assert.deepEqual((fillDefaults(schema, {}) as typeof first).inner.list, [])
})

test('defaults: a list in the place of a mapping stays as it is, also where a key is the name of a method', () => {
  const schema = Type.Object({ keys: Type.Union([Type.String(), Type.Array(Type.String())], { default: [] }) })
  assert.deepEqual(fillDefaults(schema, [1]), [1])
})
