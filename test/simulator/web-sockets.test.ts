/** Call control over WebSockets: who may open one, what it may command, and which events it gets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import type { OperatingMode, Simulator } from '../../simulator/index.ts'
import { begin, callControl, openSocket, portal, refusalOf, type SocketOptions } from './socket-client.ts'
import { adminToken, call, type Login, logIn, startSystem } from './system.ts'

const version = 'callcontrol.v1'
const iCustomer = 1

const logInAdmin = (system: Simulator) => logIn(system, 'admin', system.users.admin())

const ways: {
  way: string
  options: (login: Login) => SocketOptions
  subprotocol?: string | ((login: Login) => string)
}[] = [
  { way: 'a bearer token', options: ({ access_token }) => ({ token: access_token }) },
  { way: 'the query', options: ({ access_token }) => ({ path: `${callControl}?access_token=${access_token}` }) },
  {
    way: 'the cookie of a token',
    options: ({ access_token }) => ({ headers: { cookie: `a=b; access_token=${access_token}` } })
  },
  {
    way: 'the cookie of a session',
    options: ({ session_id }) => ({ headers: { cookie: `session_id=${session_id}` }, protocols: [version] }),
    subprotocol: version
  },
  {
    way: 'a subprotocol beside the version',
    options: ({ access_token }) => ({ protocols: [`access_token.${access_token}`, version] }),
    subprotocol: version
  },
  {
    way: 'a subprotocol alone',
    options: ({ access_token }) => ({ protocols: [`access_token.${access_token}`] }),
    subprotocol: ({ access_token }) => `access_token.${access_token}`
  },
  {
    way: 'a bearer token before all others',
    options: ({ access_token }) => ({
      token: access_token,
      path: `${callControl}?access_token=bad`,
      headers: { cookie: 'access_token=bad' },
      protocols: [version, 'access_token.bad']
    }),
    subprotocol: version
  },
  {
    way: 'the query before subprotocol and cookie',
    options: ({ access_token }) => ({
      path: `${callControl}?access_token=${access_token}`,
      headers: { cookie: 'access_token=bad' },
      protocols: [version, 'access_token.bad']
    }),
    subprotocol: version
  },
  {
    way: 'the subprotocol before the cookie',
    options: ({ access_token }) => ({
      headers: { cookie: 'access_token=bad' },
      protocols: [version, `access_token.${access_token}`]
    }),
    subprotocol: version
  }
]

for (const { way, options, subprotocol = '' } of ways) {
  test(`WebSockets: the session is known by ${way}`, async (t) => {
    const system = await startSystem(t)
    const login = await logInAdmin(system)
    const chosen = typeof subprotocol === 'string' ? subprotocol : subprotocol(login)
    const { socket } = await openSocket(t, system, options(login))
    assert.equal(socket.protocol, chosen)
    const [connection] = system.sockets.connections
    assert.deepEqual(
      [connection?.sessionId, connection?.realm, connection?.protocol, connection?.subprotocol],
      [login.session_id, 'admin', 'ws', chosen]
    )
    const entry = system.journal.of('CallControl/ws').at(-1)
    assert.deepEqual(
      [entry?.status, entry?.sessionId, entry?.write, entry?.httpMethod, entry?.aborted],
      [101, login.session_id, false, 'GET', false]
    )
    assert.equal(connection?.rawHeaders, entry?.rawHeaders)
  })
}

const refusals: {
  who: string
  status: number
  faultcode: string
  mode?: OperatingMode
  options: (system: Simulator) => Promise<SocketOptions>
}[] = [
  { who: 'nobody', status: 401, faultcode: 'Client.check_auth.envelope_missed', options: async () => ({}) },
  {
    who: 'nobody, with a subprotocol',
    status: 401,
    faultcode: 'Client.check_auth.envelope_missed',
    options: async () => ({ protocols: [version] })
  },
  {
    who: 'a token that is none',
    status: 401,
    faultcode: 'Client.Session.check_auth.failed_to_process_jwt',
    options: async () => ({ path: `${callControl}?access_token=none` })
  },
  {
    who: 'an ended session',
    status: 401,
    faultcode: 'Server.Session.check_auth.auth_failed',
    async options(system) {
      const { access_token, session_id } = await logInAdmin(system)
      await call(system, 'admin', 'Session/logout', { session_id })
      return { token: access_token }
    }
  },
  {
    who: "another realm's session",
    status: 401,
    faultcode: 'Client.Session.check_auth.failed_to_process_access_token',
    options: async (system) => ({ token: await adminToken(system), realm: 'reseller' })
  },
  {
    who: 'everybody in standalone mode',
    status: 500,
    faultcode: 'standalone_mode',
    mode: 'standalone',
    options: async (system) => ({ token: await adminToken(system) })
  },
  {
    who: 'everybody while the reserve is down',
    status: 500,
    faultcode: 'pb_delta.connection_failed',
    mode: 'reserve_down',
    options: async (system) => ({ token: await adminToken(system) })
  }
]

for (const { who, status, faultcode, mode, options } of refusals) {
  test(`WebSockets: ${who} is refused with ${status} ${faultcode}`, async (t) => {
    const system = await startSystem(t)
    const asked = await options(system)
    system.mode = mode ?? 'normal'
    const over = system.journal.next((entry) => entry.method === 'ws' && entry.status !== null)
    const refusal = await refusalOf(t, system, asked)
    const { faultcode: told, faultstring } = JSON.parse(refusal.text)
    assert.deepEqual([refusal.status, told, typeof faultstring], [status, faultcode, 'string'])
    assert.equal(refusal.headers['content-type'], 'application/json; charset=UTF-8')
    assert.equal(refusal.headers['www-authenticate'], status === 401 ? 'Bearer' : undefined)
    const entry = await over
    assert.deepEqual([entry.status, entry.faultcode, entry.aborted], [status, faultcode, false])
    assert.equal(system.sockets.open, 0)
  })
}

test('WebSockets: another version is refused as ws does', async (t) => {
  const system = await startSystem(t)
  const headers = {
    authorization: `Bearer ${await adminToken(system)}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '99'
  }
  const req = request(system.urls.admin + callControl, { headers }).end()
  const [response] = await once(req, 'response')
  response.resume()
  assert.deepEqual([response.statusCode, response.headers['sec-websocket-version']], [400, '13, 8'])
  assert.equal(system.journal.of('CallControl/ws').at(-1)?.status, 400)
})

test('WebSockets: an Upgrade header changes nothing elsewhere', async (t) => {
  const system = await startSystem(t)
  const refusal = await refusalOf(t, system, { path: '/login' })
  assert.equal(refusal.status, 200)
  assert.match(refusal.text, /MR100/)
})

const choices: { path: string; protocols: string[]; chosen: string | null }[] = [
  { path: callControl, protocols: ['other', version, 'more'], chosen: version },
  { path: callControl, protocols: ['other'], chosen: null },
  { path: callControl, protocols: ['other', 'access_token.x'], chosen: null },
  { path: portal, protocols: ['first', 'second'], chosen: 'first' }
]

for (const { path, protocols, chosen } of choices) {
  test(`WebSockets: of ${protocols.join(', ')} at ${path} it chooses ${chosen ?? 'none'}`, async (t) => {
    const system = await startSystem(t)
    const token = await adminToken(system)
    const socket = begin(t, system, { path, token, protocols })
    if (chosen === null) {
      const [error] = await once(socket, 'error')
      assert.equal(error.message, 'Server sent no subprotocol')
    } else {
      await once(socket, 'open')
      assert.equal(socket.protocol, chosen)
    }
  })
}

test('WebSockets: commands run as the same calls do, each with its journal entry', async (t) => {
  const system = await startSystem(t)
  const { access_token, session_id } = await logInAdmin(system)
  const { socket, command, nextJson } = await openSocket(t, system, { token: access_token })
  const data = { success: 1 }
  assert.deepEqual(await command('enable_api_notifications', { i_customer: iCustomer }, 'a'), {
    response: 'enable_api_notifications',
    id: 'a',
    data
  })
  const list = { response: 'get_sip_calls_list', data: { calls_list: [] } }
  assert.deepEqual(await command('get_sip_calls_list', { i_customer: iCustomer }), list)
  assert.deepEqual(await command('terminate_call', { i_customer: iCustomer, tracking_id: 'x' }, [1]), {
    response: 'terminate_call',
    id: [1],
    fault: { faultcode: 'Server.CallControl.call_not_found', faultstring: 'There is no such call' }
  })
  const text = `{"command": "get_sip_calls_list", "id": 1.10, "params": {"i_customer": "1"}}`
  socket.send(text)
  assert.equal((await nextJson()).id, 1.1)
  const entries = system.journal.entries.filter(({ httpMethod }) => httpMethod === '')
  assert.deepEqual(
    entries.map(({ service, method, write, status, faultcode }) => [service, method, write, status, faultcode]),
    [
      ['CallControl', 'enable_api_notifications', true, 200, null],
      ['CallControl', 'get_sip_calls_list', false, 200, null],
      ['CallControl', 'terminate_call', true, 500, 'Server.CallControl.call_not_found'],
      ['CallControl', 'get_sip_calls_list', false, 200, null]
    ]
  )
  const last = entries.at(-1)
  assert.deepEqual(
    [last?.realm, last?.sessionId, last?.iCustomer, last?.body.toString(), last?.bodyBytes],
    ['admin', session_id, iCustomer, text, text.length]
  )
})

test('WebSockets: an id comes back as it was written', async (t) => {
  const system = await startSystem(t)
  const { socket, next } = await openSocket(t, system, { token: await adminToken(system) })
  socket.send('{"command":"none","id":9007199254740993.10}')
  assert.match((await next()).data.toString(), /"id":9007199254740993\.10,/)
})

const faulty: { what: string; message: string | Buffer; response: string | null; faultcode: string }[] = [
  { what: 'what is not JSON', message: '{"command":', response: null, faultcode: 'Client.malformed_request' },
  { what: 'an array', message: '[]', response: null, faultcode: 'Client.malformed_request' },
  { what: 'no command', message: '{"params":{}}', response: null, faultcode: 'Client.malformed_request' },
  {
    what: 'parameters that are no object',
    message: '{"command":"answer_call","params":"x"}',
    response: null,
    faultcode: 'Client.malformed_request'
  },
  {
    what: 'a binary message',
    message: Buffer.from('{"command":"answer_call"}'),
    response: null,
    faultcode: 'Client.malformed_request'
  },
  {
    what: 'an unknown command',
    message: '{"command":"get_customer_list"}',
    response: 'get_customer_list',
    faultcode: 'Server.CallControl.unknown_method'
  },
  {
    what: 'a command about nobody',
    message: '{"command":"enable_api_notifications"}',
    response: 'enable_api_notifications',
    faultcode: 'Server.Customer.not_found'
  }
]

for (const { what, message, response, faultcode } of faulty) {
  test(`WebSockets: ${what} is answered ${faultcode}`, async (t) => {
    const system = await startSystem(t)
    const { socket, nextJson } = await openSocket(t, system, { token: await adminToken(system) })
    socket.send(message)
    const answer = await nextJson()
    assert.deepEqual([answer.response, (answer.fault as { faultcode: string }).faultcode], [response, faultcode])
  })
}

const modes: { mode: OperatingMode; faultcode: string }[] = [
  { mode: 'read_only', faultcode: 'read_only_mode' },
  { mode: 'standalone', faultcode: 'standalone_mode' }
]

for (const { mode, faultcode } of modes) {
  test(`WebSockets: ${mode} refuses the commands of an open one that write`, async (t) => {
    const system = await startSystem(t)
    const { command } = await openSocket(t, system, { token: await adminToken(system) })
    system.mode = mode
    const { fault } = await command('originate_call', { i_customer: iCustomer })
    assert.equal((fault as { faultcode: string }).faultcode, faultcode)
  })
}

test('WebSockets: commands of a session that has ended are refused, those of an expired token are not', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const system = await startSystem(t, { tokenLifetimeSeconds: 60 })
  const { access_token, session_id } = await logInAdmin(system)
  const { command } = await openSocket(t, system, { token: access_token })
  t.mock.timers.tick(61_000)
  const enable = () => command('enable_api_notifications', { i_customer: iCustomer })
  assert.deepEqual((await enable()).data, { success: 1 })
  await call(system, 'admin', 'Session/logout', { session_id })
  assert.deepEqual((await enable()).fault, {
    faultcode: 'Server.Session.check_auth.auth_failed',
    faultstring: 'The session does not exist or has ended'
  })
})

test('WebSockets: a session gets the events of what it enabled, on each of its sockets', async (t) => {
  const system = await startSystem(t)
  const [own, other] = [await logInAdmin(system), await logInAdmin(system)]
  const [first, second, stranger] = [
    await openSocket(t, system, { token: own.access_token }),
    await openSocket(t, system, { token: own.access_token }),
    await openSocket(t, system, { token: other.access_token })
  ]
  const control = async (name: string, params: object = {}) => {
    const all = { i_customer: iCustomer, ...params }
    return (await call(system, 'admin', `CallControl/${name}`, all, own.access_token)).json
  }
  await control('enable_api_notifications')
  await stranger.command('enable_api_notifications', { i_customer: 2 })
  const { tracking_id } = await control('originate_call', { from: '1', to: '2' })
  const ringing = await first.nextJson()
  assert.deepEqual(ringing, {
    event: 'sip_call',
    data: {
      i_customer: iCustomer,
      tracking_id,
      state: 'ringing',
      caller: { number: '1', i_account: null },
      callee: { number: '2', huntgroup_id: null },
      queue_info: null
    }
  })
  assert.deepEqual(await second.nextJson(), ringing)
  const dataOf = async () => {
    const [one, two] = [await first.nextJson(), await second.nextJson()]
    assert.deepEqual(one, two)
    return one.data as Record<string, unknown>
  }
  await control('answer_call', { tracking_id })
  assert.equal((await dataOf()).state, 'connected')
  const moved = await control('transfer_call', { tracking_id, to: '3' })
  const { previous_tracking_id, ...seen } = await dataOf()
  assert.deepEqual(
    [previous_tracking_id, seen.tracking_id, seen.callee],
    [tracking_id, moved.tracking_id, { number: '3' }]
  )
  assert.notEqual(seen.tracking_id, tracking_id)
  await control('terminate_call', { tracking_id: moved.tracking_id })
  assert.equal((await dataOf()).state, 'terminated')
  assert.deepEqual(await control('get_sip_calls_list'), { calls_list: [] })
  await control('disable_api_notifications')
  await control('originate_call', { from: '1', to: '2' })
  // What comes next is not an event, for none of them.
  system.sockets.emit('{"last":1}')
  for (const { nextJson } of [first, second, stranger]) assert.deepEqual(await nextJson(), { last: 1 })
})

test("WebSockets: a customer's own socket sees the calls of its own", async (t) => {
  const system = await startSystem(t)
  const user = system.users.firstActiveCustomer()
  const { access_token } = await logIn(system, 'customer', user)
  const { command, nextJson } = await openSocket(t, system, { token: access_token, realm: 'customer' })
  assert.deepEqual((await command('enable_api_notifications')).data, { success: 1 })
  const event = await command('originate_call', { from: '1', to: '2' })
  assert.equal((event.data as { i_customer: number }).i_customer, user.i_customer)
  assert.equal((await nextJson()).response, 'originate_call')
})
