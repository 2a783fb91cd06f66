/** RFC 6797: every answer over TLS has the header once, whoever gives it; no answer over plain HTTP has it. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { suite, type TestContext, test } from 'node:test'
import { hosts, startTestGateway, testConfig } from '../build.ts'
import { createCertificate } from './certificate.ts'
import { connect, serve } from './wires.ts'

const limit = { timeout: 20_000 }
const certificate = createCertificate()
const host = hosts.customer
const systems = 'max-age=7; includeSubDomains'

/** A system's answers, by path. */
function answer({ url: path = '' }: IncomingMessage, response: ServerResponse) {
  if (path === '/own') response.setHeader('Strict-Transport-Security', systems)
  if (path === '/own-twice') response.setHeader('STRICT-transport-security', [systems, 'max-age=0'])
  if (path === '/moved') response.writeHead(302, { Location: '/elsewhere' })
  if (path === '/nothing') response.statusCode = 204
  if (path === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    return
  }
  if (path === '/pieces') response.write('in ')
  response.end(path === '/nothing' ? undefined : 'pieces')
}

/** Three listeners: plain, TLS, and TLS with the header. */
async function start(t: TestContext, hsts: object) {
  const urls = { admin: await serve(t, answer) }
  const listen = [
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port: 0, tls: certificate },
    { host: '127.0.0.1', port: 0, tls: { ...certificate, hsts } }
  ]
  const gateway = await startTestGateway(t, testConfig({ source: urls, target: urls }, { listen }))
  return gateway.addresses.map(({ port }) => port)
}

/** Sends these bytes; gives the head that comes back. */
async function headOf(t: TestContext, port: number, isTls: boolean, bytes: string) {
  const { socket, until } = await connect(t, port, isTls)
  socket.write(bytes)
  const [head = ''] = (await until('\r\n\r\n')).split('\r\n\r\n', 1)
  socket.destroy()
  return head
}

const strictIn = (head: string) =>
  [...head.matchAll(/^strict-transport-security: (.*?)\r?$/gim)].map(([, value]) => value)
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`

/** what, bytes that are sent, status, and what a system itself says of it */
const cases: readonly (readonly [string, string, number, readonly string[]])[] = [
  ['a page', get('/page'), 200, []],
  ['an answer in pieces', get('/pieces'), 200, []],
  ['a stream of events', get('/events'), 200, []],
  ['a redirect', get('/moved'), 302, []],
  ['an answer without a body', get('/nothing'), 204, []],
  ['a HEAD', get('/page').replace('GET', 'HEAD'), 200, []],
  ['an API call', `POST /rest/A/get_b HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\n{}`, 200, []],
  ['a system’s own header', get('/own'), 200, [systems]],
  ['a system’s own header, twice', get('/own-twice'), 200, [systems, 'max-age=0']],
  ['an unknown host', `GET / HTTP/1.1\r\nHost: stranger.test\r\n\r\n`, 421, []],
  ['two hosts', get('/', `Host: ${host}\r\n`), 400, []],
  ['a path that nothing serves', `${get('/graphql', 'Content-Length: 2\r\n').replace('GET', 'POST')}{}`, 404, []],
  ['the GraphQL view', `GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: ${hosts.admin}\r\n\r\n`, 200, []],
  ['what is no HTTP', 'hello\r\n\r\n', 400, []],
  ['unclear framing', get('/', 'Transfer-Encoding: gzip, chunked\r\n'), 400, []],
  ['a head that is too large', get(`/${'x'.repeat(20_000)}`), 431, []],
  ['a WebSocket where there is none', get('/page', 'Upgrade: websocket\r\nConnection: Upgrade\r\n'), 200, []]
]

suite('Strict-Transport-Security', { concurrency: 4 }, () => {
  test('once in every answer of a listener that has it, and nothing of ours in others', limit, async (t) => {
    const ports = await start(t, { maxAge: 31_536_000 })
    for (const [what, bytes, status, own] of cases) {
      for (const [at, expected] of [own, own, ['max-age=31536000']].entries()) {
        await t.test(`${what}, at ${['plain HTTP', 'TLS without it', 'TLS with it'][at]}`, async () => {
          const head = await headOf(t, ports[at] ?? 0, at > 0, bytes)
          assert.match(head, new RegExp(`^HTTP/1\\.1 ${status}`))
          assert.deepEqual(strictIn(head), expected)
        })
      }
    }
  })

  for (const [hsts, value] of [
    [{ maxAge: 0 }, 'max-age=0'],
    [{ maxAge: 300, includeSubDomains: true }, 'max-age=300; includeSubDomains'],
    [{ maxAge: 300, includeSubDomains: false, preload: false }, 'max-age=300'],
    [{ maxAge: 63_072_000, includeSubDomains: true, preload: true }, 'max-age=63072000; includeSubDomains; preload']
  ] as const) {
    test(`${JSON.stringify(hsts)} says ${value}`, limit, async (t) => {
      const [, , port = 0] = await start(t, hsts)
      assert.deepEqual(strictIn(await headOf(t, port, true, get('/page'))), [value])
    })
  }
})
