/** How a request for a WebSocket comes in: the way of any other, refused as any other; and connections that are open. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { WebSocket } from 'ws'
import { openListeners } from '../../gateway/listeners.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { bearer } from '../client.ts'
import { sendRaw } from '../raw-socket.ts'
import { becomes } from '../scrape.ts'
import { until } from '../until.ts'
import { createCertificate } from './certificate.ts'
import { connect } from './wires.ts'

const limit = { timeout: 20_000 }
const portOf = (url: string | undefined) => Number(new URL(url ?? '').port)
const webSocket = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws'
]
const head = (lines: readonly string[], path = '/graphql', host = hosts.admin, version = '1.1') =>
  [`GET ${path} HTTP/${version}`, `Host: ${host}`, ...lines, '', ''].join('\r\n')
const without = (name: string) => webSocket.filter((line) => !line.startsWith(`${name}:`))
const opened = 'HTTP/1.1 101 Switching Protocols'
/** A close frame with 1001. */
const goingAway = '\x88\x0c\x03\xe9Going away'

/** The access lines of requests, and what tells how they went. */
const linesOf = ({ lines }: Pick<World, 'lines'>) =>
  lines
    .filter(({ msg }) => msg === 'request')
    .map(({ http, operation, status, aborted, fault }) => ({ http, operation, status, aborted, fault }))
const noErrors = ({ lines }: Pick<World, 'lines'>) =>
  assert.deepEqual(
    lines.filter(({ level }) => level >= 50),
    []
  )

const certificate = createCertificate()

const listen = () => [
  { host: '127.0.0.1', port: 0 },
  { host: '127.0.0.1', port: 0, tls: certificate }
]

/** The first request loads what WebSockets need: a test of times should not wait for it. */
async function startLoaded(t: TestContext, overrides: Record<string, unknown> = {}) {
  const world = await startWorld(t, { listen: listen(), ...overrides })
  const wire = await connect(t, portOf(world.url))
  wire.socket.write(head(webSocket))
  await wire.until('\r\n\r\n')
  wire.socket.destroy()
  await until(() => world.lines.some(({ operation }) => operation === 'subscriptions'))
  return world
}

suite('a request for a WebSocket', { concurrency: true }, () => {
  const refusals: readonly (readonly [what: string, request: string, status: number, fault: string])[] = [
    ['to a host of nobody', head(webSocket, '/graphql', 'www.stranger.test'), 421, 'unknown_realm'],
    ['in the customer realm', head(webSocket, '/graphql', hosts.customer), 404, 'not_found'],
    ['in the account realm', head(webSocket, '/graphql', hosts.account), 404, 'not_found'],
    ['without a protocol', head(without('Sec-WebSocket-Protocol')), 400, 'malformed_request'],
    [
      'by another protocol',
      head([...without('Sec-WebSocket-Protocol'), 'Sec-WebSocket-Protocol: graphql-ws']),
      400,
      'malformed_request'
    ],
    ['without a key', head(without('Sec-WebSocket-Key')), 400, 'malformed_request'],
    [
      'of another version',
      head([...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 99']),
      400,
      'malformed_request'
    ],
    [
      'with two Authorizations',
      head([...webSocket, 'Authorization: Bearer a', 'Authorization: Bearer b']),
      400,
      'malformed_request'
    ],
    ['in a context that is none', head([...webSocket, 'X-Dispatcher-Context: klingon']), 400, 'malformed_request'],
    ['with two hosts', head([...webSocket, `Host: ${hosts.reseller}`]), 400, 'malformed_request']
  ]

  test('is refused as any other, and its connection ends', limit, async (t) => {
    const world = await startWorld(t)
    for (const [what, request, status, fault] of refusals) {
      const wire = await connect(t, portOf(world.url))
      // The refusal must not be lost, whatever the client has sent behind its request.
      wire.socket.write(`${request}and frames`)
      const answer = await wire.closed()
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), what)
      assert.match(answer, /^connection: close\r$/im, what)
      assert.match(answer, new RegExp(`\\{"faultcode":"Client\\.Dispatcher\\.${fault}"[^{}]*\\}$`), what)
    }
    await until(() => assert.equal(linesOf(world).length, refusals.length))
    for (const [at, line] of linesOf(world).entries()) {
      const [what, , status, fault] = refusals[at] ?? []
      const expected = { operation: undefined, aborted: undefined, status, fault: `Client.Dispatcher.${fault}` }
      assert.deepEqual(line, { http: 'GET', ...expected }, what)
    }
    assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
    noErrors(world)
  })

  test("comes into a listener's own realm", limit, async (t) => {
    const own = [{ host: '127.0.0.1', port: 0, realm: 'customer' }]
    const world = await startWorld(t, { listen: [...listen(), ...own] })
    const wire = await connect(t, portOf(world.addresses[2]?.url))
    wire.socket.write(head(webSocket))
    assert.match(await wire.closed(), /^HTTP\/1\.1 404 /)
  })

  for (const isTls of [false, true]) {
    const over = isTls ? 'over TLS' : 'over TCP'

    test(`is served ${over}, also on a connection that has had answers`, limit, async (t) => {
      const world = await startLoaded(t)
      const wire = await connect(t, portOf(world.addresses[isTls ? 1 : 0]?.url), isTls)
      wire.socket.write(head([], '/nothing-here'))
      await wire.until('x-dispatched-to')
      await until(() => linesOf(world).length === 2)
      wire.socket.write(head(webSocket))
      const answer = await wire.until(opened)
      assert.match(answer.slice(answer.indexOf(opened)), /sec-websocket-protocol: graphql-transport-ws\r\n/i)
      wire.socket.destroy()
      await until(() => assert.equal(linesOf(world).length, 3))
      assert.deepEqual(linesOf(world).at(-1), {
        http: 'GET',
        operation: 'subscriptions',
        status: 101,
        aborted: undefined,
        fault: undefined
      })
      noErrors(world)
    })
  }

  test('whose client leaves at once is nothing', limit, async (t) => {
    const world = await startWorld(t)
    for (const end of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const wire = await connect(t, portOf(world.url))
      wire.socket.write(head(webSocket))
      wire.socket[end]()
    }
    await until(() => assert.equal(linesOf(world).length, 3))
    noErrors(world)
    await world.stop()
  })

  test('whose connection breaks while it waits is over', limit, async (t) => {
    const events = new EventEmitter()
    const app = Fastify()
    app.decorate('webSockets', { take() {}, takes: () => true, opened() {}, goAway() {} } as never)
    app.get('/graphql', async (_request, { raw }) => {
      raw.once('close', () => events.emit('over'))
      events.emit('asked')
      await once(events, 'finish')
      return 'too late'
    })
    await app.ready()
    const limits = { headBytes: 16_384, head: 20_000, body: 20_000, stalled: 60_000, eventLoopDelay: 0 }
    const listeners = await openListeners(app, { listen: [{ host: '127.0.0.1', port: 0 }], limits })
    t.after(() => listeners.close(0))
    const wire = await connect(t, listeners.addresses[0]?.port ?? 0)
    const [asked, over] = [once(events, 'asked'), once(events, 'over')]
    wire.socket.write(head(webSocket))
    await asked
    wire.socket.resetAndDestroy()
    await over
    events.emit('finish')
    // Nobody is waited for.
    await listeners.close(60_000)
  })

  test('is refused while the gateway runs late', limit, async (t) => {
    const world = await startWorld(t, { limits: { eventLoopDelay: 50 } })
    // Late turns, until the gateway has seen them.
    const wire = await connect(t, portOf(world.url))
    await until(() => {
      const by = performance.now() + 200
      while (performance.now() < by);
      return world.app.isUnderPressure()
    })
    wire.socket.write(head(webSocket))
    assert.match(await wire.closed(), /^HTTP\/1\.1 503 [\s\S]*retry-after: /i)
  })
})

const withoutProxy = { plugins: { 'web-socket-proxy': false } }

suite('an Upgrade header changes nothing without web-socket-proxy', { concurrency: true }, () => {
  const page = '/portal/index.html'
  const pages: readonly (readonly [string, string])[] = [
    ['of a WebSocket elsewhere', head(webSocket, page)],
    ['of a WebSocket beneath the path', head(webSocket, '/graphql/more')],
    ['of another protocol elsewhere', head(['Connection: Upgrade', 'Upgrade: h2c'], page)]
  ]
  test('at other paths: the request reaches a system, and the connection goes on', limit, async (t) => {
    const world = await startWorld(t, withoutProxy)
    for (const [what, request] of pages) {
      const { answers, closed } = await sendRaw(world.url, { bytes: request, next: head([], page) })
      assert.equal(answers.length, 2, what)
      for (const answer of answers) assert.match(answer.head, /x-dispatched-to: target/i, what)
      assert.equal(closed, false, what)
    }
    const upgrades = world.target.journal.entries.filter(({ rawHeaders }) =>
      rawHeaders.some((one) => /upgrade/i.test(one))
    )
    assert.deepEqual(upgrades, [], 'it is of one connection alone')
    assert.equal(world.target.journal.count(), 6)
  })

  const operation = '/graphql?query=%7B__typename%7D'
  const requests: readonly (readonly [string, string])[] = [
    ['of another protocol', head(['Connection: Upgrade', 'Upgrade: h2c'], operation)],
    ['that Connection does not name', head(without('Connection'), operation)],
    ['in HTTP/1.0', head([...webSocket, 'Connection: keep-alive'], operation, hosts.admin, '1.0')],
    ['with a body', `${head([...webSocket, 'Content-Length: 3'], operation)}abc`],
    ['with a body in chunks', `${head([...webSocket, 'Transfer-Encoding: chunked'], operation)}3\r\nabc\r\n0\r\n\r\n`],
    [
      'of a POST',
      `${head([...webSocket, 'Content-Type: application/json', 'Content-Length: 24'], '/graphql').replace('GET', 'POST')}{"query":"{__typename}"} `
    ]
  ]
  test('at the path, of what is no request for a WebSocket', limit, async (t) => {
    const world = await startWorld(t, withoutProxy)
    for (const [what, request] of requests) {
      const { answers } = await sendRaw(world.url, { bytes: request })
      assert.equal(answers.length, 1, what)
      assert.match(answers[0]?.body ?? '', /UNAUTHENTICATED/, what)
    }
  })

  test('behind a request whose answer is owed', limit, async (t) => {
    const world = await startWorld(t, withoutProxy)
    // What stands in one piece with such a request and behind it, Node throws away.
    const bytes = head([], page) + head(webSocket, operation)
    const { answers } = await sendRaw(world.url, { bytes, answers: 2, next: head([], page) })
    assert.deepEqual(
      answers.map(({ head: one, body }) => [/x-dispatched-to/i.test(one), body.includes('UNAUTHENTICATED')]),
      [
        [true, false],
        [false, true],
        [true, false]
      ]
    )
    noErrors(world)
  })

  test('with graphql off', limit, async (t) => {
    const world = await startWorld(t, { plugins: { graphql: false, 'web-socket-proxy': false } })
    const { answers } = await sendRaw(world.url, { bytes: head(webSocket) })
    assert.match(answers[0]?.head ?? '', /x-dispatched-to: target/i)
  })
})

const slowUpload = `POST /rest/Account/upload HTTP/1.1\r\nHost: ${hosts.admin}\r\nContent-Type: text/csv\r\nContent-Length: 60000\r\n\r\nx`

suite('an open WebSocket', { concurrency: true }, () => {
  for (const isTls of [false, true]) {
    test(`is no slow client, ${isTls ? 'over TLS' : 'over TCP'}`, limit, async (t) => {
      const world = await startLoaded(t, { limits: { body: 300, stalled: 300, eventLoopDelay: 0 } })
      const port = portOf(world.addresses[isTls ? 1 : 0]?.url)
      const wire = await connect(t, port, isTls)
      wire.socket.write(head(webSocket))
      await wire.until(opened)
      // Three clients that are slow have each had their time.
      for (let at = 0; at < 3; at++) {
        const slow = await connect(t, port, isTls)
        slow.socket.write(slowUpload)
        assert.match(await slow.closed(), /^HTTP\/1\.1 408 /)
      }
      assert.equal(wire.socket.closed, false)
      wire.socket.destroy()
      await until(() => assert.equal(linesOf(world).filter(({ status }) => status === 101).length, 2))
    })
  }

  test('that takes nothing is given up', limit, async (t) => {
    const limits = { stalled: 300, eventLoopDelay: 0 }
    const world = await startLoaded(t, { limits })
    const headers = { host: hosts.admin, ...bearer('x') }
    const ws = new WebSocket(`${world.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
    t.after(() => ws.terminate())
    await once(ws, 'open')
    ws.pause()
    const isOver = () => linesOf(world).filter(({ status }) => status === 101).length === 2
    const ping = JSON.stringify({ type: 'ping', payload: { long: 'x'.repeat(60_000) } })
    await until(() => {
      if (isOver()) return true
      for (let at = 0; at < 20 && ws.readyState === ws.OPEN; at++) ws.send(ping, () => {})
      return false
    })
  })

  test('that does not close when it is told is cut at the end of the drain', limit, async (t) => {
    const world = await startLoaded(t, { drain: 300 })
    const wire = await connect(t, portOf(world.url))
    wire.socket.write(head(webSocket))
    await wire.until(opened)
    const startedAt = performance.now()
    await world.stop()
    const took = performance.now() - startedAt
    assert.ok(took >= 290 && took < 3000, `${took} ms`)
    assert.ok((await wire.closed()).endsWith(goingAway))
  })

  test('is told that the gateway stops, also one that opens later', limit, async (t) => {
    const world = await startLoaded(t)
    for (const when of ['before', 'after']) {
      const wire = await connect(t, portOf(world.url))
      wire.socket.write(head(webSocket))
      if (when === 'before') {
        await wire.until(opened)
        world.app.webSockets.goAway()
      }
      assert.ok((await wire.until('Going away')).endsWith(goingAway), when)
    }
  })

  test('is told once, unless it is over', limit, async (t) => {
    const { app } = await startWorld(t)
    const told: string[] = []
    function open(name: string) {
      const raw = new EventEmitter()
      app.webSockets.opened({ trail: { beginWait() {} } } as never, { hijack() {}, raw } as never, () =>
        told.push(name)
      )
      return raw
    }
    open('open')
    open('over').emit('close')
    app.webSockets.goAway()
    app.webSockets.goAway()
    assert.deepEqual(told, ['open'])
  })

  test('is a request that has not ended', limit, async (t) => {
    const world = await startLoaded(t)
    const series = 'requests_total{realm="admin",system="none",family="page",status="1xx",reason="graphql"}'
    await becomes(world, series, 1)
    const wire = await connect(t, portOf(world.url))
    wire.socket.write(head(webSocket))
    await wire.until(opened)
    await becomes(world, series, 1)
    wire.socket.destroy()
    await becomes(world, series, 2)
  })
})
