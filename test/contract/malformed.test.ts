/** Contract section 7: what cannot be read gets one clear fault and reaches no system. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { suite, test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { type Ask, ask, login, type Reply } from '../client.ts'

const host = hosts.customer
const path = '/rest/Customer/get_customer_info'
const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const multipart = 'multipart/form-data; boundary=b'
const long = 'x'.repeat(2_000_000)

const malformed: readonly [name: string, ask: Ask][] = [
  ['JSON that is none', { path, headers: { 'content-type': json }, body: '{"params":' }],
  ['JSON that is a list', { path, headers: { 'content-type': json }, body: '[]' }],
  ['JSON params that are a text', { path, headers: { 'content-type': json }, body: '{"params":"x"}' }],
  [
    'a session id that is a number',
    { path, headers: { 'content-type': json }, body: '{"auth_info":{"session_id":7}}' }
  ],
  ['an unknown charset', { path, headers: { 'content-type': `${json}; charset=klingon` }, body: '{}' }],
  [
    'a login that is no JSON',
    { path: '/rest/Session/login', headers: { 'content-type': json }, body: '{"params":{"login":"a' }
  ],
  ['a form field that is no JSON', { path, headers: { 'content-type': form }, body: 'params={&auth_info=' }],
  ['a form with a bad percent', { path, headers: { 'content-type': form }, body: 'params=%zz' }],
  ['a form field that comes twice', { path, headers: { 'content-type': form }, body: 'auth_info={}&auth_info={}' }],
  ['multipart without a boundary', { path, headers: { 'content-type': 'multipart/form-data' }, body: 'x' }],
  [
    'multipart that breaks off',
    {
      path,
      headers: { 'content-type': multipart },
      body: '--b\r\nContent-Disposition: form-data; name="params"\r\n\r\n{'
    }
  ],
  [
    'a multipart field that is no JSON',
    {
      path,
      headers: { 'content-type': multipart },
      body: '--b\r\nContent-Disposition: form-data; name="auth_info"\r\n\r\n{\r\n--b--\r\n'
    }
  ],
  ['a URL path that is no JSON', { path: `${path}/{"session_id":/{}` }],
  ['a URL path that goes on', { path: `${path}/{}/{}/x` }],
  [
    'a path and a body that contradict',
    {
      path: `${path}/{"session_id":"a"}/{}`,
      headers: { 'content-type': json },
      body: '{"auth_info":{"session_id":"b"}}'
    }
  ],
  ['a path that climbs', { path: '/rest/../admin' }],
  ['a path that climbs in disguise', { path: '/rest/%2e%2E/admin' }],
  ['two Authorization headers', { path, headers: { authorization: ['Bearer a', 'Bearer b'] } }]
]

suite('malformed input', async () => {
  test('of every form gets 400 and reaches no system', async (t) => {
    const { url, source, target } = await startWorld(t)
    for (const [name, one] of malformed) {
      const reply = await ask(url, { ...one, headers: { host, ...one.headers } })
      assert.equal(reply.status, 400, `${name}: ${reply.text}`)
      assert.equal(reply.json().faultcode, 'Client.Dispatcher.malformed_request', name)
      assert.match(String(reply.headers['content-type']), /^application\/json/, name)
    }
    assert.equal(source.journal.count() + target.journal.count(), 0)
  })

  test('a page with a bad percent gets 400 without an echo', async (t) => {
    const { url, target } = await startWorld(t)
    const reply = await ask(url, { method: 'GET', path: '/a%zzpassword', headers: { host } })
    assert.equal(reply.status, 400)
    assert.ok(!reply.text.includes('password'))
    assert.equal(target.journal.count(), 0)
  })

  test('credentials of two sessions on two systems in one call get 400', async (t) => {
    const { url, source, target } = await startWorld(t)
    const [a, b] = [
      await login(url, 'customer', source.users.firstActiveCustomer()),
      await login(url, 'customer', target.users.firstActiveCustomer())
    ]
    for (const system of [source, target]) system.journal.clear()
    const body = JSON.stringify({ auth_info: { access_token: a.accessToken, session_id: b.sessionId } })
    const reply = await ask(url, { path, headers: { host, 'content-type': json }, body })
    assert.equal(reply.status, 400)
    assert.equal(source.journal.count() + target.journal.count(), 0)
  })

  test('an unknown host gets 421', async (t) => {
    const { url, source, target } = await startWorld(t)
    for (const name of ['stranger.test', '', 'www.customer.test.evil.test', '127.0.0.1']) {
      const reply = await ask(url, { path, headers: { host: name } })
      assert.equal(reply.status, 421, name)
      assert.equal(reply.json().faultcode, 'Client.Dispatcher.unknown_realm', name)
    }
    assert.equal(source.journal.count() + target.journal.count(), 0)
  })
})

suite('a body that must be read', async () => {
  const cases: readonly [name: string, ask: Ask, status: number][] = [
    ['over bodyLimit gets 413', { path, headers: { 'content-type': json }, body: `{"params":{"x":"${long}"}}` }, 413],
    [
      'over bodyLimit at a login gets 413',
      { path: '/rest/Session/login', headers: { 'content-type': json }, body: `{"params":{"x":"${long}"}}` },
      413
    ],
    [
      'is not read when a cookie decides',
      {
        path,
        headers: { 'content-type': json, cookie: 'pb_dispatch=authorized-by-remote' },
        body: `{"params":{"x":"${long}"}}`
      },
      500
    ],
    ['of another type is not read', { path, headers: { 'content-type': 'text/csv' }, body: long }, 500]
  ]
  for (const [name, one, status] of cases) {
    test(name, async (t) => {
      const { url } = await startWorld(t)
      const reply = await ask(url, { ...one, headers: { host, ...one.headers } }).catch(
        (error: NodeJS.ErrnoException) => {
          // The connection is closed on the rest of the body; a client may see that first.
          assert.equal(status, 413)
          assert.match(error.code ?? '', /EPIPE|ECONNRESET/)
          return null as Reply | null
        }
      )
      if (reply !== null) assert.equal(reply.status, status, reply.text)
      if (reply?.status === 413) assert.equal(reply.json().faultcode, 'Client.Dispatcher.body_too_large')
    })
  }

  test('in multipart is read up to its auth_info alone: a large upload follows its session', async (t) => {
    const { url, source } = await startWorld(t)
    const { sessionId } = await login(url, 'customer', source.users.firstActiveCustomer())
    const part = (name: string, value: string, more = '') =>
      `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
    const body = `${part('auth_info', JSON.stringify({ session_id: sessionId }))}${part('params', '{}')}${part('file', long, '; filename="x"')}--b--\r\n`
    const reply = await ask(url, {
      path: '/rest/Account/upload_something',
      headers: { host, 'content-type': multipart },
      body
    })
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.equal(reply.json().bytes, long.length)
  })
})

test('an absolute-form target is taken by its own host, and only by its path', async (t) => {
  const { url, target } = await startWorld(t)
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  t.after(() => socket.destroy())
  socket.write(`POST http://${host}${path}?x=//evil.test HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n`)
  const entry = await target.journal.next()
  assert.equal(entry.url, `${path}?x=//evil.test`)
})
