import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTargetReader } from '../../core/route.ts'
import { noCall } from '../../core/words.ts'
import { said } from './routes.ts'

const readTarget = createTargetReader({
  billing: ['/rest', '/soap', '/espf', '/doc/api', '/rest/v2'],
  portasip: ['/portasip'],
  callcontrol: ['/callcontrol']
})

const longest = `m${'x'.repeat(63)}`

/** target, family, wire, service, method, what the path holds, prefix */
const targets = [
  ['/rest/Session/login', 'billing', 'rest', 'Session', 'login', '', '/rest'],
  ['/rest/Session/login/', 'billing', 'rest', 'Session', 'login', '', '/rest'],
  ['/rest/Session/login?a=/b/{', 'billing', 'rest', 'Session', 'login', '', '/rest'],
  ['/rest/Session/login/?a=1', 'billing', 'rest', 'Session', 'login', '', '/rest'],
  ['/rest/CallControl/get_sip_calls_list', 'billing', 'rest', 'CallControl', 'get_sip_calls_list', '', '/rest'],
  ['/rest/v2/Session/login', 'billing', 'rest', 'Session', 'login', '', '/rest/v2'],
  ['/soap/Session/login', 'billing', 'soap', 'Session', 'login', '', '/soap'],
  ['/soap/Session/login/{}', 'billing', 'soap', 'Session', 'login', '', '/soap'],
  ['/soap/', 'billing', 'soap', '', '', '', '/soap'],
  ['/soap/Session', 'billing', 'soap', 'Session', '', '', '/soap'],
  ['/soap/Session/', 'billing', 'soap', 'Session', '', '', '/soap'],
  ['/soap/Session?wsdl', 'billing', 'soap', 'Session', '', '', '/soap'],
  ['/soap/1', 'billing', 'soap', '', '', '', '/soap'],
  ['/espf/v1/customers/7?x=..', 'billing', 'plain', '', '', '', '/espf'],
  ['/espf', 'billing', 'plain', '', '', '', '/espf'],
  ['/doc/api/CustomerInterface.json', 'billing', 'plain', '', '', '', '/doc/api'],
  ['/doc/api/', 'billing', 'plain', '', '', '', '/doc/api'],
  ['/portasip/rest/AutoAttendant/update_menu', 'portasip', 'rest', 'AutoAttendant', 'update_menu', '', '/portasip'],
  ['/portasip/Voicemail/get_settings/', 'portasip', 'rest', 'Voicemail', 'get_settings', '', '/portasip'],
  ['/callcontrol/CallControl/answer_call', 'callcontrol', 'rest', 'CallControl', 'answer_call', '', '/callcontrol'],
  [
    '/callcontrol/rest/CallControl/answer_call',
    'callcontrol',
    'rest',
    'CallControl',
    'answer_call',
    '',
    '/callcontrol'
  ],
  ['/callcontrol/answer_call', 'callcontrol', 'rest', 'CallControl', 'answer_call', '', '/callcontrol'],
  [
    '/callcontrol/rest/get_sip_calls_list/',
    'callcontrol',
    'rest',
    'CallControl',
    'get_sip_calls_list',
    '',
    '/callcontrol'
  ],
  ['/callcontrol/', 'callcontrol', 'rest', '', '', '', '/callcontrol'],
  ['/callcontrol/ws?access_token=x', 'callcontrol', 'rest', 'CallControl', 'ws', '', '/callcontrol'],
  // URL-path calls: what follows the method stays as it came.
  [
    '/rest/Session/login//{"login":"a"}',
    'billing',
    'rest',
    'Session',
    'login',
    { authInfo: null, params: { login: 'a' } },
    '/rest'
  ],
  [
    '/rest/Session/ping/{"x":"a/../b"}/{}',
    'billing',
    'rest',
    'Session',
    'ping',
    { authInfo: { x: 'a/../b' }, params: {} },
    '/rest'
  ],
  [
    '/rest/A/get_b//{"p":"?%/.."}',
    'billing',
    'rest',
    'A',
    'get_b',
    { authInfo: null, params: { p: '?%/..' } },
    '/rest'
  ],
  [
    '/rest/A/get_b//%7B%22p%22%3A%22..%2F..%22%7D',
    'billing',
    'rest',
    'A',
    'get_b',
    { authInfo: null, params: { p: '../..' } },
    '/rest'
  ],
  ['/rest/A/get_b//{}?x=1', 'billing', 'rest', 'A', 'get_b', { authInfo: null, params: {} }, '/rest'],
  [
    '/portasip/rest/A/get_b//{"c":1}',
    'portasip',
    'rest',
    'A',
    'get_b',
    { authInfo: null, params: { c: 1 } },
    '/portasip'
  ],
  ['/callcontrol/rest/A/get_b/c/7', 'callcontrol', 'rest', 'A', 'get_b', '', '/callcontrol'],
  // Names that are no API names, and paths that stop early.
  ['/rest', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest?a=1', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/Session', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/Session/', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest//login', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/1Session/login', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/Session/log-in', 'billing', 'rest', '', '', '', '/rest'],
  [`/rest/A/${longest}`, 'billing', 'rest', 'A', longest, '', '/rest'],
  [`/rest/A/${longest}x`, 'billing', 'rest', '', '', '', '/rest'],
  // A query is no path, whatever it looks like.
  ['/rest?Session/login', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/Session?login', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/Session?login//{}', 'billing', 'rest', '', '', '', '/rest'],
  ['/rest/?/Session/login', 'billing', 'rest', '', '', '', '/rest'],
  ['/portasip?rest/A/get_b', 'portasip', 'rest', '', '', '', '/portasip'],
  // Pages.
  ['/', 'page', 'page', '', '', '', ''],
  ['/?a=1', 'page', 'page', '', '', '', ''],
  ['/index.html', 'page', 'page', '', '', '', ''],
  ['/restaurant', 'page', 'page', '', '', '', ''],
  ['/rest-api/Session/login', 'page', 'page', '', '', '', ''],
  ['/REST/Session/login', 'page', 'page', '', '', '', ''],
  ['/doc/apiary', 'page', 'page', '', '', '', ''],
  ['/x/rest/Session/login', 'page', 'page', '', '', '', ''],
  ['//evil.example/rest/Session/login', 'page', 'page', '', '', '', ''],
  ['//', 'page', 'page', '', '', '', ''],
  ['/a..b/...', 'page', 'page', '', '', '', ''],
  ['/a?next=../../x&y=%2e%2e/', 'page', 'page', '', '', '', '']
] as const

for (const [url, family, wire, service, method, inPath, prefix] of targets) {
  test(`${url.slice(0, 80)} is ${family} by ${wire}: ${service || '-'}/${method || '-'} ${JSON.stringify(inPath)}`, () => {
    const { route, ...more } = readTarget(url)
    assert.deepEqual(more, { url, authority: null, prefix })
    const expected = { family, wire, service, method, inPath: inPath === '' ? said(noCall) : inPath }
    assert.deepEqual({ ...route, inPath: said(route.inPath) }, expected)
  })
}

for (const [target, authority, url, method] of [
  ['http://mybilling.billing.com/rest/Session/login?x', 'mybilling.billing.com', '/rest/Session/login?x', 'login'],
  ['HTTPS://a.example:8444/rest/Session/ping', 'a.example:8444', '/rest/Session/ping', 'ping'],
  ['http://[::1]:80/rest/Session/ping/', '[::1]:80', '/rest/Session/ping/', 'ping'],
  [
    'http://a.example/rest/Session/login//{"p":"a/../b?"}',
    'a.example',
    '/rest/Session/login//{"p":"a/../b?"}',
    'login'
  ],
  ['http://a.example', 'a.example', '/', ''],
  ['http://a.example?x=/rest/Session/login', 'a.example', '/?x=/rest/Session/login', ''],
  ['http://a.example//evil.example/', 'a.example', '//evil.example/', '']
] as const) {
  test(`absolute-form ${target} names ${authority} and ${url}`, () => {
    const read = readTarget(target)
    assert.deepEqual([read.authority, read.url, read.route.method], [authority, url, method])
  })
}

const malformed = [
  '*',
  '',
  'rest/Session/login',
  'a.example:443',
  'ftp://a.example/x',
  'http://',
  'http:///rest/Session/login',
  'http://user:hunter2@a.example/',
  'javascript:alert(1)',
  '{"password":"hunter2"}',
  // `..` as a segment, in every writing.
  '/..',
  '/a/..',
  '/a/../b?x',
  '/rest/../admin',
  '/rest/Session/..',
  '/rest/Session/../../admin/x',
  '/%2e%2e/x',
  '/a/%2E%2e',
  '/a/.%2e/b',
  '/a/%2e./b',
  '/a\\..\\b',
  '/a%2f..%2fb',
  '/a%2F%2e%2e%5Cb',
  '/a%5c..%5cb',
  '/a/..%2f',
  '/espf/v1/../../admin',
  '/espf/%2e%2e/admin?x=1',
  '/doc/api/../x',
  '/portasip/../x',
  '/soap/Session/login/../../x',
  '/soap/Session/login/%2e%2e/%2e%2e/%2e%2e/x',
  'http://a.example/rest/../x',
  // A name that a system could read differently.
  '/rest/%53ession/login',
  '/rest/Session/%6cogin',
  '/rest/Session/login%0d',
  '/rest/./Session/login',
  '/rest/Session/./login',
  // Behind the method only what stands inside JSON may look like one.
  '/rest/Customer/get_customer_info/..',
  '/rest/Customer/get_customer_info/../../../admin',
  '/rest/Customer/get_customer_info/%2e%2e/%2e%2e/%2e%2e/admin',
  '/rest/Customer/get_customer_info//..%2f..%2f..%2f../admin',
  '/rest/Customer/get_customer_info/..\\..\\..\\admin',
  '/rest/Customer/get_customer_info/{}/{}/../../../../admin',
  '/rest/Customer/get_customer_info//%7B%7D/%2e%2e/admin',
  '/portasip/rest/Voicemail/get_x/../../../../admin'
] as const

for (const target of malformed) {
  test(`"${target}" is refused, and not repeated`, () => {
    assert.throws(
      () => readTarget(target),
      (error: Error & { faultcode?: string }) => {
        assert.equal(error.faultcode, 'Client.Dispatcher.malformed_request')
        assert.ok(!error.message.includes('hunter2') && !error.message.includes('admin'), error.message)
        return true
      }
    )
  })
}

test('with other prefixes the usual ones are pages', () => {
  const readOther = createTargetReader({ billing: ['/api/rest', '/api/soap'], portasip: [], callcontrol: [] })
  assert.equal(readOther('/rest/Session/login').route.family, 'page')
  assert.equal(readOther('/portasip/rest/A/get_b').route.family, 'page')
  assert.deepEqual(readOther('/api/rest/Session/login').route, {
    family: 'billing',
    wire: 'rest',
    service: 'Session',
    method: 'login',
    inPath: noCall
  })
  assert.equal(readOther('/api/soap/Session/login').route.wire, 'soap')
})
