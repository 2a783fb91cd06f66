import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { faultcodeOf, jsonOf, mayRefuseSession, refusesSession, sessionOf, userOf } from '../../core/answer.ts'
import { answerOf, faultOf } from './answers.ts'
import { plain, rest, soap } from './routes.ts'

const text = '{"user_id":10}'

for (const [encoding, body] of [
  [undefined, Buffer.from(text)],
  ['identity', Buffer.from(text)],
  ['gzip', gzipSync(text)],
  ['GZIP', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['br', brotliCompressSync(text)]
] as const) {
  test(`a body in ${encoding} is read`, () => {
    const answer = answerOf(200, body, { 'content-encoding': encoding })
    assert.deepEqual(jsonOf(answer), { user_id: 10 })
    assert.equal(userOf(answer), 10)
  })
}

for (const [what, body, encoding] of [
  ['an empty body', '', undefined],
  ['text', 'Bad Gateway', undefined],
  ['a page', '<html>', undefined],
  ['half an object', '{"user_id":', undefined],
  ['a list', '[{"user_id":10}]', undefined],
  ['a number', '10', undefined],
  ['null', 'null', undefined],
  ['a string', '"user_id"', undefined],
  ['plain text that claims to be gzip', text, 'gzip'],
  ['gzip that was cut', gzipSync(text).subarray(0, -9), 'gzip'],
  ['an encoding that nobody knows', gzipSync(text), 'zstd'],
  ['two encodings', gzipSync(text), 'gzip, br'],
  ['an encoding named like an object’s own', gzipSync(text), 'constructor'],
  ['a small body that grows beyond bounds', gzipSync(`{"a":"${'x'.repeat(5 << 20)}"}`), 'gzip']
] as const) {
  test(`${what} is no JSON object`, () => {
    const answer = answerOf(200, body, { 'content-encoding': encoding })
    assert.equal(jsonOf(answer), null)
    assert.equal(userOf(answer), null)
    assert.equal(sessionOf(answer), null)
  })
}

for (const [status, body, user] of [
  [200, '{"user_id":10}', 10],
  [200, '{"user_id":0}', 0],
  [200, '{"user_id":"10"}', 10],
  [200, '{"user_id":"0"}', 0],
  [200, '{"user_id":""}', null],
  [200, '{"user_id":" "}', null],
  [200, '{"user_id":null}', null],
  [200, '{"user_id":true}', null],
  [200, '{"user_id":[1]}', null],
  [200, '{"user_id":"abc"}', null],
  [200, '{"success":1}', null],
  [500, '{"user_id":10}', null],
  [204, '', null]
] as const) {
  test(`${status} ${body}: user ${user}`, () => assert.equal(userOf(answerOf(status, body)), user))
}

for (const [status, body, faultcode] of [
  [500, '{"faultcode":"Server.Account.duplicate_id","faultstring":"x"}', 'Server.Account.duplicate_id'],
  [500, '{"faultcode":"standalone_mode"}', 'standalone_mode'],
  [401, '{"faultcode":"x"}', 'x'],
  [200, '{"faultcode":"x"}', null],
  [500, '{"faultstring":"x"}', null],
  [500, '{"faultcode":7}', null],
  [500, '', null],
  [502, '<html>', null]
] as const) {
  test(`${status} ${body}: faultcode ${faultcode}`, () => assert.equal(faultcodeOf(answerOf(status, body)), faultcode))
}

const info = rest('Customer/get_customer_info')
const ping = rest('Session/ping')

/** Protocol section 2. */
const sessionFaults = [
  'Server.Session.check_auth.auth_failed',
  'Client.check_auth.envelope_missed',
  'Client.Session.check_auth.failed_to_process_jwt',
  'Client.Session.check_auth.failed_to_process_access_token',
  'Client.Session.ping.failed_to_process_access_token'
]
const businessFaults = [
  'Server.Session.auth_failed',
  'Server.Session.cannot_login_brute_force_activity',
  'Server.Session.alert_You_must_change_password',
  'Server.Account.duplicate_id',
  'Server.AccessControl.empty_rec_and_bcc',
  'Server.CallControl.sip.disabled_api_notifications',
  'Server.CallControl.get_sip_calls_list.access_denied',
  'standalone_mode',
  'secondary_site',
  'read_only_mode',
  'pb_delta.connection_failed',
  'Server.Customer.not_found'
]

for (const [faultcodes, refused] of [
  [sessionFaults, true],
  [businessFaults, false]
] as const) {
  for (const faultcode of faultcodes) {
    test(`${faultcode} ${refused ? 'refuses' : 'does not refuse'} the session`, () => {
      assert.equal(mayRefuseSession(info, 500), true)
      for (const route of [info, ping, plain]) assert.equal(refusesSession(route, faultOf(faultcode)), refused)
      const body = gzipSync(JSON.stringify({ faultcode }))
      assert.equal(refusesSession(info, answerOf(500, body, { 'content-encoding': 'gzip' })), refused)
    })
  }
}

/** route, status, body, whether it is held back, whether it refuses */
for (const [what, route, status, body, held, refused] of [
  ['a ping of user 0', ping, 200, '{"user_id":0}', true, true],
  ['a ping of user "0"', ping, 200, '{"user_id":"0"}', true, true],
  ['a ping of a user', ping, 200, '{"user_id":10}', true, false],
  ['a ping that tells no user', ping, 200, '{}', true, false],
  ['user 0 in another call', info, 200, '{"user_id":0}', false, false],
  ['ping of another service', rest('Customer/ping'), 200, '{"user_id":0}', false, false],
  ['401 of plain REST', plain, 401, '', true, true],
  ['403 of plain REST', plain, 403, '', false, false],
  ['404 of plain REST', plain, 404, '', false, false],
  ['401 of an API call', info, 401, '', false, false],
  ['500 without JSON', info, 500, '<html>', true, false],
  ['500 without a faultcode', info, 500, '{}', true, false],
  ['503 of a balancer', info, 503, '<html>', false, false],
  ['a session fault in a success', info, 200, '{"faultcode":"Client.check_auth.envelope_missed"}', false, false],
  ['a business fault by SOAP', soap('Customer/get_customer_info'), 500, '<soap:Fault/>', true, false]
] as const) {
  test(`${what} ${refused ? 'refuses' : 'does not refuse'} the session`, () => {
    assert.equal(mayRefuseSession(route, status), held, 'held back')
    assert.equal(refusesSession(route, answerOf(status, body)), refused)
  })
}

/** status, body, credentials, lifetime */
const sessions = [
  [
    200,
    { session_id: 'S', access_token: 'A', refresh_token: 'R', expires_in: 900 },
    'access_token=A session_id=S refresh_token=R',
    900_000
  ],
  [200, { access_token: 'A', expires_in: '172800' }, 'access_token=A', 172_800_000],
  [200, { session_id: 'S' }, 'session_id=S', null],
  [200, { session_id: 'S', access_token: '', expires_in: 0 }, 'session_id=S', null],
  [200, { session_id: 'S', access_token: 7, expires_in: -5 }, 'session_id=S', null],
  [200, { access_token: 'A', refresh_token: null, expires_in: 'soon' }, 'access_token=A', null],
  [200, { refresh_token: 'R' }, null, null],
  [200, { success: 1 }, null, null],
  [200, {}, null, null],
  [500, { session_id: 'S' }, null, null],
  [302, { session_id: 'S' }, null, null],
  [204, {}, null, null]
] as const

for (const [status, body, credentials, lifetimeMs] of sessions) {
  test(`${status} ${JSON.stringify(body)} opens ${credentials ?? 'nothing'}, for ${lifetimeMs} ms`, () => {
    const session = sessionOf(answerOf(status, JSON.stringify(body)))
    assert.equal(session?.credentials.map(({ kind, value }) => `${kind}=${value}`).join(' ') ?? null, credentials)
    assert.equal(session?.lifetimeMs ?? null, lifetimeMs)
  })
}
