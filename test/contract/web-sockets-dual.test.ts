/**
 * WebSockets of sessions that live on both systems: both streams reach the client, each frame unchanged, and what the client
 * says goes to the system that it is for, under the names that are known there.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { suite, type TestContext, test } from 'node:test'
import type { Simulator } from '../../simulator/index.ts'
import { hosts, startTestGateway, startWorld, testConfig, type World } from '../build.ts'
import { bearer, call, explain, login } from '../client.ts'
import { moved, openPair, seenBy, staffOf, startUnlikeWorld, unmoved } from '../dual.ts'
import { connect } from '../gateway/wires.ts'
import { accessLine, becomes } from '../scrape.ts'
import { begin, callControl, openSocket, refusalOf, type SocketClient, type SocketOptions } from '../socket-client.ts'
import { until } from '../until.ts'
import { startBareSystem } from '../web-socket-system.ts'

const limit = { timeout: 20_000 }
const version = 'callcontrol.v1'

type Pair = Awaited<ReturnType<typeof openPair>>

interface Joined {
  readonly world: World
  readonly pair: Pair
  readonly client: SocketClient
}

const asAdmin = ({ session }: Pair, more: Record<string, string> = {}) => ({
  host: hosts.admin,
  ...bearer(session.accessToken),
  ...more
})

async function open(
  t: TestContext,
  options: SocketOptions = {},
  overrides: Record<string, unknown> = {}
): Promise<Joined> {
  const world = await startWorld(t, overrides)
  const pair = await openPair(world)
  const client = await openSocket(t, world.url, { headers: asAdmin(pair), ...options })
  return { world, pair, client }
}

const commandsOf = ({ journal }: Simulator) =>
  journal.entries.filter(({ httpMethod }) => httpMethod === '').map(({ method, body }) => [method, String(body)])

const opened = ({ source, target }: World) => [source.sockets.open, target.sockets.open]
const allFree = (world: World) =>
  until(() =>
    assert.deepEqual([opened(world), world.app.webSocketProxy.counts.open], [[0, 0], { source: 0, target: 0, both: 0 }])
  )

/** Two systems whose bytes the test writes, and the client's connection to the gateway before them. */
async function openBetweenBare(t: TestContext) {
  const systems = [await startBareSystem(t), await startBareSystem(t)] as const
  const [source, target] = systems.map(({ url }) => ({ admin: url }))
  const config = testConfig({ source: source as { admin: string }, target: target as { admin: string } })
  const { url } = await startTestGateway(t, config)
  const { accessToken } = await login(url, 'admin', { login: 'anybody', password: 'of both' })
  const wire = await connect(t, Number(new URL(url).port))
  wire.socket.write(
    [
      `GET ${callControl} HTTP/1.1`,
      `Host: ${hosts.admin}`,
      `Authorization: Bearer ${accessToken}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Extensions: permessage-deflate',
      '',
      ''
    ].join('\r\n')
  )
  const [[onSource], [onTarget, request]] = await Promise.all([systems[0].accepted, systems[1].accepted])
  assert.equal(request.headers['sec-websocket-extensions'], undefined, 'what is compressed could not be read')
  await wire.until('\r\n\r\n')
  return { source: onSource, target: onTarget, wire }
}

suite('a session that lives on both', { concurrency: true }, () => {
  test('hears both systems, each frame as it was sent', limit, async (t) => {
    const { world, client } = await open(t)
    assert.equal(client.headers['x-dispatched-to'], 'source,target')
    assert.deepEqual(opened(world), [1, 1])
    const sent: string[] = []
    for (let at = 0; at < 200; at++) {
      for (const [system, mark] of [
        [world.source, 1],
        [world.target, 2]
      ] as const) {
        const data = Buffer.concat([Buffer.from([mark]), randomBytes(at * 40)])
        sent.push(`${mark} ${createHash('sha256').update(data).digest('hex')}`)
        system.sockets.emit(data)
      }
    }
    const received: string[] = []
    for (let at = 0; at < sent.length; at++) {
      const { data } = await client.next()
      received.push(`${data[0]} ${createHash('sha256').update(data).digest('hex')}`)
    }
    for (const mark of ['1 ', '2 ']) {
      const of = (all: readonly string[]) => all.filter((one) => one.startsWith(mark))
      assert.deepEqual(of(received), of(sent), 'in order')
    }
  })

  test('never finds one message within another, however they come', limit, async (t) => {
    const { source, target, wire } = await openBetweenBare(t)
    source.write(Buffer.from([0x02, 3, 1, 2]))
    await wire.until('\x02\x03\x01\x02')
    // Neither a message of the other nor its ping may come within.
    target.write(Buffer.from([0x81, 1, 65, 0x89, 0]))
    source.write(Buffer.from([3, 0x00, 1, 4]))
    await wire.until('\x03\x00\x01\x04')
    source.write(Buffer.from([0x80, 1, 5, 0x81, 1, 66]))
    const received = await wire.until('\x81\x01A\x89\x00')
    const frames = '\x02\x03\x01\x02\x03\x00\x01\x04\x80\x01\x05\x81\x01B\x81\x01A\x89\x00'
    assert.equal(received.slice(received.indexOf('\r\n\r\n') + 4), frames)
  })

  test('commands the system on which the customer is, else the target', limit, async (t) => {
    const { world, client } = await open(t)
    world.source.journal.clear()
    world.target.journal.clear()
    for (const [command, params, id] of [
      ['enable_api_notifications', { i_customer: unmoved }, 1],
      ['enable_api_notifications', { i_customer: moved }, 'two'],
      ['get_sip_calls_list', { customer_info: { i_customer: unmoved } }, 3]
    ] as const) {
      const answer = await client.command(command, params, id)
      assert.deepEqual([answer.response, answer.id], [command, id])
    }
    client.socket.send('no command')
    const { fault } = await client.nextJson()
    assert.equal((fault as { faultcode: string }).faultcode, 'Client.malformed_request', 'the system says so')
    assert.deepEqual(
      commandsOf(world.source).map(([method]) => method),
      ['enable_api_notifications', 'get_sip_calls_list']
    )
    assert.deepEqual(
      commandsOf(world.target).map(([method]) => method),
      ['enable_api_notifications']
    )
  })

  test('is told why a command goes nowhere', limit, async (t) => {
    const { world, client } = await open(t)
    const answer = await client.command('enable_api_notifications', { i_customer: 'x' }, 9)
    assert.deepEqual(answer, {
      response: 'enable_api_notifications',
      id: 9,
      fault: {
        faultcode: 'Client.Dispatcher.malformed_request',
        faultstring: 'The request cannot be read: params.i_customer is not a whole number above 0'
      }
    })
    assert.deepEqual([...commandsOf(world.source), ...commandsOf(world.target)], [])
  })

  test('keeps the order of its commands while customers are looked for', limit, async (t) => {
    const { world, client } = await open(t)
    const order: string[] = []
    for (const { sockets } of [world.source, world.target])
      sockets.onMessage((data) => order.push(JSON.parse(String(data)).id))
    world.source.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 150 }, times: 1 })
    const ids = Array.from({ length: 20 }, (_one, at) => `${at}`)
    for (const id of ids) {
      const params = id === '0' ? { i_customer: unmoved } : {}
      client.socket.send(JSON.stringify({ command: 'get_sip_calls_list', id, params }))
    }
    for (const _id of ids) await client.next()
    assert.deepEqual(order, ids)
  })

  test("says nothing of the other system's names", limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    const { accessToken, sessionId } = pair.session
    for (const options of [
      { headers: asAdmin(pair) },
      { headers: { host: hosts.admin, cookie: `access_token=${accessToken}; session_id=${sessionId}` } },
      { headers: { host: hosts.admin }, path: `${callControl}?access_token=${accessToken}` },
      { headers: { host: hosts.admin }, protocols: [`access_token.${accessToken}`, version] },
      { headers: { host: hosts.admin }, protocols: [`access_token.${accessToken}`] }
    ]) {
      const client = await openSocket(t, world.url, options)
      assert.equal(client.headers['x-dispatched-to'], 'source,target', JSON.stringify(options))
      assert.equal(client.socket.protocol, options.protocols?.at(-1) ?? '')
      const params = { i_customer: unmoved, auth_info: { access_token: accessToken, session_id: sessionId } }
      const answer = await client.command('enable_api_notifications', params)
      assert.deepEqual(answer.data, { success: 1 })
      client.socket.close()
      await client.ended
    }
    const seen = seenBy(world.source)
    for (const name of Object.values(pair.onTarget)) assert.ok(!seen.includes(name), 'the source never saw it')
    for (const name of Object.values(pair.onSource)) assert.ok(!seenBy(world.target).includes(name))
    const commands = commandsOf(world.source).map(([, body]) => body ?? '')
    assert.equal(commands.length, 5)
    for (const body of commands)
      assert.ok(body.includes(pair.onSource.access_token) && body.includes(pair.onSource.session_id))
    await allFree(world)
  })

  test("shows the source nothing of another session's token, either", limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    const other = await login(world.url, 'admin', staffOf(world, 'admin'))
    const protocols = [`bearer.${other.accessToken}`, version]
    const path = `${callControl}?access_token=${other.accessToken}`
    const client = await openSocket(t, world.url, { headers: asAdmin(pair), path, protocols })
    assert.equal(client.headers['x-dispatched-to'], 'source,target')
    assert.ok(!seenBy(world.source).includes(other.accessToken))
  })

  test('by a context has that system alone, under its own names', limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    for (const system of [world.source, world.target]) {
      const headers = asAdmin(pair, { 'x-dispatcher-context': system.role })
      const client = await openSocket(t, world.url, { headers })
      assert.equal(client.headers['x-dispatched-to'], system.role)
      const at = system === world.source ? unmoved : moved
      const params = { i_customer: at, auth_info: { access_token: pair.session.accessToken } }
      assert.deepEqual((await client.command('enable_api_notifications', params)).data, { success: 1 })
      assert.equal(commandsOf(system).length, 1)
      client.socket.close(1000)
      await client.ended
    }
    assert.ok(!seenBy(world.source).includes(pair.session.accessToken))
  })

  test("by the session's own context, set while it is open, commands that system", limit, async (t) => {
    const { world, pair, client } = await open(t)
    const headers = { ...bearer(pair.session.accessToken) }
    const set = await call(world.url, 'admin', 'Session/set_session_context', { context: 'source' }, { headers })
    assert.equal(set.status, 200)
    await client.command('get_sip_calls_list', { i_customer: moved })
    assert.deepEqual([commandsOf(world.source).length, commandsOf(world.target).length], [1, 0])
  })

  test('is told in an explanation, the access line and the numbers', limit, async (t) => {
    const { world, pair, client } = await open(t)
    await becomes(world, 'web_sockets{home="both"}', 1)
    const described = { method: 'GET', url: callControl, headers: { ...asAdmin(pair), upgrade: 'websocket' } }
    const explained = await explain(world.opsUrl, described)
    const expected = { realm: 'admin', family: 'callcontrol', call: 'CallControl/ws', to: 'both', reason: 'joined' }
    assert.deepEqual(explained.json(), expected)
    client.socket.close()
    const line = await accessLine(world, 'CallControl/ws')
    assert.deepEqual([line.to, line.reason, line.status], ['both', 'joined', 101])
    assert.ok(!world.logText().includes(pair.session.accessToken))
  })

  for (const [what, bytes, code] of [
    ['a frame without a mask', [0x81, 1, 65], 1002],
    ['a reserved bit', [0xc1, 0x81, 0, 0, 0, 0, 65], 1002],
    ['a continuation of nothing', [0x80, 0x81, 0, 0, 0, 0, 65], 1002],
    ['a message within a message', [0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], 1002],
    ['a ping in fragments', [0x09, 0x80, 0, 0, 0, 0], 1002],
    ['a ping that is too long', [0x89, 0xfe, 0, 126, 0, 0, 0, 0], 1002],
    ['a message that is too large', [0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009],
    [
      'fragments that are too large together',
      [0x01, 0x80, 0, 0, 0, 0, 0x80, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0],
      1009
    ]
  ] as const) {
    test(`is ended for ${what}`, limit, async (t) => {
      const { world, client } = await open(t)
      const codes: number[] = []
      for (const { sockets } of [world.source, world.target]) sockets.onClose((given) => codes.push(given))
      ;(client.socket as unknown as { _socket: NodeJS.WritableStream })._socket.write(Buffer.from(bytes))
      assert.equal((await client.ended).code, code)
      await allFree(world)
      await until(() => assert.deepEqual(codes, [code, code]))
      assert.deepEqual([...commandsOf(world.source), ...commandsOf(world.target)], [])
      assert.equal(world.app.webSocketProxy.counts.ended.protocol, 1)
    })
  }
})

/** So that a system that is back is seen soon. A probe has no longer than that: a busy process must manage it. */
const probing = { health: { interval: 500 } }
const oneAlone = 'a WebSocket of both systems has one stream alone'

suite('where one of both systems has no stream to give', { concurrency: true }, () => {
  for (const away of ['source', 'target'] as const) {
    const other = away === 'source' ? 'target' : 'source'
    test(`the ${away} is away: the ${other}'s goes on alone, until it is back`, limit, async (t) => {
      const overrides = { plugins: { 'circuit-breaker': { resetTimeout: 300 } } }
      // The other one is never to be taken for away, however late this process answers.
      const world = await startUnlikeWorld(t, { overrides, [away]: { config: probing } })
      const pair = await openPair(world)
      await world[away].stop()
      const client = await openSocket(t, world.url, { headers: asAdmin(pair) })
      assert.deepEqual([client.headers['x-dispatched-to'], client.headers['x-dispatcher-partial']], [other, away])
      assert.ok(world.lines.some(({ msg, missing }) => msg === oneAlone && missing === away))
      const there = other === 'source' ? unmoved : moved
      assert.deepEqual((await client.command('enable_api_notifications', { i_customer: there })).data, { success: 1 })
      if (away === 'target') {
        const { fault } = await client.command('get_sip_calls_list')
        assert.equal((fault as { faultcode: string }).faultcode, 'Server.Dispatcher.system_unavailable')
      }
      await world[away].start()
      assert.deepEqual(await client.ended, { code: 1012, reason: 'Service restart' })
      const again = await openSocket(t, world.url, { headers: asAdmin(pair) })
      assert.equal(again.headers['x-dispatched-to'], 'source,target')
    })
  }

  for (const hung of ['source', 'target'] as const) {
    test(`the ${hung} hangs: nobody waits for it for as long as for a call`, limit, async (t) => {
      const world = await startWorld(t)
      const pair = await openPair(world)
      world[hung].faults.add({ match: { path: /callcontrol/ }, fault: { kind: 'hang' } })
      const begun = performance.now()
      const client = await openSocket(t, world.url, { headers: asAdmin(pair) })
      assert.equal(client.headers['x-dispatcher-partial'], hung)
      assert.ok(performance.now() - begun < 15_000)
      await until(() => world.app.systems[hung].inFlight === 0)
    })
  }

  test('a source whose release has none is no reason to wait for one', limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    world.source.faults.add({ match: { path: /callcontrol/ }, fault: { kind: 'status', status: 404 } })
    const client = await openSocket(t, world.url, { headers: asAdmin(pair) })
    assert.deepEqual([client.headers['x-dispatched-to'], client.headers['x-dispatcher-partial']], ['target', undefined])
    assert.equal(world.source.sockets.open, 0)
  })

  test("the target's refusal is the client's, and the source's stream is closed", limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    world.target.sessions.endWhere(() => true)
    const refusal = await refusalOf(t, world.url, { headers: asAdmin(pair) })
    assert.equal(refusal.status, 401)
    assert.match(refusal.text, /Server\.Session\.check_auth\.auth_failed/)
    await allFree(world)
  })

  test('a half that the source refuses is renewed, and its stream opened by the new one', limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    world.source.sessions.endWhere((session) => {
      session.tokens.clear()
      return false
    })
    const client = await openSocket(t, world.url, { headers: asAdmin(pair) })
    assert.equal(client.headers['x-dispatched-to'], 'source,target')
    assert.deepEqual((await client.command('enable_api_notifications', { i_customer: unmoved })).data, { success: 1 })
  })

  test('the same by a context, which asks for the source alone', limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    world.source.sessions.endWhere((session) => {
      session.tokens.clear()
      return false
    })
    const client = await openSocket(t, world.url, { headers: asAdmin(pair, { 'x-dispatcher-context': 'source' }) })
    assert.equal(client.headers['x-dispatched-to'], 'source')
    assert.equal(world.source.sockets.connections[0]?.sessionId, pair.onSource.session_id)
  })

  test('both away is 503, and both streams unlike is 502', limit, async (t) => {
    const world = await startWorld(t, { plugins: { 'circuit-breaker': false } })
    const pair = await openPair(world)
    await Promise.all([world.source.stop(), world.target.stop()])
    assert.equal((await refusalOf(t, world.url, { headers: asAdmin(pair) })).status, 503)
    await Promise.all([world.source.start(), world.target.start()])
    world.source.faults.add({
      match: { path: /callcontrol/ },
      fault: { kind: 'headers', headers: [['Sec-WebSocket-Protocol', 'another']] }
    })
    const refusal = await refusalOf(t, world.url, { headers: asAdmin(pair) })
    assert.equal(refusal.status, 502)
    await allFree(world)
  })

  for (const gone of ['source', 'target'] as const) {
    for (const how of ['cut', 'close'] as const) {
      test(`the ${gone} goes while it is open, by a ${how}: the client has to come again`, limit, async (t) => {
        const { world, client } = await open(t)
        const { promise: heard, resolve } = Promise.withResolvers<number>()
        world[gone === 'source' ? 'target' : 'source'].sockets.onClose(resolve)
        if (how === 'cut') world[gone].sockets.terminateAll()
        else world[gone].sockets.closeAll(4007, 'own reason')
        const told = how === 'cut' ? { code: 1012, reason: 'Service restart' } : { code: 4007, reason: 'own reason' }
        assert.deepEqual(await client.ended, told)
        assert.equal(await heard, told.code)
        await allFree(world)
      })
    }
  }

  for (const first of ['source', 'target'] as const) {
    for (const kind of ['reset', 'half'] as const) {
      test(
        `the ${first} goes (${kind}) while the other is still asked: its client has to come again`,
        limit,
        async (t) => {
          const world = await startWorld(t)
          const pair = await openPair(world)
          const match = { path: /callcontrol/ }
          const other = first === 'source' ? world.target : world.source
          world[first].faults.add({ match, fault: kind === 'half' ? { kind } : { kind, at: 'after-headers' } })
          other.faults.add({ match, fault: { kind: 'delay', ms: 300 } })
          const client = await openSocket(t, world.url, { headers: asAdmin(pair) })
          assert.deepEqual(await client.ended, { code: 1012, reason: 'Service restart' })
          await allFree(world)
        }
      )
    }
  }

  test('a system that goes in the midst of a frame takes the client along', limit, async (t) => {
    const { source, target, wire } = await openBetweenBare(t)
    source.write(Buffer.from([0x82, 100, 1]))
    await wire.until('\x82d\x01')
    target.write(Buffer.from([0x81, 1, 65]))
    source.destroy()
    assert.ok((await wire.closed()).endsWith('\x82d\x01'), 'nothing stands within the frame')
    target.resume()
    await until(() => target.readableEnded)
  })

  test('leaving while both are asked frees both', limit, async (t) => {
    const world = await startWorld(t)
    const pair = await openPair(world)
    for (const { faults } of [world.source, world.target]) {
      faults.add({ match: { path: /callcontrol/ }, fault: { kind: 'delay', ms: 60_000 } })
    }
    const socket = begin(t, world.url, { headers: asAdmin(pair) })
    socket.on('error', () => {})
    await until(() => world.app.systems.source.inFlight === 1 && world.app.systems.target.inFlight === 1)
    socket.terminate()
    await until(() => world.app.systems.source.inFlight + world.app.systems.target.inFlight === 0)
    await allFree(world)
  })
})
