import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyFormOf, readCall } from '../../core/call.ts'
import { readPath } from '../../core/call-in-path.ts'
import { noCall } from '../../core/words.ts'
import { rest, type Said, said } from './routes.ts'

const route = rest('Customer/get_customer_info')
const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const multipart = 'multipart/form-data; boundary=XX'

const none: Said = { authInfo: null, params: null }
const both: Said = { authInfo: { session_id: 'S' }, params: { i_customer: 7 } }

const part = (name: string, value: string, more = '') =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
const parts = (...fields: string[]) => `${fields.join('')}--XX--\r\n`
const auth = '{"session_id":"S"}'
const params = '{"i_customer":7}'

for (const [contentType, expected] of [
  [undefined, 'other'],
  ['', 'other'],
  ['application/json', 'json'],
  ['Application/JSON ; charset=UTF-8', 'json'],
  ['application/vnd.acme+json', 'json'],
  ['application/jsonp', 'other'],
  ['application/x-www-form-urlencoded;charset=utf-8', 'form'],
  ['multipart/form-data; boundary=x', 'multipart'],
  ['Multipart/Form-Data; boundary=x', 'multipart'],
  ['multipart/mixed; boundary=x', 'other'],
  ['text/xml', 'other'],
  ['text/plain', 'other']
] as const) {
  test(`Content-Type "${contentType}" is ${expected}`, () => assert.equal(bodyFormOf(contentType), expected))
}

const read = (body: string | Buffer | null, contentType: string | undefined, inPath = '') =>
  readCall(
    { ...route, inPath: inPath === '' ? noCall : readPath(inPath) },
    contentType,
    body === null ? null : Buffer.from(body as string)
  )

/** Content-Type, body, what it says */
const bodies: readonly (readonly [string | undefined, string | Buffer, Said])[] = [
  [json, `{"auth_info":${auth},"params":${params}}`, both],
  [json, `{"params":${params},"auth_info":${auth}}`, both],
  ['application/json; charset=UTF-8', ` {"auth_info":${auth} ,"params":${params}}\r\n`, both],
  [json, `\ufeff{"auth_info":${auth},"params":${params}}`, both],
  ['application/json; charset="utf-16le"', Buffer.from(`{"auth_info":${auth},"params":${params}}`, 'utf16le'), both],
  [
    'application/json; charset=iso-8859-1',
    Buffer.from('{"params":{"n":"é"}}', 'latin1'),
    { authInfo: null, params: { n: 'é' } }
  ],
  [json, '{"params":{"n":"日本"}}', { authInfo: null, params: { n: '日本' } }],
  [json, '{"params":{}}', { authInfo: null, params: {} }],
  [json, '{}', none],
  [json, 'null', none],
  [json, '', none],
  [json, ' \r\n', none],
  [json, '{"auth_info":null,"params":null}', none],
  [json, '{"auth_info":"","params":""}', none],
  [json, '{"params":{"a":1},"params":{"a":2}}', { authInfo: null, params: { a: 2 } }],
  [json, '{"params":{"limit":"50","flag":"Y"}}', { authInfo: null, params: { limit: '50', flag: 'Y' } }],
  [form, `auth_info=${encodeURIComponent(auth)}&params=${encodeURIComponent(params)}`, both],
  [form, `params=${params}&auth_info=${auth}`, both],
  [form, `other=1&other=2&auth_info=${auth}&params=${params}&=`, both],
  [form, 'auth_info=&params=', none],
  [form, 'params', none],
  [form, '', none],
  [form, 'params=%7B%22n%22%3A%22a+b%2Bc%26d%3D%22%7D', { authInfo: null, params: { n: 'a b+c&d=' } }],
  [form, 'params=%7B%22n%22%3A%22%C3%A9%22%7D', { authInfo: null, params: { n: 'é' } }],
  [form, '%70arams=%7B%7D', { authInfo: null, params: {} }],
  [multipart, parts(part('auth_info', auth), part('params', params)), both],
  [multipart, parts(part('params', params), part('file', 'x', '; filename="a.csv"'), part('auth_info', auth)), both],
  [multipart, parts(part('other', 'x'), part('other', 'y'), part('auth_info', auth), part('params', params)), both],
  [multipart, parts(part('auth_info', ''), part('params', '')), none],
  [multipart, parts(part('file', '{"i_customer":1}', '; filename="params"')), none],
  ['multipart/form-data; boundary="XX"', parts(part('auth_info', auth), part('params', params)), both],
  [multipart, `preamble\r\n${parts(part('auth_info', auth), part('params', params))}epilogue`, both],
  [multipart, '', none],
  // A body with no place for credentials is not looked at.
  ['text/xml', '<x/>', none],
  ['text/plain', '{"params":', none],
  [undefined, '{"params":', none]
]

for (const [contentType, body, expected] of bodies) {
  test(`${contentType}: ${JSON.stringify(body.toString()).slice(0, 90)}`, async () => {
    assert.deepEqual(said(await read(body, contentType)), expected)
  })
}

test('big integers and 1.10 are read as plain JSON.parse reads them', async () => {
  const text = '{"params":{"id":12345678901234567890123,"price":1.10,"low":-23.61693,"e":1e400}}'
  assert.deepEqual((await read(text, json)).params, JSON.parse(text).params)
})

test('__proto__ in a call is a key like any other', async () => {
  const { params: found } = await read('{"params":{"__proto__":{"session_id":"x"}}}', json)
  assert.equal((found as { session_id?: unknown }).session_id, undefined)
  assert.deepEqual(Object.keys(found ?? {}), ['__proto__'])
})

/** Content-Type, body that cannot be read; each holds a secret that no message may repeat. */
const malformed: readonly (readonly [string, string | Buffer])[] = [
  [json, '{"params":{"password":"hunter2"'],
  [json, 'hunter2'],
  [json, '"hunter2"'],
  [json, '["hunter2"]'],
  [json, '7'],
  [json, 'true'],
  [json, '{"auth_info":"hunter2"}'],
  [json, '{"auth_info":["hunter2"]}'],
  [json, '{"auth_info":7}'],
  [json, '{"auth_info":false}'],
  [json, '{"params":"hunter2"}'],
  [json, '{"params":[{"password":"hunter2"}]}'],
  [json, '{"params":{}} hunter2'],
  [json, "{'params':{'password':'hunter2'}}"],
  ['application/json; charset=hunter2', '{}'],
  [form, 'params={"password":"hunter2"'],
  [form, 'params=hunter2'],
  [form, 'params=["hunter2"]'],
  [form, 'params="hunter2"'],
  [form, 'params={}&x=100%hunter2'],
  [form, 'params={"password":"hunter2%"}'],
  [form, 'params=%'],
  [form, 'params=%2'],
  [form, 'params=%zz'],
  [form, 'auth_info={"session_id":"hunter2"}&auth_info={"session_id":"other"}'],
  [form, 'params={}&params={}'],
  [form, 'params={}&%70arams={}'],
  ['multipart/form-data', parts(part('params', '{"password":"hunter2"}'))],
  ['multipart/form-data; boundary=', parts(part('params', '{"password":"hunter2"}'))],
  ['multipart/form-data; boundary=hunter2', parts(part('params', '{}'))],
  [multipart, parts(part('params', '{"password":"hunter2"'))],
  [multipart, parts(part('params', '["hunter2"]'))],
  [multipart, parts(part('params', '{"a":"hunter2"}'), part('params', '{"a":"hunter2"}'))],
  [multipart, parts(part('auth_info', auth), part('auth_info', auth))],
  [multipart, part('params', '{"password":"hunter2"}')],
  [multipart, `${part('params', '{"password":"hunter2"}')}--XX`],
  [multipart, 'hunter2'],
  [multipart, parts(part('params', `{"password":"hunter2","x":"${'x'.repeat(1 << 20)}"}`))]
]

for (const [contentType, body] of malformed) {
  test(`${contentType}: ${JSON.stringify(body).slice(0, 90)} is malformed, and not repeated`, {
    timeout: 5000
  }, async () => {
    await assert.rejects(read(body, contentType), (error: Error & { faultcode?: string }) => {
      assert.equal(error.faultcode, 'Client.Dispatcher.malformed_request')
      assert.ok(!error.message.includes('hunter2'), error.message)
      assert.ok(!String((error.cause as Error | undefined)?.message).includes('hunter2'), 'its cause')
      return true
    })
  })
}

/** in the path, Content-Type, body: one names what the other does not contradict */
for (const [inPath, contentType, body, expected] of [
  [`/${auth}/${params}`, json, '', both],
  [`/${auth}`, json, `{"params":${params}}`, both],
  [`//${params}`, json, `{"auth_info":${auth}}`, both],
  [`/${auth}/${params}`, json, `{"auth_info":${auth},"params":${params}}`, both],
  [`/${auth}/${params}`, form, `params=${params}`, both],
  [`/${auth}/${params}`, multipart, parts(part('auth_info', auth)), both],
  [`/${auth}/${params}`, 'text/plain', 'whatever', both]
] as const) {
  test(`path ${inPath} and body ${JSON.stringify(body).slice(0, 60)} agree`, async () => {
    assert.deepEqual(said(await read(body, contentType, inPath)), expected)
  })
}

for (const [inPath, body] of [
  ['/{"session_id":"hunter2"}/{}', '{"auth_info":{"session_id":"other"}}'],
  ['/{"session_id":"hunter2"}', '{"auth_info":{"access_token":"hunter2"}}'],
  ['/{"session_id":"hunter2"}', '{"auth_info":{}}'],
  ['//{"login":"a","password":"hunter2"}', '{"params":{"login":"b","password":"hunter2"}}']
] as const) {
  test(`path ${inPath} and body ${body} contradict each other`, async () => {
    await assert.rejects(
      read(body, json, inPath),
      (error: Error & { faultcode?: string }) =>
        error.faultcode === 'Client.Dispatcher.malformed_request' && !error.message.includes('hunter2')
    )
  })
}

test('no body and nothing in the path is no call', async () => {
  assert.deepEqual(said(await read(null, undefined)), none)
  assert.deepEqual(said(await read(null, json)), none)
})
