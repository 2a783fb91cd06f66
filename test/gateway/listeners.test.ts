import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { listenerRealm, type RealmName } from '../../core/words.ts'
import type { Config } from '../../gateway/config-schema.ts'
import { openListeners } from '../../gateway/listeners.ts'
import { createCertificate } from './certificate.ts'
import { connect } from './wires.ts'

/** The schema's own type has no words for realms. */
type Listen = readonly (Omit<Config['listen'][number], 'realm'> & { readonly realm?: RealmName })[]
const host = '127.0.0.1'
/** Longer than any test: a close that waits for it fails by its own timeout. */
const patience = 60_000
const limits = { headBytes: 16_384, head: 20_000, body: 20_000, stalled: 60_000, eventLoopDelay: 0 }
const limit = { timeout: 5000 }

const certificate = createCertificate()

/** An app that answers `/slow` when the test says so, behind listeners of its own. */
async function start(t: TestContext, listen: Listen) {
  const slow = new EventEmitter()
  const app = Fastify()
  app.get('/realm', async ({ raw }) => ({ realm: raw[listenerRealm] ?? null }))
  app.get('/slow', async () => {
    const finish = once(slow, 'finish')
    slow.emit('asked')
    await finish
    return 'slow, and whole'
  })
  await app.ready()
  const listeners = await openListeners(app, { listen: listen as Config['listen'], limits })
  t.after(async () => {
    slow.emit('finish')
    await listeners.close(0)
    await app.close()
  })
  return { listeners, slow, ports: listeners.addresses.map(({ port }) => port) }
}

const listenOn = (isTls: boolean): Listen => [{ host, port: 0, ...(isTls && { tls: certificate }) }]

test('a listener’s realm reaches the request; another’s does not', limit, async (t) => {
  const { listeners } = await start(t, [
    { host, port: 0, realm: 'customer' },
    { host, port: 0, realm: 'account' },
    { host, port: 0 }
  ])
  const realms = await Promise.all(
    listeners.addresses.map(
      async ({ url }) => ((await (await fetch(`${url}/realm`)).json()) as { realm: unknown }).realm
    )
  )
  assert.deepEqual(realms, ['customer', 'account', null])
})

test('addresses tell the scheme and the port that was given', limit, async (t) => {
  const { listeners } = await start(t, [...listenOn(false), ...listenOn(true)])
  for (const [at, scheme] of ['http', 'https'].entries()) {
    const address = listeners.addresses[at]
    assert.ok(address !== undefined && address.port > 0)
    assert.equal(address.url, `${scheme}://127.0.0.1:${address.port}`)
  }
})

test('a TLS listener speaks TLS 1.2 and newer, and no plain HTTP', limit, async (t) => {
  const { ports } = await start(t, [{ host, port: 0, realm: 'customer', tls: certificate }])
  const wire = await connect(t, ports[0] ?? 0, true)
  wire.send('GET /realm')
  assert.match(await wire.until('}'), /^HTTP\/1\.1 200[\s\S]*\{"realm":"customer"\}$/)
  const plain = await connect(t, ports[0] ?? 0)
  plain.send('GET /realm')
  assert.equal((await plain.closed()).includes('200'), false)
})

test('a port that is taken: nothing stays bound', limit, async (t) => {
  const taken = net.createServer().listen(0, host)
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as net.AddressInfo
  const free = net.createServer().listen(0, host)
  await once(free, 'listening')
  const { port: first } = free.address() as net.AddressInfo
  free.close()
  await once(free, 'close')
  const listen = [
    { host, port: first },
    { host, port }
  ]
  await assert.rejects(start(t, listen), { code: 'EADDRINUSE', port })
  const again = net.createServer().listen(first, host)
  await once(again, 'listening')
  again.close()
})

for (const isTls of [false, true]) {
  const over = isTls ? 'over TLS' : 'over TCP'

  test(`close, ${over}: connections without a request in flight are let go at once`, limit, async (t) => {
    const { listeners, ports } = await start(t, listenOn(isTls))
    const port = ports[0] ?? 0
    const idle = await connect(t, port, isTls)
    idle.send('GET /realm')
    await idle.until('}')
    const silent = await connect(t, port, isTls)
    const halfway = await connect(t, port, isTls)
    halfway.socket.write('GET /realm HTTP/1.1\r\nHost: ')
    await listeners.close(patience)
    assert.equal(await silent.closed(), '')
    assert.match(await idle.closed(), /^HTTP\/1\.1 200/)
    await halfway.closed()
  })

  test(`close, ${over}: nobody new comes in`, limit, async (t) => {
    const { listeners, ports } = await start(t, listenOn(isTls))
    await listeners.close(patience)
    await assert.rejects(connect(t, ports[0] ?? 0), { code: 'ECONNREFUSED' })
  })

  test(`close, ${over}: a request in flight is answered, with Connection: close`, limit, async (t) => {
    const { listeners, slow, ports } = await start(t, listenOn(isTls))
    const wire = await connect(t, ports[0] ?? 0, isTls)
    const asked = once(slow, 'asked')
    wire.send('GET /slow')
    await asked
    let isClosed = false
    const closing = listeners.close(patience).then(() => {
      isClosed = true
    })
    assert.equal(isClosed, false)
    slow.emit('finish')
    const answer = await wire.closed()
    assert.match(answer, /^HTTP\/1\.1 200/)
    assert.match(answer, /slow, and whole$/)
    assert.match(answer, /^connection: close\r$/im)
    await closing
  })

  test(`close, ${over}: an answered connection is not kept for the next request`, limit, async (t) => {
    const { listeners, slow, ports } = await start(t, listenOn(isTls))
    const wire = await connect(t, ports[0] ?? 0, isTls)
    const other = await connect(t, ports[0] ?? 0, isTls)
    const asked = once(slow, 'asked')
    wire.send('GET /slow')
    await asked
    const closing = listeners.close(patience)
    await other.closed()
    slow.emit('finish')
    await wire.closed()
    await closing
  })

  test(`close, ${over}: a request that does not end is cut after the drain time`, limit, async (t) => {
    const { listeners, slow, ports } = await start(t, listenOn(isTls))
    const wire = await connect(t, ports[0] ?? 0, isTls)
    const asked = once(slow, 'asked')
    wire.send('GET /slow')
    await asked
    const startedAt = performance.now()
    await listeners.close(80)
    const tookMs = performance.now() - startedAt
    assert.ok(tookMs >= 75 && tookMs < 2000, `${tookMs} ms`)
    assert.equal(await wire.closed(), '')
  })

  test(`close, ${over}: a drain time of 0 cuts at once`, limit, async (t) => {
    const { listeners, slow, ports } = await start(t, listenOn(isTls))
    const wire = await connect(t, ports[0] ?? 0, isTls)
    const asked = once(slow, 'asked')
    wire.send('GET /slow')
    await asked
    await listeners.close(0)
    assert.equal(await wire.closed(), '')
  })

  test(`close, ${over}: a client that leaves ends the wait`, limit, async (t) => {
    const { listeners, slow, ports } = await start(t, listenOn(isTls))
    const wire = await connect(t, ports[0] ?? 0, isTls)
    const asked = once(slow, 'asked')
    wire.send('GET /slow')
    await asked
    const closing = listeners.close(patience)
    wire.socket.destroy()
    await closing
  })
}

for (const isTls of [false, true]) {
  const over = isTls ? 'over TLS' : 'over TCP'

  test(`leave, ${over}: a connection has one more answer, the last; nobody new comes in`, limit, async (t) => {
    const { listeners, slow, ports } = await start(t, listenOn(isTls))
    const port = ports[0] ?? 0
    const idle = await connect(t, port, isTls)
    idle.send('GET /realm')
    await idle.until('}')
    const busy = await connect(t, port, isTls)
    const asked = once(slow, 'asked')
    busy.send('GET /slow')
    await asked
    const left = listeners.leave(patience)
    await assert.rejects(connect(t, port), { code: 'ECONNREFUSED' })
    idle.send('GET /realm')
    assert.match((await idle.closed()).split('}')[1] ?? '', /^HTTP\/1\.1 200[\s\S]*^connection: close\r$/im)
    slow.emit('finish')
    assert.match(await busy.closed(), /^connection: close\r$[\s\S]*slow, and whole$/im)
    await left
  })

  test(`leave, ${over}: who asks for nothing more is waited for so long, and then let go`, limit, async (t) => {
    const { listeners, ports } = await start(t, listenOn(isTls))
    const idle = await connect(t, ports[0] ?? 0, isTls)
    idle.send('GET /realm')
    await idle.until('}')
    const startedAt = performance.now()
    await listeners.leave(100)
    const tookMs = performance.now() - startedAt
    assert.ok(tookMs >= 95, `${tookMs} ms`)
    assert.equal(idle.socket.destroyed, false)
    await listeners.close(patience)
    await idle.closed()
  })
}

test('close while many requests of many listeners are in flight: all are answered', limit, async (t) => {
  const { listeners, slow, ports } = await start(t, [...listenOn(false), ...listenOn(true), ...listenOn(false)])
  slow.setMaxListeners(0)
  const wires = await Promise.all([0, 1, 2, 0, 1, 2].map((at) => connect(t, ports[at] ?? 0, at === 1)))
  for (const wire of wires) {
    const asked = once(slow, 'asked')
    wire.send('GET /slow')
    await asked
  }
  const closing = listeners.close(patience)
  slow.emit('finish')
  for (const wire of wires) assert.match(await wire.closed(), /slow, and whole$/)
  await closing
})
