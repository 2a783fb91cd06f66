import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { adminToken, call, replyOf, startSystem } from './system.ts'

async function download(origin: string, name: string, params: object, token: string) {
  const response = await fetch(`${origin}/rest/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ params })
  })
  return { response, bytes: Buffer.from(await response.arrayBuffer()) }
}

const files = [
  {
    name: 'Invoice/get_invoice_info',
    params: { i_invoice: 5, get_pdf: 1 },
    type: 'application/pdf',
    start: '%PDF-1.4'
  },
  { name: 'Customer/get_custom_xdr_report', params: { i_customer: 1 }, type: 'application/csv', start: 'Account,From' },
  {
    name: 'Account/get_mailbox_message_attachment',
    params: { i_account: 1, message_uid: '1 msg 2' },
    type: 'audio/x-wav',
    start: 'RIFF'
  }
]

for (const { name, params, type, start } of files) {
  test(`files: ${name} is an attachment of type ${type}`, async (t) => {
    const system = await startSystem(t)
    const { response, bytes } = await download(system.urls.admin, name, params, await adminToken(system))
    assert.equal(response.headers.get('content-type'), type)
    assert.match(response.headers.get('content-disposition') ?? '', /^attachment; filename=".+"$/)
    assert.equal(bytes.subarray(0, start.length).toString(), start)
  })
}

test('files: the cross-reference table of a PDF points at its objects', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const { bytes } = await download(system.urls.admin, 'Invoice/get_invoice_info', { i_invoice: 5, get_pdf: 1 }, token)
  const pdf = bytes.toString('latin1')
  const offsets = [...pdf.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, offset]) => Number(offset))
  assert.equal(offsets.length, 5)
  offsets.forEach((offset, at) => {
    assert.ok(pdf.slice(offset).startsWith(`${at + 1} 0 obj`))
  })
})

test('files: a recording is found by an i_xdr above 2^53, sent as a number or as a string', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const { text } = await call(system, 'admin', 'Account/get_xdr_list', { i_account: 1, limit: 1 }, token)
  const id = /"i_xdr":(\d+)/.exec(text)?.[1] ?? ''
  assert.ok(BigInt(id) > BigInt(Number.MAX_SAFE_INTEGER))
  for (const written of [id, `"${id}"`]) {
    const response = await fetch(`${system.urls.admin}/rest/CDR/get_call_recording`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: `{"params":{"i_xdr":${written}}}`
    })
    assert.equal((await response.arrayBuffer()).byteLength, 44 + 32_000)
  }
})

test('files: a transcription is JSON, or text without Content-Disposition', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const asJson = await call(system, 'admin', 'CDR/get_transcription', { call_recording_id: 7 }, token)
  assert.match(String(asJson.json.transcription), /recording 7/)
  const asText = await call(system, 'admin', 'CDR/get_transcription', { call_recording_id: 7, format: 'txt' }, token)
  assert.equal(asText.headers.get('content-disposition'), null)
  assert.equal(asText.text, asJson.json.transcription)
})

test('files: a report of any size streams, and stops being made when its reader leaves', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const params = { i_customer: 1, size_bytes: 5_000_001 }
  const { response, bytes } = await download(system.urls.admin, 'Customer/get_custom_xdr_report', params, token)
  assert.equal(response.headers.get('content-length'), null)
  assert.equal(bytes.length, 5_000_001)

  const over = system.journal.next(({ aborted }) => aborted)
  const req = request(`${system.urls.admin}/rest/Customer/get_custom_xdr_report`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  })
  req.end(JSON.stringify({ params: { i_customer: 1, size_bytes: 1e12 } }))
  const [res] = await once(req, 'response')
  await once(res, 'readable')
  req.destroy()
  assert.equal((await over).status, 200)
})

test('files: an upload is counted and hashed, and only its start is kept', async (t) => {
  const system = await startSystem(t)
  const content = randomBytes(3_000_000)
  const form = new FormData()
  form.set('auth_info', JSON.stringify({ access_token: await adminToken(system) }))
  form.set('params', '{"note":"grüße"}')
  form.set('file', new Blob([content], { type: 'audio/x-wav' }), 'greeting.wav')
  const url = `${system.urls.admin}/rest/Account/upload_something`
  const { json } = await replyOf(await fetch(url, { method: 'POST', body: form }))
  assert.equal(json.success, 1)
  assert.equal(json.bytes, content.length)
  assert.equal(json.sha256, createHash('sha256').update(content).digest('hex'))
  assert.deepEqual(json.params, { note: 'grüße' })
  const [entry] = system.journal.of('Account/upload_something')
  assert.equal(entry?.body.length, 262_144)
  assert.ok((entry?.bodyBytes ?? 0) > content.length)
  assert.equal(entry?.write, true)
})
