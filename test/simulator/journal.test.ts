import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { adminToken, call, logIn, startSystem } from './system.ts'

test('journal: an entry tells what arrived, in whose session, and how it ended', async (t) => {
  const system = await startSystem(t)
  const user = system.users.firstActiveCustomer()
  const { session_id } = await logIn(system, 'customer', user)
  const body = `{"auth_info":{"session_id":"${session_id}"},"params":{"x":1.10}}`
  const headers = { 'content-type': 'application/json', 'X-Mixed-Case': 'Yes' }
  const over = system.journal.next(({ status, method }) => status !== null && method === 'get_customer_info')
  const url = `${system.urls.customer}/rest/Customer/get_customer_info?a=%2F`
  await (await fetch(url, { method: 'POST', headers, body })).text()
  const { body: kept, at, rawHeaders, ...entry } = await over
  assert.deepEqual(entry, {
    seq: 2,
    realm: 'customer',
    httpMethod: 'POST',
    url: '/rest/Customer/get_customer_info?a=%2F',
    service: 'Customer',
    method: 'get_customer_info',
    bodyBytes: body.length,
    bodySha256: createHash('sha256').update(body).digest('hex'),
    aborted: false,
    status: 200,
    faultcode: null,
    sessionId: session_id,
    write: false,
    iCustomer: user.i_customer
  })
  assert.equal(kept.toString(), body)
  assert.ok(at > 0 && rawHeaders.length > 4)
})

test('journal: it counts by name and by predicate, is cleared, bounded and switched off', async (t) => {
  const system = await startSystem(t)
  const { journal } = system
  const token = await adminToken(system)
  await call(system, 'admin', 'Customer/update_customer', { customer_info: { i_customer: 1 } }, token)
  assert.equal(journal.count('Session/login'), 1)
  assert.deepEqual(
    journal.entries.map(({ write }) => write),
    [false, true]
  )
  assert.equal(
    journal.count(({ iCustomer }) => iCustomer === 1),
    1
  )
  assert.equal(journal.count(), 2)
  journal.clear()
  journal.recording = false
  assert.equal((await call(system, 'admin', 'Session/ping', {}, token)).status, 200)
  assert.equal(journal.count(), 0)
  journal.recording = true
  journal.limit = 10
  for (let at = 0; at < 130; at++) await call(system, 'admin', 'Session/ping', {}, token)
  assert.ok(journal.count() >= 10 && journal.count() <= 110)
  assert.equal(journal.entries.at(-1)?.seq, 132)
})
