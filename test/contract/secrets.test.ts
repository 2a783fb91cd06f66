/** Contract section 4: no password, token or session id in any log line, at any level. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'

const host = hosts.customer

test('no credential appears in any log line, URL-path calls and errors included', async (t) => {
  const { url, opsUrl, source, target, logText, lines } = await startWorld(t)
  const user = source.users.firstActiveCustomer()
  const secrets = [
    'hunter2-in-the-path',
    'hunter2-in-a-broken-body',
    'hunter2-in-a-page',
    'hunter2-forged',
    'hunter2-in-a-bad-request',
    user.password
  ]
  const [inPath, broken, inPage, forged, bad] = secrets
  const session = await login(url, 'customer', user)
  secrets.push(session.accessToken, session.sessionId, session.refreshToken)

  await ask(url, { path: `/rest/Session/login//{"login":"x","password":"${inPath}"}`, headers: { host } })
  await ask(url, {
    path: `/rest/Session/login//{"login":"x","password":"${inPath}%zz"}`,
    headers: { host: 'stranger.test' }
  })
  await ask(url, { path: `/rest/Session/login//{"password":"${inPath}"`, headers: { host } })
  await ask(url, {
    path: `/rest/Customer/get_customer_info/{"session_id":"${session.sessionId}"}/{}`,
    headers: { host }
  })
  await ask(url, {
    path: '/rest/Session/login',
    headers: { host, 'content-type': 'application/json' },
    body: `{"password":"${broken}"`
  })
  await ask(url, { method: 'GET', path: `/x%zz${inPage}`, headers: { host } })
  await ask(url, { method: 'GET', path: `/x?token=${inPage}`, headers: { host, cookie: `session_id=${inPage}` } })
  await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(`${forged}.${forged}.${forged}`) })
  await call(url, 'customer', 'Session/refresh_access_token', { refresh_token: session.refreshToken })
  await fetch(`${opsUrl}/explain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: `/rest/Session/login//{"password":"${inPath}"}`, headers: { host } })
  })

  // Systems that fail in every way, while credentials are on their way.
  for (const fault of [{ kind: 'reset', at: 'before-headers' }, { kind: 'garbage' }, { kind: 'half' }] as const) {
    for (const system of [source, target]) system.faults.add({ match: {}, fault })
    await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(session.accessToken) }).catch(
      () => {}
    )
    await call(url, 'customer', 'Session/login', { login: user.login, password: user.password }).catch(() => {})
  }
  await Promise.all([source.stop(), target.stop()])
  await call(url, 'customer', 'Session/login', { login: user.login, password: user.password })
  await ask(url, { path: `/rest/Session/login//{"login":"x","password":"${inPath}"}`, headers: { host } })

  // Bytes that Node itself refuses.
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  socket.end(`POST /rest/Session/login//{"password":"${bad}"} HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n`)
  await once(socket.resume(), 'close')

  assert.ok(lines.filter(({ msg }) => msg === 'request').length > 10)
  assert.ok(lines.some(({ msg }) => msg === 'a request failed'))
  for (const secret of secrets) {
    assert.ok(secret && secret.length > 8)
    assert.ok(!logText().includes(secret), `${secret} is in the log`)
  }
})

test('what is remembered holds no credential in clear', async (t) => {
  const { url, app, source } = await startWorld(t)
  const user = source.users.firstActiveCustomer()
  const session = await login(url, 'customer', user)
  const kept: string[] = []
  for (const purpose of ['records', 'hints']) {
    for await (const [key, value] of app.store(purpose).entries()) kept.push(key, value)
  }
  assert.ok(kept.length >= 8)
  for (const secret of [user.login, user.password, session.accessToken, session.sessionId, session.refreshToken]) {
    assert.ok(!kept.some((text) => text.includes(secret)))
  }
})

test('each access line tells realm, call, system, reason, status and times', async (t) => {
  const { url, source, lines } = await startWorld(t)
  const session = await login(url, 'customer', source.users.firstActiveCustomer())
  await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(session.accessToken) })
  const line = lines.filter(({ msg }) => msg === 'request').at(-1)
  assert.equal(line?.realm, 'customer')
  assert.equal(line.call, 'Customer/get_customer_info')
  assert.equal(line.to, 'source')
  assert.equal(line.reason, 'session_record')
  assert.equal(line.status, 200)
  assert.equal(typeof line.ms, 'number')
  assert.equal(typeof line.upstreamMs, 'number')
  assert.ok(line.reqId)
})
