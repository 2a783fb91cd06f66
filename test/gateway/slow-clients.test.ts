/** Clients that send or take slowly: what is cut, when, and what the systems see of it; and who is never cut. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import type { Config } from '../../gateway/config-schema.ts'
import { openListeners } from '../../gateway/listeners.ts'
import { hosts, startTestGateway, startWorld, testConfig } from '../build.ts'
import { ask } from '../client.ts'
import { createCertificate } from './certificate.ts'
import { connect } from './wires.ts'

const host = hosts.customer
const limit = { timeout: 20_000 }
const path = '/rest/Account/upload_something'
const limits = { head: 300, body: 300, stalled: 300, eventLoopDelay: 0 }
const head = (more: string) => `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/csv\r\n${more}\r\n\r\n`
const portOf = (url: string) => Number(new URL(url).port)

const certificate = createCertificate()

const listen = () => [
  { host: '127.0.0.1', port: 0 },
  { host: '127.0.0.1', port: 0, tls: certificate }
]

/** Sends a piece again and again until the other side has closed: how long that took, ms. */
async function trickle(socket: Socket, piece: () => string, everyMs: number): Promise<number> {
  const startedAt = performance.now()
  // Its writes may break before it has noticed.
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const timer = setInterval(() => socket.writable && socket.write(piece()), everyMs)
  await closed
  clearInterval(timer)
  return performance.now() - startedAt
}

/** A gateway before one server of the test's own, which takes heads of any size. */
async function startBefore(t: TestContext, answer: http.RequestListener, more: object = {}) {
  const server = http.createServer({ maxHeaderSize: 1 << 20 }, answer).listen(0, '127.0.0.1')
  server.maxHeadersCount = 0
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const urls = { admin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  return startTestGateway(t, testConfig({ source: urls, target: urls }, { limits: { ...limits, ...more } }))
}

/** A limit is kept within a quarter of it; a busy machine gets a second more. */
const assertKept = (tookMs: number, limitMs: number) =>
  assert.ok(tookMs >= limitMs * 0.9 && tookMs < limitMs * 2.5 + 1000, `${tookMs} ms`)

function assertRefused(answer: string, status: number) {
  assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*connection: close`, 'i'))
  assert.match(answer, /\{"faultcode":"Client\.Dispatcher\.malformed_request"[^{}]*\}$/)
}

for (const isTls of [false, true]) {
  suite(isTls ? 'over TLS' : 'over TCP', () => {
    const start = async (t: TestContext) => {
      const world = await startWorld(t, { listen: listen(), limits })
      return { ...world, port: portOf(world.addresses[isTls ? 1 : 0]?.url ?? '') }
    }

    test('a client that sends nothing is cut', limit, async (t) => {
      const { port } = await start(t)
      const startedAt = performance.now()
      const wire = await connect(t, port, isTls)
      assertRefused(await wire.closed(), 408)
      assertKept(performance.now() - startedAt, limits.head)
    })

    test('a head that comes bit by bit gets 408', limit, async (t) => {
      const { port, target } = await start(t)
      const wire = await connect(t, port, isTls)
      wire.socket.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\n`)
      let at = 0
      assertKept(await trickle(wire.socket, () => `X-${at++}: x\r\n`, 40), limits.head)
      assertRefused(await wire.closed(), 408)
      assert.equal(target.journal.count(), 0)
    })

    test('a small body that comes byte by byte gets 408, and no system hears of it', limit, async (t) => {
      const { port, target } = await start(t)
      const wire = await connect(t, port, isTls)
      wire.socket.write(head('Content-Length: 60000'))
      assertKept(await trickle(wire.socket, () => 'x', 40), limits.body)
      assertRefused(await wire.closed(), 408)
      assert.equal(target.journal.count(), 0)
    })

    for (const framing of ['Content-Length: 600000', 'Transfer-Encoding: chunked']) {
      test(`a streamed body that comes slowly is cut at the system too (${framing})`, limit, async (t) => {
        const { port, target } = await start(t)
        const cut = target.journal.next(({ aborted }) => aborted)
        const wire = await connect(t, port, isTls)
        wire.socket.write(head(framing))
        const isChunked = framing.includes('chunked')
        const frame = (text: string) => (isChunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text)
        // In chunks it streams only from 64 KiB on, which earn the client time: it is refused for its framing instead.
        wire.socket.write(frame('x'.repeat(isChunked ? 70_000 : 10)))
        if (isChunked) {
          await target.journal.next(({ url }) => url === path)
          wire.socket.write('no size\r\n')
        } else assertKept(await trickle(wire.socket, () => 'x', 40), limits.body)
        assertRefused(await wire.closed(), isChunked ? 400 : 408)
        const entry = await cut
        assert.equal(entry.bodySha256, '', 'a half body was taken for whole')
      })
    }

    test('an upload above the least rate passes whole, longer than the limit', limit, async (t) => {
      const { port, target } = await start(t)
      const wire = await connect(t, port, isTls)
      const piece = 'x'.repeat(100)
      wire.socket.write(head('Content-Length: 2400'))
      for (let at = 0; at < 24; at++) {
        wire.socket.write(piece)
        await delay(40)
      }
      assert.match(await wire.until('\r\n\r\n'), /^HTTP\/1\.1 /)
      assert.deepEqual(
        target.journal.entries.map(({ url, bodyBytes }) => [url, bodyBytes]),
        [[path, 2400]]
      )
    })

    test('waiting for a slow system behind a whole body is not cut', limit, async (t) => {
      const { port, target } = await start(t)
      target.faults.add({ match: {}, fault: { kind: 'delay', ms: 2.5 * limits.body } })
      const wire = await connect(t, port, isTls)
      wire.socket.write(`${head('Content-Length: 3')}abc`)
      assert.match(await wire.until('\r\n\r\n'), /^HTTP\/1\.1 500 [\s\S]*x-dispatched-to: target/i)
      assert.equal(wire.socket.closed, false)
    })
  })
}

test('whole requests before garbage get their own answers, then the connection ends', limit, async (t) => {
  const { url, target } = await startWorld(t, { limits })
  target.faults.add({ match: {}, fault: { kind: 'delay', ms: 100 }, times: 1 })
  const wire = await connect(t, portOf(url))
  wire.socket.write(`${head('Content-Length: 3')}abcGARBAGE\r\n\r\n`)
  const answer = await wire.closed()
  assert.match(answer, /^HTTP\/1\.1 500 [\s\S]*x-dispatched-to: target/i)
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
})

test('after an answer that has begun there is no second one', limit, async (t) => {
  const { url } = await startBefore(t, (_request, response) => response.write('{"half":'))
  const wire = await connect(t, portOf(url))
  wire.socket.write(`${head('Content-Length: 600000')}x`)
  await wire.until('{"half":')
  const answer = await wire.closed()
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
})

test('a refused client that stays is cut', limit, async (t) => {
  const { url } = await startWorld(t, { limits })
  const wire = await connect(t, portOf(url))
  // Its own half stays open.
  wire.socket.allowHalfOpen = true
  const startedAt = performance.now()
  wire.socket.write('NOTHING\r\n\r\n')
  await trickle(wire.socket, () => 'more of nothing', 40)
  assertRefused(await wire.closed(), 400)
  assertKept(performance.now() - startedAt, limits.head)
})

suite('an answer', () => {
  const bytes = 32 << 20
  const page = `GET /large HTTP/1.1\r\nHost: ${host}\r\n\r\n`

  /** A system that answers with more than all buffers on the way hold, and tells when its client leaves. */
  async function startLarge(t: TestContext) {
    const left = Promise.withResolvers<void>()
    const { url } = await startBefore(t, (_request, response) => {
      response.writeHead(200, { 'content-length': bytes })
      response.once('close', () => left.resolve())
      response.end(Buffer.alloc(bytes))
    })
    return { url, left: left.promise }
  }

  test('that its client does not take is given up, and the system is let go', limit, async (t) => {
    const { url, left } = await startLarge(t)
    const wire = await connect(t, portOf(url))
    wire.socket.pause()
    wire.socket.write(page)
    const startedAt = performance.now()
    await left
    assertKept(performance.now() - startedAt, limits.stalled)
  })

  test('that its client takes slowly but steadily comes whole', limit, async (t) => {
    const { url } = await startLarge(t)
    const startedAt = performance.now()
    let received = 0
    await new Promise<void>((resolve, reject) => {
      http.get(`${url}/large`, { headers: { host }, agent: false }, (response) => {
        response.on('data', (chunk: Buffer) => {
          received += chunk.length
          response.pause()
          setTimeout(() => response.resume(), 2)
        })
        response.on('end', resolve).on('error', reject)
      })
    })
    assert.equal(received, bytes)
    assert.ok(performance.now() - startedAt > 2 * limits.stalled)
  })
})

for (const isTls of [false, true]) {
  suite(`an answer in one write, ${isTls ? 'over TLS' : 'over TCP'}`, () => {
    const bytes = 48 << 20

    /** Listeners before an app that answers with one piece, and tells when an answer is over. */
    async function startWhole(t: TestContext, stalled: number) {
      const over = Promise.withResolvers<void>()
      const app = Fastify()
      app.get('/large', (_request, reply) => {
        reply.raw.once('close', () => over.resolve())
        return reply.send(Buffer.alloc(bytes))
      })
      await app.ready()
      const all = { ...limits, stalled, headBytes: 16_384 }
      const listeners = await openListeners(app, { listen: listen() as Config['listen'], limits: all })
      t.after(async () => {
        await listeners.close(0)
        await app.close()
      })
      return { port: portOf(listeners.addresses[isTls ? 1 : 0]?.url ?? ''), over: over.promise }
    }

    test('is given up when its client takes nothing more', limit, async (t) => {
      const { port, over } = await startWhole(t, limits.stalled)
      const wire = await connect(t, port, isTls)
      wire.socket.pause()
      wire.send('GET /large')
      const startedAt = performance.now()
      await over
      assertKept(performance.now() - startedAt, limits.stalled)
    })

    test('comes whole to a client that takes it slowly but steadily', limit, async (t) => {
      // The operating systems hand over a megabyte or two at a time.
      const stalled = 800
      const { port, over } = await startWhole(t, stalled)
      const wire = await connect(t, port, isTls)
      wire.send('GET /large')
      let received = 0
      const startedAt = performance.now()
      await new Promise<void>((resolve) => {
        wire.socket.on('data', (chunk: string) => {
          received += chunk.length
          if (received > bytes) resolve()
          wire.socket.pause()
          setTimeout(() => wire.socket.resume(), isTls ? 1 : 3)
        })
        wire.socket.once('close', resolve)
      })
      assert.ok(received > bytes, `${received} bytes`)
      await over
      assert.ok(performance.now() - startedAt > 2 * stalled)
    })
  })
}

suite('a head', () => {
  test('over headBytes gets 431', limit, async (t) => {
    const { url, target } = await startWorld(t, { limits: { ...limits, headBytes: 8192 } })
    for (const [bytes, status] of [[7000, 500] as const, [9000, 431] as const]) {
      const reply = await ask(url, { path, headers: { host, 'x-long': 'x'.repeat(bytes) } })
      assert.equal(reply.status, status)
    }
    assert.equal(target.journal.count(), 1)
  })

  test('is judged by all of its headers, thousands of them', limit, async (t) => {
    const seen: string[][] = []
    const answer: http.RequestListener = ({ rawHeaders }, response) => {
      seen.push(rawHeaders)
      response.end()
    }
    const { url } = await startBefore(t, answer, { headBytes: 262_144 })
    const wire = await connect(t, portOf(url))
    const many = Array.from({ length: 6000 }, (_, at) => `X-${at}: x\r\n`).join('')
    wire.socket.write(head(`${many}X-Dispatcher-Context: klingon\r\nContent-Length: 0`).replace(host, hosts.admin))
    assert.match(await wire.until('\r\n\r\n'), /^HTTP\/1\.1 400 /)
    wire.socket.write(head(`${many}X-Last: yes\r\nContent-Length: 0`))
    await wire.until('HTTP/1.1 200')
    assert.equal(seen.length, 1)
    assert.ok(seen[0]?.includes('X-Last') && seen[0].includes('X-5999'))
  })

  test('with a path as long as it may be is a page’s', limit, async (t) => {
    const { url } = await startBefore(t, (request, response) => response.end(request.url), { headBytes: 65_536 })
    const long = `/${'x'.repeat(60_000)}`
    const reply = await ask(url, { method: 'GET', path: long, headers: { host } })
    assert.equal(reply.text, long)
  })
})
