/** Fault switches and WebSockets: the handshake goes wrong as any other request does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import type { FaultMatch, SimulatedFault, Simulator } from '../../simulator/index.ts'
import { until } from '../until.ts'
import { begin, callControl, openSocket, refusalOf } from './socket-client.ts'
import { adminToken, startSystem } from './system.ts'

const matches: FaultMatch = { path: /^\/callcontrol\/ws/ }

async function faulty(t: TestContext, fault: SimulatedFault) {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const handle = system.faults.add({ match: matches, fault, times: 1 })
  return { system, token, handle }
}

test('socket faults: a status replaces the handshake, once', async (t) => {
  const fault = { kind: 'status', status: 503, headers: { 'Retry-After': '7' }, body: 'busy' } as const
  const { system, token, handle } = await faulty(t, fault)
  const { status, text, headers } = await refusalOf(t, system, { token })
  assert.deepEqual([status, text, headers['retry-after'], headers.connection], [503, 'busy', '7', 'close'])
  await openSocket(t, system, { token })
  assert.equal(handle.hits, 1)
})

test("socket faults: a fault is answered in the API's own shape", async (t) => {
  const { system, token } = await faulty(t, { kind: 'fault', faultcode: 'Server.CallControl.busy' })
  const { status, text } = await refusalOf(t, system, { token })
  assert.deepEqual([status, JSON.parse(text).faultcode], [500, 'Server.CallControl.busy'])
})

test('socket faults: a rule may name the handshake as service and method', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const fault = { kind: 'status', status: 502 } as const
  system.faults.add({ match: { service: 'CallControl', method: 'ws', realm: 'admin' }, fault })
  assert.equal((await refusalOf(t, system, { token })).status, 502)
})

test('socket faults: raw headers join those of the 101', async (t) => {
  const headers: [string, string][] = [
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2']
  ]
  const { system, token } = await faulty(t, { kind: 'headers', headers })
  const socket = begin(t, system, { token })
  const [response] = await once(socket, 'upgrade')
  assert.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2'])
  const [next] = await once(begin(t, system, { token }), 'upgrade')
  assert.equal(next.headers['set-cookie'], undefined)
})

/** A handshake as its client's own bytes, on a connection of its own. */
async function writeHandshake(t: TestContext, system: Simulator, token: string, behind = ''): Promise<Socket> {
  const { hostname, port } = new URL(system.urls.admin)
  const socket = connect(Number(port), hostname)
  t.after(() => socket.destroy())
  const arrived = system.journal.next(({ method }) => method === 'ws')
  const head = [
    `GET ${callControl} HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${token}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    behind
  ]
  socket.write(head.join('\r\n'), 'latin1')
  assert.equal((await arrived).status, null)
  return socket
}

test('socket faults: a delayed handshake is the true one, and keeps what came behind it', async (t) => {
  const { system, token } = await faulty(t, { kind: 'delay', ms: 30 })
  const received = new Promise((resolve) => system.sockets.onMessage((data) => resolve(data.toString())))
  const started = performance.now()
  const socket = await writeHandshake(t, system, token, '\x81\x82\0\0')
  assert.equal(system.sockets.open, 0)
  socket.write('\0\0hi', 'latin1')
  const [answer] = await once(socket, 'data')
  assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 /)
  assert.ok(performance.now() - started >= 29)
  assert.equal(await received, 'hi')
})

for (const kind of ['hang', 'delay'] as const) {
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    test(`socket faults: ${kind} notices a client that leaves by ${leave}, and the journal tells`, async (t) => {
      const { system, token } = await faulty(t, kind === 'hang' ? { kind } : { kind, ms: 60_000 })
      const over = system.journal.next(({ method, aborted }) => method === 'ws' && aborted)
      const socket = await writeHandshake(t, system, token)
      socket[leave]()
      assert.equal((await over).status, null)
      assert.equal(system.sockets.open, 0)
    })
  }
}

const broken: { name: string; fault: SimulatedFault; ends: string[] }[] = [
  { name: 'reset at request', fault: { kind: 'reset', at: 'request' }, ends: ['ECONNRESET'] },
  { name: 'reset before headers', fault: { kind: 'reset', at: 'before-headers' }, ends: ['ECONNRESET'] },
  { name: 'reset after headers', fault: { kind: 'reset', at: 'after-headers' }, ends: ['open', 'ECONNRESET'] },
  { name: 'half', fault: { kind: 'half' }, ends: ['open'] },
  { name: 'garbage', fault: { kind: 'garbage' }, ends: ['HPE_INVALID_CONSTANT'] }
]

const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }])

for (const { name, fault, ends } of broken) {
  for (const protocol of ['ws', 'wss'] as const) {
    test(`socket faults: ${name} over ${protocol} is ${ends.join(', then ')}`, async (t) => {
      const system = await startSystem(t, protocol === 'wss' ? { tls: { key, cert } } : {})
      // A page's needs no session, so that no call has to be made over TLS.
      system.faults.add({ match: { path: /^\/portal\/ws/ }, fault })
      const socket = begin(t, system, { path: '/portal/ws', rejectUnauthorized: false })
      const seen: unknown[] = []
      const failed = ({ code }: Error & { code?: string }) => seen.push(code)
      socket.on('error', failed)
      socket.on('open', () => seen.push('open'))
      // Once it is open, ws itself says nothing of how its connection ended.
      socket.on('upgrade', (response) => response.socket.on('error', failed))
      const code = await new Promise((resolve) => socket.once('close', resolve))
      assert.deepEqual([code, ...seen], [1006, ...ends])
      await until(() => system.sockets.open === 0)
    })
  }
}
