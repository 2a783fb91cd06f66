/** SOAP in dual realms: contract sections 4, 5 and 7. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { JournalEntry } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { type Ask, ask, bearer } from '../client.ts'
import { assertFrom, clearJournals, endAllOn, everyNameOn, moved, namesOn, seenBy, staffOf, unmoved } from '../dual.ts'
import { assertSoapFault, elementOf, envelope, type SoapCall, sessionElement, soapCall, soapLogin } from '../soap.ts'

const info = 'Customer/get_customer_info'
const update = 'Customer/update_customer'
const byNumber = (i: number) => `<i_customer>${i}</i_customer>`
const record = (i: number, more = '') => `<customer_info>${byNumber(i)}<city>here</city>${more}</customer_info>`

/** An administrator's session on both systems, opened by SOAP. */
async function enter(world: World, more: SoapCall = {}) {
  const session = await soapLogin(world.url, 'admin', staffOf(world, 'admin'), more)
  assertFrom(session.reply, 'source,target')
  const onSource = namesOn(world.source)
  clearJournals(world)
  const authInfo = sessionElement(session.sessionId)
  return {
    ...session,
    authInfo,
    onSource,
    call: (name: string, params: string, more: SoapCall = {}) =>
      soapCall(world.url, name, params, { realm: 'admin', authInfo, ...more })
  }
}

const bodyOf = (entry: JournalEntry | undefined) => entry?.body.toString() ?? ''

/** Nothing that a system calls a session ever reaches the other one. */
function assertApart({ source, target }: World) {
  for (const name of everyNameOn(target)) assert.ok(!seenBy(source).includes(name))
  for (const name of everyNameOn(source)) assert.ok(!seenBy(target).includes(name))
}

suite('a session on both systems by SOAP', async () => {
  test("reads and writes go where their customer is, each write once, with that system's own session", async (t) => {
    const world = await startWorld(t)
    const { source, target } = world
    for (const toService of [false, true]) {
      const { call, authInfo, onSource } = await enter(world, { toService })
      for (const [i, to, system] of [
        [unmoved, 'source', source],
        [moved, 'target', target]
      ] as const) {
        clearJournals(world)
        assertFrom(await call(info, byNumber(i), { toService }), to)
        assertFrom(await call(update, record(i), { toService }), to)
        assert.deepEqual(
          [source.journal.count(update), target.journal.count(update)],
          to === 'source' ? [1, 0] : [0, 1]
        )
        const names = to === 'source' ? sessionElement(onSource.session_id) : authInfo
        assert.equal(
          bodyOf(system.journal.of(update)[0]),
          envelope(`<n:update_customer>${record(i)}</n:update_customer>`, names)
        )
        assertApart(world)
      }
      endAllOn(source)
      endAllOn(target)
    }
  })

  for (const [what, place] of [
    ['in a CDATA section', (id: string) => `<session_id><![CDATA[${id}]]></session_id>`],
    ['in references', (id: string) => `<session_id>&#${id.charCodeAt(0)};${id.slice(1)}</session_id>`],
    ['under a prefix, with attributes', (id: string) => `<n:session_id n:t="x">${id}</n:session_id>`]
  ] as const) {
    test(`a session id ${what} is the source's own there, and nothing else changes`, async (t) => {
      const world = await startWorld(t)
      const { sessionId, onSource } = await enter(world)
      const whole = (authInfo: string) =>
        Buffer.from(
          `\ufeff${envelope(`<n:get_customer_info>\r\n${byNumber(unmoved)}<x y='1'>é\u{1f600}&#233;</x></n:get_customer_info >`, authInfo)}`
        )
      const headers = { host: hosts.admin, 'content-type': 'text/xml' }
      assertFrom(await ask(world.url, { path: '/soap/Customer', headers, body: whole(place(sessionId)) }), 'source')
      const [entry] = world.source.journal.of(info).slice(-1)
      const expected = whole(
        place(onSource.session_id).replace(/<!\[CDATA\[(\w+)\]\]>|&#\d+;(\w+)/, onSource.session_id)
      )
      assert.deepEqual(entry?.body, expected)
      const length = entry?.rawHeaders.findIndex((name) => name.toLowerCase() === 'content-length') ?? -1
      assert.equal(entry?.rawHeaders[length + 1], String(expected.length))
      assertApart(world)
    })
  }

  test('credentials in header, cookie and envelope at once are all swapped', async (t) => {
    const world = await startWorld(t)
    const { sessionId, accessToken, call } = await enter(world)
    const headers = { ...bearer(accessToken), cookie: `session_id=${sessionId}; access_token=${accessToken}` }
    assertFrom(await call(update, record(unmoved, `<note>${accessToken} ${sessionId}</note>`), { headers }), 'source')
    assertApart(world)
  })

  for (const [what, body] of [
    [
      'an attribute',
      (id: string) =>
        envelope(`<get_customer_info x="${id}">${byNumber(unmoved)}</get_customer_info>`, sessionElement(id))
    ],
    [
      'a comment',
      (id: string) =>
        envelope(`<!--${id}--><get_customer_info>${byNumber(unmoved)}</get_customer_info>`, sessionElement(id))
    ]
  ] as const) {
    test(`a credential in ${what} is refused before it reaches the source`, async (t) => {
      const world = await startWorld(t)
      const { sessionId } = await enter(world)
      const headers = { host: hosts.admin, 'content-type': 'text/xml' }
      assertSoapFault(
        await ask(world.url, { path: '/soap/Customer', headers, body: body(sessionId) }),
        400,
        'malformed_request'
      )
      assertApart(world)
    })
  }

  test('an envelope that is compressed, or says so, or is in a charset that hides its texts, is refused', async (t) => {
    const world = await startWorld(t)
    const { accessToken } = await enter(world)
    const text = envelope(`<get_customer_info>${byNumber(unmoved)}</get_customer_info>`)
    for (const [body, more] of [
      [Buffer.from(text, 'utf16le'), {}],
      [gzipSync(text), { 'content-encoding': 'gzip' }],
      [Buffer.from(text), { 'content-encoding': 'gzip' }]
    ] as const) {
      const headers = { host: hosts.admin, 'content-type': 'text/xml', ...bearer(accessToken), ...more }
      assertSoapFault(await ask(world.url, { path: `/soap/${info}`, headers, body }), 400, 'malformed_request')
    }
    assert.equal(
      world.source.journal.count(info),
      world.source.journal.count(({ rawHeaders }) => rawHeaders.includes('Content-Type'))
    )
  })

  test('a list goes to the context, else to the target, and is never merged', async (t) => {
    const world = await startWorld(t)
    const { call } = await enter(world)
    const list = 'Customer/get_customer_list'
    const context = (system: string) => ({ headers: { 'x-dispatcher-context': system } })
    assertFrom(await call(list, '<limit>3</limit>'), 'target')
    assertFrom(await call(list, '<limit>3</limit>', context('target')), 'target')
    assertFrom(await call(list, '<limit>3</limit>', context('source')), 'source')
    assertFrom(await call('Account/get_account_list', byNumber(unmoved)), 'source')
    assertApart(world)
  })

  test('a context is set by SOAP, answered in SOAP, and asked of nobody', async (t) => {
    const world = await startWorld(t)
    const { call } = await enter(world)
    const set = (context: string, more: SoapCall = {}) =>
      call('Session/set_session_context', `<context>${context}</context>`, more)
    const reply = await set('source', { toService: true })
    assert.equal(reply.status, 200)
    assert.match(reply.text, /<set_session_contextResponse><success>1<\/success><\/set_session_contextResponse>/)
    assert.match(reply.headers['content-type'] ?? '', /^text\/xml/)
    assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
    assertFrom(await call('Customer/get_customer_list', ''), 'source')
    await set('auto')
    assertFrom(await call('Customer/get_customer_list', ''), 'target')
    assertSoapFault(await set('nowhere'), 400, 'malformed_request')
  })

  test('a refused half is renewed, and the call sent once more with the new names', async (t) => {
    const world = await startWorld(t)
    const { call, accessToken } = await enter(world)
    const headers = bearer(accessToken)
    const fault = { kind: 'fault', faultcode: 'Server.Session.check_auth.auth_failed' } as const
    world.source.faults.add({ match: { method: 'update_customer' }, fault, times: 1 })
    assertFrom(await call(update, record(unmoved), { headers }), 'source')
    assert.deepEqual(
      world.source.journal.of(update).map(({ status }) => status),
      [500, 200]
    )
    assert.equal(world.source.journal.count('Session/refresh_access_token'), 1)
    assertApart(world)
  })

  test('a customer who has moved meanwhile is looked for again, and read where they are', async (t) => {
    const world = await startWorld(t)
    const { call } = await enter(world)
    assertFrom(await call(info, byNumber(unmoved)), 'source')
    const { moveCustomer } = await import('../../simulator/index.ts')
    await moveCustomer(unmoved, world.source, world.target)
    assertFrom(await call(info, byNumber(unmoved), { toService: true }), 'target')
    assertApart(world)
  })

  test('refresh and logout act on both systems', async (t) => {
    const world = await startWorld(t)
    const { call, refreshToken, onSource } = await enter(world)
    const refreshed = await call('Session/refresh_access_token', `<refresh_token>${refreshToken}</refresh_token>`, {
      authInfo: ''
    })
    const headers = bearer(elementOf(refreshed, 'access_token') ?? '')
    assertFrom(await call(info, byNumber(unmoved), { headers, authInfo: '' }), 'source')
    assert.ok(!onSource.access_token.includes(elementOf(refreshed, 'access_token') ?? onSource.access_token))
    assertFrom(await call('Session/logout', ''), 'source,target')
    assert.deepEqual([everyNameOn(world.source), everyNameOn(world.target)], [[], []])
  })

  test('contradictory and ambiguous references are refused', async (t) => {
    const world = await startWorld(t)
    const { call } = await enter(world)
    for (const params of [
      `${byNumber(unmoved)}${byNumber(moved)}`,
      `${byNumber(unmoved)}${record(moved)}`,
      `${byNumber(unmoved)}<params>${byNumber(moved)}</params>`,
      '<i_customer href="#ref1"/>',
      '<i_customer>7 OR 1=1</i_customer>'
    ]) {
      assertSoapFault(await call(info, params), 400, 'malformed_request')
    }
    assertSoapFault(await call(info, byNumber(unmoved), { path: `/soap/${update}` }), 400, 'malformed_request')
    assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
  })
})

test('a half that comes late, and whose client has gone, is ended by REST: the systems are asked in one way', async (t) => {
  const world = await startWorld(t)
  const hung = world.source.faults.add({ match: { method: 'login' }, fault: { kind: 'delay', ms: 4000 } })
  const { reply, accessToken } = await soapLogin(world.url, 'admin', staffOf(world, 'admin'))
  hung.remove()
  assertFrom(reply, 'target')
  const ended = world.source.journal.next(({ url, status }) => url === '/rest/Session/logout' && status !== null)
  const authInfo = `<access_token>${accessToken}</access_token>`
  await soapCall(world.url, 'Session/logout', '', { realm: 'admin', authInfo })
  assert.equal((await ended).status, 200)
  assert.deepEqual(everyNameOn(world.source), [])
})

test('/explain tells the method that the envelope names, and where it would go', async (t) => {
  const world = await startWorld(t)
  const { authInfo } = await enter(world)
  const explain = async (path: string, body: string, headers: Ask['headers'] = {}) => {
    const described = { url: path, headers: { host: hosts.admin, 'content-type': 'text/xml', ...headers }, body }
    const json = { 'content-type': 'application/json' }
    return (await ask(world.opsUrl, { path: '/explain', headers: json, body: JSON.stringify(described) })).json()
  }
  for (const [what, path, body, told] of [
    [
      'a login',
      '/soap/Session',
      envelope('<login><login>x</login></login>'),
      { call: 'Session/login', to: 'both', reason: 'login' }
    ],
    [
      'a call',
      '/soap/Customer',
      envelope(`<get_customer_info>${byNumber(unmoved)}</get_customer_info>`, authInfo),
      { call: info, to: 'target', reason: 'unlocated' }
    ],
    [
      'a list',
      '/soap/Customer',
      envelope('<get_customer_list/>', authInfo),
      { call: 'Customer/get_customer_list', to: 'target', reason: 'default_target' }
    ],
    [
      'a password',
      '/soap/AccessControl',
      envelope(`<create_otp>${byNumber(unmoved)}</create_otp>`, authInfo),
      { call: 'AccessControl/create_otp', to: 'target', reason: 'default_target' }
    ],
    [
      'a logout',
      '/soap/Session',
      envelope('<logout/>', authInfo),
      { call: 'Session/logout', to: 'both', reason: 'session_record' }
    ]
  ] as const) {
    const { call, to, reason } = await explain(path, body)
    assert.deepEqual({ call, to, reason }, told, what)
  }
  assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
})

test('the access line tells the method that the envelope names, and nothing else of it', async (t) => {
  const world = await startWorld(t)
  const { call, sessionId } = await enter(world)
  await call(info, byNumber(unmoved), { toService: true })
  const line = world.lines.findLast(({ msg }) => msg === 'request')
  assert.equal(line?.call, info)
  assert.equal(line?.wire, 'soap')
  assert.equal(line?.to, 'source')
  assert.ok(!world.logText().includes(sessionId))
})
