/** Contract section 2: what the gateway still does with each plugin off, and a team's own plugin. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'

const host = hosts.customer
const off = (...names: string[]) => ({ plugins: Object.fromEntries(names.map((name) => [name, false])) })
const cookie = { cookie: 'pb_dispatch=authorized-by-remote' }

test('realm-detection off: every request is in the default realm', async (t) => {
  const { url, target } = await startWorld(t, { ...off('realm-detection'), defaultRealm: 'account' })
  for (const name of [hosts.admin, hosts.customer, 'stranger.test']) {
    target.journal.clear()
    await ask(url, { path: '/rest/Generic/get_version', headers: { host: name } })
    assert.equal(target.journal.entries[0]?.realm, 'account')
  }
})

test('remote-session off: no cookie is set or read, API credentials still route', async (t) => {
  const { url, source, target } = await startWorld(t, off('remote-session'))
  const { reply, accessToken, sessionId } = await login(url, 'customer', source.users.firstActiveCustomer())
  assert.equal(reply.headers['x-dispatched-to'], 'source')
  assert.ok(!reply.headers['set-cookie']?.some((line) => line.startsWith('pb_dispatch=')))
  const byToken = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(accessToken) })
  assert.equal(byToken.headers['x-dispatched-to'], 'source')
  const byId = await call(url, 'customer', 'Customer/get_customer_info', {}, { authInfo: { session_id: sessionId } })
  assert.equal(byId.headers['x-dispatched-to'], 'source')
  target.journal.clear()
  const byCookie = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: cookie })
  assert.equal(byCookie.headers['x-dispatched-to'], 'target')
  const out = await call(url, 'customer', 'Session/logout', { access_token: accessToken }, { headers: cookie })
  assert.equal(out.status, 200)
  assert.ok(!out.headers['set-cookie']?.some((line) => line.startsWith('pb_dispatch=')))
})

test('login-forwarding off: logins go to the target, whose sessions are still known', async (t) => {
  const { url, source, target } = await startWorld(t, off('login-forwarding'))
  const refused = await login(url, 'customer', source.users.firstActiveCustomer())
  assert.equal(refused.reply.json().faultcode, 'Server.Session.auth_failed')
  assert.equal(source.journal.count(), 0)
  const { accessToken } = await login(url, 'customer', target.users.firstActiveCustomer())
  const called = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(accessToken) })
  assert.equal(called.status, 200)
  assert.equal(source.journal.count(), 0)
})

test('web-portal off: only API paths are served', async (t) => {
  const { url, source, target } = await startWorld(t, off('web-portal'))
  for (const path of ['/', '/login', '/restful', '/rest%2fSession', '//rest/Session/ping']) {
    const reply = await ask(url, { method: 'GET', path, headers: { host } })
    assert.equal(reply.status, 404, path)
    assert.equal(reply.json().faultcode, 'Client.Dispatcher.not_found')
  }
  assert.equal(source.journal.count() + target.journal.count(), 0)
  const called = await ask(url, { path: '/rest/Generic/get_version', headers: { host } })
  assert.equal(called.headers['x-dispatched-to'], 'target')
})

test('all off: the gateway is a plain way to the target', async (t) => {
  const { url, source, target } = await startWorld(t, {
    ...off('realm-detection', 'remote-session', 'login-forwarding', 'web-portal'),
    defaultRealm: 'customer'
  })
  const { reply, accessToken } = await login(url, 'customer', target.users.firstActiveCustomer())
  assert.equal(reply.status, 200)
  const called = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(accessToken) })
  assert.equal(called.status, 200)
  assert.equal(source.journal.count(), 0)
})

test("a team's own plugin, named by its path, sees every request and gets its options", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'team-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'acme-audit.ts')
  writeFileSync(
    file,
    `export default Object.assign(async function audit(app: any, options: { level: string }) {
       app.addHook('onRequest', async (request: any, reply: any) => { reply.raw.setHeader('x-audit', options.level + ' ' + request.place.realm) })
     }, { [Symbol.for('skip-override')]: true })`
  )
  const { url } = await startWorld(t, { plugins: { [file]: { level: 'full' } } })
  const reply = await ask(url, { path: '/rest/Generic/get_version', headers: { host } })
  assert.equal(reply.headers['x-audit'], 'full customer')
})

test("a team's own routes may have schemas, as Fastify has them", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'team-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'acme-level.ts')
  writeFileSync(
    file,
    `export default async function level(app: any) {
       const headers = { type: 'object', required: ['X-Level'], properties: { 'X-Level': { type: 'integer' } } }
       const response = { 200: { type: 'object', properties: { level: { type: 'integer' } } } }
       app.get('/level', { schema: { headers, response } }, async (request: any) => ({ level: request.headers['x-level'], more: 1 }))
     }`
  )
  const { url } = await startWorld(t, { plugins: { [file]: true } })
  const answered = await ask(url, { method: 'GET', path: '/level', headers: { host, 'x-level': '7' } })
  assert.deepEqual([answered.status, answered.text], [200, '{"level":7}'])
  const refused = await ask(url, { method: 'GET', path: '/level', headers: { host, 'x-level': 'high' } })
  assert.equal(refused.status, 400)
})
