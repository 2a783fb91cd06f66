/** Contract section 7: what is sent once more, and that no write ever is. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { hosts } from '../build.ts'
import { type Ask, ask } from '../client.ts'
import {
  askOrCut,
  begin,
  deadUrl,
  type RawRequest,
  shared,
  startBefore,
  startFailingSystem
} from '../failing-system.ts'
import { until } from '../until.ts'

const host = hosts.customer
const json = { host, 'content-type': 'application/json' }
const read: Ask = { path: '/rest/Customer/get_customer_info', headers: json, body: '{"params":{}}' }
const write: Ask = { path: '/rest/Customer/update_customer', headers: json, body: '{"params":{}}' }
const ping: Ask = { path: '/rest/Session/ping', headers: json, body: '{"params":{}}' }
const page: Ask = { method: 'GET', path: '/dashboard', headers: { host } }
const loginCall: Ask = { path: '/rest/Session/login', headers: json, body: '{"params":{"login":"a","password":"b"}}' }

/** A read whose JSON is so long, bytes. */
const readOf = (bytes: number): Ask => {
  const frame = '{"params":{"search":""}}'
  return { ...read, body: frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`) }
}
const streamed = (ask: Ask): Ask => ({
  ...ask,
  headers: { host, 'content-type': 'text/csv', 'transfer-encoding': 'chunked' },
  body: Buffer.alloc(200_000, 'a')
})

const reset = ({ socket }: RawRequest) => socket.resetAndDestroy()
const resetBehindBody = (request: RawRequest) => request.body().then(() => reset(request))
const end = ({ socket }: RawRequest) => socket.end()

const more = { timeouts: { connect: 500, headers: 250, body: 500 } }

let manner: (request: RawRequest) => unknown = () => {}
const target = await startFailingSystem(shared, (request) => manner(request))
const urls = { source: await deadUrl(), target: target.url }
const gateway = await startBefore(shared, urls, more, { plugins: { 'circuit-breaker': false } })

/** The gateway and its target as if both were new: no connection stands, and nothing is counted. */
async function start(onRequest: (request: RawRequest) => unknown) {
  const state = gateway.app.systems.target
  for (const socket of target.open) socket.destroy()
  await until(() => target.open.size === 0 && state.connections().connected === 0)
  manner = onRequest
  target.arrived.length = 0
  const { retries, attempts } = structuredClone(state.counts)
  const connections = target.connections()
  return {
    url: gateway.url,
    arrived: target.arrived,
    state,
    connections: () => target.connections() - connections,
    retries: () => state.counts.retries - retries,
    attempts: (outcome: keyof typeof attempts) => state.counts.attempts[outcome] - attempts[outcome]
  }
}

suite('a connection that is lost with a request on it', async () => {
  const reads = { 'a read': read, 'Session/ping': ping, 'a page': page, 'a read of 64 KiB': readOf(65_536) }
  for (const [what, asked] of Object.entries(reads)) {
    for (const [how, lose] of Object.entries({ 'is reset': resetBehindBody, 'just ends': end })) {
      test(`and ${how}: ${what} is sent once more, on another one`, async () => {
        const { url, arrived, state, connections, retries, attempts } = await start(async (request) => {
          await request.body()
          if (request.nth === 1) request.answer(200, '{"well":1}')
          else await lose(request)
        })
        assert.equal((await ask(url, asked)).status, 200)
        const second = await ask(url, asked)
        assert.equal(second.status, 200)
        assert.equal(second.text, '{"well":1}')
        assert.deepEqual(arrived, Array(3).fill(asked.path))
        assert.equal(connections(), 2)
        assert.equal(retries(), 1)
        assert.equal(attempts('reset'), 1)
        assert.equal(state.inFlight, 0)
      })
    }
  }

  test('a read is sent twice and no more', async () => {
    const { url, arrived, state, retries } = await start(resetBehindBody)
    const reply = await ask(url, read)
    assert.equal(reply.status, 502)
    assert.equal(reply.json().faultcode, 'Server.Dispatcher.bad_gateway')
    assert.equal(arrived.length, 2)
    assert.equal(retries(), 1)
    assert.equal(state.inFlight, 0)
  })

  const once = [
    ['a write', write, 502],
    ['a login', loginCall, 502],
    ['a read of more than 64 KiB', readOf(65_537), 502],
    ['a read that streams', streamed(read), 502],
    ['a write that streams', streamed(write), 502]
  ] as const
  for (const [what, asked, status] of once) {
    test(`${what} is sent once`, async () => {
      const { url, arrived, retries } = await start(resetBehindBody)
      const reply = await ask(url, asked)
      assert.equal(reply.status, status, reply.text)
      assert.deepEqual(arrived, [asked.path])
      assert.equal(retries(), 0)
    })
  }
})

suite('a write reaches its system at most once when it resets', async () => {
  const points = [
    { when: 'before the body', reset, expected: 502 },
    {
      when: 'behind half of the body',
      reset: (request: RawRequest) => request.body(50_000).then(() => reset(request)),
      expected: 502
    },
    { when: 'behind the body', reset: resetBehindBody, expected: 502 },
    {
      when: "behind its answer's headers",
      async reset(request: RawRequest) {
        await request.body()
        request.answer(200, '', { 'Content-Length': 100 })
        // What is not written yet would be thrown away; what is not read yet, too.
        request.socket.write('{', () => reset(request))
      },
      expected: 'cut, or 502 where no byte of the body came through'
    }
  ] as const
  const large = { ...streamed(write), headers: { host, 'content-type': 'text/csv', 'content-length': '200000' } }
  for (const { when, reset: doReset, expected } of points) {
    for (const isReused of [false, true]) {
      test(`${when}, on a ${isReused ? 'used' : 'new'} connection`, async () => {
        const { url, arrived, state, retries } = await start((request) =>
          request.path === page.path ? request.answer() : doReset(request)
        )
        if (isReused) await ask(url, page)
        arrived.length = 0
        const reply = await askOrCut(url, large)
        if (typeof expected === 'number') assert.equal(reply?.status, expected)
        else assert.ok(reply === null || reply.status === 502)
        assert.deepEqual(arrived, [write.path])
        assert.equal(retries(), 0)
        assert.equal(state.inFlight, 0)
      })
    }
  }
})

suite('a read is not sent again when its system', async () => {
  const answers = [
    {
      what: 'sends no headers in time',
      answer: () => {},
      check: { status: 504, text: /system_timeout/, retryAfter: undefined }
    },
    {
      what: 'answers in no HTTP',
      answer: ({ socket }: RawRequest) => socket.end('This is no HTTP\r\n\r\n'),
      check: { status: 502, text: /bad_gateway/, retryAfter: undefined }
    },
    {
      what: 'answers 503',
      answer: (request: RawRequest) => request.answer(503, 'busy', { 'Retry-After': 30 }),
      check: { status: 503, text: /^busy$/, retryAfter: '30' }
    },
    {
      what: 'breaks off its answer',
      answer(request: RawRequest) {
        request.answer(200, '{', { 'Content-Length': 10 })
        request.socket.end()
      },
      check: null
    }
  ]
  for (const { what, answer, check } of answers) {
    test(what, async () => {
      const { url, arrived, retries } = await start(answer)
      const reply = await askOrCut(url, read)
      assert.equal(reply?.status, check?.status)
      if (check !== null) assert.match(String(reply?.text), check.text)
      assert.equal(reply?.headers['retry-after'], check?.retryAfter)
      assert.deepEqual(arrived, [read.path])
      assert.equal(retries(), 0)
    })
  }
})

suite('a refused connection', async () => {
  async function startDown(t: TestContext) {
    const target = await deadUrl()
    const gateway = await startBefore(t, { source: await deadUrl(), target })
    const { hostname, port } = new URL(target)
    return { ...gateway, hostname, port: Number(port), state: gateway.app.systems.target }
  }
  const noConnection = ({ counts }: { counts: { attempts: { no_connection: number } } }) =>
    counts.attempts.no_connection

  test('is tried once more, for a write too', async (t) => {
    const { url, state } = await startDown(t)
    const reply = await ask(url, write)
    assert.equal(reply.status, 503)
    assert.ok(Number(reply.headers['retry-after']) > 0)
    assert.equal(noConnection(state), 2)
    assert.equal(state.counts.retries, 1)
    assert.equal(state.reachable, false)
  })

  test('is tried once for a body that streams: it may be gone', async (t) => {
    const { url, state } = await startDown(t)
    assert.equal((await ask(url, streamed(write))).status, 503)
    assert.equal(noConnection(state), 1)
    assert.equal(state.counts.retries, 0)
  })

  test('may stand at the second try: then the write arrives, once', async (t) => {
    // Makes the pause between the tries long.
    t.mock.method(Math, 'random', () => 20)
    const { url, hostname, port, state } = await startDown(t)
    const reply = ask(url, write)
    await until(() => noConnection(state) >= 1)
    let arrived = 0
    const server = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        arrived++
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
      })
      t.after(() => socket.destroy())
    })
    server.listen(port, hostname)
    await once(server, 'listening')
    t.after(() => server.close())
    assert.equal((await reply).status, 200)
    assert.equal(arrived, 1)
    assert.equal(state.counts.retries, 1)
    assert.equal(state.reachable, true)
  })
})

test('an early hint is no answer: the headers are waited for, and no longer than they may take', async () => {
  const { url, arrived, attempts } = await start(({ socket }) =>
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
  )
  const reply = await ask(url, read)
  assert.equal(reply.status, 504)
  assert.equal(attempts('timeout'), 1)
  assert.deepEqual(arrived, [read.path])
})

suite('between the two tries', async () => {
  test('a client may leave: nothing more is sent', async (t) => {
    // Makes the pause between the tries long.
    t.mock.method(Math, 'random', () => 20)
    const { url, arrived, state, attempts } = await start(resetBehindBody)
    const { leave } = begin(url, read, String(read.body))
    await until(() => attempts('reset') >= 1)
    leave()
    await until(() => state.inFlight === 0)
    assert.deepEqual(arrived, [read.path])
    assert.equal(attempts('given_up'), 1)
  })

  test('the breaker may open: nothing more is sent', async (t) => {
    const plugins = { 'circuit-breaker': { volumeThreshold: 1 } }
    const { arrived } = await start(resetBehindBody)
    const { url, app } = await startBefore(t, urls, more, { plugins })
    const state = app.systems.target
    const reply = await ask(url, read)
    assert.equal(reply.status, 502)
    assert.equal(state.breaker, 'open')
    assert.deepEqual(arrived, [read.path])
    assert.equal(state.counts.retries, 0)
    assert.equal(state.inFlight, 0)
  })

  test('the system may go: then it is unavailable', async (t) => {
    const going = await startFailingSystem(t, async (request) => {
      await request.body()
      going.refuse()
      reset(request)
    })
    const { url, app } = await startBefore(t, { ...urls, target: going.url }, more)
    const reply = await ask(url, read)
    assert.equal(reply.status, 503)
    assert.ok(Number(reply.headers['retry-after']) > 0)
    const { reset: resets, no_connection: refused } = app.systems.target.counts.attempts
    assert.deepEqual({ resets, refused }, { resets: 1, refused: 1 })
  })

  test('the request keeps its turn', async (t) => {
    // Makes the pause between the tries long.
    t.mock.method(Math, 'random', () => 20)
    const { url, state, attempts } = await start(resetBehindBody)
    const reply = ask(url, read)
    await until(() => attempts('reset') >= 1)
    assert.equal(state.inFlight, 1)
    await reply
    assert.equal(state.inFlight, 0)
  })
})
