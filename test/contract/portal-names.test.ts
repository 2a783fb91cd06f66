/** Contract section 7: what names a host, as it passes the wire, in both directions. */
import assert from 'node:assert/strict'
import http, { type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import type { System } from '../../core/words.ts'
import { hosts, startTestGateway, startWorld, testConfig } from '../build.ts'
import { login } from '../client.ts'
import { sendRaw } from '../raw-socket.ts'

const host = hosts.customer
const versioned = { source: 'www.100-customer.test', target: 'www.115-customer.test' }

interface Heard {
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** A system that notes what it hears and answers with these headers, in which `$own` is its own origin. */
async function startSystem(t: TestContext, headers: () => Record<string, string>) {
  const heard: Heard[] = []
  const server = http.createServer((request, response) => {
    heard.push({ url: `${request.method} ${request.url}`, headers: request.headers })
    for (const [name, value] of Object.entries(headers())) response.setHeader(name, value.replaceAll('$own', origin))
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, heard }
}

async function startTwo(t: TestContext) {
  let headers: Record<string, string> = {}
  const [source, target, targetsAdmins] = await Promise.all([1, 2, 3].map(() => startSystem(t, () => headers)))
  if (source === undefined || target === undefined || targetsAdmins === undefined) throw new Error('not started')
  const urls = {
    source: { admin: source.origin, customer: source.origin },
    target: { admin: targetsAdmins.origin, customer: target.origin }
  }
  const { url } = await startTestGateway(t, testConfig(urls))
  const port = new URL(url).port
  async function send(lines: readonly string[], at = host, line = 'GET /x') {
    const bytes = [`${line} HTTP/1.1`, `Host: ${at}:${port}`, ...lines, 'Connection: close', '', ''].join('\r\n')
    const { answers } = await sendRaw(url, { bytes })
    const [, ...head] = answers[0]?.head.split('\r\n') ?? []
    return new Map(
      head.map((text) => [text.slice(0, text.indexOf(':')).toLowerCase(), text.slice(text.indexOf(':') + 2)])
    )
  }
  const answerWith = (next: Record<string, string>) => {
    headers = next
  }
  return { source, target, targetsAdmins, port, send, answerWith }
}

/** what the client sends; `$at` is the host's own name with its port. What the system reads; null: as it was sent */
const requests: readonly (readonly [string, string, { at?: string; to?: System; reads?: string | null }])[] = [
  ['Origin', 'http://$host', { reads: '$system' }],
  ['ORIGIN', 'HTTP://$HOST', { reads: '$system' }],
  ['Referer', 'http://$host/a?b=%2f#c', { reads: '$system/a?b=%2f#c' }],
  ['Referer', 'http://$host', { reads: '$system' }],
  ['Referer', 'http://$host/x', { at: versioned.source, to: 'source', reads: '$system/x' }],
  ['Origin', `http://${versioned.source}:$port`, { at: versioned.source, to: 'source', reads: '$system' }],
  ['Origin', `http://${versioned.source}:$port`, { reads: null }],
  ['Referer', `http://${hosts.admin}:$port/x`, { reads: '$admins/x' }],
  ['Origin', 'null', { reads: null }],
  ['Origin', 'https://portal.example', { reads: null }],
  ['Origin', 'https://$host', { reads: null }],
  ['Origin', 'http://$host.evil.example', { reads: null }],
  ['Referer', 'http://$host@evil.example/', { reads: null }],
  ['Referer', 'about:blank', { reads: null }]
]

suite('of a page', async () => {
  for (const [name, value, { at = host, to = 'target', reads = null }] of requests) {
    test(`"${name}: ${value}" at ${at} reaches the ${to} as ${reads ?? 'it is'}`, async (t) => {
      const world = await startTwo(t)
      const fill = (text: string) =>
        text
          .replace('$host', `${host}:${world.port}`)
          .replace('$HOST', `${host}:${world.port}`.toUpperCase())
          .replace('$port', world.port)
          .replace('$system', world[to].origin)
          .replace('$admins', world.targetsAdmins.origin)
      await world.send([`${name}: ${fill(value)}`], at)
      const [heard] = world[to].heard
      assert.equal(heard?.headers[name.toLowerCase()], fill(reads ?? value))
    })
  }
})

/** header, what the system says, what the client reads; `$own` is the system's origin, `$public` the gateway's */
const answers = [
  ['location', '$own/login?next=$own/', '$public/login?next=$own/'],
  ['content-location', '$own/static/app.js', '$public/static/app.js'],
  ['refresh', '5; url=$own/login', '5; url=$public/login'],
  ['refresh', "0;URL='$own/login'", "0;URL='$public/login'"],
  ['access-control-allow-origin', '$own', '$public'],
  ['access-control-allow-origin', 'https://portal.example', 'https://portal.example'],
  ['access-control-allow-origin', '*', '*'],
  ['set-cookie', 'a=b; Domain=127.0.0.1; Secure; SameSite=None', 'a=b; Secure; SameSite=None'],
  ['cache-control', 'no-store, private', 'no-store, private'],
  ['link', '</static/app.js>; rel=preload', '</static/app.js>; rel=preload'],
  ['location', 'https://elsewhere.example/$own', 'https://elsewhere.example/$own']
] as const

suite('of an answer', async () => {
  for (const [name, says, reads] of answers) {
    test(`"${name}: ${says}" is read as "${reads}", at GET and HEAD`, async (t) => {
      const { target, port, send, answerWith } = await startTwo(t)
      answerWith({ [name]: says })
      for (const line of ['GET /x', 'HEAD /x']) {
        const head = await send([], host, line)
        const fill = (text: string) => text.replace('$public', `http://${host}:${port}`).replace('$own', target.origin)
        assert.equal(head.get(name), fill(reads))
      }
    })
  }
})

const question = ['Access-Control-Request-Method: POST', 'Access-Control-Request-Headers: content-type,x-a']
const permission = {
  'access-control-allow-credentials': 'true',
  'access-control-allow-methods': 'POST, GET',
  'access-control-allow-headers': 'content-type,x-a',
  'access-control-max-age': '600',
  vary: 'Origin'
}

/** Origin, what the system allows, what the client reads */
const asking = [
  ['https://portal.example', 'https://portal.example', 'https://portal.example'],
  ['http://$host', '$own', 'http://$host'],
  [`http://${versioned.target}:$port`, '$own', `http://${versioned.target}:$port`]
] as const

suite('of other sites', async () => {
  for (const [origin, allows, reads] of asking) {
    for (const path of ['/rest/Session/login', '/rest/Customer/update_customer', '/profile']) {
      test(`a preflight of ${origin} for ${path} is asked of the target, and answered in its words`, async (t) => {
        const { source, target, port, send, answerWith } = await startTwo(t)
        const fill = (text: string) => text.replace('$host', `${host}:${port}`).replace('$port', port)
        answerWith({ ...permission, 'access-control-allow-origin': allows })
        const head = await send([`Origin: ${fill(origin)}`, ...question], host, `OPTIONS ${path}`)
        assert.deepEqual([target.heard.map(({ url }) => url), source.heard], [[`OPTIONS ${path}`], []])
        assert.equal(head.get('access-control-allow-origin'), fill(reads))
        for (const [name, value] of Object.entries(permission)) assert.equal(head.get(name), value, name)
      })
    }
  }

  test('a call with credentials goes where its session lives, its Origin as it is', async (t) => {
    const { url, source } = await startWorld(t)
    const { accessToken } = await login(url, 'customer', source.users.firstActiveCustomer())
    const bytes = [
      'POST /rest/Customer/get_customer_info HTTP/1.1',
      `Host: ${host}`,
      'Origin: https://portal.example',
      'Referer: https://portal.example/app?x=1',
      `Authorization: Bearer ${accessToken}`,
      'Content-Length: 0',
      'Connection: close',
      '',
      ''
    ].join('\r\n')
    const outcome = await sendRaw(url, { bytes })
    assert.equal(outcome.answers[0]?.status, 200)
    const raw = source.journal.of('Customer/get_customer_info').at(-1)?.rawHeaders ?? []
    assert.equal(raw[raw.indexOf('Origin') + 1], 'https://portal.example')
    assert.equal(raw[raw.indexOf('Referer') + 1], 'https://portal.example/app?x=1')
  })
})

test("an administrator's Referer names the source, and holds the source's own credential", async (t) => {
  const { url, source, target } = await startWorld(t)
  const { accessToken } = await login(url, 'admin', target.users.admin())
  source.journal.clear()
  const bytes = [
    'GET /report HTTP/1.1',
    `Host: ${hosts.admin}`,
    `Referer: http://${hosts.admin}/x?access_token=${accessToken}&y=1`,
    `Authorization: Bearer ${accessToken}`,
    'X-Dispatcher-Context: source',
    'Connection: close',
    '',
    ''
  ].join('\r\n')
  await sendRaw(url, { bytes })
  const raw = source.journal.entries.at(-1)?.rawHeaders ?? []
  const referer = raw[raw.indexOf('Referer') + 1] ?? ''
  const own = String(raw[raw.indexOf('Authorization') + 1]).replace('Bearer ', '')
  assert.notEqual(own, accessToken)
  assert.equal(referer, `${source.urls.admin}/x?access_token=${own}&y=1`)
})
