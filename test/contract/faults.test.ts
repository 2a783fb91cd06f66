/** Contract section 7: what a failing system gives, and what a leaving client costs. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type ServerResponse } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { hosts, startTestGateway, startWorld, systemConfig, testConfig } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'

const host = hosts.customer

suite('a system that', async () => {
  const failures = [
    { name: 'resets before it reads', fault: { kind: 'reset', at: 'request' }, status: 502, code: 'bad_gateway' },
    {
      name: 'resets before the headers',
      fault: { kind: 'reset', at: 'before-headers' },
      status: 502,
      code: 'bad_gateway'
    },
    { name: 'answers in no HTTP', fault: { kind: 'garbage' }, status: 502, code: 'bad_gateway' },
    { name: 'hangs', fault: { kind: 'hang' }, status: 504, code: 'system_timeout' }
  ] as const
  for (const { name, fault, status, code } of failures) {
    test(`${name} gives ${status} ${code}, and a write arrives once`, async (t) => {
      const { source, target } = await startWorld(t)
      const systems = Object.fromEntries(
        (
          [
            ['source', source],
            ['target', target]
          ] as const
        ).map(([role, system]) => [
          role,
          systemConfig(system.release, system.urls, { timeouts: { connect: 500, headers: 300 } })
        ])
      )
      const { url } = await startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, { systems }))
      const session = await login(url, 'customer', source.users.firstActiveCustomer())
      source.faults.add({ match: { service: 'Customer' }, fault })
      const reply = await call(
        url,
        'customer',
        'Customer/update_customer',
        { customer_info: {} },
        { headers: bearer(session.accessToken) }
      )
      assert.equal(reply.status, status)
      assert.equal(reply.json().faultcode, `Server.Dispatcher.${code}`)
      assert.match(String(reply.json().faultstring), /source/)
      assert.equal(source.journal.count('Customer/update_customer'), 1)
      assert.equal(target.journal.count('Customer/update_customer'), 0)
    })
  }

  test('is down gives 503 system_unavailable with Retry-After; the other one goes on', async (t) => {
    const { url, source, target } = await startWorld(t)
    const [unmoved, moved] = [
      await login(url, 'customer', source.users.firstActiveCustomer()),
      await login(url, 'customer', target.users.firstActiveCustomer())
    ]
    await source.stop()
    const down = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(unmoved.accessToken) })
    assert.equal(down.status, 503)
    assert.equal(down.json().faultcode, 'Server.Dispatcher.system_unavailable')
    assert.ok(Number(down.headers['retry-after']) > 0)
    const up = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(moved.accessToken) })
    assert.equal(up.status, 200)
    await source.start()
    const back = await call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(unmoved.accessToken) })
    assert.equal(back.status, 200)
  })

  test('breaks off in an answer gives a broken connection, never a short answer that looks whole', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'half' } })
    await assert.rejects(
      call(url, 'customer', 'Customer/get_customer_info', {}, { headers: bearer(session.accessToken) }),
      /aborted|ECONNRESET|socket hang up/
    )
  })

  // Browsers send a request again, a write too, when its connection ends without a byte.
  test('breaks off behind its headers gives a fault while the client has nothing of them', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'reset', at: 'after-headers' } })
    const reply = await call(url, 'customer', 'Customer/update_customer', {}, { headers: bearer(session.accessToken) })
    assert.equal(reply.status, 502)
    assert.equal(reply.json().faultcode, 'Server.Dispatcher.bad_gateway')
    assert.equal(source.journal.count('Customer/update_customer'), 1)
  })

  const brokenOffs = [
    { version: '1.1', framing: 'Content-Length: 100', body: 'hi', ends: 'ends' },
    { version: '1.1', framing: 'Transfer-Encoding: chunked', body: '2\r\nhi\r\nno chunk', ends: 'ends' },
    { version: '1.0', framing: 'Transfer-Encoding: chunked', body: '2\r\nhi\r\nno chunk', ends: 'is reset' }
  ] as const
  for (const { version, framing, body, ends } of brokenOffs) {
    test(`breaks off at once, ${framing}: a client of HTTP/${version} gets what has come, and its connection ${ends}`, async (t) => {
      const system = net.createServer((socket) =>
        socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${body}`))
      )
      await once(system.listen(0, '127.0.0.1'), 'listening')
      t.after(() => system.close())
      const admin = `http://127.0.0.1:${(system.address() as AddressInfo).port}`
      const { addresses } = await startTestGateway(
        t,
        testConfig({ source: { admin }, target: { admin } }, { defaultRealm: 'customer' })
      )
      const client = net.connect(addresses[0]?.port ?? 0, '127.0.0.1')
      let text = ''
      let isReset = false
      client.on('data', (chunk) => {
        text += chunk
      })
      client.on('error', ({ code }: NodeJS.ErrnoException) => {
        isReset = code === 'ECONNRESET'
      })
      client.write(`GET /page HTTP/${version}\r\nHost: ${hosts.customer}\r\nConnection: keep-alive\r\n\r\n`)
      await new Promise((resolve) => client.on('close', resolve))
      assert.equal(isReset, ends === 'is reset')
      if (!isReset) assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*hi(?!\r\n0)/)
    })
  }

  test('sends events one by one: the head does not wait for the first', async (t) => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<ServerResponse>()
    const system = http.createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      begin(response)
    })
    await once(system.listen(0, '127.0.0.1'), 'listening')
    t.after(() => system.close())
    const admin = `http://127.0.0.1:${(system.address() as AddressInfo).port}`
    const { url } = await startTestGateway(
      t,
      testConfig({ source: { admin }, target: { admin } }, { defaultRealm: 'customer' })
    )
    const reply = await fetch(`${url}/events`)
    assert.equal(reply.headers.get('content-type'), 'text/event-stream')
    ;(await begun).end('data: 1\n\n')
    assert.equal(await reply.text(), 'data: 1\n\n')
  })

  test('gives a business fault is relayed as it is, as 500', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    const direct = await call(
      source.urls.customer,
      'customer',
      'Customer/no_such_method',
      {},
      { headers: bearer(session.accessToken) }
    )
    const through = await call(url, 'customer', 'Customer/no_such_method', {}, { headers: bearer(session.accessToken) })
    assert.equal(through.status, 500)
    assert.equal(through.text, direct.text)
  })
})

suite("the gateway's own faults", async () => {
  const askers = [
    {
      name: 'JSON for an API call',
      path: '/rest/Customer/get_customer_info',
      accept: 'text/html',
      type: /^application\/json/,
      text: /"faultcode":"Server\.Dispatcher/
    },
    {
      name: 'SOAP for SOAP',
      path: '/soap/Customer/get_customer_info',
      accept: '*/*',
      type: /^text\/xml/,
      text: /<soap:Fault><faultcode>Server\.Dispatcher/
    },
    {
      name: "a page for a browser's page",
      path: '/dashboard',
      accept: 'text/html,*/*',
      type: /^text\/html/,
      text: /<h1>We are not available right now<\/h1>[\s\S]*Server\.Dispatcher\.system_unavailable/
    },
    {
      name: 'JSON for a page asked by a script',
      path: '/dashboard',
      accept: '*/*',
      type: /^application\/json/,
      text: /"faultcode":"Server\.Dispatcher/
    }
  ]
  for (const { name, path, accept, type, text } of askers) {
    test(`come as ${name}`, async (t) => {
      const { url, source, target } = await startWorld(t)
      await Promise.all([source.stop(), target.stop()])
      const reply = await ask(url, { method: 'GET', path, headers: { host, accept } })
      assert.equal(reply.status, 503)
      assert.match(String(reply.headers['content-type']), type)
      assert.match(reply.text, text)
    })
  }
})

/** Sends a call and leaves when `arrived` says so. */
async function leave(url: string, path: string, token: string, arrived: Promise<unknown>) {
  const { hostname, port } = new URL(url)
  const request = http.request({
    hostname,
    port,
    method: 'POST',
    path,
    headers: { host, ...bearer(token) },
    agent: false
  })
  request.on('error', () => {})
  request.end('{"params":{}}')
  await arrived
  request.destroy()
}

suite('a client that leaves', async () => {
  test('cancels its read at the system', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'hang' } })
    const arrived = source.journal.next(({ method }) => method === 'get_customer_info')
    const gone = source.journal.next(({ method, aborted }) => method === 'get_customer_info' && aborted)
    await leave(url, '/rest/Customer/get_customer_info', session.accessToken, arrived)
    assert.equal((await gone).aborted, true)
  })

  test('lets its write finish', async (t) => {
    const { url, source, lines } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'delay', ms: 150 } })
    const arrived = source.journal.next(({ method }) => method === 'update_customer')
    const answered = source.journal.next(({ method, status }) => method === 'update_customer' && status !== null)
    await leave(url, '/rest/Customer/update_customer', session.accessToken, arrived)
    const entry = await answered
    assert.equal(entry.aborted, false)
    assert.equal(entry.status, 200)
    assert.ok(
      lines.some(
        ({ msg, call: name, aborted }) => msg === 'request' && name === 'Customer/update_customer' && aborted === true
      )
    )
  })

  test('lets its write finish even when the gateway stops meanwhile', async (t) => {
    const { url, source, stop } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    source.faults.add({ match: { service: 'Customer' }, fault: { kind: 'delay', ms: 300 } })
    const arrived = source.journal.next(({ method }) => method === 'update_customer')
    const answered = source.journal.next(({ method, status }) => method === 'update_customer' && status !== null)
    await leave(url, '/rest/Customer/update_customer', session.accessToken, arrived)
    await stop()
    assert.equal((await answered).aborted, false)
  })

  test('during its upload ends the upload at the system', async (t) => {
    const { url, source } = await startWorld(t)
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    const { hostname, port } = new URL(url)
    const gone = source.journal.next(({ method, aborted }) => method === 'upload_something' && aborted)
    const headers = {
      host,
      'content-type': 'application/octet-stream',
      'content-length': 10_000_000,
      ...bearer(session.accessToken)
    }
    const request = http.request({
      hostname,
      port,
      method: 'POST',
      path: '/rest/Account/upload_something',
      headers,
      agent: false
    })
    request.on('error', () => {})
    const arrived = source.journal.next(({ method }) => method === 'upload_something')
    request.write(Buffer.alloc(500_000))
    await arrived
    request.destroy()
    assert.equal((await gone).status === 200, false)
  })
})

test('an answer that comes before the whole body is relayed, and the connection closed', async (t) => {
  const early = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'))
  })
  await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve))
  t.after(() => early.close())
  const admin = `http://127.0.0.1:${(early.address() as net.AddressInfo).port}`
  const { url } = await startTestGateway(t, testConfig({ source: { admin }, target: { admin } }))
  const { hostname, port } = new URL(url)
  const headers = { host, 'content-type': 'text/csv', 'content-length': 1_000_000 }
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  const request = http.request(
    { hostname, port, method: 'POST', path: '/rest/Account/upload_something', headers, agent: false },
    resolve
  )
  request.on('error', reject)
  request.write(Buffer.alloc(100_000))
  const response = await promise
  assert.equal(response.statusCode, 413)
  assert.equal(response.headers.connection, 'close')
  assert.equal(Buffer.concat(await response.toArray()).toString(), 'no')
})

test('an answer that began before the body was sent may take longer than the headers may', async (t) => {
  const bodyBytes = 1_000_000
  const server = net.createServer((socket) => {
    let bytes = 0
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (bytes === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok')
      bytes += chunk.length
      // The second half comes well after `timeouts.headers`.
      if (bytes >= bodyBytes) setTimeout(() => socket.write('ay'), 900)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const admin = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`
  const slow = systemConfig('MR100', { admin }, { timeouts: { headers: 200 } })
  const systems = { source: slow, target: { ...slow, release: 'MR115' } }
  const { url } = await startTestGateway(t, testConfig({ source: { admin }, target: { admin } }, { systems }))
  const { hostname, port } = new URL(url)
  const headers = { host, 'content-type': 'text/csv', 'content-length': bodyBytes }
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  const path = '/rest/Account/upload_something'
  const request = http.request({ hostname, port, method: 'POST', path, headers, agent: false }, resolve)
  request.on('error', reject)
  request.write(Buffer.alloc(bodyBytes / 2))
  const response = await promise
  request.end(Buffer.alloc(bodyBytes / 2))
  assert.equal(Buffer.concat(await response.toArray()).toString(), 'okay')
})
