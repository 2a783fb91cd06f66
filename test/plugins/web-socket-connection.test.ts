/** The end of a WebSocket: who is waited for, and who is cut. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { frameOf, opcodes } from '../../core/frames.ts'
import { Connection } from '../../plugins/web-socket-proxy/connection.ts'
import { until } from '../until.ts'

const limits = { idle: 120_000, lifetime: 86_400_000 }
const after = (ms: number) => performance.now() + ms

/** Both ends of one TCP connection. */
async function pair(t: TestContext): Promise<readonly [near: Socket, far: Socket]> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  server.close()
  // To be cut is no mistake here.
  far.on('error', () => {})
  t.after(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

async function open(t: TestContext) {
  const [[client, browser], [system, remote]] = await Promise.all([pair(t), pair(t)])
  const ends: string[] = []
  const connection = new Connection({
    client,
    systems: new Map([['source', system]]),
    reads: null,
    isDue: () => false,
    onOver: (end) => ends.push(end)
  })
  return { client, browser, system, remote, connection, ends }
}

test('a client that still takes what it is owed is not cut, and hears the last word', async (t) => {
  const { client, browser, remote, connection, ends } = await open(t)
  remote.on('data', () => {})
  browser.pause()
  const frame = frameOf(opcodes.binary, Buffer.alloc(65_000, 7), null)
  let sent = 0
  await until(() => {
    remote.write(frame)
    sent += frame.length
    return client.writableNeedDrain
  })
  connection.close('stop', 1001, 'Going away')
  connection.look(after(0), limits)
  connection.look(after(6_000), limits)
  connection.look(after(50_000), limits)
  assert.equal(client.destroyed, false)

  const came: Buffer[] = []
  browser.on('data', (chunk: Buffer) => came.push(chunk)).resume()
  await until(() => client.writableLength === 0)
  // What came behind is thrown away, and the last frame stands between two others.
  const last = frameOf(opcodes.close, Buffer.from('\x03\xe9Going away', 'latin1'), null)
  await until(() => Buffer.concat(came).subarray(-last.length).equals(last))
  assert.equal((Buffer.concat(came).length - last.length) % frame.length, 0)
  assert.ok(Buffer.concat(came).length <= sent + last.length)
  connection.look(after(60_000), limits)
  connection.look(after(66_000), limits)
  await until(() => ends.length > 0)
  assert.deepEqual(ends, ['stop'])
})

test('a client that takes nothing of what it is owed is cut', async (t) => {
  const { client, browser, remote, connection, ends } = await open(t)
  browser.pause()
  const frame = frameOf(opcodes.binary, Buffer.alloc(65_000, 7), null)
  await until(() => {
    remote.write(frame)
    return client.writableNeedDrain
  })
  connection.close('stop', 1001, 'Going away')
  connection.look(after(0), limits)
  connection.look(after(61_000), limits)
  await until(() => ends.length > 0)
})

test('a side that does not close when all is said is cut soon', async (t) => {
  const { browser, remote, connection, ends } = await open(t)
  for (const far of [browser, remote]) far.on('data', () => {})
  connection.close('idle', 1001, 'Idle')
  connection.look(after(4_000), limits)
  assert.deepEqual(ends, [])
  connection.look(after(10_000), limits)
  await until(() => assert.deepEqual(ends, ['idle']))
})
