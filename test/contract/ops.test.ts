/** Contract section 8: health, explanations and the word of a migration. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { hosts, startTestGateway, startWorld, systemConfig, testConfig } from '../build.ts'
import { ask, login, type Reply } from '../client.ts'

const host = hosts.customer
const post = (opsUrl: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  ask(opsUrl, { path, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
const get = (opsUrl: string, path: string, headers: Record<string, string> = {}) =>
  ask(opsUrl, { method: 'GET', path, headers })

suite('health', async () => {
  test('ready while a system is reachable, and not when none is', async (t) => {
    const { source, target } = await startWorld(t)
    const probed = { health: { interval: 50 } }
    const systems = {
      source: systemConfig('MR100', source.urls, probed),
      target: systemConfig('MR115', target.urls, probed)
    }
    const { opsUrl } = await startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, { systems }))
    assert.equal((await get(opsUrl, '/health/live')).status, 200)
    const becomes = async (status: number, reachable: object) => {
      for (;;) {
        const reply = await get(opsUrl, '/health/ready')
        if (reply.status !== status) continue
        const json = reply.json()
        if (JSON.stringify(json.reachable) === JSON.stringify(reachable)) return
      }
    }
    await becomes(200, { source: true, target: true })
    await source.stop()
    await becomes(200, { source: false, target: true })
    await target.stop()
    await becomes(503, { source: false, target: false })
    await source.start()
    await becomes(200, { source: true, target: false })
  })

  test('without probes a system is reachable until a call proves otherwise', async (t) => {
    const { url, opsUrl, target } = await startWorld(t)
    await target.stop()
    assert.deepEqual((await get(opsUrl, '/health/ready')).json().reachable, { source: true, target: true })
    await ask(url, { path: '/rest/Generic/get_version', headers: { host } })
    assert.deepEqual((await get(opsUrl, '/health/ready')).json().reachable, { source: true, target: false })
    await target.start()
    await ask(url, { path: '/rest/Generic/get_version', headers: { host } })
    assert.deepEqual((await get(opsUrl, '/health/ready')).json().reachable, { source: true, target: true })
  })
})

suite('explain', async () => {
  test('tells where each request would go and why, and sends nothing', async (t) => {
    const { url, opsUrl, source, target } = await startWorld(t)
    const user = source.users.firstActiveCustomer()
    const session = await login(url, 'customer', user)
    for (const system of [source, target]) system.journal.clear()
    const info = { url: '/rest/Customer/get_customer_info' }
    const json = { host, 'content-type': 'application/json' }
    const loginBody = (name: string) => JSON.stringify({ params: { login: name, password: 'x' } })
    const rows: readonly [asked: object, told: object][] = [
      [
        { url: '/rest/Session/login', headers: json, body: loginBody('new') },
        {
          realm: 'customer',
          family: 'billing',
          call: 'Session/login',
          to: 'target',
          reason: 'login',
          otherwise: 'source'
        }
      ],
      [
        { url: '/rest/Session/login', headers: json, body: loginBody(user.login) },
        {
          realm: 'customer',
          family: 'billing',
          call: 'Session/login',
          to: 'source',
          reason: 'login_hint',
          otherwise: 'target'
        }
      ],
      [
        { ...info, headers: { host, Authorization: `Bearer ${session.accessToken}` } },
        {
          realm: 'customer',
          family: 'billing',
          call: 'Customer/get_customer_info',
          to: 'source',
          reason: 'session_record'
        }
      ],
      [
        { ...info, headers: json, body: JSON.stringify({ auth_info: { session_id: session.sessionId } }) },
        {
          realm: 'customer',
          family: 'billing',
          call: 'Customer/get_customer_info',
          to: 'source',
          reason: 'session_record'
        }
      ],
      [
        { ...info, headers: { host, cookie: 'pb_dispatch=authorized-by-remote' } },
        {
          realm: 'customer',
          family: 'billing',
          call: 'Customer/get_customer_info',
          to: 'source',
          reason: 'routing_cookie'
        }
      ],
      [
        { ...info, headers: { host, authorization: 'Bearer unknown' } },
        { realm: 'customer', family: 'billing', call: 'Customer/get_customer_info', to: 'target', reason: 'unasked' }
      ],
      [
        { ...info, headers: { host } },
        {
          realm: 'customer',
          family: 'billing',
          call: 'Customer/get_customer_info',
          to: 'target',
          reason: 'no_credential'
        }
      ],
      [
        { method: 'GET', url: `http://www.100-customer.test/x?y` },
        { realm: 'customer', family: 'page', call: null, to: 'source', reason: 'versioned_host' }
      ],
      [
        { url: '/portasip/rest/Voicemail/get_settings', headers: { host: hosts.account } },
        { realm: 'account', family: 'portasip', call: 'Voicemail/get_settings', to: 'target', reason: 'no_credential' }
      ]
    ]
    for (const [asked, told] of rows) {
      const reply = await post(opsUrl, '/explain', asked)
      assert.equal(reply.status, 200, reply.text)
      assert.deepEqual(reply.json(), told)
    }
    assert.equal(source.journal.count() + target.journal.count(), 0)
  })

  const wrong: readonly [name: string, body: unknown, status: number, text: RegExp][] = [
    ['no url', {}, 400, /url/],
    ['an unknown key', { url: '/x', hedaers: {} }, 400, /hedaers|additional/],
    ['an unknown host', { url: '/x', headers: { host: 'stranger.test' } }, 421, /unknown_realm/],
    ['a malformed call', { url: '/rest/A/b/{', headers: { host } }, 400, /malformed_request/]
  ]
  for (const [name, body, status, text] of wrong) {
    test(`of ${name} gets ${status}`, async (t) => {
      const { opsUrl } = await startWorld(t)
      const reply = await post(opsUrl, '/explain', body)
      assert.equal(reply.status, status)
      assert.match(reply.text, text)
    })
  }
})

suite('migrations', async () => {
  const rows: readonly [name: string, body: unknown, status: number][] = [
    ['a start', { i_customer: 7, state: 'started', to: 'target' }, 200],
    ['the same again', { i_customer: 7, state: 'started', to: 'target' }, 200],
    ['an end', { i_customer: 7, state: 'finished' }, 200],
    ["a system's event", { event_type: 'Customer/Status/Exported', variables: { i_customer: 7 } }, 200],
    ["a system's event of an account", { event_type: 'Account/Status/Imported', variables: { i_account: 9 } }, 200],
    ['an unknown state', { i_customer: 7, state: 'begun' }, 400],
    ['no customer', { state: 'started' }, 400],
    ['an unknown event', { event_type: 'Customer/Status/Lost', variables: {} }, 400]
  ]
  test('are told in both forms', async (t) => {
    const { opsUrl } = await startWorld(t)
    for (const [name, body, status] of rows) {
      assert.equal((await post(opsUrl, '/migrations', body)).status, status, name)
    }
  })
})

test('with a token nothing of ops answers without it but health', async (t) => {
  const token = 'an ops token for tests'
  const { opsUrl } = await startWorld(t, { ops: { port: 0, token } })
  assert.equal((await get(opsUrl, '/health/live')).status, 200)
  assert.equal((await get(opsUrl, '/health/ready')).status, 200)
  const wrong = [{}, { authorization: 'Bearer wrong' }, { authorization: token }] as Record<string, string>[]
  const asked = ['/explain', '/migrations'].flatMap((path) => wrong.map((headers) => post(opsUrl, path, {}, headers)))
  for (const { status } of await Promise.all(asked)) assert.equal(status, 401)
  const allowed = await post(opsUrl, '/explain', { url: '/x', headers: { host } }, { authorization: `Bearer ${token}` })
  assert.equal(allowed.status, 200)
  assert.equal((await get(opsUrl, '/nothing')).status, 401)
})
