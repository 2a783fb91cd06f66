/** SOAP in single-home realms, and what is refused everywhere (contract sections 4 and 7). */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { hosts, startWorld } from '../build.ts'
import { ask, bearer, login } from '../client.ts'
import { assertFrom } from '../dual.ts'
import { startAnother, startBefore, startFailingSystem } from '../failing-system.ts'
import { assertSoapFault, elementOf, envelope, sessionElement, soapCall, soapLogin } from '../soap.ts'

const type = { 'content-type': 'text/xml; charset=utf-8' }
const answered = { 'Content-Type': 'text/xml; charset=utf-8' }
const sourceCookie = 'pb_dispatch=authorized-by-remote'
const cookieOf = (headers: { 'set-cookie'?: string[] | undefined }) =>
  headers['set-cookie']?.find((line) => line.startsWith('pb_dispatch='))

suite('a SOAP session', async () => {
  for (const toService of [false, true]) {
    const where = toService ? 'sent to the service' : 'sent to the method'
    test(`${where}: login, read, write, refresh and logout of customers of both kinds`, async (t) => {
      const { url, source, target } = await startWorld(t)
      for (const [to, system, user] of [
        ['source', source, source.users.firstActiveCustomer()],
        ['target', target, target.users.firstActiveCustomer()]
      ] as const) {
        const { reply, sessionId, refreshToken } = await soapLogin(url, 'customer', user, { toService })
        assertFrom(reply, to, where)
        assert.equal(cookieOf(reply.headers) !== undefined, to === 'source')
        const inSession = { authInfo: sessionElement(sessionId), toService }
        const info = await soapCall(url, 'Customer/get_customer_info', '', inSession)
        assertFrom(info, to)
        assert.equal(elementOf(info, 'i_customer'), String(user.i_customer))
        const params = `<customer_info><i_customer>${user.i_customer}</i_customer><city>A&amp;B</city></customer_info>`
        assert.equal((await soapCall(url, 'Customer/update_customer', params, inSession)).status, 200)
        assert.equal(system.journal.count('Customer/update_customer'), 1)
        const refreshed = await soapCall(
          url,
          'Session/refresh_access_token',
          `<refresh_token>${refreshToken}</refresh_token>`,
          { toService }
        )
        assertFrom(refreshed, to)
        const token = elementOf(refreshed, 'access_token') ?? ''
        assertFrom(await soapCall(url, 'Customer/get_customer_info', '', { headers: bearer(token) }), to)
        const ping = await soapCall(url, 'Session/ping', sessionElement(sessionId), { toService })
        assertFrom(ping, to)
        assert.notEqual(elementOf(ping, 'user_id'), '0')
        assertFrom(await soapCall(url, 'Session/logout', '', inSession), to)
        const ended = await soapCall(url, 'Customer/get_customer_info', '', inSession)
        assert.match(ended.text, /<faultcode>Server\.Session\.check_auth\.auth_failed</)
      }
      const other = (system: typeof source) => system.journal.count(({ write }) => write)
      assert.deepEqual([other(source), other(target)], [1, 1], 'each write arrived once')
    })
  }

  test('a login is tried on the target, then on the source, with the same bytes', async (t) => {
    const { url, source, target } = await startWorld(t)
    const user = source.users.firstActiveCustomer()
    await soapLogin(url, 'customer', user)
    const [first, second] = [target.journal.of('Session/login')[0], source.journal.of('Session/login')[0]]
    assert.equal(first?.faultcode, 'Server.Session.auth_failed')
    assert.equal(first.bodySha256, second?.bodySha256)
    // Where it last succeeded is asked first.
    target.journal.clear()
    assertFrom((await soapLogin(url, 'customer', user)).reply, 'source')
    assert.equal(target.journal.count(), 0)
  })

  test('a refusal whose code has a prefix is forwarded, and any other fault is not', async (t) => {
    const { source } = await startWorld(t)
    const fault = (code: string) => envelope(`<SOAP-ENV:Fault><faultcode>${code}</faultcode></SOAP-ENV:Fault>`)
    for (const [code, to] of [
      ['SOAP-ENV:Server.Session.auth_failed', 'source'],
      ['Server.Session.auth_failed', 'source'],
      ['SOAP-ENV:Server.Session.alert_You_must_change_password', 'target']
    ] as const) {
      const answerFault = await startFailingSystem(t, (one) => one.answer(500, fault(code), answered))
      const { url } = await startBefore(t, { source: source.urls.customer, target: answerFault.url })
      const { reply } = await soapLogin(url, 'customer', source.users.firstActiveCustomer())
      assertFrom(reply, to, code)
    }
  })

  test('too many logins get 429 as a SOAP fault, whatever method the URL names', async (t) => {
    const plugins = { 'login-forwarding': { rateLimit: { max: 1, window: 60_000 } } }
    const { url, target } = await startWorld(t, { plugins })
    const user = target.users.firstActiveCustomer()
    await soapLogin(url, 'customer', user)
    for (const more of [{}, { toService: true }, { toService: true, headers: bearer('anything') }]) {
      const { reply } = await soapLogin(url, 'customer', user, more)
      assertSoapFault(reply, 429, 'too_many_logins')
      assert.ok(Number(reply.headers['retry-after']) > 0)
    }
    assertSoapFault(
      (await soapLogin(url, 'customer', user, { path: '/soap/Session/ping' })).reply,
      400,
      'malformed_request'
    )
    assert.equal(target.journal.count(), 1)
  })

  test('the session in the envelope counts before the cookie, and the header before both', async (t) => {
    const { url, source, target } = await startWorld(t)
    const bySource = await login(url, 'customer', source.users.firstActiveCustomer())
    const byTarget = await login(url, 'customer', target.users.firstActiveCustomer())
    const read = (authInfo: string, headers: Record<string, string>) =>
      soapCall(url, 'Customer/get_customer_info', '', { authInfo, headers })
    assertFrom(await read(sessionElement(byTarget.sessionId), { cookie: sourceCookie }), 'target')
    assertFrom(await read(sessionElement(bySource.sessionId), {}), 'source')
    assertFrom(await read(sessionElement(byTarget.sessionId), bearer(bySource.accessToken)), 'source')
    assertFrom(await read('', { cookie: `${sourceCookie}; session_id=${bySource.sessionId}` }), 'source')
    const both = `${sessionElement(byTarget.sessionId)}<access_token>${bySource.accessToken}</access_token>`
    assertSoapFault(await read(both, {}), 400, 'malformed_request')
  })

  test('a session that nobody remembers is asked for, and a stale cookie is corrected', async (t) => {
    const world = await startWorld(t)
    const { sessionId } = await soapLogin(world.url, 'customer', world.source.users.firstActiveCustomer())
    const restarted = await startAnother(t, world)
    const asked = await soapCall(restarted.url, 'Customer/get_customer_info', '', {
      authInfo: sessionElement(sessionId)
    })
    assertFrom(asked, 'source')
    const other = await startAnother(t, world)
    const moved = await soapLogin(world.url, 'customer', world.target.users.firstActiveCustomer())
    const headers = { cookie: `${sourceCookie}; session_id=${moved.sessionId}` }
    const corrected = await soapCall(other.url, 'Customer/get_customer_info', '', { headers })
    assertFrom(corrected, 'target')
    assert.match(cookieOf(corrected.headers) ?? '', /Max-Age=0/)
  })
})

suite('what passes unread', async () => {
  test('a bearer token decides: the envelope goes up byte for byte, however large and whatever it holds', async (t) => {
    const { url, source } = await startWorld(t)
    const { accessToken } = await login(url, 'customer', source.users.firstActiveCustomer())
    for (const body of [Buffer.alloc(3 << 20, 'x'), Buffer.from('<!DOCTYPE x>'), gzipSync(envelope('<m/>'))]) {
      source.journal.clear()
      const headers = { host: hosts.customer, ...type, ...bearer(accessToken) }
      await ask(url, { path: '/soap/Customer/get_customer_info', headers, body })
      assert.equal(source.journal.entries[0]?.bodyBytes, body.length)
    }
  })

  test('an envelope that was read goes up byte for byte too', async (t) => {
    const { url, source } = await startWorld(t)
    const { sessionId } = await soapLogin(url, 'customer', source.users.firstActiveCustomer())
    source.journal.clear()
    const authInfo = `<!-- x -->\r\n<session_id a='1'>${sessionId}</session_id>`
    const body = Buffer.from(
      `\ufeff${envelope('<get_customer_info>\r\n<x>é&#x1F600;1.10</x></get_customer_info >', authInfo)}`
    )
    const headers = { host: hosts.customer, ...type, 'transfer-encoding': 'chunked' }
    assertFrom(await ask(url, { path: '/soap/Customer', headers, body }), 'source')
    assert.deepEqual(source.journal.entries[0]?.body, body)
  })

  test('the description of a service comes from the home, and needs no session', async (t) => {
    const { url } = await startWorld(t)
    for (const [cookie, to] of [
      ['a=b', 'target'],
      [sourceCookie, 'source']
    ] as const) {
      for (const service of ['Session', 'Customer']) {
        const headers = { host: hosts.customer, cookie }
        const reply = await ask(url, { method: 'GET', path: `/soap/${service}?wsdl`, headers })
        assertFrom(reply, to)
        assert.match(reply.text, /<definitions name="/)
      }
    }
  })

  test('a call without a body is no login, whatever its path says', async (t) => {
    const { url, target } = await startWorld(t)
    const reply = await ask(url, { path: '/soap/Session/login', headers: { host: hosts.customer } })
    assertFrom(reply, 'target')
    assert.equal(target.journal.count(), 1)
  })
})

const laughs = `<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "${'&a;'.repeat(10)}">]>`
const call = (content: string) => envelope(`<get_customer_info>${content}</get_customer_info>`)

suite('faults', async () => {
  test('what cannot be read, or must not be, is refused as a SOAP fault and reaches no system', async (t) => {
    const world = await startWorld(t)
    const { url, source, target } = world
    for (const [what, body, status, name, path = '/soap/Customer/get_customer_info'] of [
      ['no XML', 'secret', 400, 'malformed_request'],
      ['no envelope', '<x>secret</x>', 400, 'malformed_request'],
      ['a billion laughs', `${laughs}${call('&b;')}`, 400, 'malformed_request'],
      [
        'an external entity',
        `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${call('&f;')}`,
        400,
        'malformed_request'
      ],
      ['deep nesting', call('<a>'.repeat(10_000) + '</a>'.repeat(10_000)), 400, 'malformed_request'],
      ['10 MB', call('x'.repeat(10 << 20)), 413, 'body_too_large'],
      ['10 MB of elements', '<a>'.repeat((10 << 20) / 3), 413, 'body_too_large'],
      ['another method than the URL', envelope('<update_customer>secret</update_customer>'), 400, 'malformed_request'],
      ['UTF-16', Buffer.from(call('secret'), 'utf16le'), 400, 'malformed_request'],
      ['a login that cannot be read', '<secret', 400, 'malformed_request', '/soap/Session/login'],
      [
        'a login in a refresh',
        envelope('<login>secret</login>'),
        400,
        'malformed_request',
        '/soap/Session/refresh_access_token'
      ],
      ['an attachment', '--b\r\n\r\nsecret\r\n--b--', 400, 'malformed_request']
    ] as const) {
      const headers = { host: hosts.customer, ...type }
      const reply = await ask(url, { path, headers, body: body as string | Buffer })
      assertSoapFault(reply, status, name)
      assert.doesNotMatch(reply.text, /secret/, what)
    }
    assert.equal(source.journal.count() + target.journal.count(), 0)
    assert.doesNotMatch(world.logText(), /secret/)
  })

  test('10 MB in chunks is refused once the limit is passed', async (t) => {
    const { url, target } = await startWorld(t)
    const headers = { host: hosts.customer, ...type, 'transfer-encoding': 'chunked' }
    const reply = await ask(url, { path: '/soap/Customer', headers, body: call('x'.repeat(10 << 20)) })
    assertSoapFault(reply, 413, 'body_too_large')
    assert.equal(target.journal.count(), 0)
  })

  test('other faults come in SOAP too', async (t) => {
    const { url, target, source } = await startWorld(t)
    for (const path of ['/soap/Sess%69on/login', '/soap/Session/../x', '/soap/Session/%2e%2e/x']) {
      assertSoapFault(await soapCall(url, 'Session/login', '', { path }), 400, 'malformed_request')
    }
    assertSoapFault(
      await soapCall(url, 'Customer/get_x', '', { headers: { host: 'nobody.test' } }),
      421,
      'unknown_realm'
    )
    await Promise.all([target.close(), source.close()])
    assertSoapFault(await soapCall(url, 'Customer/get_x', ''), 503, 'system_unavailable')
    assertSoapFault((await soapLogin(url, 'customer', { login: 'a', password: 'b' })).reply, 503, 'system_unavailable')
  })

  test("a 503 with a SOAP fault code is the system's own word, one without is not", async (t) => {
    const fault = envelope('<SOAP-ENV:Fault><faultcode>SOAP-ENV:Server.busy</faultcode></SOAP-ENV:Fault>')
    for (const [body, isOpen] of [
      [fault, false],
      [envelope('<x/>'), true]
    ] as const) {
      const system = await startFailingSystem(t, (one) => one.body().then(() => one.answer(503, body, answered)))
      const plugins = { 'circuit-breaker': { volumeThreshold: 3 } }
      const { url } = await startBefore(t, { source: system.url, target: system.url }, {}, { plugins })
      const replies = []
      for (let at = 0; at < 6; at++) replies.push(await soapCall(url, 'Customer/update_customer', ''))
      assert.equal(replies.at(-1)?.text.includes('system_unavailable'), isOpen)
    }
  })
})

test('a read is sent again when its connection breaks; what was not read, or is a write, is not', async (t) => {
  const { url, source } = await startWorld(t)
  const { sessionId, accessToken } = await soapLogin(url, 'customer', source.users.firstActiveCustomer())
  for (const [name, more, sent] of [
    ['Customer/get_customer_info', { authInfo: sessionElement(sessionId) }, 2],
    ['Customer/get_customer_info', { authInfo: sessionElement(sessionId), toService: true }, 2],
    ['Customer/update_customer', { authInfo: sessionElement(sessionId) }, 1],
    ['Customer/update_customer', { authInfo: sessionElement(sessionId), toService: true }, 1],
    ['Customer/update_customer', { headers: bearer(accessToken), path: '/soap/Customer/get_customer_info' }, 1],
    ['Customer/get_customer_info', { headers: bearer(accessToken), toService: true }, 1]
  ] as const) {
    source.journal.clear()
    const broken = source.faults.add({ match: {}, fault: { kind: 'reset', at: 'before-headers' }, times: 1 })
    const reply = await soapCall(url, name, '', more)
    broken.remove()
    assert.equal(source.journal.count(), sent, `${name} ${JSON.stringify(more)}`)
    assert.equal(reply.status === 200, sent === 2)
  }
})
