/** What tests see of a simulated system's open WebSockets, and do with them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import type { SimulatorOptions } from '../../simulator/index.ts'
import { until } from '../until.ts'
import { openSocket, portal, type SocketOptions } from './socket-client.ts'
import { logIn, startSystem } from './system.ts'

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex')

async function startPage(t: TestContext, options: Partial<SimulatorOptions> = {}, socket: SocketOptions = {}) {
  const system = await startSystem(t, options)
  return { system, ...(await openSocket(t, system, { path: portal, ...socket })) }
}

test("sockets: a page's needs no session, shows one that its cookie tells, and answers nothing by itself", async (t) => {
  const { system, socket, next } = await startPage(t, {}, { headers: { 'X-Mixed': 'Yes' } })
  const [anonymous] = system.sockets.connections
  assert.deepEqual([anonymous?.sessionId, anonymous?.url, anonymous?.subprotocol], [null, portal, ''])
  assert.ok(anonymous?.rawHeaders.includes('X-Mixed'))
  const { session_id } = await logIn(system, 'admin', system.users.admin())
  for (const cookie of [`session_id=${session_id}`, 'session_id=ended']) {
    await openSocket(t, system, { path: portal, headers: { cookie } })
  }
  assert.deepEqual(
    system.sockets.connections.map(({ sessionId }) => sessionId),
    [null, session_id, null]
  )
  const arrived = new Promise((resolve) => system.sockets.onMessage(resolve))
  socket.send('{"command":"get_sip_calls_list"}')
  await arrived
  system.sockets.emit('first')
  assert.equal((await next()).data.toString(), 'first')
})

test('sockets: emit sends text and bytes, to all or to one session', async (t) => {
  const { system, next } = await startPage(t)
  const { session_id } = await logIn(system, 'admin', system.users.admin())
  const own = await openSocket(t, system, { path: portal, headers: { cookie: `session_id=${session_id}` } })
  system.sockets.emit('own', { session: session_id })
  system.sockets.emit('text')
  system.sockets.emit(Buffer.from('bytes'))
  system.sockets.emit(Buffer.from('text too'), { binary: false })
  const messages = async (count: number, from: typeof next) => {
    const seen: string[] = []
    for (let at = 0; at < count; at++) {
      const { data, isBinary } = await from()
      seen.push(`${isBinary ? 'binary' : 'text'} ${data}`)
    }
    return seen
  }
  const all = ['text text', 'binary bytes', 'text text too']
  assert.deepEqual(await messages(4, own.next), ['text own', ...all])
  assert.deepEqual(await messages(3, next), all)
})

for (const perMessageDeflate of [false, true]) {
  const how = perMessageDeflate ? 'compressed' : 'not compressed'

  test(`sockets: echo gives whole and fragmented messages back as they were, ${how}`, async (t) => {
    const { system, socket, next } = await startPage(t, {}, { perMessageDeflate })
    assert.equal(socket.extensions, perMessageDeflate ? 'permessage-deflate' : '')
    assert.equal(system.sockets.connections[0]?.extensions, socket.extensions)
    system.sockets.echo = true
    const large = randomBytes(8 * 1024 * 1024)
    const sent: (Buffer | string)[] = ['Grüße', '', Buffer.alloc(0), Buffer.from([0, 255]), large]
    for (const message of sent) socket.send(message)
    for (const message of sent) {
      const { data, isBinary } = await next()
      assert.equal(isBinary, typeof message !== 'string')
      assert.equal(sha256(data), sha256(message))
    }
    for (let at = 0; at < 9; at++) socket.send(large.subarray(at, at + 1000), { fin: false })
    socket.ping()
    socket.send('', { fin: true })
    const { data, isBinary } = await next()
    assert.deepEqual([data.length, isBinary], [9000, true])
    assert.equal(sha256(data.subarray(0, 1000)), sha256(large.subarray(0, 1000)))
  })
}

test('sockets: a message over 64 MiB ends its connection with 1009', async (t) => {
  const { system, socket, ended } = await startPage(t, {}, { perMessageDeflate: false })
  socket.send(Buffer.alloc(64 * 1024 * 1024 + 1))
  assert.equal((await ended).code, 1009)
  await until(() => system.sockets.open === 0)
})

test('sockets: what a client sends and how it leaves is told, until nobody listens', async (t) => {
  const { system, socket } = await startPage(t)
  const seen: unknown[] = []
  const stop = system.sockets.onMessage((data, isBinary, { url }) => seen.push([data.toString(), isBinary, url]))
  const closed = new Promise((resolve) => {
    system.sockets.onClose((code, reason, { url }) => resolve([code, reason, url]))
  })
  socket.send('text')
  socket.send(Buffer.from('bytes'))
  await until(() => seen.length === 2)
  stop()
  socket.send('unheard')
  socket.close(4001, 'enough')
  assert.deepEqual(await closed, [4001, 'enough', portal])
  assert.deepEqual(seen, [
    ['text', false, portal],
    ['bytes', true, portal]
  ])
})

test('sockets: pings come by themselves, and with a payload on demand', async (t) => {
  const { system, socket } = await startPage(t, { pingIntervalMs: 20 })
  for (let at = 0; at < 2; at++) assert.equal(String((await once(socket, 'ping'))[0]), '')
  const told = new Promise((resolve) => {
    socket.on('ping', (payload: Buffer) => payload.length > 0 && resolve(payload.toString()))
  })
  system.sockets.ping('there?')
  assert.equal(await told, 'there?')
})

test('sockets: bytes that a client does not take are told', async (t) => {
  const { system, socket } = await startPage(t, {}, { perMessageDeflate: false })
  socket.pause()
  const bytes = Buffer.alloc(32 * 1024 * 1024)
  system.sockets.emit(bytes)
  const [connection] = system.sockets.connections
  assert.ok((connection?.bufferedAmount ?? 0) > 0)
  socket.resume()
  await until(() => connection?.bufferedAmount === 0)
})

test('sockets: all can be closed with a code, or cut off', async (t) => {
  const { system, ended } = await startPage(t)
  system.sockets.closeAll(4002, 'moved')
  assert.equal(system.sockets.open, 0)
  assert.deepEqual(await ended, { code: 4002, reason: 'moved' })
  const other = await openSocket(t, system, { path: portal })
  system.sockets.terminateAll()
  assert.equal(system.sockets.open, 0)
  assert.equal((await other.ended).code, 1006)
})

test('sockets: stop ends them, over TLS too, and start serves them again', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }])
  const options = { path: portal, rejectUnauthorized: false }
  const { system, ended } = await startPage(t, { tls: { key, cert } }, options)
  assert.equal(system.sockets.connections[0]?.protocol, 'wss')
  await system.stop()
  assert.equal(system.sockets.open, 0)
  assert.equal((await ended).code, 1006)
  await system.start()
  const { socket } = await openSocket(t, system, options)
  assert.equal(socket.readyState, socket.OPEN)
  assert.equal(system.sockets.open, 1)
})

test('sockets: nothing of them keeps a process alive once the system is closed', { timeout: 30_000 }, async () => {
  const program = `
    import { once } from 'node:events'
    import { WebSocket } from 'ws'
    import { startSimulator } from './simulator/index.ts'
    const system = await startSimulator({ release: 'MR100', role: 'source', customers: 1 })
    system.faults.add({ match: { path: /late/ }, fault: { kind: 'delay', ms: 600_000 } })
    const url = system.urls.admin.replace('http', 'ws') + '/portal/ws'
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const late = new WebSocket(url + '?late')
    late.on('error', () => {})
    await system.journal.next(({ url }) => url.includes('late'))
    await system.close()
    process.stdout.write('closed')
  `
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [said, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'exit')])
  assert.deepEqual([said.join(''), code], ['closed', 0])
})
