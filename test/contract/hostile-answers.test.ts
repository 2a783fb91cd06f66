/** Answers of a system that are hostile, or broken: none splits, none is taken for another request's, none leaves a client waiting. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { after, suite, test } from 'node:test'
import { startTestGateway, testConfig } from '../build.ts'
import { get } from '../hostile.ts'
import { type RawAnswer, sendRaw } from '../raw-socket.ts'

/** What the system answers to the next request, byte for byte. */
let next = ''
/** Closes behind it. */
let closes = false
const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'

const sockets = new Set<Socket>()
const system = net.createServer((socket) => {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket)).on('error', () => {})
  socket.setEncoding('latin1').on('data', (text: string) => {
    const isGood = text.includes('X-Want: good')
    socket.write(isGood ? good : next, 'latin1')
    if (closes && !isGood) socket.end()
  })
})
system.listen(0, '127.0.0.1')
await once(system, 'listening')
after(() => {
  for (const socket of sockets) socket.destroy()
  system.close()
})
const urls = { admin: `http://127.0.0.1:${(system.address() as AddressInfo).port}` }
const config = testConfig({ source: urls, target: urls }, { plugins: { 'circuit-breaker': false } })
const gateway = await startTestGateway({ after: (close) => after(() => (close as () => unknown)()) }, config)

const answer = (headers: string, body = 'hi', line = 'HTTP/1.1 200 OK') => `${line}\r\n${headers}\r\n\r\n${body}`
const whole = 'Content-Length: 2'

interface Case {
  readonly name: string
  readonly bytes: string
  /** 502 when absent; 0 for a connection that ends. */
  readonly status?: number
  readonly closes?: boolean
  readonly answered?: (answer: RawAnswer) => void
}

const refused: Case[] = [
  ...['a\nSet-Cookie: evil=1', 'a\rSet-Cookie: evil=1', 'a\r\n b', 'a\0b', 'a\x01b', 'a\x7fb'].map((value) => ({
    name: `a header with ${JSON.stringify(value)}`,
    bytes: answer(`X-A: ${value}\r\n${whole}`)
  })),
  ...['X A', 'X(A', 'X\xe9', '', 'X\0', 'X-A '].map((name) => ({
    name: `a header named ${JSON.stringify(name)}`,
    bytes: answer(`${name}: a\r\n${whole}`)
  })),
  ...['Content-Length: 2\r\nTransfer-Encoding: chunked', 'Content-Length: 2\r\nContent-Length: 30'].map((framing) => ({
    name: `framing ${JSON.stringify(framing)}`,
    bytes: answer(framing, '2\r\nhi\r\n0\r\n\r\n')
  })),
  ...['-1', '+2', '2, 2', '0x2', '9'.repeat(20), '', 'two'].map((length) => ({
    name: `Content-Length: ${JSON.stringify(length)}`,
    bytes: answer(`Content-Length: ${length}`),
    closes: true
  })),
  ...[
    'HTTP/1.1 99 OK',
    'HTTP/1.1 1000 OK',
    'HTTP/1.1 abc OK',
    'HTTP/1.1 000 OK',
    'ICY 200 OK',
    'HTTP/1.1 200 O\rK'
  ].map((line) => ({ name: `a first line ${JSON.stringify(line)}`, bytes: answer(whole, 'hi', line) })),
  { name: 'a switch of protocols that nobody asked for', bytes: answer(whole, 'hi', 'HTTP/1.1 101 Switching') },
  { name: 'no head', bytes: 'hi there', closes: true },
  { name: 'bare LFs', bytes: answer(whole).replaceAll('\r\n', '\n') },
  { name: 'a head of 100 KB', bytes: answer(`X: ${'y'.repeat(100_000)}\r\n${whole}`) }
]

const relayed: Case[] = [
  {
    name: 'bytes beyond ASCII in a header',
    bytes: answer(`X-A: a\xe9\xffb\r\nSet-Cookie: a=\xe9; Domain=127.0.0.1\r\n${whole}`),
    answered({ head }: RawAnswer) {
      assert.match(head, /^x-a: a\xe9\xffb$/im)
      assert.match(head, /^set-cookie: a=\xe9$/im)
    }
  },
  {
    name: 'a second answer behind the first is nobody’s',
    bytes: answer(whole) + answer('Content-Length: 4\r\nSet-Cookie: evil=1', 'evil')
  },
  { name: 'a body longer than its length', bytes: answer(whole, 'hievil') },
  { name: 'fifty early hints', bytes: 'HTTP/1.1 103 Early Hints\r\nLink: evil\r\n\r\n'.repeat(50) + answer(whole) },
  {
    name: 'headers that its Connection names',
    bytes: answer(`Connection: X-A, Set-Cookie\r\nX-A: evil\r\nSet-Cookie: evil=1\r\n${whole}`)
  },
  {
    name: 'trailers',
    bytes: answer('Transfer-Encoding: chunked', '2\r\nhi\r\n0\r\nSet-Cookie: evil=1\r\n\r\n'),
    answered: ({ body }: RawAnswer) => assert.equal(body, '2\r\nhi\r\n0\r\n\r\n')
  },
  { name: 'names that objects have', bytes: answer(`__proto__: a\r\nconstructor: b\r\n${whole}`) },
  { name: 'a cookie of nothing but signs', bytes: answer(`Set-Cookie: ;;;=;Domain;Domain=\r\n${whole}`) }
].map((one) => ({ status: 200, ...one }))

const moved = (location: string) => answer(`Location: ${location}\r\nContent-Length: 0`, '', 'HTTP/1.1 302 Found')
const redirects: Case[] = [
  [`${urls.admin}/a%0d%0aSet-Cookie:evil=1`, 'http://www.customer.test/a%0d%0aSet-Cookie:evil=1'],
  [`${urls.admin}/\xe9`, 'http://www.customer.test/\xe9'],
  ['http://[bad', 'http://[bad'],
  [urls.admin.replace('//', '//user@'), 'http://www.customer.test'],
  ['//evil.test/x', '//evil.test/x'],
  ['\\\\evil.test', '\\\\evil.test']
].map(([location = '', relayedAs = '']) => ({
  name: `Location: ${JSON.stringify(location.replace(/:\d+/, ':port'))}`,
  bytes: moved(location),
  status: 302,
  answered({ head }: RawAnswer) {
    const [, found] = /^location: (.*)\r$/im.exec(`${head}\r`) ?? []
    assert.equal(found, relayedAs)
  }
}))

const broken: Case[] = [
  // The sentence behind a status is text for people; what matters is that somebody is answered.
  ...['O\xe9K', 'O\x01K'].map((reason) => ({
    name: `a reason of ${JSON.stringify(reason)} is left out`,
    bytes: answer(whole, 'hi', `HTTP/1.1 200 ${reason}`),
    answered: ({ head }: RawAnswer) => assert.match(head, /^HTTP\/1\.1 200 ?(?:\r\n|$)/),
    status: 200
  })),
  {
    name: 'a first chunk that is none is no answer',
    bytes: answer('Transfer-Encoding: chunked', 'zz\r\nhi\r\n0\r\n\r\n')
  },
  {
    name: 'a later chunk that is none ends the connection',
    bytes: answer('Transfer-Encoding: chunked', '2\r\nhi\r\nzz\r\nhi\r\n0\r\n\r\n'),
    status: 0
  }
]

suite('hostile answers', () => {
  for (const { name, bytes, status = 502, closes: ends = false, answered } of [
    ...refused,
    ...relayed,
    ...redirects,
    ...broken
  ]) {
    test(name, { timeout: 10_000 }, async () => {
      next = bytes
      closes = ends
      const { answers, closed } = await sendRaw(gateway.url, { bytes: get('/x'), next: get('/x', 'X-Want: good\r\n') })
      const [first, second] = answers
      if (status === 0) assert.ok(closed && first === undefined)
      else {
        if (status !== -1) assert.equal(first?.status, status)
        assert.ok(first !== undefined && !/^(?:set-cookie|x-a|link): *evil/im.test(first.head))
        assert.ok(!first.body.includes('evil'))
        answered?.(first)
        assert.equal(second?.body, 'good')
      }
      // Whatever the system's connection still held, the next request has its own answer.
      const [other] = (await sendRaw(gateway.url, { bytes: get('/x', 'X-Want: good\r\n') })).answers
      assert.equal(other?.body, 'good')
    })
  }
})
