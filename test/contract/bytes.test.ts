/** Contract section 7: what passes, passes byte for byte; what is of one connection stops. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import { suite, test } from 'node:test'
import { hosts, startTestGateway, startWorld, testConfig } from '../build.ts'
import { type Ask, ask, bearer, login } from '../client.ts'

const host = hosts.customer
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
const path = '/rest/Customer/update_customer'

const bodies: readonly [name: string, contentType: string, body: Buffer | string][] = [
  [
    'big integers, 1.10 and odd spaces',
    'application/json',
    '{ "params" : {"i_xdr":12345678901234567890,"balance":1.10, "n":1e+2 } }\n'
  ],
  ['duplicate keys and escapes', 'application/json', '{"params":{"a":"\\u0041\\/","a":2}}'],
  ['a charset', 'application/json; charset=ISO-8859-1', Buffer.from('{"params":{"name":"Zürich"}}', 'latin1')],
  [
    'bytes that are no UTF-8',
    'application/json',
    Buffer.concat([Buffer.from('{"params":{"n":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')])
  ],
  ['a form', 'application/x-www-form-urlencoded', 'params=%7B%22a%22%3A+1.10%7D&auth_info='],
  [
    'multipart with a boundary in quotes and a file',
    'multipart/form-data; boundary="a b:c"',
    Buffer.concat([
      Buffer.from(
        '--a b:c\r\nContent-Disposition: form-data; name="params"\r\n\r\n{}\r\n--a b:c\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
      ),
      randomBytes(500),
      Buffer.from('\r\n--a b:c--\r\n')
    ])
  ],
  ['an unknown type', 'application/x-thing', randomBytes(3000)],
  ['more than is kept', 'application/json', `{"params":{"x":"${'y'.repeat(300_000)}"}}`]
]

suite('a request', async () => {
  for (const shown of ['bearer', 'cookie', 'nothing'] as const) {
    test(`goes up byte for byte: ${shown}`, async (t) => {
      const { url, source, target } = await startWorld(t)
      const session = await login(url, 'customer', source.users.firstActiveCustomer())
      const headers = {
        bearer: bearer(session.accessToken),
        cookie: { cookie: 'pb_dispatch=authorized-by-remote' },
        nothing: {}
      }[shown]
      const system = shown === 'nothing' ? target : source
      for (const [name, contentType, body] of bodies) {
        system.journal.clear()
        await ask(url, { path, headers: { host, 'content-type': contentType, ...headers }, body })
        const [entry] = system.journal.of('Customer/update_customer')
        assert.equal(entry?.bodySha256, sha256(body), name)
        const raw = entry?.rawHeaders ?? []
        assert.equal(raw[raw.findIndex((one) => one.toLowerCase() === 'content-type') + 1], contentType, name)
      }
    })
  }

  test('in the URL path goes up as it was written', async (t) => {
    const { url, target } = await startWorld(t)
    const paths = [
      '/rest/Session/login//{"login":"a/b","password":"../%7B?x=1&//"}',
      `/rest/Session/login//${encodeURIComponent('{"login":"a b","password":"50%/../"}')}/`,
      '/rest/Session/login//{"login":"c","password":"50%zz"}'
    ]
    for (const one of paths) {
      target.journal.clear()
      const reply = await ask(url, { path: one, headers: { host } })
      assert.equal(target.journal.entries[0]?.url, one, reply.text)
    }
  })

  test('with Expect: 100-continue reaches the system', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    const { hostname, port } = new URL(url)
    const body = JSON.stringify({ params: { customer_info: { note: 'n'.repeat(2000) } } })
    const status = await new Promise((resolve, reject) => {
      const request = http.request({
        hostname,
        port,
        method: 'POST',
        path,
        headers: {
          host,
          expect: '100-continue',
          'content-type': 'application/json',
          'content-length': body.length,
          ...bearer(session.accessToken)
        }
      })
      request.on('continue', () => request.end(body))
      request.on('response', (response) => resolve(response.resume().statusCode))
      request.on('error', reject)
      request.flushHeaders()
    })
    assert.equal(status, 200)
    const [entry] = source.journal.of('Customer/update_customer')
    assert.equal(entry?.bodySha256, sha256(body))
    assert.ok(!entry?.rawHeaders.some((name) => name.toLowerCase() === 'expect'))
  })

  test('in chunks, without a length, goes up whole', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    for (const size of [100, 65_536, 65_537, 700_000]) {
      source.journal.clear()
      const body = Buffer.from(JSON.stringify({ params: { x: 'z'.repeat(size - 18) } }))
      const { hostname, port } = new URL(url)
      const headers = { host, 'content-type': 'application/json', ...bearer(session.accessToken) }
      await new Promise<void>((resolve, reject) => {
        const request = http.request({ hostname, port, method: 'POST', path, headers }, (response) => {
          response.resume().on('end', resolve)
        })
        request.on('error', reject)
        for (let at = 0; at < body.length; at += 10_000) request.write(body.subarray(at, at + 10_000))
        request.end()
      })
      assert.equal(source.journal.of('Customer/update_customer')[0]?.bodySha256, sha256(body), String(size))
    }
  })

  test('tells the system who asks, and nobody can forge it; hop-by-hop headers stop', async (t) => {
    const { url, target } = await startWorld(t)
    await ask(url, {
      path,
      headers: {
        host,
        'content-type': 'application/json',
        'X-Forwarded-For': '6.6.6.6',
        X_Forwarded_For: '6.6.6.6',
        'X-Forwarded-Host': 'evil.test',
        'X-Forwarded-Proto': 'https',
        'X-Real-IP': '6.6.6.6',
        Forwarded: 'for=6.6.6.6',
        Connection: 'close, X-Hop',
        'X-Hop': '1',
        TE: 'trailers',
        'Proxy-Authorization': 'Basic eA==',
        'X-Kept': 'Ünd so',
        'X-Twice': ['1', '2']
      },
      // A buffer: Node would write the head in the encoding of a text.
      body: Buffer.from('{"params":{}}')
    })
    const raw = target.journal.entries[0]?.rawHeaders ?? []
    const values = (name: string) => raw.filter((_value, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name)
    assert.deepEqual(values('x-forwarded-for'), ['127.0.0.1'])
    assert.deepEqual(values('x-forwarded-host'), [host])
    assert.deepEqual(values('x-forwarded-proto'), ['http'])
    for (const name of ['x_forwarded_for', 'x-real-ip', 'forwarded', 'x-hop', 'te', 'proxy-authorization']) {
      assert.deepEqual(values(name), [], name)
    }
    assert.deepEqual(values('x-twice'), ['1', '2'])
    assert.deepEqual(values('x-kept'), ['Ünd so'])
    assert.deepEqual(values('host'), [new URL(target.urls.customer).host])
    assert.ok(!raw.join().includes('6.6.6.6'))
  })

  test('from a trusted proxy keeps the client that the proxy saw, not what the client claimed', async (t) => {
    const { url, target } = await startWorld(t, { trustProxy: ['127.0.0.1'] })
    const headers = {
      host: 'balancer.internal',
      'X-Forwarded-Host': host,
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-For': '6.6.6.6, 192.0.2.7'
    }
    await ask(url, { path, headers })
    const raw = target.journal.entries[0]?.rawHeaders ?? []
    const value = (name: string) => raw[raw.findIndex((one) => one.toLowerCase() === name) + 1]
    assert.equal(value('x-forwarded-for'), '192.0.2.7, 127.0.0.1')
    assert.equal(value('x-forwarded-proto'), 'https')
    assert.equal(value('x-forwarded-host'), host)
  })
})

/** A system that answers with exactly these bytes. */
async function rawSystem(t: { after(fn: () => void): void }, answer: Buffer | string) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as net.AddressInfo
  return `http://127.0.0.1:${port}`
}

const answers: readonly [name: string, head: string, body: string][] = [
  [
    'a result',
    'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n',
    '{"balance":1.10, "i_xdr":12345678901234567890}'
  ],
  [
    'a fault',
    'HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n',
    '{"faultcode" : "Server.Account.duplicate_id","faultstring":"Zürich"}\n'
  ],
  ['a status with a phrase of its own', 'HTTP/1.1 299 Quite Fine\r\nX-Odd: \u00e9\u00ff\r\n', 'x'],
  ['a 503 of its own', 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n', 'maintenance'],
  ['compressed', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n', '\u001f\u008b\b'],
  ['twice the same header', 'HTTP/1.1 200 OK\r\nX-Twice: 1\r\nX-Twice: 2\r\n', '']
]

suite('an answer', async () => {
  for (const [name, head, body] of answers) {
    test(`comes down byte for byte: ${name}`, async (t) => {
      const bytes = Buffer.from(
        `${head}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=99\r\nX-Hop: 1\r\nProxy-Authenticate: x\r\n\r\n${body}`,
        'latin1'
      )
      const system = await rawSystem(t, bytes)
      const { url } = await startTestGateway(t, testConfig({ source: { admin: system }, target: { admin: system } }))
      const reply = await ask(url, { path: '/rest/Customer/get_customer_info', headers: { host } })
      assert.equal(reply.status, Number(head.split(' ')[1]))
      assert.equal(reply.body.toString('latin1'), body)
      for (const line of head.split('\r\n').slice(1, -1)) {
        const [header = '', value] = line.split(': ')
        const got = reply.rawHeaders.filter(
          (_one, at) => at % 2 === 1 && reply.rawHeaders[at - 1]?.toLowerCase() === header.toLowerCase()
        )
        assert.ok(got.includes(value ?? ''), `${line}: ${got}`)
      }
      for (const hop of ['x-hop', 'proxy-authenticate']) assert.equal(reply.headers[hop], undefined)
      assert.notEqual(reply.headers['keep-alive'], 'timeout=99')
    })
  }

  test('a 503 with Retry-After is relayed once: one request arrives', async (t) => {
    const { url, target } = await startWorld(t)
    target.faults.add({
      match: { method: 'get_customer_info' },
      fault: { kind: 'status', status: 503, headers: { 'Retry-After': '30' } }
    })
    const reply = await ask(url, { method: 'GET', path: '/rest/Customer/get_customer_info', headers: { host } })
    assert.equal(reply.status, 503)
    assert.equal(reply.headers['retry-after'], '30')
    assert.equal(target.journal.count(), 1)
  })
})

const reads: readonly [name: string, ask: Ask][] = [
  ['a CSV report', { path: '/rest/Customer/get_custom_xdr_report', body: '{"params":{"size_bytes":3000000}}' }],
  ['an invoice PDF', { path: '/rest/Invoice/get_invoice_info', body: '{"params":{"i_invoice":1,"get_pdf":1}}' }],
  ['the API reference', { method: 'GET', path: '/doc/api/CustomerInterface.json' }],
  ['plain REST', { method: 'GET', path: '/espf/v1/subscriptions' }],
  ['PortaSIP', { path: '/portasip/rest/Voicemail/get_settings', body: '{"params":{}}' }],
  ['CallControl', { path: '/rest/CallControl/enable_api_notifications', body: '{"params":{}}' }]
]

test('every family and file comes through as the system itself gives it', async (t) => {
  const { url, source } = await startWorld(t)
  const session = await login(url, 'customer', source.users.firstActiveCustomer())
  const headers = { 'content-type': 'application/json', ...bearer(session.accessToken) }
  for (const [name, one] of reads) {
    const direct = await ask(source.urls.customer, { ...one, headers })
    const through = await ask(url, { ...one, headers: { ...headers, host } })
    assert.equal(through.status, direct.status, name)
    assert.equal(through.headers['x-dispatched-to'], 'source', name)
    assert.equal(sha256(through.body), sha256(direct.body), name)
    for (const header of ['content-type', 'content-disposition', 'content-length']) {
      assert.equal(through.headers[header], direct.headers[header], `${name}: ${header}`)
    }
  }
})
