import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ScannedList, scanList } from '../../core/rows.ts'
import { type PickedRow, splicePage } from '../../core/splice.ts'

function scanned(text: string | Buffer): ScannedList {
  const list = scanList(Buffer.from(text), 'list', 'name', 'id')
  assert.ok(list)
  return list
}

const pickOf = (list: ScannedList, at: number): PickedRow => {
  const row = list.rows[at]
  assert.ok(row)
  return { list, row }
}

const target = scanned('{ "a": [1.10], "total": 3, "list": [ {"id":1} ,\n{"id":2},{"id":3} ], "z": 1e2 }\n')
const source = scanned('{"total":2,"list":[{"id":12345678901234567890,"sum":1.10}, "\\u00e9\\/"]}')

const pages: readonly (readonly [what: string, picks: readonly PickedRow[], total: number | null, page: string])[] = [
  ['no rows', [], null, '{ "a": [1.10], "total": 3, "list": [], "z": 1e2 }\n'],
  ['no rows in all', [], 0, '{ "a": [1.10], "total": 0, "list": [], "z": 1e2 }\n'],
  [
    'neighbours keep what is between them',
    [pickOf(target, 0), pickOf(target, 1), pickOf(target, 2)],
    null,
    '{ "a": [1.10], "total": 3, "list": [{"id":1} ,\n{"id":2},{"id":3}], "z": 1e2 }\n'
  ],
  [
    'a row that is left out',
    [pickOf(target, 0), pickOf(target, 2)],
    null,
    '{ "a": [1.10], "total": 3, "list": [{"id":1},{"id":3}], "z": 1e2 }\n'
  ],
  [
    'rows backwards, and twice',
    [pickOf(target, 1), pickOf(target, 0), pickOf(target, 0)],
    null,
    '{ "a": [1.10], "total": 3, "list": [{"id":2},{"id":1},{"id":1}], "z": 1e2 }\n'
  ],
  [
    'rows of the other answer alone',
    [pickOf(source, 0), pickOf(source, 1)],
    5,
    '{ "a": [1.10], "total": 5, "list": [{"id":12345678901234567890,"sum":1.10}, "\\u00e9\\/"], "z": 1e2 }\n'
  ],
  [
    'rows of both',
    [pickOf(target, 0), pickOf(source, 0), pickOf(target, 1), pickOf(target, 2), pickOf(source, 1)],
    1234567,
    '{ "a": [1.10], "total": 1234567, "list": [{"id":1},{"id":12345678901234567890,"sum":1.10},{"id":2},{"id":3},"\\u00e9\\/"], "z": 1e2 }\n'
  ]
]

for (const [what, picks, total, page] of pages) {
  test(`splice: ${what}`, () => assert.equal(splicePage(target, picks, total).toString(), page))
}

for (const [base, page] of [
  ['{"list":[],"total":"3"}', '{"list":[],"total":"7"}'],
  ['{"list":[],"total" : null }', '{"list":[],"total" : 7 }'],
  ['{"total":1,"list":[],"total":3}', '{"total":1,"list":[],"total":7}'],
  ['{"list":[]}', '{"list":[]}'],
  ['{"list":[{"total":1}]}', '{"list":[]}']
] as const) {
  test(`splice: a total of 7 in ${base}`, () => assert.equal(splicePage(scanned(base), [], 7).toString(), page))
}

test('splice: rows keep bytes that are no UTF-8', () => {
  const latin = Buffer.from('{"list":[{"name":"Z\xfcrich"},{"name":"\xff"}]}', 'latin1')
  const list = scanned(latin)
  assert.deepEqual(splicePage(list, [pickOf(list, 0), pickOf(list, 1)], null), latin)
})

// No name has a backslash: after one, V8 reads other names wrongly that are written in escapes (nodejs/node#63785).
const stringUnit = fc.string({ minLength: 1, maxLength: 1 }).filter((one) => one !== '\\')
const jsonValue = fc.jsonValue({ stringUnit, maxDepth: 3 })

test('splice: any rows of two answers are there in order, and nothing else is changed', () => {
  const answer = fc
    .tuple(fc.array(jsonValue), fc.option(fc.nat()), fc.boolean(), fc.constantFrom(0, 2, '\t'))
    .map(([list, total, isFirst, indent]) => {
      const totals = total === null ? {} : { total }
      const members = isFirst ? { ...totals, list, x: [0] } : { x: '[', list, ...totals }
      return { list, total, text: JSON.stringify(members, null, indent) }
    })
  const places = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 12 })
  fc.assert(
    fc.property(answer, answer, places, fc.option(fc.nat()), (base, other, chosen, total) => {
      const lists = [scanned(base.text), scanned(other.text)]
      const places = chosen.flatMap(([isOther, place]) => {
        const [at, { list }] = isOther ? [1, other] : [0, base]
        return list.length === 0 ? [] : [{ at, place: place % list.length }]
      })
      const picks = places.map(({ at, place }) => pickOf(lists[at] as ScannedList, place))
      const page = splicePage(lists[0] as ScannedList, picks, total)
      const rows = places.map(({ at, place }) => (at === 1 ? other : base).list[place])
      const expected = JSON.parse(base.text)
      if (total !== null && base.total !== null) expected.total = total
      assert.equal(JSON.stringify(JSON.parse(page.toString())), JSON.stringify({ ...expected, list: rows }))
    })
  )
})

test('splice: an answer with all of its rows is that answer, but for space at the ends of the array', () => {
  fc.assert(
    fc.property(fc.array(jsonValue), fc.constantFrom(0, 1), (list, indent) => {
      const whole = scanned(JSON.stringify({ list }, null, indent))
      const page = splicePage(
        whole,
        whole.rows.map((row) => ({ list: whole, row })),
        null
      )
      const trimmed = whole.body.toString('utf8', whole.arrayStart, whole.arrayEnd).trim()
      const before = whole.body.toString('utf8', 0, whole.arrayStart)
      assert.equal(page.toString(), `${before}${trimmed}${whole.body.toString('utf8', whole.arrayEnd)}`)
    })
  )
})
