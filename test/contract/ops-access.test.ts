/** Contract section 8: who may use ops. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ask, bearer, type Reply } from '../client.ts'
import { openSession, startOps, type TestOps, token } from '../ops.ts'
import { sendRaw } from '../raw-socket.ts'

const json = { 'content-type': 'application/json' }
const described = { url: 'http://www.customer.test/x' }
const faultOf = (reply: Reply) => String(reply.json().faultcode).split('.').at(-1)

suite('without the token', async () => {
  const requests: readonly [method: string, path: string, headers?: Record<string, string>][] = [
    ['GET', '/systems'],
    ['GET', '/metrics'],
    ['HEAD', '/metrics'],
    ['GET', '/console'],
    ['GET', '/console/events'],
    ['DELETE', '/console/session'],
    ['GET', '/console/session'],
    ['POST', '/explain', json],
    ['POST', '/migrations', json],
    ['POST', '/migrations', { 'content-type': 'text/plain' }],
    ['GET', '/migrations', { 'x-http-method-override': 'POST' }],
    ['OPTIONS', '/migrations'],
    ['OPTIONS', '*'],
    ['TRACE', '/systems'],
    ['PUT', '/systems'],
    ['GET', '/'],
    ['GET', '/nothing'],
    ['GET', '/health'],
    ['GET', '/health/live/..;/systems'],
    ['GET', '/%zz'],
    ['GET', '//systems'],
    ['GET', '/systems/'],
    ['GET', '/systems', { authorization: '' }],
    ['GET', '/systems', { cookie: 'wd_ops=anything' }],
    ['GET', '/systems', { cookie: 'wd_ops=a.b; wd_ops=%00; ;=' }]
  ]
  test('nothing answers but health', async (t) => {
    const ops = await startOps(t, { ops: { token } })
    for (const path of ['/health/live', '/health/ready']) {
      assert.equal((await ops.get(path, { host: 'evil.test' })).status, 200, path)
    }
    for (const [method, path, headers = {}] of requests) {
      const reply = await ask(ops.url, { method, path, headers })
      assert.equal(reply.status, 401, `${method} ${path}`)
      assert.equal(reply.headers['www-authenticate'], 'Bearer')
      assert.ok(method === 'HEAD' || faultOf(reply) === 'unauthorized', reply.text)
    }
  })

  test('a browser is asked for it, by a page that needs no script', async (t) => {
    const ops = await startOps(t, { ops: { token } })
    const { status, text, headers } = await ops.get('/console?x', { accept: 'text/html,*/*;q=0.8' })
    assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer'])
    assert.match(text, /<form method="post" action="\/console\/session">/)
    assert.doesNotMatch(text, /<script|https?:/)
    assert.match(String(headers['content-security-policy']), /style-src 'self' 'sha256-[\w+/=]+'; /)
    assert.equal(faultOf(await ops.get('/systems', { accept: 'text/html' })), 'unauthorized', 'there it is no page')
  })

  test('everything answers with it, from wherever, and what a browser would be refused', async (t) => {
    const ops = await startOps(t, { ops: { token } })
    const headers = { ...bearer(token), host: 'gateway-1:9090', origin: 'http://evil.test' }
    assert.equal((await ops.get('/systems', headers)).status, 200)
    assert.equal((await ops.get('/metrics', { ...headers, 'sec-fetch-site': 'cross-site' })).status, 200)
    assert.equal((await ops.post('/explain', described, { ...headers, authorization: `bearer ${token}` })).status, 200)
    assert.equal((await ops.get('/nothing', headers)).status, 404)
  })
})

test('every answer tells browsers to run, load and keep nothing that is not ours', async (t) => {
  const ops = await startOps(t, { ops: { token } })
  const page = { accept: 'text/html' }
  const replies = [
    await ops.get('/health/live'),
    await ops.get('/systems'),
    await ops.get('/nothing', bearer(token)),
    await ops.get('/%zz'),
    await ops.get('/metrics', { host: 'evil.test' }),
    await ops.get('/console', { ...bearer(token), ...page })
  ]
  for (const { headers } of [...replies, await ops.get('/console', page)]) {
    const policy = String(headers['content-security-policy'])
    for (const part of ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]) {
      assert.ok(policy.split('; ').includes(part), policy)
    }
    for (const part of ["connect-src 'self'", "form-action 'self'"])
      assert.ok(policy.split('; ').includes(part), policy)
    assert.doesNotMatch(policy, /unsafe|\*/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'same-origin')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
    assert.equal(headers['cache-control'], 'no-store')
    assert.ok(!Object.keys(headers).some((name) => name.startsWith('access-control-')))
  }
})

suite('a host that is not ours', async () => {
  test('gets 421, whatever it asks for, and is told what to do', async (t) => {
    const ops = await startOps(t, { ops: { hosts: ['ops.example.com'] } })
    for (const host of ['evil.test', 'evil.test:9090', '127.0.0.1.evil.test', 'localhost:1@evil.test']) {
      for (const path of ['/systems', '/metrics', '/console', '/nothing']) {
        const reply = await ops.get(path, { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })
        assert.equal(reply.status, 421, host)
        assert.match(reply.text, /ops\.hosts/)
        assert.doesNotMatch(reply.text, /evil/)
      }
      assert.equal((await ops.post('/migrations', { i_customer: 7, state: 'started' }, { host })).status, 421)
    }
    // Where there is no token, none is shown by whatever a page puts there.
    for (const authorization of ['Basic x', 'Bearer x', 'Bearer']) {
      assert.equal((await ops.get('/systems', { host: 'evil.test', authorization })).status, 421, authorization)
      const crossSite = { authorization, 'sec-fetch-site': 'cross-site' }
      assert.equal((await ops.get('/systems', crossSite)).status, 403, authorization)
    }
    for (const host of ['OPS.example.com:80', 'localhost.', '[::1]:9090', 'a.localhost']) {
      assert.equal((await ops.get('/systems', { host })).status, 200, host)
    }
  })

  const raw: readonly [name: string, head: string, status: number][] = [
    ['a whole URL of our own', 'GET http://localhost/systems HTTP/1.1\r\nHost: evil.test', 200],
    ['a whole URL of a stranger', 'GET http://evil.test/systems HTTP/1.1\r\nHost: localhost', 421],
    ['a whole URL with userinfo', 'GET http://localhost@evil.test/systems HTTP/1.1\r\nHost: localhost', 421],
    ['no host', 'GET /systems HTTP/1.0', 421],
    ['an empty host', 'GET /systems HTTP/1.1\r\nHost:', 421],
    ['two hosts', 'GET /systems HTTP/1.1\r\nHost: localhost\r\nHost: evil.test', 400],
    ['another host forwarded', 'GET /systems HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: localhost', 421],
    ['two tokens', `GET /systems HTTP/1.1\r\nHost: localhost\r\nAuthorization: a\r\nAuthorization: b`, 400],
    [
      'two types',
      'POST /explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 0',
      400
    ]
  ]
  test('is found out in whatever form it comes', async (t) => {
    const { url } = await startOps(t)
    for (const [name, head, status] of raw) {
      const { answers } = await sendRaw(url, { bytes: `${head}\r\nConnection: close\r\n\r\n` })
      assert.equal(answers[0]?.status, status, name)
    }
  })

  test('is found out behind a proxy: both hosts must be ours', async (t) => {
    const ops = await startOps(t, { trustProxy: '127.0.0.1', ops: { hosts: ['ops.example.com'] } })
    const rows: readonly [host: string, forwarded: string, status: number][] = [
      ['127.0.0.1:9090', 'ops.example.com', 200],
      ['127.0.0.1:9090', 'evil.test', 421],
      ['evil.test', 'localhost', 421],
      ['127.0.0.1:9090', 'ops.example.com, evil.test', 421]
    ]
    for (const [host, forwarded, status] of rows) {
      assert.equal((await ops.get('/systems', { host, 'x-forwarded-host': forwarded })).status, status, forwarded)
    }
  })
})

suite('a page of another site', async () => {
  const own = 'http://localhost:9090'
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const reads: readonly [headers: Record<string, string>, path: string, status: number][] = [
    [{}, '/systems', 200],
    [{ origin: own }, '/systems', 200],
    [{ origin: 'HTTP://LOCALHOST:9090' }, '/systems', 200],
    [{ 'sec-fetch-site': 'same-origin' }, '/metrics', 200],
    [{ 'sec-fetch-site': 'none' }, '/metrics', 200],
    [{ 'sec-fetch-site': 'same-site' }, '/metrics', 403],
    [{ 'sec-fetch-site': 'cross-site' }, '/systems', 403],
    [{ 'sec-fetch-site': 'cross-site' }, '/console', 403],
    [{ 'sec-fetch-site': 'cross-site' }, '/nothing', 403],
    [{ 'sec-fetch-site': 'same-origin, cross-site' }, '/systems', 403],
    [{ 'sec-fetch-site': '' }, '/systems', 403],
    [{ origin: 'http://localhost:8080', 'sec-fetch-site': 'same-site' }, '/systems', 403],
    [{ origin: 'http://localhost:8080' }, '/systems', 403],
    [{ origin: 'https://localhost:9090' }, '/systems', 403],
    [{ origin: 'http://evil.test' }, '/systems', 403],
    [{ origin: `${own}, http://evil.test` }, '/systems', 403],
    [{ origin: `${own}.evil.test` }, '/systems', 403],
    [{ origin: 'http://localhost:9090@evil.test' }, '/systems', 403],
    [{ origin: 'null' }, '/systems', 403],
    [{ origin: '' }, '/systems', 403],
    [link, '/console', 200],
    [link, '/console?from=mail', 200],
    [{ ...link, 'sec-fetch-site': 'same-site' }, '/console', 200],
    [link, '/systems', 403],
    [link, '/console/events', 403],
    [{ ...link, 'sec-fetch-dest': 'iframe' }, '/console', 403],
    [{ ...link, 'sec-fetch-mode': 'no-cors' }, '/console', 403],
    [{ ...link, origin: 'http://evil.test' }, '/console', 403]
  ]
  test('reads nothing, also on loopback', async (t) => {
    const ops = await startOps(t)
    for (const [headers, path, status] of reads) {
      const reply = await ops.get(path, { host: 'localhost:9090', ...headers })
      assert.equal(reply.status, status, `${path} ${JSON.stringify(headers)}`)
      if (status === 403) assert.equal(faultOf(reply), 'other_site')
    }
  })

  const writes: readonly [headers: Record<string, string>, status: number][] = [
    [json, 200],
    [{ ...json, origin: own, 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'content-type': 'application/json; charset=utf-8' }, 200],
    [{ ...json, origin: 'http://evil.test' }, 403],
    [{ ...json, 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'content-type': 'text/plain' }, 400],
    [{ 'content-type': 'Text/Plain;charset=application/json' }, 400],
    [{ 'content-type': 'text/plain, application/json' }, 400],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 400],
    [{ 'content-type': 'multipart/form-data; boundary=application/json' }, 400],
    [{ ...link, 'content-type': 'application/x-www-form-urlencoded', origin: 'null' }, 403],
    [{ 'content-type': '' }, 400]
  ]
  test('changes nothing, also on loopback, and a script does', async (t) => {
    const ops = await startOps(t)
    const body = JSON.stringify({ i_customer: 7, state: 'started' })
    for (const [headers, status] of writes) {
      const reply = await ask(ops.url, { path: '/migrations', headers: { host: 'localhost:9090', ...headers }, body })
      assert.equal(reply.status, status, JSON.stringify(headers))
    }
    const told = ops.logText().match(/a migration was told/g)
    assert.equal(told?.length, writes.filter(([, status]) => status === 200).length)
  })

  test('is told from ours behind a proxy that ends TLS', async (t) => {
    const ops = await startOps(t, { trustProxy: '127.0.0.1', ops: { hosts: ['ops.example.com'] } })
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'ops.example.com' }
    const from = (origin: string) => ops.get('/systems', { ...forwarded, origin })
    assert.equal((await from('https://ops.example.com')).status, 200)
    assert.equal((await from('https://ops.example.com:443')).status, 200)
    assert.equal((await from('http://ops.example.com')).status, 403)
  })
})

suite('wrong tokens', async () => {
  const from = (address: string, shown: string) => ({ ...bearer(shown), 'x-forwarded-for': address })
  const timed = async (ops: TestOps, headers: Record<string, string>) => {
    const began = performance.now()
    const { status, headers: told } = await ops.get('/systems', { host: 'evil.test', ...headers })
    return { status, ms: performance.now() - began, retryAfter: Number(told['retry-after']) }
  }

  test('50 at once: few are looked at, late, and no other address waits', async (t) => {
    const ops = await startOps(t, { trustProxy: '127.0.0.1', ops: { token } })
    const guesses = Array.from({ length: 50 }, (_, at) => timed(ops, from('10.0.0.1', `a wrong token, ${at}`)))
    const right = await timed(ops, from('10.0.0.2', token))
    assert.deepEqual([right.status, right.ms < 900], [200, true])
    const answers = await Promise.all(guesses)
    const late = answers.filter(({ status }) => status === 401)
    assert.equal(late.length, 5)
    for (const { ms } of late) assert.ok(ms > 990, `${ms} ms`)
    for (const { status, retryAfter } of answers.filter((one) => !late.includes(one))) {
      assert.deepEqual([status, retryAfter > 50 && retryAfter <= 60], [429, true])
    }
    // Not even looked at any more, by whichever way it is shown.
    assert.equal((await timed(ops, from('10.0.0.1', token))).status, 429)
    const form = await ops.signIn(token, { 'x-forwarded-for': '10.0.0.1' })
    assert.deepEqual([form.status, form.headers['retry-after']?.length], [429, 2])
    assert.match(form.text, /<form[\s\S]*<\/form>/)
    // No token at all is no guess.
    assert.equal((await ops.get('/systems', { 'x-forwarded-for': '10.0.0.1' })).status, 401)
    assert.match(ops.logText(), /wrong ops tokens/)
    assert.doesNotMatch(ops.logText(), /a wrong token,|an ops token/)
  })

  test('in the form they are late too, and a session that is there goes on', async (t) => {
    const ops = await startOps(t, { ops: { token } })
    const { cookie } = await openSession(ops)
    const began = performance.now()
    const wrong = await Promise.all(['', 'wrong', 'w', `${token}x`, token.toUpperCase()].map((one) => ops.signIn(one)))
    assert.ok(performance.now() - began > 990)
    for (const { status, text, headers } of wrong) {
      assert.deepEqual([status, headers['set-cookie']], [401, undefined])
      assert.match(text, /role="alert">That is not the ops token/)
    }
    assert.equal((await ops.signIn()).status, 429)
    assert.equal((await ops.get('/systems', { cookie })).status, 200)
  })
})
