/** WebSockets through the gateway: where they go, what refuses them, and that what is said on them passes unchanged. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type ClientRequest } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { startSimulator } from '../../simulator/index.ts'
import { hosts, type LoggedLine, startTestGateway, startWorld, systemConfig, testConfig, type World } from '../build.ts'
import { bearer, explain, login, type Session, type User } from '../client.ts'
import { restarted } from '../dual.ts'
import { createCertificate } from '../gateway/certificate.ts'
import { connect } from '../gateway/wires.ts'
import { becomes } from '../scrape.ts'
import { begin, callControl, openSocket, portal, refusalOf } from '../socket-client.ts'
import { until } from '../until.ts'
import { type BareSystem, startBareSystem } from '../web-socket-system.ts'

const limit = { timeout: 20_000 }
const version = 'callcontrol.v1'

interface Homes {
  readonly world: World
  readonly onSource: User
  readonly onTarget: User
}

async function start(t: TestContext, overrides: Record<string, unknown> = {}): Promise<Homes> {
  const world = await startWorld(t, overrides)
  const onSource = world.source.users.firstActiveCustomer()
  const onTarget = world.target.users.firstActiveCustomer()
  return { world, onSource, onTarget }
}

const customer = (headers: Record<string, string> = {}) => ({ host: hosts.customer, ...headers })
const cookies = ({ reply }: Session) =>
  (reply.headers['set-cookie'] ?? []).map((line) => line.split(';', 1).join()).join('; ')
const sha = (data: Buffer) => createHash('sha256').update(data).digest('hex')

const ways: readonly (readonly [string, (session: Session) => Parameters<typeof openSocket>[2]])[] = [
  ['a header', ({ accessToken }) => ({ headers: customer(bearer(accessToken)) })],
  ['cookies', (session) => ({ headers: customer({ cookie: cookies(session) }) })],
  ['the query', ({ accessToken }) => ({ headers: customer(), path: `${callControl}?access_token=${accessToken}` })],
  ['a subprotocol', ({ accessToken }) => ({ headers: customer(), protocols: [version, `access_token.${accessToken}`] })]
]

suite('a WebSocket goes where its session lives', { concurrency: true }, () => {
  for (const [way, optionsFor] of ways) {
    test(`shown by ${way}`, limit, async (t) => {
      const { world, onSource, onTarget } = await start(t)
      for (const [user, system] of [
        [onSource, world.source],
        [onTarget, world.target]
      ] as const) {
        const session = await login(world.url, 'customer', user)
        const client = await openSocket(t, world.url, optionsFor(session))
        assert.equal(client.headers['x-dispatched-to'], system.role)
        assert.deepEqual(
          system.sockets.connections.map(({ sessionId }) => sessionId),
          [session.sessionId]
        )
        const { i_customer } = user as User & { i_customer: number }
        const answer = await client.command('enable_api_notifications', { i_customer }, 7)
        assert.deepEqual(answer, { response: 'enable_api_notifications', id: 7, data: { success: 1 } })
        client.socket.close(4001, 'enough')
        assert.deepEqual(await client.ended, { code: 4001, reason: 'enough' })
      }
      await until(() => world.source.sockets.open + world.target.sockets.open === 0)
    })
  }
})

async function openFor({ world, onSource }: Homes, t: TestContext, more: Parameters<typeof openSocket>[2] = {}) {
  const session = await login(world.url, 'customer', onSource)
  const headers = customer(bearer(session.accessToken))
  return { session, client: await openSocket(t, world.url, { headers, ...more }) }
}

suite('what is said on a WebSocket passes unchanged', { concurrency: true }, () => {
  for (const perMessageDeflate of [false, true]) {
    test(`messages of all sizes, ${perMessageDeflate ? 'compressed' : 'plain'}`, limit, async (t) => {
      const homes = await start(t)
      const { client } = await openFor(homes, t, { perMessageDeflate })
      const { sockets } = homes.world.source
      assert.equal(sockets.connections[0]?.extensions, perMessageDeflate ? 'permessage-deflate' : '')
      sockets.echo = true
      for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
        const data = randomBytes(size)
        client.socket.send(data)
        const back = await client.next()
        assert.deepEqual([back.isBinary, sha(back.data)], [true, sha(data)])
      }
      client.socket.send('žluťoučký kůň')
      assert.deepEqual(await client.next(), { data: Buffer.from('žluťoučký kůň'), isBinary: false })
    })
  }

  test('messages in fragments, with a ping between', limit, async (t) => {
    const homes = await start(t)
    const { client } = await openFor(homes, t, { perMessageDeflate: false })
    homes.world.source.sockets.echo = true
    const parts = [randomBytes(70_000), randomBytes(5), randomBytes(200_000)]
    const pong = once(client.socket, 'pong') as Promise<[Buffer]>
    for (const [at, part] of parts.entries()) {
      client.socket.send(part, { fin: at === parts.length - 1 })
      if (at === 0) client.socket.ping('between')
    }
    assert.equal(String((await pong)[0]), 'between')
    assert.equal(sha((await client.next()).data), sha(Buffer.concat(parts)))
  })

  test("pings of the system, and the client's pongs", limit, async (t) => {
    const homes = await start(t)
    const { client } = await openFor(homes, t)
    const ping = once(client.socket, 'ping') as Promise<[Buffer]>
    homes.world.source.sockets.ping('alive?')
    assert.equal(String((await ping)[0]), 'alive?')
  })

  for (const by of ['client', 'system'] as const) {
    for (const [code, reason] of [
      [1000, ''],
      [1011, 'broken'],
      [4999, 'ž'.repeat(60)]
    ] as const) {
      test(`a close by the ${by} with ${code}`, limit, async (t) => {
        const homes = await start(t)
        const { client } = await openFor(homes, t)
        const { sockets } = homes.world.source
        const { promise: heard, resolve } = Promise.withResolvers<unknown>()
        sockets.onClose((...what) => resolve(what.slice(0, 2)))
        if (by === 'client') client.socket.close(code, reason)
        else sockets.closeAll(code, reason)
        assert.deepEqual(await client.ended, { code, reason })
        assert.deepEqual(await heard, [code, reason])
        await until(() => homes.world.app.webSocketProxy.counts.open.source === 0)
        assert.equal(homes.world.app.webSocketProxy.counts.ended[by === 'client' ? 'client' : 'source'], 1)
      })
    }
  }
})

suite('a WebSocket is refused', { concurrency: true }, () => {
  test("in the system's own words", limit, async (t) => {
    const { world, onTarget } = await start(t)
    const { accessToken } = await login(world.url, 'customer', onTarget)
    world.target.sessions.endWhere(() => true)
    const refusal = await refusalOf(t, world.url, { headers: customer(bearer(accessToken)) })
    assert.equal(refusal.status, 401)
    assert.match(String(JSON.parse(refusal.text).faultcode), /^Server\.Session\.check_auth\./)
    assert.equal(refusal.headers['x-dispatched-to'], 'target')
    assert.equal(refusal.headers.connection, 'close')
  })

  test(
    'by nobody where a stale cookie led to the wrong system: the other one is asked, and the cookie corrected',
    limit,
    async (t) => {
      const homes = await start(t)
      const { accessToken, reply } = await login(homes.world.url, 'customer', homes.onTarget)
      assert.equal(reply.status, 200)
      // Another gateway, which has no record of the session.
      const { url } = await restarted(t, homes.world)
      const cookie = `access_token=${accessToken}; pb_dispatch=authorized-by-remote`
      const client = await openSocket(t, url, { headers: customer({ cookie }) })
      assert.equal(client.headers['x-dispatched-to'], 'target')
      assert.match(String(client.headers['set-cookie']), /^pb_dispatch=;/)
      assert.equal(homes.world.source.sockets.open, 0)
      assert.equal(homes.world.target.sockets.open, 1)
    }
  )

  test('with 503 where its system is away', limit, async (t) => {
    const { world, onSource } = await start(t, { plugins: { 'circuit-breaker': false } })
    const { accessToken } = await login(world.url, 'customer', onSource)
    await world.source.stop()
    const refusal = await refusalOf(t, world.url, { headers: customer(bearer(accessToken)) })
    assert.deepEqual([refusal.status, refusal.headers['retry-after']], [503, '5'])
    assert.equal(JSON.parse(refusal.text).faultcode, 'Server.Dispatcher.system_unavailable')
    await world.source.start()
    const again = await openSocket(t, world.url, { headers: customer(bearer(accessToken)) })
    assert.equal(again.headers['x-dispatched-to'], 'source')
  })

  test('where too many are open', limit, async (t) => {
    const homes = await start(t, { plugins: { 'web-socket-proxy': { connections: 1 } } })
    const { client, session } = await openFor(homes, t)
    const options = { headers: customer(bearer(session.accessToken)) }
    const refusal = await refusalOf(t, homes.world.url, options)
    assert.deepEqual([refusal.status, refusal.headers['retry-after']], [503, '5'])
    assert.equal(homes.world.source.sockets.open, 1, 'no system was asked')
    client.socket.close()
    await until(async () => (await openSocket(t, homes.world.url, options)).headers['x-dispatched-to'] === 'source')
  })

  test('for two tokens that differ', limit, async (t) => {
    const { world } = await start(t)
    const path = `${callControl}?access_token=one&access_token=two`
    const refusal = await refusalOf(t, world.url, { headers: customer(), path })
    assert.equal(refusal.status, 400)
    assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
  })
})

const openOn = ({ source, target }: World) => source.sockets.open + target.sockets.open
const proxied = ({ app }: World) => Object.values(app.webSocketProxy.counts.open).reduce((sum, count) => sum + count)

suite('whoever leaves frees both sides', { concurrency: true }, () => {
  for (const [who, leave, code] of [
    ['the client', ({ client }: Leaving) => client.socket.terminate(), 1006],
    ['the system', ({ world }: Leaving) => world.source.sockets.terminateAll(), 1006],
    ['the system, in a restart', ({ world }: Leaving) => void world.source.stop(), 1006]
  ] as const) {
    test(`${who}, without a word`, limit, async (t) => {
      const homes = await start(t)
      const { client } = await openFor(homes, t)
      const { promise: heard, resolve } = Promise.withResolvers<number>()
      homes.world.source.sockets.onClose(resolve)
      const leftAt = performance.now()
      leave({ client, world: homes.world })
      assert.equal((await client.ended).code, code)
      assert.equal(await heard, 1006)
      await until(() => openOn(homes.world) + proxied(homes.world) === 0)
      assert.ok(performance.now() - leftAt < 4000, 'nobody had to be cut for not closing')
    })
  }

  for (const how of ['terminate', 'end', 'resetAndDestroy'] as const) {
    test(`the client, while the system takes its time: by ${how}`, limit, async (t) => {
      const { world, onSource } = await start(t)
      const { accessToken } = await login(world.url, 'customer', onSource)
      world.source.faults.add({ fault: { kind: 'delay', ms: 60_000 }, match: { path: /callcontrol/ } })
      const socket = begin(t, world.url, { headers: customer(bearer(accessToken)) })
      socket.on('error', () => {})
      let tcp: Socket | undefined
      socket.once('upgrade', () => assert.fail('it opened'))
      ;(socket as unknown as { _req: ClientRequest })._req.once('socket', (own) => {
        tcp = own
      })
      await until(() => world.source.journal.entries.some(({ url }) => url === callControl))
      assert.equal(world.app.systems.source.inFlight, 1)
      assert.equal(socket.readyState, socket.CONNECTING, 'nobody is told "open" before the system has said so')
      if (how === 'terminate') socket.terminate()
      else tcp?.[how]()
      await until(() => world.app.systems.source.inFlight === 0)
      await until(() => world.source.journal.entries.some(({ url, aborted }) => url === callControl && aborted))
      assert.equal(openOn(world) + proxied(world), 0)
    })
  }
})

interface Leaving {
  readonly client: Awaited<ReturnType<typeof openSocket>>
  readonly world: World
}

suite('one that does not read holds the other back', { concurrency: true }, () => {
  const piece = Buffer.alloc(1 << 20, 1)
  const pieces = 64
  /** What operating systems keep of a connection on its way, and the gateway itself, is far below this. */
  const keptBytes = 24 << 20

  test('a client', { timeout: 60_000 }, async (t) => {
    const homes = await start(t)
    const { client } = await openFor(homes, t, { perMessageDeflate: false })
    const { sockets } = homes.world.source
    client.socket.pause()
    for (let at = 0; at < pieces; at++) sockets.emit(piece)
    const waiting = () => sockets.connections[0]?.bufferedAmount ?? 0
    // It stands still once all buffers on the way are full.
    await stands(waiting)
    assert.ok(waiting() > pieces * piece.length - keptBytes, `${waiting()} bytes wait at the system`)
    client.socket.resume()
    for (let at = 0; at < pieces; at++) assert.equal(sha((await client.next()).data), sha(piece))
  })

  test('a system', { timeout: 60_000 }, async (t) => {
    const system = await startBareSystem(t)
    const { world } = await start(t, {
      systems: {
        source: systemConfig('MR100', { admin: system.url }),
        target: systemConfig('MR115', { admin: system.url })
      }
    })
    const { socket } = await openSocket(t, world.url, { headers: customer(), perMessageDeflate: false })
    const [own] = await system.accepted
    own.pause()
    for (let at = 0; at < pieces; at++) socket.send(piece)
    await stands(() => socket.bufferedAmount)
    assert.ok(socket.bufferedAmount > pieces * piece.length - keptBytes, `${socket.bufferedAmount} bytes wait`)
  })
})

/** Waits until a number has not changed for a while. */
async function stands(read: () => number) {
  let last = -1
  let times = 0
  await until(() => {
    const now = read()
    times = now === last ? times + 1 : 0
    last = now
    return times > 60
  })
}

suite('the gateway ends a WebSocket', { concurrency: true }, () => {
  const ends: readonly (readonly [string, Record<string, unknown>, string, string])[] = [
    ['on which nothing comes any more', { idle: 1000 }, 'Idle', 'idle'],
    ['that has lasted long enough', { lifetime: 1000 }, 'Lifetime over', 'lifetime']
  ]
  for (const [which, options, reason, end] of ends) {
    test(which, limit, async (t) => {
      const homes = await start(t, { plugins: { 'web-socket-proxy': options } })
      const { client } = await openFor(homes, t)
      const { sockets } = homes.world.source
      const { promise: heard, resolve } = Promise.withResolvers<unknown>()
      sockets.onClose((...what) => resolve(what.slice(0, 2)))
      if (end === 'lifetime') {
        const busy = setInterval(() => client.socket.ping(), 100)
        t.after(() => clearInterval(busy))
      }
      assert.deepEqual(await client.ended, { code: 1001, reason })
      assert.deepEqual(await heard, [1001, reason])
      await until(() => openOn(homes.world) + proxied(homes.world) === 0)
      await becomes(homes.world, `web_sockets_ended_total{end="${end}"}`, 1)
    })
  }

  test('not while anything comes, from either side', limit, async (t) => {
    const homes = await start(t, { plugins: { 'web-socket-proxy': { idle: 1000 } } })
    const { client } = await openFor(homes, t)
    const { sockets } = homes.world.source
    const pings = setInterval(() => sockets.ping(), 300)
    t.after(() => clearInterval(pings))
    const openedAt = performance.now()
    await until(() => performance.now() - openedAt > 3000)
    assert.equal(client.socket.readyState, client.socket.OPEN)
  })

  test('when it stops: both sides are told', limit, async (t) => {
    const homes = await start(t)
    const { client } = await openFor(homes, t)
    const { promise: heard, resolve } = Promise.withResolvers<unknown>()
    homes.world.source.sockets.onClose((...what) => resolve(what.slice(0, 2)))
    const begun = performance.now()
    await homes.world.stop()
    assert.ok(performance.now() - begun < 1500, 'nobody is waited for who has answered')
    assert.deepEqual(await client.ended, { code: 1001, reason: 'Going away' })
    assert.deepEqual(await heard, [1001, 'Going away'])
  })

  test('when it stops, between two frames', limit, async (t) => {
    const system = await startBareSystem(t)
    const { world } = await startBefore(t, system)
    const wire = await connect(t, Number(new URL(world.url).port))
    wire.socket.write(handshake())
    const [own] = await system.accepted
    await wire.until('\r\n\r\n')
    // Half a frame from each side, and what belongs to it comes later.
    own.write(Buffer.from([0x82, 4, 1, 2]))
    wire.socket.write(Buffer.from([0x82, 0x82, 0, 0, 0, 0, 7]))
    await once(own, 'data')
    const stopped = world.stop()
    const came: Buffer[] = []
    own.on('data', (chunk: Buffer) => came.push(chunk))
    own.write(Buffer.from([3, 4, 0x81, 1, 65]))
    wire.socket.write(Buffer.from([8, 0x81, 0x80, 0, 0, 0, 0]))
    await until(() => Buffer.concat(came).length >= 1 + 18)
    const received = await wire.until('Going away')
    const frames = Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4), 'latin1')
    assert.deepEqual(frames, Buffer.concat([Buffer.from([0x82, 4, 1, 2, 3, 4]), closing()]))
    const [rest, ...close] = Buffer.concat(came)
    assert.equal(rest, 8)
    assert.deepEqual(close.slice(0, 2), [0x88, 0x80 | 12], 'a masked close frame')
    own.destroy()
    wire.socket.destroy()
    await stopped
  })
})

/** A close frame with 1001, as the gateway sends it to a client. */
const closing = () => Buffer.from('\x88\x0c\x03\xe9Going away', 'latin1')

const handshake = (path = callControl, lines: readonly string[] = []) =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${hosts.customer}`,
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
    '',
    ''
  ].join('\r\n')

const startBefore = (t: TestContext, { url }: BareSystem) =>
  start(t, {
    systems: { source: systemConfig('MR100', { admin: url }), target: systemConfig('MR115', { admin: url }) }
  })

suite('every byte passes, and every header of the handshake', { concurrency: true }, () => {
  test('whatever the frames are', limit, async (t) => {
    const system = await startBareSystem(t, { behind: Buffer.from([0x81, 2, 104, 105]) })
    const { world } = await startBefore(t, system)
    const wire = await connect(t, Number(new URL(world.url).port))
    // The first frames come in one piece with the request.
    const early = Buffer.from([0x82, 0x81, 1, 2, 3, 4, 5])
    wire.socket.write(
      Buffer.concat([Buffer.from(handshake('/any/path?x=1', ['X-Own: 1', `Origin: http://${hosts.customer}`])), early])
    )
    const [own, request] = await system.accepted
    const sent: Buffer[] = [early]
    const came: Buffer[] = []
    own.on('data', (chunk: Buffer) => came.push(chunk))
    // Frames of all opcodes and reserved bits, in fragments, unmasked, and what is no frame at all.
    for (const first of [0x02, 0x09, 0x80, 0xf1, 0x3f, 0xff]) sent.push(Buffer.from([first, 3, 1, 2, 3]))
    sent.push(Buffer.from([0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), randomBytes(100_000))
    for (const bytes of sent.slice(1)) wire.socket.write(bytes)
    await until(() => Buffer.concat(came).length === Buffer.concat(sent).length)
    assert.equal(sha(Buffer.concat(came)), sha(Buffer.concat(sent)))
    assert.equal(request.url, '/any/path?x=1')
    assert.equal(request.headers['x-own'], '1')
    assert.equal(request.headers.origin, system.url, "the gateway's own page is the system's own")
    assert.equal(request.headers['sec-websocket-key'], 'dGhlIHNhbXBsZSBub25jZQ==')
    assert.equal(request.headers['x-forwarded-for'], '127.0.0.1')
    assert.equal(request.headers.host, new URL(system.url).host)
    assert.ok((await wire.until('hi')).endsWith('\r\n\r\n\x81\x02hi'))
    assert.match(await wire.until('hi'), /^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/im)
  })

  test('an answer that accepts something else is a bad gateway', limit, async (t) => {
    const server = http.createServer()
    server.on('upgrade', (_request, socket: Socket) => {
      socket
        .on('error', () => {})
        .once('end', () => socket.end())
        .resume()
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { world } = await startBefore(t, { url } as BareSystem)
    const refusal = await refusalOf(t, world.url, { headers: customer() })
    assert.equal(refusal.status, 502)
    assert.equal(JSON.parse(refusal.text).faultcode, 'Server.Dispatcher.bad_gateway')
    await until(async () => (await connectionsOf(server)) === 0)
  })
})

const connectionsOf = (server: http.Server) =>
  new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)))

const certificate = createCertificate()

suite('WebSockets elsewhere, and how they are told', { concurrency: true }, () => {
  test("a page's follows the routing cookie, and a versioned host", limit, async (t) => {
    const { world, onSource } = await start(t)
    const { sockets } = world.source
    const session = await login(world.url, 'customer', onSource)
    sockets.echo = true
    const byCookie = await openSocket(t, world.url, { path: portal, headers: customer({ cookie: cookies(session) }) })
    byCookie.socket.send('over there?')
    assert.equal(String((await byCookie.next()).data), 'over there?')
    const anybody = await openSocket(t, world.url, { path: portal, headers: customer() })
    assert.equal(anybody.headers['x-dispatched-to'], 'target')
    const host = 'www.100-customer.test'
    const pinned = await openSocket(t, world.url, { path: portal, headers: { host } })
    assert.equal(pinned.headers['x-dispatched-to'], 'source')
  })

  test('over TLS on both sides', limit, async (t) => {
    const tls = { key: readFileSync(certificate.key, 'utf8'), cert: readFileSync(certificate.cert, 'utf8') }
    const systems = await Promise.all(
      (['source', 'target'] as const).map((role) => startSimulator({ release: 'MR100', role, customers: 6, tls }))
    )
    t.after(() => Promise.all(systems.map((system) => system.close())))
    const [source, target] = systems as [(typeof systems)[0], (typeof systems)[0]]
    const secure = { tls: { insecure: true } }
    const config = testConfig(
      { source: source.urls, target: target.urls },
      {
        listen: [{ host: '127.0.0.1', port: 0, tls: certificate }],
        systems: {
          source: systemConfig('MR100', source.urls, secure),
          target: systemConfig('MR115', target.urls, secure)
        }
      }
    )
    const { url } = await startTestGateway(t, config)
    target.sockets.echo = true
    const client = await openSocket(t, url, { path: portal, headers: customer(), rejectUnauthorized: false })
    client.socket.send(Buffer.alloc(500_000, 3))
    assert.equal((await client.next()).data.length, 500_000)
    client.socket.close(1000)
    await client.ended
    await until(() => target.sockets.open === 0)
  })

  test('as one access line, one explanation, and numbers', limit, async (t) => {
    const homes = await start(t)
    const { world } = homes
    const { client, session } = await openFor(homes, t)
    await becomes(world, 'web_sockets{home="source"}', 1)
    assert.equal(world.app.systems.source.inFlight, 0, 'it takes no place of a request')
    const headers = { ...customer(bearer(session.accessToken)), upgrade: 'websocket' }
    const described = { method: 'GET', url: callControl, headers }
    const explained = await explain(world.opsUrl, described)
    assert.deepEqual(explained.json(), {
      realm: 'customer',
      family: 'callcontrol',
      call: 'CallControl/ws',
      to: 'source',
      reason: 'session_record'
    })
    client.socket.close()
    await becomes(world, 'web_sockets{home="source"}', 0)
    await becomes(world, 'web_sockets_ended_total{end="client"}', 1)
    const line = await until(() => world.lines.find(({ status }) => status === 101) ?? false)
    const { to, reason, family, aborted } = line as LoggedLine
    assert.deepEqual(
      { to, reason, family, aborted },
      { to: 'source', reason: 'session_record', family: 'callcontrol', aborted: undefined }
    )
    assert.ok(!world.logText().includes(session.accessToken))
  })
})
