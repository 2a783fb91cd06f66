import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { keepsLength, type Swap, swapBytes, swapHeaders, swapStream, swapText } from '../../core/swap.ts'

const jwt = (seed: string) => `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(seed.repeat(150)).toString('base64url')}.S-g_${seed}`
const access = { from: jwt('dst'), to: jwt('src') }
const session = { from: 'd0d1d2d3d4d5d6d7d8d9dadbdcdddedf', to: '50515253545556575859565b5c5d5e5f' }
const refresh = { from: '0f0e0d0c0b0a09080706050403020100', to: 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff' }
const swaps: readonly Swap[] = [access, session, refresh]

type Write = (character: string) => string
const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0')
const upper = (character: string) => hex(character).toUpperCase()
const written = (text: string, ...ways: readonly [Write, ...Write[]]) =>
  [...text].map((character, at) => (ways[at % ways.length] as Write)(character)).join('')

const raw: Write = (character) => character
const percent: Write = (character) => `%${hex(character)}`
const jsonEscape: Write = (character) => `\\u00${hex(character)}`
const formEscape: Write = (character) => `%5Cu00${hex(character)}`
const everyByte: Write = (character) => written(jsonEscape(character), percent)

/** Which case an escape's digits have is nobody's business. */
const normal = (text: string) => text.replace(/%..|u00../g, (digits) => digits.toLowerCase())

/** Where a credential may be; `£` stands for it. */
const places = {
  'an Authorization': 'Bearer £',
  'a Cookie': 'lang=en; access_token=£; i_env=1',
  'a quoted Cookie': 'access_token="£"',
  'a Referer': 'https://admin.billing.com/x?access_token=£&next=%2F',
  'a raw URL path': '/rest/Customer/get_customer_info/{"session_id":"£"}/{"i_customer":12345678901234567890}',
  'an encoded URL path': '/rest/Customer/get_customer_info/%7B%22session_id%22%3A%22£%22%7D/%7B%22a%22%3A1.10%7D',
  'a query': '/espf/v1/customers?limit=50&token=£#top',
  'a JSON body': '{ "auth_info" : {"access_token":"£"},"params":{"i_customer":12345678901234567890,"amount":1.10} }',
  'a form body': 'auth_info=%7B%22session_id%22%3A%22£%22%7D&params=%7B%22amount%22%3A+1.10%7D',
  'a multipart body':
    '--XX\r\nContent-Disposition: form-data; name="auth_info"\r\n\r\n{"session_id":"£"}\r\n--XX\r\n' +
    'Content-Disposition: form-data; name="f"; filename="100%.bin"\r\n\r\n\\\\ 100% \\u \\ %\r\n--XX--\r\n',
  'a place twice': '£ £££,{"a":"£"}',
  'nothing else': '£'
}

const forms: readonly (readonly [string, Write, ...Write[]])[] = [
  ['raw', raw],
  ['%2e', percent],
  ['%2E', (character) => `%${upper(character)}`],
  ['some %2e', raw, raw, percent],
  ['\\u002e', jsonEscape],
  ['\\u002E', (character) => `\\u00${upper(character)}`],
  ['some \\u002e', raw, jsonEscape],
  ['%5Cu002e', formEscape],
  ['%5cu002E', (character) => `%5cu00${upper(character)}`],
  ['%5C%75%30%30%32%65', everyByte],
  ['all at once', everyByte, raw, jsonEscape, percent, formEscape]
]

for (const [place, text] of Object.entries(places)) {
  for (const [form, ...ways] of forms) {
    test(`${place}, written ${form}: the system's own, written the same way`, () => {
      const before = text.replaceAll('£', written(access.from, ...ways))
      const after = text.replaceAll('£', written(access.to, ...ways))
      assert.equal(normal(swapText(before, swaps)), normal(after))
      assert.equal(normal(swapBytes(Buffer.from(before), swaps).toString()), normal(after))
    })
  }
}

/** What stands for `from` when the lengths differ: `to`, escaped only if the occurrence was. */
for (const { from, to, occurrence, becomes } of [
  { from: 'abc', to: 'vwxyz', occurrence: 'abc', becomes: 'vwxyz' },
  { from: 'abc', to: 'vwxyz', occurrence: 'a%62c', becomes: 'vwxyz' },
  { from: 'abc', to: 'vwxyz', occurrence: 'a\\u0062c', becomes: 'vwxyz' },
  { from: 'abc', to: 'xyz', occurrence: 'a\\u0062c', becomes: 'x\\u0079z' },
  { from: 'abc', to: 'x/"&', occurrence: 'abc', becomes: 'x/"&' },
  { from: 'abc', to: 'x/"&', occurrence: 'ab%63', becomes: 'x%2F%22%26' },
  { from: 'abc', to: 'x/"&', occurrence: '\\u0061bc', becomes: 'x/\\"&' },
  { from: 'abc', to: 'x/"&', occurrence: '%5Cu0061bc', becomes: 'x%2F%5C%22%26' },
  { from: 'abc', to: '', occurrence: 'abc', becomes: '' },
  { from: 'abc', to: '', occurrence: '%61%62%63', becomes: '' },
  { from: 'abc', to: '', occurrence: '\\u0061bc', becomes: '' },
  { from: 'a/c', to: 'xyz', occurrence: 'a\\/c', becomes: 'xyz' },
  { from: 'a/c', to: 'xyz', occurrence: 'a%5C%2Fc', becomes: 'xyz' },
  { from: 'a"c', to: 'xyz', occurrence: 'a\\"c', becomes: 'xyz' },
  { from: 'a\\c', to: 'xyz', occurrence: 'a\\\\c', becomes: 'xyz' },
  { from: 'a\\c', to: 'xyz', occurrence: 'a\\c', becomes: 'xyz' },
  { from: 'a\\c', to: 'xyz', occurrence: 'a%5Cc', becomes: 'xyz' },
  { from: 'a%25', to: 'xyz', occurrence: 'a%25', becomes: 'xyz' },
  { from: 'a%b', to: 'xyz', occurrence: 'a%25b', becomes: 'xyz' },
  { from: 'aé', to: 'ü', occurrence: 'aé', becomes: 'ü' },
  { from: 'aé', to: 'ü', occurrence: 'a%C3%a9', becomes: '%C3%BC' }
]) {
  test(`${from} to "${to}": ${occurrence} becomes "${becomes}"`, () => {
    assert.equal(swapText(`1.10 ${occurrence}!`, [{ from, to }]), `1.10 ${becomes}!`)
    assert.equal(swapText(occurrence, [{ from, to }]), becomes)
  })
}

for (const text of [
  '',
  'abd',
  'ab',
  'ABC',
  'a b c',
  'ab%6',
  'ab%',
  'ab%6g',
  'ab%2563',
  'ab\\',
  'ab\\c',
  'ab\\u006',
  'ab\\u0163',
  'ab\\U0063',
  'ab\\x63',
  'ab%5',
  'ab%5C',
  'ab%5Cu00%36',
  '%%%\\\\\\u\\u00'
]) {
  test(`"${text}" is not abc`, () => {
    const body = Buffer.from(text)
    assert.equal(swapText(text, [{ from: 'abc', to: 'x' }]), text)
    assert.equal(swapBytes(body, [{ from: 'abc', to: 'x' }]), body)
  })
}

for (const [what, text, pairs, becomes] of [
  ['several at once', 'b=B&a=A&c=C&a=A', { A: '1', B: '2', C: '' }, 'b=2&a=1&c=&a=1'],
  ['each other’s', 'A B A', { A: 'B', B: 'A' }, 'B A B'],
  ['one replacement is another credential', 'A', { A: 'xBx', B: '!' }, 'xBx'],
  ['a replacement and its neighbour are a credential', 'aB', { a: 'A', AB: '!', B: 'B' }, 'AB'],
  ['one inside another', 'xABx AB B', { B: '1', ABx: '2', xABx: '3', AB: '4' }, '3 4 1'],
  ['one begins another', 'AAB AA A', { A: '1', AA: '2', AAB: '3' }, '3 2 1'],
  ['one begins another, escaped', 'A%41B A\\u0041 %41', { A: '1', AA: '22', AAB: '333' }, '3%333 2\\u0032 %31'],
  ['the longer one breaks off', 'ABCABD', { AB: '1', ABCABC: '2' }, '1C1D'],
  ['overlapping: the first', 'ABC', { AB: '1', BC: '2' }, '1C'],
  ['an empty credential', 'AB', { '': 'x', B: '1' }, 'A1'],
  ['only an empty credential', 'AB', { '': 'x' }, 'AB'],
  ['none', 'A%41\\u0041', {}, 'A%41\\u0041']
] as const) {
  test(`${what}: ${text} becomes ${becomes}`, () => {
    const several = Object.entries(pairs).map(([from, to]) => ({ from, to: String(to) }))
    assert.equal(swapText(text, several), becomes)
    assert.equal(swapText(text, several.toReversed()), becomes)
  })
}

test('every value of every header is swapped, names and the client’s own list are not', () => {
  const headers = (of: 'from' | 'to') => [
    ['Authorization', `Bearer ${access[of]}`],
    ['Cookie', `a=1; session_id=${session[of]}; access_token=${access[of]}`],
    ['X-Own', session[of]],
    ['x-own', `"${refresh[of]}"`],
    ['Content-Length', '700'],
    [session.from, 'é\u00ff 100%'],
    ['X-Empty', '']
  ]
  const client = Object.freeze(headers('from').flat())
  assert.deepEqual(swapHeaders(client, swaps), headers('to').flat())
})

test('every other byte stays, invalid UTF-8 and NUL included', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const around = (middle: string) =>
    Buffer.concat([bytes, Buffer.from(middle), bytes.toReversed(), Buffer.from('1.10')])
  assert.deepEqual(swapBytes(around(session.from), swaps), around(session.to))
  assert.deepEqual(swapBytes(around(written(session.from, percent)), [{ ...session, to: '' }]), around(''))
})

test('any bytes without a credential are the same Buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      const body = Buffer.from(bytes)
      assert.equal(swapBytes(body, swaps), body)
    })
  )
})

for (const [what, expected, list] of [
  ['the same lengths', true, swaps],
  ['none', true, []],
  ['an empty from', true, [{ from: '', to: 'x' }]],
  ['one longer', false, [session, { from: 'a', to: 'bc' }]],
  ['one missing', false, [{ from: 'a', to: '' }]],
  ['a length in characters alone', false, [{ from: 'a', to: 'é' }]],
  ['a short escape in JSON', false, [{ from: 'a/b', to: 'abc' }]]
] as const) {
  test(`${what}: ${expected ? 'keeps' : 'changes'} the length`, () => assert.equal(keepsLength(list), expected))
}

async function* chunksOf(body: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const ordered = cuts.toSorted((a, b) => a - b)
  for (const [at, begin] of [0, ...ordered].entries()) yield body.subarray(begin, ordered[at] ?? body.length)
}

const streamed = async (body: Buffer, cuts: readonly number[], list: readonly Swap[]) =>
  Buffer.concat(await Array.fromAsync(swapStream(chunksOf(body, cuts), list)))

for (const [form, ...ways] of forms) {
  test(`a stream cut anywhere, written ${form}: nothing leaks, and the length stays`, async () => {
    const body = Buffer.from(`é{"session_id":"${written(session.from, ...ways)}","amount":1.10}%`)
    const whole = swapBytes(body, swaps)
    assert.equal(whole.length, body.length)
    assert.notDeepEqual(whole, body)
    for (let at = 0; at <= body.length; at++) assert.deepEqual(await streamed(body, [at], swaps), whole)
    assert.deepEqual(await streamed(body, [...body.keys()], swaps), whole)
  })
}

test('a stream is what the whole would be, however it is cut', async () => {
  const credential = fc.string({ unit: fc.constantFrom('a', 'b', '0'), minLength: 1, maxLength: 6 })
  const list = fc.array(fc.record({ from: credential, to: credential }), { maxLength: 4 })
  const piece = fc.oneof(
    credential,
    fc.constantFrom('%61', '%6', '\\u0062', '\\u00', '\\', '%5Cu0061', '%5C%75%30%30%36%31', '%5', '%', 'x', '\u00ff')
  )
  const body = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'))
  await fc.assert(
    fc.asyncProperty(body, fc.array(fc.nat(120)), list, async (bytes, positions, several) => {
      const cuts = positions.map((position) => Math.min(position, bytes.length))
      assert.deepEqual(await streamed(bytes, cuts, several), swapBytes(bytes, several))
    }),
    { numRuns: 1000 }
  )
})

test('whatever is escaped says the same, once it is read', () => {
  const ways = fc.array(fc.constantFrom(raw, percent, jsonEscape, formEscape, everyByte), { minLength: 1 })
  const values = fc.stringMatching(/^[\w.~-]{8,40}$/)
  fc.assert(
    fc.property(ways, values, values, ([way = raw, ...others], from, to) => {
      fc.pre(from !== to)
      const body = `${encodeURIComponent('{"a":"')}${written(from, way, ...others)}${encodeURIComponent('","b":1}')}`
      const after = swapText(body, [{ from, to }])
      assert.deepEqual(JSON.parse(decodeURIComponent(after)), { a: to, b: 1 })
      if (to.length === from.length) assert.equal(after.length, body.length)
    })
  )
})

test('a stream passes its chunks on as they are, but for an end that could become a credential', async () => {
  const chunks = ['no credential', `begins: ${session.from.slice(0, 9)}`, 'but does not go on', ''].map((text) =>
    Buffer.from(text)
  )
  async function* body() {
    yield* chunks
  }
  const passed = await Array.fromAsync(swapStream(body(), swaps))
  assert.equal(passed[0], chunks[0])
  assert.deepEqual(passed.map(String), ['no credential', 'begins: ', `${session.from.slice(0, 9)}but does not go on`])
  assert.equal(passed[1]?.buffer, chunks[1]?.buffer)
})

test('a stream is pulled: a chunk is not asked for before the one before it was taken', async () => {
  let asked = 0
  let closed = false
  async function* endless() {
    try {
      while (true) yield Buffer.from(`chunk ${asked++}.`)
    } finally {
      closed = true
    }
  }
  for await (const chunk of swapStream(endless(), swaps)) {
    assert.equal(String(chunk), `chunk ${asked - 1}.`)
    if (asked === 3) break
  }
  assert.equal(asked, 3)
  assert.ok(closed)
})

test('a stream that fails fails', async () => {
  async function* failing() {
    yield Buffer.from(session.from.slice(0, 5))
    throw new Error('the client left')
  }
  await assert.rejects(Array.fromAsync(swapStream(failing(), swaps)), /the client left/)
})

const token = `eyJhbGciOiJIUzI1NiJ9.${randomBytes(460).toString('base64url')}`
const hostile = [{ from: token, to: token.toLowerCase() }, session, { from: `${'a'.repeat(31)}b`, to: '' }]
for (const [what, unit] of [
  ['%', '%'],
  ['\\', '\\'],
  ['\\u', '\\u'],
  ['%5C', '%5C'],
  ['%5Cu006', '%5Cu006'],
  ['a', 'a'],
  ['%61', '%61'],
  ['the credential but its end', token.slice(0, -1)],
  ['the credential but its end, escaped', written(token.slice(0, -1), everyByte)],
  ['the credential, escaped', written(token, jsonEscape)]
] as const) {
  test(`a megabyte of ${what} takes next to no time`, async () => {
    const body = Buffer.alloc(1 << 20, unit)
    const begin = performance.now()
    swapBytes(body, hostile)
    await streamed(
      body,
      Array.from({ length: 256 }, (_, at) => at << 12),
      hostile
    )
    assert.ok(performance.now() - begin < 3000)
  })
}
