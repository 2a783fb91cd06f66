import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearerOf, credentialsInCall, credentialsInCookies, shownCredentials } from '../../core/credentials.ts'
import type { JsonObject } from '../../core/words.ts'
import { page, rest } from './routes.ts'

for (const [header, value] of [
  [undefined, null],
  ['', null],
  ['Bearer', null],
  ['Bearer ', null],
  ['Bearer    ', null],
  ['Bearer a', 'a'],
  ['Bearer abc.def-ghi_~+/=', 'abc.def-ghi_~+/='],
  ['bearer abc', 'abc'],
  ['BEARER abc', 'abc'],
  ['Bearer   abc  ', 'abc'],
  ['Bearerabc', null],
  ['Bearer-abc x', null],
  ['Basic YTpi', null],
  ['Digest Bearer abc', null],
  ['XBearer abc', null],
  [' Bearer abc', null]
] as const) {
  test(`Authorization "${header}" shows ${value ?? 'nothing'}`, () => {
    assert.deepEqual(bearerOf(header), value === null ? null : { kind: 'access_token', value })
  })
}

const authInfo = { access_token: 'A', session_id: 'S', refresh_token: 'R' }
const params = { access_token: 'pA', session_id: 'pS', refresh_token: 'pR' }

/** call, auth_info, params, what is found */
const calls: readonly (readonly [string, JsonObject | null, JsonObject | null, string])[] = [
  ['Customer/get_customer_info', null, null, ''],
  ['Customer/get_customer_info', { session_id: 'S' }, null, 'session_id=S'],
  ['Customer/get_customer_info', { access_token: 'A' }, null, 'access_token=A'],
  ['Customer/get_customer_info', authInfo, null, 'access_token=A session_id=S'],
  ['Customer/get_customer_info', { refresh_token: 'R' }, null, ''],
  ['Customer/get_customer_info', {}, params, ''],
  ['Customer/get_customer_info', null, params, ''],
  ['Customer/get_customer_info', { login: 'a', password: 'b' }, null, ''],
  ['Session/ping', null, { access_token: 'pA' }, 'access_token=pA'],
  ['Session/ping', null, params, 'access_token=pA session_id=pS refresh_token=pR'],
  ['Session/refresh_access_token', null, { refresh_token: 'pR' }, 'refresh_token=pR'],
  ['Session/logout', { session_id: 'S' }, params, 'session_id=S'],
  ['Session/logout', { session_id: '' }, { session_id: 'pS' }, 'session_id=pS'],
  ['Session/logout', { session_id: null }, { session_id: 'pS', access_token: '' }, 'session_id=pS'],
  ['Session/logout', {}, {}, ''],
  ['Session/login', null, { login: 'a', password: 'b', token: 't' }, ''],
  ['session/logout', null, { session_id: 'pS' }, '']
]

for (const [name, auth, given, expected] of calls) {
  test(`${name} with auth_info ${JSON.stringify(auth)} and params ${JSON.stringify(given)} shows ${expected || 'nothing'}`, () => {
    const found = credentialsInCall(rest(name), { authInfo: auth, params: given })
    assert.equal(found.map(({ kind, value }) => `${kind}=${value}`).join(' '), expected)
  })
}

for (const value of [7, 0, true, false, ['hunter2'], { hunter2: 1 }, 'hunter2'.repeat(3000)]) {
  for (const place of ['auth_info', 'params'] as const) {
    test(`${place}.session_id ${JSON.stringify(value).slice(0, 30)} is malformed, and not repeated`, () => {
      const holder = { session_id: value }
      const call = place === 'params' ? { authInfo: null, params: holder } : { authInfo: holder, params: null }
      assert.throws(
        () => credentialsInCall(rest('Session/ping'), call),
        (error: Error & { faultcode?: string }) =>
          error.faultcode === 'Client.Dispatcher.malformed_request' &&
          error.message.includes(`${place}.session_id`) &&
          !error.message.includes('hunter2')
      )
    })
  }
}

const names = { access_token: 'access_token', session_id: 'PBSID' }

for (const [cookies, expected] of [
  [{}, ''],
  [{ access_token: 'A' }, 'access_token=A'],
  [{ PBSID: 'S', other: 'x' }, 'session_id=S'],
  [{ PBSID: 'S', access_token: 'A' }, 'access_token=A session_id=S'],
  [{ session_id: 'S' }, ''],
  [{ access_token: '', PBSID: 'S' }, 'session_id=S'],
  [{ access_token: 'x'.repeat(16_385) }, '']
] as const) {
  test(`cookies ${JSON.stringify(cookies).slice(0, 50)} show ${expected || 'nothing'}`, () => {
    const found = credentialsInCookies(cookies as Record<string, string>, names)
    assert.equal(found.map(({ kind, value }) => `${kind}=${value}`).join(' '), expected)
  })
}

const inCookies = [{ kind: 'session_id', value: 'cookie' }] as const
const inBody = { authInfo: { session_id: 'body' }, params: { session_id: 'param' } }
const inParams = { authInfo: null, params: { session_id: 'param' } }

for (const [place, authorization, route, call, expected, together] of [
  ['the header first', 'Bearer header', rest('Session/ping'), inBody, 'header', false],
  ['then auth_info', 'Basic YTpi', rest('Session/ping'), inBody, 'body', true],
  ['then params of Session methods', undefined, rest('Session/ping'), inParams, 'param', true],
  ['never params of others', undefined, rest('Customer/get_customer_info'), inParams, 'cookie', false],
  ['then cookies', undefined, rest('Customer/get_customer_info'), null, 'cookie', false],
  ['a page has cookies alone', undefined, page, null, 'cookie', false]
] as const) {
  test(`of several places: ${place}`, () => {
    const shown = shownCredentials(authorization, route, call, inCookies)
    assert.deepEqual([shown.credentials[0]?.value, shown.together], [expected, together])
  })
}

test('a header that decides spares the call: nothing in it is looked at', () => {
  const call = { authInfo: { session_id: 7 }, params: null }
  assert.equal(shownCredentials('Bearer x', rest('Session/ping'), call, []).credentials[0]?.value, 'x')
})

test('nothing shown is nothing', () => {
  assert.deepEqual(shownCredentials(undefined, rest('Session/ping'), null, []).credentials, [])
})
