import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sortValueOf } from '../../core/order.ts'
import { type ScannedList, scanList } from '../../core/rows.ts'

const scan = (text: string, arrayKey = 'list', field = 'name', id = 'id') =>
  scanList(Buffer.from(text), arrayKey, field, id)

function scanned(text: string, arrayKey?: string, field?: string, id?: string): ScannedList {
  const list = scan(text, arrayKey, field, id)
  assert.ok(list, text)
  return list
}

const textsOf = ({ body, rows }: ScannedList) => rows.map(({ start, end }) => body.toString('utf8', start, end))
const keysOf = ({ rows }: ScannedList) => rows.map(({ value, id }) => [value, id])

const page = ` { "list" : [ {"id":7,"name":"Acme"} ,\n\t{ "id" : "8" , "name" : null }],"total":"2" } `

test('rows: a list has its rows, their keys, the array and the total in their places', () => {
  const list = scanned(page)
  assert.deepEqual(textsOf(list), ['{"id":7,"name":"Acme"}', '{ "id" : "8" , "name" : null }'])
  assert.deepEqual(keysOf(list), [
    ['Acme', '7'],
    [null, '8']
  ])
  assert.equal(page.slice(list.arrayStart - 1, list.arrayEnd + 1), page.slice(page.indexOf('['), page.indexOf(']') + 1))
  assert.ok(list.total)
  assert.equal(page.slice(list.total.start, list.total.end), '"2"')
  assert.equal(list.total.value, 2)
})

const keys: readonly (readonly [what: string, row: string, value: unknown, id: string])[] = [
  ['no keys', '{}', null, ''],
  ['other keys', '{"names":"a","Name":"b","nam":"c"}', null, ''],
  ['a name inside of an object', '{"of":{"name":"no","id":1},"id":2,"name":"yes"}', 'yes', '2'],
  ['a name inside of an array', '{"name":"yes","of":[{"name":"no"}],"id":"2"}', 'yes', '2'],
  ['a name inside of a string', String.raw`{"note":"\"name\":\"no\",","name":"yes"}`, 'yes', ''],
  ['a value that is a name', '{"a":"name","b":"id","name":"id","id":"name"}', 'id', 'name'],
  ['a key after a value that is a name', '{"a":"name","name":"yes"}', 'yes', ''],
  ['a key with escapes', String.raw`{"n\u0061me":"yes","\u0069d":1}`, 'yes', '1'],
  ['a value with escapes', String.raw`{"name":"a\u00e9\n\"\\","id":"\u0031"}`, 'aé\n"\\', '1'],
  ['a broken escape in a value', String.raw`{"name":"\x","id":"\u1"}`, null, ''],
  ['a broken escape in a key', String.raw`{"\x":1,"name":"yes"}`, 'yes', ''],
  ['a name twice', '{"name":"a","id":1,"name":"b","id":2}', 'b', '2'],
  ['an object last', '{"name":"a","id":1,"name":{"name":"b"},"id":[2]}', null, ''],
  ['a number and a text of digits', '{"name":12,"id":"34"}', 12, '34'],
  [
    'numbers beyond 2^53',
    '{"name":12345678901234567890,"id":12345678901234567891}',
    12345678901234567890n,
    '12345678901234567891'
  ],
  ['decimals', '{"name":-23.61693,"id":-5}', -23.61693, '-5'],
  ['booleans and null', '{"name":true,"id":false,"x":null}', 'true', ''],
  ['null', '{"name":null,"id":null}', null, ''],
  ['text beyond ASCII', '{"é":"é","name":"Öresund 😀","id":"ä"}', 'Öresund 😀', 'ä'],
  ['space everywhere', '{ "name"\n:\t"a" ,\r"id" : 1 }', 'a', '1'],
  ['a number at the end', '{"id":1,"name":2}', 2, '1'],
  ['an array', '["name","id"]', null, ''],
  ['an array with a row inside', '[{"name":"no","id":1}]', null, ''],
  ['a number', '-1.5e3', null, ''],
  ['a string', '"name"', null, ''],
  ['a boolean', 'true', null, '']
]

for (const [what, row, value, id] of keys) {
  test(`rows: ${what}`, () => {
    for (const text of [`{"list":[${row}]}`, `{"list":[ ${row} , ${row} ], "name": "no", "id": 9}`]) {
      const list = scanned(text)
      assert.deepEqual(new Set(textsOf(list)), new Set([row]))
      for (const key of keysOf(list)) assert.deepEqual(key, [value, id])
    }
  })
}

test('rows: the keys that are wanted may be one, or none', () => {
  const text = '{"list":[{"id":12,"":"no","name":"a"}]}'
  assert.deepEqual(keysOf(scanned(text, 'list', 'id', 'id')), [[12, '12']])
  assert.deepEqual(keysOf(scanned(text, 'list', '', 'id')), [[null, '12']])
  assert.deepEqual(keysOf(scanned(text, 'list', 'name', '')), [['a', '']])
  assert.deepEqual(keysOf(scanned(text, 'list', '', '')), [[null, '']])
  assert.deepEqual(keysOf(scanned('{"list":[{"é":1}]}', 'list', 'é', '')), [[1, '']])
})

const arrays: readonly (readonly [what: string, text: string, arrayKey: string, rows: readonly string[] | null])[] = [
  ['an empty array', '{"list":[]}', 'list', []],
  ['an empty array with space', '{"list":[ \n]}', 'list', []],
  ['an array under another key', '{"other":[1]}', 'list', null],
  ['an array inside of something', '{"other":{"list":[1]}}', 'list', null],
  ['something else than an array', '{"list":{"list":[1]}}', 'list', null],
  ['a string instead', '{"list":"[1]"}', 'list', null],
  ['null instead', '{"list":null}', 'list', null],
  ['two arrays', '{"other":[1],"list":[2],"more":[3]}', 'list', ['2']],
  ['the array twice', '{"list":[1],"list":[2]}', 'list', ['2']],
  ['the array, then none', '{"list":[1],"list":2}', 'list', null],
  ['a key with escapes', '{"l\\u0069st":[1]}', 'list', ['1']],
  ['the only array', '{"a":{"x":[1]},"any":[2],"total":1}', '', ['2']],
  ['the only array, twice', '{"any":[1],"any":[2]}', '', ['2']],
  ['two arrays of unknown names', '{"any":[1],"more":[]}', '', null],
  ['no array', '{"a":{"x":[1]},"b":"[]"}', '', null],
  ['no members', '{}', '', null]
]

for (const [what, text, arrayKey, rows] of arrays) {
  test(`rows: array key ${JSON.stringify(arrayKey)}: ${what}`, () => {
    const list = scan(text, arrayKey)
    assert.deepEqual(list && textsOf(list), rows)
  })
}

for (const [text, value] of [
  ['12', 12],
  ['"12"', 12],
  ['0', 0],
  ['12.0', 12],
  ['-1', null],
  ['1.5', null],
  ['""', null],
  ['"many"', null],
  ['"-1"', null],
  ['12345678901234567890', null],
  ['null', null],
  ['true', null],
  ['{"a":1}', null],
  ['[1]', null]
] as const) {
  test(`rows: a total of ${text} is ${value}`, () => {
    for (const whole of [`{"total": ${text} ,"list":[]}`, `{"total":1,"list":[{"total":5}],"total": ${text} }`]) {
      const { total } = scanned(whole)
      assert.ok(total)
      assert.deepEqual([whole.slice(total.start, total.end), total.value], [text, value])
    }
  })
}

test('rows: no total, one inside of something, and a list of that name are none', () => {
  for (const text of ['{"list":[]}', '{"list":[{"total":1}],"a":{"total":2},"b":"total"}']) {
    assert.equal(scanned(text).total, null)
  }
  assert.equal(scanned('{"total":[1,2]}', 'total').total, null)
})

for (const text of [
  '',
  ' ',
  'null',
  '[]',
  '[{"list":[]}]',
  '"list"',
  '\ufeff{"list":[]}',
  '{"list":[]}}',
  '{"list":[]} x',
  '{"list":[]},',
  '{"list":[]',
  '{"list":[',
  '{"list":[}',
  '{"list":[]]',
  '{"list"',
  '{"list":',
  '{"list',
  '{list:[]}',
  "{'list':[]}",
  '{"list" []}',
  '{"list"::[]}',
  '{"list":[],}',
  '{,"list":[]}',
  '{"list":[] "total":1}',
  '{"list":[],"total"}',
  '{"list":[],"total":}',
  '{"list":[],"total":1x}',
  '{"list":[],"total":truee}',
  '{"list":[],"total":"1}',
  '{"list":[],"\\x":1}',
  '{"list":[{}{}]}',
  '{"list":[{},]}',
  '{"list":[,{}]}',
  '{"list":[{},,{}]}',
  '{"list":[{};{}]}',
  '{"list":[x]}',
  '{"list":[1 2]}',
  '{"list":[-]}',
  '{"list":["a]}',
  '{"list":["a\\"]}',
  '{"list":[{"a":[1}]}]}',
  '{"list":[{"a":1]]}',
  '{"list":[{"a":{"b":1}]}',
  '{"list":[{"a":"b}]}',
  '{"list":[{"name":"b',
  '{"list":[{"name":"b\\',
  '{"list":[{"name"',
  '{"list":[{"name":',
  '{"list":[{"name":1',
  '{"other":{"a":]},"list":[]}'
]) {
  test(`rows: garbage has none: ${JSON.stringify(text)}`, () => assert.equal(scan(text), null))
}

test('rows: nesting may be deep, and must end', () => {
  const depth = 200_000
  const deep = `${'[{"name":'.repeat(depth)}1${'}]'.repeat(depth)}`
  const list = scanned(`{"other":${deep},"list":[{"a":${deep},"name":2},${deep}]}`)
  assert.deepEqual(keysOf(list), [
    [2, ''],
    [null, '']
  ])
  assert.equal(scan(`{"list":[${'['.repeat(depth)}`), null)
})

const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 2 })
const plainParts = ['a', 'é', '😀', '{', '}', '[', ']', ',', ':', ' ', 'name']
const parts = [...plainParts, '\\"', '\\/', '\\n', '\\u0061', '\\u0022', '\\ud83d\\ude00']
const textOfParts = (some: readonly string[]) =>
  fc.array(fc.constantFrom(...some), { maxLength: 5 }).map((all) => `"${all.join('')}"`)
const stringText = textOfParts([...parts, '\\\\'])

// After a name with a backslash V8 reads other names wrongly that are written in escapes (nodejs/node#63785), so none
// of the names that are parsed here has one.
const hasNameWithBackslash = (text: string) => /\\\\(?:[^"\\]|\\.)*"\s*:/.test(text)
const keyText = fc.oneof(
  fc.constantFrom('"name"', '"id"', '"n\\u0061me"', '"list"', '"total"', '"note"', '""'),
  textOfParts(parts)
)
const scalarText = fc.oneof(
  stringText,
  fc.constantFrom('0', '-1', '12', '1.10', '-2.5e-3', '12345678901234567890', 'true', 'false', 'null', '"name"', '""')
)
const commaText = fc.tuple(space, space).map(([left, right]) => `${left},${right}`)

/** Items with commas and space between and around them. */
const sequence = (item: fc.Arbitrary<string>) =>
  fc
    .tuple(space, fc.array(fc.tuple(item, commaText), { maxLength: 5 }), space)
    .map(([open, items, close]) => open + items.map(([one, comma], at) => (at ? comma : '') + one).join('') + close)
const memberOf = (value: fc.Arbitrary<string>, key: fc.Arbitrary<string> = keyText) =>
  fc.tuple(key, space, space, value).map(([name, left, right, one]) => `${name}${left}:${right}${one}`)

const { value: valueText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalarText,
    sequence(tie('value')).map((items) => `[${items}]`),
    sequence(memberOf(tie('value'))).map((members) => `{${members}}`)
  )
}))
const rowText = fc.oneof(
  { arbitrary: sequence(memberOf(valueText)).map((members) => `{${members}}`), weight: 4 },
  valueText
)
const listText = sequence(rowText).map((rows) => `[${rows}]`)
const answerText = fc
  .tuple(
    space,
    sequence(memberOf(valueText)),
    memberOf(listText, fc.constantFrom('"list"', '"l\\u0069st"')),
    fc.option(memberOf(valueText)),
    space
  )
  .map(([open, before, list, after, close]) => {
    const members = [before.trim() === '' ? null : before, list, after].filter((one) => one !== null)
    return `${open}{${members.join(',')}}${close}`
  })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a parsed value sorts as; numbers as JSON.parse has them, so that big ones compare at all. */
const plain = (value: unknown) => {
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

function check(text: string): void {
  const parsed: unknown = JSON.parse(text)
  const expected = isObject(parsed) && Array.isArray(parsed.list) ? parsed.list : null
  const list = scan(text)
  assert.equal(list === null, expected === null)
  if (list === null || expected === null) return
  assert.deepEqual(
    textsOf(list).map((one) => JSON.parse(one)),
    expected
  )
  const memberOfRow = (row: unknown, name: string) => (isObject(row) && Object.hasOwn(row, name) ? row[name] : null)
  assert.deepEqual(
    list.rows.map(({ value }) => (typeof value === 'bigint' ? Number(value) : value)),
    expected.map((row) => plain(memberOfRow(row, 'name')))
  )
  const idValue = (id: string) => (/^-?[\d.e-]+$/i.test(id) ? Number(id) : id)
  assert.deepEqual(
    list.rows.map(({ id }) => idValue(id)),
    expected.map((row) => {
      const id = memberOfRow(row, 'id')
      return typeof id === 'string' || typeof id === 'number' ? idValue(String(id)) : ''
    })
  )
  assert.deepEqual(JSON.parse(`[${list.body.toString('utf8', list.arrayStart, list.arrayEnd)}]`), expected)
  const rawTotal = list.total && list.body.toString('utf8', list.total.start, list.total.end)
  assert.deepEqual(rawTotal && JSON.parse(rawTotal), (parsed as { total?: unknown }).total ?? (rawTotal && null))
}

test('rows: any answer has the rows and keys that parsing it gives', () => {
  fc.assert(fc.property(answerText, check), { numRuns: 1000 })
})

test('rows: an answer that was cut off anywhere has none', () => {
  fc.assert(
    fc.property(answerText, fc.nat(), (text, at) => {
      const body = Buffer.from(text.trim())
      assert.equal(scanList(body.subarray(0, at % body.length), 'list', 'name', 'id'), null)
    }),
    { numRuns: 1000 }
  )
})

test('rows: whatever is done to an answer, nothing is thrown, and what parses is read', () => {
  const edit = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...'{}[]",:\\ 1x', '', '"name":', ',{}', '\ufeff'))
  fc.assert(
    fc.property(answerText, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      let edited = text
      for (const [place, removed, added] of edits) {
        const at = place % (edited.length + 1)
        edited = (edited.slice(0, at) + added + edited.slice(at + removed)).toWellFormed()
      }
      scan(edited)
      scan(edited, '')
      if (hasNameWithBackslash(edited)) return
      try {
        JSON.parse(edited)
      } catch {
        return
      }
      check(edited)
    }),
    { numRuns: 3000 }
  )
})

test('rows: any bytes at all are read without an error', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((all) => Buffer.from(all))
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      for (const body of [a, Buffer.concat([Buffer.from('{"list":[{"name":'), a, Buffer.from('}]}'), b])]) {
        scanList(body, 'list', 'name', 'name')
      }
    })
  )
})

test('rows: values sort as their texts do', () => {
  fc.assert(
    fc.property(scalarText, (text) => {
      assert.deepEqual(keysOf(scanned(`{"list":[{"name":${text}}]}`)), [[sortValueOf(text), '']])
    })
  )
})
