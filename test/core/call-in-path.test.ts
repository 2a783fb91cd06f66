import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCall } from '../../core/call.ts'
import { createTargetReader } from '../../core/route.ts'
import type { JsonObject } from '../../core/words.ts'
import { said } from './routes.ts'

const readTarget = createTargetReader({ billing: ['/rest'], portasip: [], callcontrol: [] })
/** The whole way: from the request target to the call. */
const read = async (rest: string) =>
  said(await readCall(readTarget(`/rest/Session/login${rest}`).route, undefined, null))

const raw = (value: JsonObject) => JSON.stringify(value)
const encoded = (value: JsonObject) => encodeURIComponent(raw(value))
/** As some clients do it: braces and quotes alone. */
const halfEncoded = (value: JsonObject) => raw(value).replaceAll(/[{}"]/g, encodeURIComponent)

const login = { login: 'a', password: 'b' }

for (const [rest, authInfo, params] of [
  ['', null, null],
  ['/', null, null],
  ['//', null, null],
  ['///', null, null],
  ['/{}', {}, null],
  ['/{}/', {}, null],
  ['/{}/{}', {}, {}],
  ['/{}/{}/', {}, {}],
  [`//${raw(login)}`, null, login],
  [`//${raw(login)}/`, null, login],
  [`//${encoded(login)}`, null, login],
  [`//${encoded(login)}/?x=1`, null, login],
  [`//${raw(login)}?x=1&y=/a/../b`, null, login],
  [`//${halfEncoded(login)}`, null, login],
  [`/${raw({ session_id: 'S' })}/${encoded(login)}`, { session_id: 'S' }, login],
  [`/${encoded({ session_id: 'S' })}/${raw(login)}`, { session_id: 'S' }, login],
  ['//{"a":{"b":{"c":"}}}"}}}', null, { a: { b: { c: '}}}' } } }],
  ['//{"a":[{"b":1},{"c":"]{"}]}', null, { a: [{ b: 1 }, { c: ']{' }] }],
  ['//%7b%22a%22:1%7d', null, { a: 1 }]
] as const) {
  test(`/rest/Session/login${rest} carries ${JSON.stringify(authInfo)} and ${JSON.stringify(params)}`, async () => {
    assert.deepEqual(await read(rest), { authInfo, params })
  })
}

/** Passwords that break what splits at "/", refuses "..", decodes at once or looks for a query. */
const passwords = [
  'a/b',
  'a//b/',
  '../../etc',
  '/../',
  'a/../b',
  '..',
  '.',
  'a?b=c',
  '?',
  '50%',
  '%',
  '%%',
  '%zz',
  'a%',
  '%2',
  '#',
  'a&b=c;d',
  '{',
  '}',
  '}{',
  '"',
  '\\',
  '\\"}',
  '\\\\',
  "'",
  '+',
  '@:',
  'a\\..\\b'
]

for (const password of passwords) {
  for (const [how, write] of Object.entries({ raw, encoded })) {
    test(`a ${how} path with the password ${password}`, async () => {
      assert.deepEqual((await read(`//${write({ login: 'a', password })}`)).params, { login: 'a', password })
      const url = `/${write({ session_id: password })}/${write({ password })}`
      assert.deepEqual(await read(url), { authInfo: { session_id: password }, params: { password } })
    })
  }
}

for (const password of ['%2F', '100%25', '%7B%22', 'é', '日本', '\ud83d\ude00', 'a b', '\n', '\0']) {
  test(`an encoded path with the password ${JSON.stringify(password)}`, async () => {
    assert.deepEqual((await read(`//${encoded({ password })}`)).params, { password })
  })
}

for (const rest of [
  '/{"password":"hunter2"',
  '//{"password":"hunter2}',
  '//{"password":hunter2}',
  '//{"password":"hunter2"}}',
  '//{"password":"hunter2"}x',
  '//{"password":"hunter2"}/{}',
  '/{}/{}/{"password":"hunter2"}',
  '/["hunter2"]',
  '/"hunter2"',
  '/hunter2',
  '/null',
  '//%7B%22password%22%3A%22hunter2%22',
  '//%7B%22password%22%3A%22hunter2%7D',
  '//%ff{"password":"hunter2"}'
]) {
  test(`/rest/Session/login${rest} is malformed, and not repeated`, async () => {
    await assert.rejects(
      read(rest),
      (error: Error & { faultcode?: string }) =>
        error.faultcode === 'Client.Dispatcher.malformed_request' && !error.message.includes('hunter2')
    )
  })
}

const anyObject = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue() as fc.Arbitrary<unknown>)

test('what was encoded into the path is read back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.option(anyObject),
      fc.option(anyObject),
      fc.constantFrom('', '/', '?q=1'),
      async (auth, given, end) => {
        const rest = `/${auth === null ? '' : encoded(auth)}${given === null ? '' : `/${encoded(given)}`}`
        // With params the query begins behind their JSON; a lone slash is a trailing one.
        const call = await read(given === null ? `${rest}/` : rest + end)
        const authInfo = auth === null ? null : JSON.parse(raw(auth))
        assert.deepEqual(call, { authInfo, params: given === null ? null : JSON.parse(raw(given)) })
      }
    )
  )
})

test('raw JSON is read back as long as nothing in it looks encoded', async () => {
  const visible = fc.string({ unit: fc.constantFrom(...'ab/.?%{}[]"\\:,#&=+;@ZG') })
  const rawObject = fc
    .dictionary(visible, fc.oneof(visible, fc.integer(), fc.array(visible), fc.dictionary(visible, visible)))
    .filter((value) => !/%[0-9a-f]{2}/i.test(raw(value)))
  await fc.assert(
    fc.asyncProperty(rawObject, rawObject, async (auth, given) => {
      assert.deepEqual(await read(`/${raw(auth)}/${raw(given)}`), {
        authInfo: JSON.parse(raw(auth)),
        params: JSON.parse(raw(given))
      })
    })
  )
})
