import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bearerOf,
  callerOf,
  credentialsInCall,
  credentialsInCookies,
  credentialsInHandshake,
  everyCredentialIn,
  shownCredentials,
  swapsFor
} from '../../core/credentials.ts'
import { type Call, type Credential, type Home, type JsonObject, noCall } from '../../core/words.ts'
import { page, rest } from './routes.ts'

const call = (authInfo: JsonObject | null, params: JsonObject | null): Call => ({ ...noCall, authInfo, params })

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
    const found = credentialsInCall(rest(name), call(auth, given))
    assert.equal(found.map(({ kind, value }) => `${kind}=${value}`).join(' '), expected)
  })
}

for (const value of [7, 0, true, false, ['hunter2'], { hunter2: 1 }, 'hunter2'.repeat(3000)]) {
  for (const place of ['auth_info', 'params'] as const) {
    test(`${place}.session_id ${JSON.stringify(value).slice(0, 30)} is malformed, and not repeated`, () => {
      const holder = { session_id: value }
      const said = place === 'params' ? call(null, holder) : call(holder, null)
      assert.throws(
        () => credentialsInCall(rest('Session/ping'), said),
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
const inBody = call({ session_id: 'body' }, { session_id: 'param' })
const inParams = call(null, { session_id: 'param' })

for (const [place, authorization, route, said, expected, together] of [
  ['the header first', 'Bearer header', rest('Session/ping'), inBody, 'header', false],
  ['then auth_info', 'Basic YTpi', rest('Session/ping'), inBody, 'body', true],
  ['then params of Session methods', undefined, rest('Session/ping'), inParams, 'param', true],
  ['never params of others', undefined, rest('Customer/get_customer_info'), inParams, 'cookie', false],
  ['then cookies', undefined, rest('Customer/get_customer_info'), null, 'cookie', false],
  ['a page has cookies alone', undefined, page, null, 'cookie', false]
] as const) {
  test(`of several places: ${place}`, () => {
    const shown = shownCredentials(authorization, route, said, inCookies)
    assert.deepEqual([shown.credentials[0]?.value, shown.together], [expected, together])
  })
}

test('a header that decides spares the call: nothing in it is looked at', () => {
  const said = call({ session_id: 7 }, null)
  assert.equal(shownCredentials('Bearer x', rest('Session/ping'), said, []).credentials[0]?.value, 'x')
})

test('nothing shown is nothing', () => {
  assert.deepEqual(shownCredentials(undefined, rest('Session/ping'), null, []).credentials, [])
})

const token = (value: string): Credential => ({ kind: 'access_token', value })
const id = (value: string): Credential => ({ kind: 'session_id', value })
const refresh = (value: string): Credential => ({ kind: 'refresh_token', value })
const halves = {
  target: { access_token: 'tA', session_id: 'tS', refresh_token: 'tR' },
  source: { access_token: 'sA', session_id: 'sS', refresh_token: 'sR' }
}
const older = 'older-credential'
const paired: Home = { system: 'both', by: 'record', session: { id: '1', halves, context: null } }
const withoutId: Home = {
  ...paired,
  session: { id: '1', halves: { ...halves, source: { access_token: 'sA' } }, context: null }
}

for (const [what, shown, home, source, target] of [
  ['a token of a pair', [token('tA')], paired, token('sA'), token('tA')],
  ['a session id of a pair', [id('tS')], paired, id('sS'), id('tS')],
  ['an older token of a pair', [token('old')], paired, token('sA'), token('old')],
  ['a session id that the source has not', [id('tS')], withoutId, token('sA'), id('tS')],
  ['the first that can be shown', [refresh('tR'), token('tA')], paired, token('sA'), token('tA')],
  ['a refresh token alone', [refresh('tR')], paired, null, null],
  ['nothing', [], paired, null, null],
  ['a session on the target', [token('tA')], { system: 'target', by: 'record' }, null, token('tA')],
  ['a session on the source', [token('sA')], { system: 'source', by: 'asked' }, token('sA'), null]
] as const) {
  test(`in the name of ${what} each system is asked with its own credential`, () => {
    const { credentialOn } = callerOf(shown, home)
    assert.deepEqual([credentialOn('source'), credentialOn('target')], [source, target])
  })
}

for (const [what, source, seen, expected] of [
  ['the pair alone', halves.source, [], 'tA=sA tS=sS tR=sR'],
  ['what is shown already', halves.source, [token('tA')], 'tA=sA tS=sS tR=sR'],
  ['an older token', halves.source, [token(older)], `tA=sA tS=sS tR=sR ${older}=sA`],
  ["another session's cookie", halves.source, [id(older)], `tA=sA tS=sS tR=sR ${older}=sS`],
  ['a cookie that is only named so', halves.source, [id('49')], 'tA=sA tS=sS tR=sR'],
  ['what the source has no name for', { access_token: 'sA' }, [id(older)], `tA=sA tS= tR= ${older}=`],
  ["the source's own", halves.source, [token('sA')], 'tA=sA tS=sS tR=sR']
] as const) {
  test(`for the source: ${what}`, () => {
    const swaps = swapsFor({ target: halves.target, source }, seen)
    assert.equal(swaps.map(({ from, to }) => `${from}=${to}`).join(' '), expected)
  })
}

for (const [name, auth, given, expected] of [
  ['Customer/get_customer_info', { session_id: 'S', access_token: 'A' }, { session_id: 'p' }, 'A S'],
  ['Session/ping', { session_id: 'S' }, { access_token: 'pA', refresh_token: 'pR' }, 'S pA pR'],
  ['Session/ping', null, { access_token: 7, session_id: '' }, ''],
  ['Session/ping', null, null, '']
] as const) {
  test(`${name} with ${JSON.stringify(auth)} and ${JSON.stringify(given)} holds ${expected || 'nothing'}`, () => {
    const found = everyCredentialIn(rest(name), call(auth, given))
    assert.equal(found.map(({ value }) => value).join(' '), expected)
  })
}

const handshakes: readonly (readonly [
  what: string,
  url: string,
  protocols: string | undefined,
  values: readonly string[]
])[] = [
  ['nothing', '/callcontrol/ws', undefined, []],
  ['the query', '/callcontrol/ws?a=b&access_token=t1', undefined, ['t1']],
  ['the query, percent-encoded', '/ws?access_token=a%2Bb%2E', undefined, ['a+b.']],
  ['the query twice alike', '/ws?access_token=t1&access_token=t1', undefined, ['t1']],
  ['an empty query', '/ws?access_token=', undefined, []],
  ['a token of a path', '/ws/access_token=t1', undefined, []],
  ['a query with question marks', '/ws?x=??&access_token=t1', undefined, ['t1']],
  ['a subprotocol', '/ws', 'callcontrol.v1, access_token.t1.x-y_z', ['t1.x-y_z']],
  ['a subprotocol of another name and case', '/ws', 'Bearer.t1', ['t1']],
  ['the one behind its name', '/ws', 'access_token, t1, callcontrol.v1', ['t1']],
  ['a name behind which is nothing', '/ws', 'callcontrol.v1, bearer', []],
  ['no token', '/ws', 'callcontrol.v1, graphql-transport-ws', []],
  ['the query before a subprotocol', '/ws?access_token=t1', 'access_token.t2', ['t1', 't2']],
  ['too long a token', `/ws?access_token=${'x'.repeat(16_385)}`, undefined, []]
]
for (const [what, url, protocols, values] of handshakes) {
  test(`a handshake shows ${what}`, () => {
    assert.deepEqual(
      credentialsInHandshake(url, protocols),
      values.map((value) => token(value))
    )
  })
}

for (const [url, protocols] of [
  ['/ws?access_token=t1&access_token=t2', undefined],
  ['/ws', 'access_token.t1, bearer.t2']
] as const) {
  test(`a handshake with two tokens in one place contradicts itself: ${url} ${protocols}`, () => {
    assert.throws(() => credentialsInHandshake(url, protocols), { faultcode: 'Client.Dispatcher.malformed_request' })
  })
}
