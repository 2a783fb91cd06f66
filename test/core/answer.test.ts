import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import {
  faultcodeOf,
  jsonOf,
  mayMissEntity,
  mayRefuseSession,
  missesEntity,
  refusesSession,
  sessionOf,
  userOf
} from '../../core/answer.ts'
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
      assert.equal(mayRefuseSession(info, 500), 65_536)
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
    assert.equal(mayRefuseSession(route, status), held ? 65_536 : 0, 'held back')
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

const accountInfo = rest('Account/get_account_info')
const report = rest('Customer/get_custom_xdr_report')
const write = rest('Customer/update_customer')
const empty = '{}'

/** route, status, Content-Length, how many bytes are held back */
for (const [what, route, status, length, held] of [
  ['a fault', report, 500, '100', 65_536],
  ['a fault about a write', write, 500, undefined, 65_536],
  ["a customer's record", info, 200, '3000', 65_536],
  ["an account's record without a length", accountInfo, 200, undefined, 65_536],
  ['an answer of two bytes', report, 200, '2', 64],
  ['one of 64', write, 200, '64', 64],
  ['one of 65', report, 200, '65', 0],
  ['one without a length', report, 200, undefined, 64],
  ['a file', report, 200, '20000000', 0],
  ['no content', report, 204, '0', 0],
  ['a redirect', report, 302, '2', 0],
  ['a page that is not there', info, 404, '2', 0],
  ['a system that is not there', info, 503, '2', 0]
] as const) {
  test(`of ${what} ${held} bytes may say that an entity is not there`, () => {
    const headers = length === undefined ? {} : { 'content-length': length }
    assert.equal(mayMissEntity(route, { status, statusMessage: '', headers }), held)
  })
}

const customerOf = (record: unknown) => JSON.stringify({ customer_info: record })

/** route, answer, whether it misses its entity */
for (const [what, route, answer, misses] of [
  ['not found', report, faultOf('Server.Customer.not_found'), true],
  ['not found, in its method', info, faultOf('Server.Customer.get_customer_info.NOT_FOUND'), true],
  ['not found, about something else', report, faultOf('Server.Invoice.not_found'), true],
  ['exported', write, faultOf('Server.Account.exported'), true],
  [
    'exported, compressed',
    write,
    answerOf(500, gzipSync('{"faultcode":"Server.Account.exported"}'), { 'content-encoding': 'gzip' }),
    true
  ],
  ['a call that is not found', report, faultOf('Server.CallControl.call_not_found'), false],
  ['another fault', report, faultOf('Server.Account.duplicate_id'), false],
  ['a word of it elsewhere', report, faultOf('Server.exported.limit'), false],
  ['a fault without a code', report, answerOf(500, '<html>'), false],
  ['a fault without a code, empty', report, answerOf(500, empty), false],
  ['an empty object', report, answerOf(200, empty), true],
  ['an empty object, compressed', report, answerOf(200, gzipSync(empty), { 'content-encoding': 'gzip' }), true],
  ['an empty object about a write', write, answerOf(200, empty), true],
  ['null', report, answerOf(200, ' null\n'), true],
  ['a success', write, answerOf(200, '{"success":1}'), false],
  ['nothing', report, answerOf(200, ''), false],
  ['a list', report, answerOf(200, '[]'), false],
  ['a page', report, answerOf(200, '<html>'), false],
  ['an empty object of another status', report, answerOf(302, empty), false],
  ['an empty record', info, answerOf(200, customerOf({})), true],
  ['no record', info, answerOf(200, customerOf(null)), true],
  ['an empty answer about a record', accountInfo, answerOf(200, empty), true],
  ['an open customer', info, answerOf(200, customerOf({ i_customer: 7, bill_status: 'O' })), false],
  ['a closed one', info, answerOf(200, customerOf({ i_customer: 7, bill_status: 'C' })), false],
  ['an exported one', info, answerOf(200, customerOf({ i_customer: 7, bill_status: 'E' })), true],
  ['one in small letters', info, answerOf(200, customerOf({ i_customer: 7, bill_status: 'e' })), true],
  ['one by its status alone', info, answerOf(200, customerOf({ i_customer: 7, status: 'exported' })), true],
  ['an exported account', accountInfo, answerOf(200, '{"account_info":{"i_account":9,"bill_status":"E"}}'), true],
  ['a record without its member', info, answerOf(200, '{"i_customer":7,"bill_status":"O"}'), false],
  ['an exported one without its member', info, answerOf(200, '{"i_customer":7,"bill_status":"E"}'), true],
  ['a record of the other kind', info, answerOf(200, '{"account_info":{"bill_status":"E"}}'), false],
  ['a record that is a list', info, answerOf(200, customerOf([])), false],
  ['a record that is a text', info, answerOf(200, customerOf('E')), false],
  ['an exported row of another call', report, answerOf(200, '{"bill_status":"E"}'), false]
] as const) {
  test(`${what} ${misses ? 'misses' : 'does not miss'} its entity`, () => {
    assert.equal(missesEntity(route, answer), misses)
  })
}
