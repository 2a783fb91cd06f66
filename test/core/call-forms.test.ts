import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createMultipartReader, readCall } from '../../core/call.ts'
import { readPath } from '../../core/call-in-path.ts'
import { rest, said } from './routes.ts'

const route = rest('Account/get_account_list')
const type = 'multipart/form-data; boundary=XX'

function multipartOf(fields: Readonly<Record<string, string>>) {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  )
  return Buffer.from(`${parts.join('')}--XX--\r\n`)
}

const whole = multipartOf({ auth_info: '{"session_id":"S"}', params: '{"name":"é/..","i":7}' })
const expected = { authInfo: { session_id: 'S' }, params: { name: 'é/..', i: 7 } }

test('multipart: split at every byte position', { timeout: 10_000 }, async () => {
  for (let at = 0; at <= whole.length; at++) {
    const reader = createMultipartReader(type)
    await reader.write(whole.subarray(0, at), [])
    await reader.write(whole.subarray(at), [])
    assert.deepEqual(said(await reader.call({ whole: true })), expected, `split at ${at}`)
  }
})

test('multipart: byte by byte', async () => {
  const reader = createMultipartReader(type)
  for (let at = 0; at < whole.length; at++) await reader.write(whole.subarray(at, at + 1), [])
  assert.deepEqual(said(await reader.call({ whole: true })), expected)
})

test('multipart: cut at any byte it is malformed, and never hangs', { timeout: 10_000 }, async () => {
  const end = whole.lastIndexOf('--')
  for (let at = 1; at < end; at++) {
    const reader = createMultipartReader(type)
    const reading = reader.write(whole.subarray(0, at), []).then(() => reader.call({ whole: true }))
    await assert.rejects(reading, { faultcode: 'Client.Dispatcher.malformed_request' }, `cut at ${at}`)
  }
})

test('multipart: auth_info is known before a large file has passed', async () => {
  const reader = createMultipartReader(type)
  const head = multipartOf({ auth_info: '{"session_id":"S"}' }).subarray(0, -'--XX--\r\n'.length)
  const file = '--XX\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
  assert.equal(await reader.write(Buffer.concat([head, Buffer.from(file + 'x'.repeat(1000))]), ['auth_info']), true)
  assert.deepEqual(said(await reader.call({ whole: false })), { authInfo: { session_id: 'S' }, params: null })
})

test('multipart: without auth_info nobody is told that it came', async () => {
  const reader = createMultipartReader(type)
  assert.equal(await reader.write(multipartOf({ params: '{}' }), ['auth_info']), false)
})

test('multipart: a file of megabytes is let through unseen', async () => {
  const reader = createMultipartReader(type)
  await reader.write(Buffer.from('--XX\r\nContent-Disposition: form-data; name="params"; filename="f"\r\n\r\n'), [])
  for (let n = 0; n < 64; n++) await reader.write(Buffer.alloc(65_536, n), [])
  await reader.write(Buffer.concat([Buffer.from('\r\n'), multipartOf({ auth_info: '{"session_id":"S"}' })]), [])
  assert.deepEqual(said(await reader.call({ whole: true })), { authInfo: { session_id: 'S' }, params: null })
})

const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue() as fc.Arbitrary<unknown>)

const forms = {
  json: (params: string) => readCall(route, 'application/json', Buffer.from(`{"params":${params}}`)),
  form: (params: string) =>
    readCall(route, 'application/x-www-form-urlencoded', Buffer.from(new URLSearchParams({ params }).toString())),
  multipart: (params: string) => readCall(route, type, multipartOf({ params })),
  'URL-path': (params: string) =>
    readCall({ ...route, inPath: readPath(`//${encodeURIComponent(params)}`) }, undefined, null)
}

for (const [form, read] of Object.entries(forms)) {
  test(`${form}: any params are read as plain JSON.parse reads them`, async () => {
    await fc.assert(
      fc.asyncProperty(object, async (params) => {
        const text = JSON.stringify(params)
        assert.deepEqual(said(await read(text)), { authInfo: null, params: JSON.parse(text) })
      })
    )
  })
}
