/**
 * docker/haproxy.cfg, run by HAProxy before two gateways that do as they are told: what is sent twice and what never is,
 * who is believed, and what becomes of requests when a gateway or HAProxy itself goes.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import http, { type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { type Haproxy, haproxyFile, startHaproxy } from '../../fleet/haproxy.ts'
import { freePorts } from '../../fleet/ports.ts'
import { createProcesses, type Processes } from '../../fleet/processes.ts'
import { ask } from '../client.ts'
import { until } from '../until.ts'
import { withoutPrograms as skip } from './programs.ts'

interface Seen {
  readonly name: string
  readonly headers: IncomingHttpHeaders
}

/** What reached the gateways, in order. */
let seen: Seen[] = []
/** What a gateway does with a request, once it has all of it. */
let act: RequestListener = (_request, response) => response.end('{}')

const answerAll: RequestListener = (_request, response) => response.end('{}')
const dieOver: RequestListener = (request) => request.socket.destroy()

const portOf = (server: Server) => (server.address() as AddressInfo).port

function listen(listener: RequestListener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 75_000
  return server
}

function createStub(name: string) {
  const stub = { name, isReady: true, server: null as Server | null, ops: null as Server | null }
  stub.server = listen((request, response) => {
    seen.push({ name, headers: request.headers })
    request.resume().once('end', () => act(request, response))
  })
  stub.ops = listen((_request, response) => response.writeHead(stub.isReady ? 200 : 503).end())
  return stub
}

const stubs = [createStub('gateway-1'), createStub('gateway-2')]
let processes: Processes
let haproxy: Haproxy
let origin = ''

before(async () => {
  if (skip !== false) return
  const servers = stubs.flatMap(({ server, ops }) => [server as Server, ops as Server])
  await Promise.all(servers.map((server) => server.listening || once(server, 'listening')))
  const gateways = stubs.map(({ server, ops }) => ({ port: portOf(server as Server), opsPort: portOf(ops as Server) }))
  const [port = 0, statisticsPort = 0] = await freePorts(2)
  processes = createProcesses()
  haproxy = await startHaproxy(processes, { port, statisticsPort, gateways })
  origin = `http://127.0.0.1:${port}`
})
after(async () => {
  for (const { server, ops } of stubs) {
    for (const one of [server, ops]) one?.close().closeAllConnections()
  }
  await processes?.end()
})
beforeEach(() => {
  seen = []
  act = answerAll
})

test('haproxy finds nothing wrong with docker/haproxy.cfg', { skip }, () => {
  const { status, stderr } = spawnSync('haproxy', ['-c', '-f', haproxyFile], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  // Names of containers mean nothing here.
  for (const line of stderr.match(/^.*\[WARNING\].*$/gm) ?? [])
    assert.match(line, /could not resolve address 'gateway-[12]'/)
})

test('what a client says of who asks passes in no spelling', { skip }, async () => {
  const forged = { 'X-FORWARDED-For': '8.8.8.8', 'x-forwarded-host': 'evil.test', 'X-Forwarded-Proto': 'https' }
  await ask(origin, { path: '/rest/Customer/update_customer', headers: { ...forged, Forwarded: 'for=8.8.8.8' } })
  const [{ headers } = assert.fail('nothing arrived')] = seen
  const told = Object.entries(headers).filter(([name]) => name.includes('forwarded'))
  assert.deepEqual(told.toSorted(), [
    ['x-forwarded-for', '127.0.0.1'],
    ['x-forwarded-proto', 'http']
  ])
})

const reads = ['/rest/Customer/get_customer_info', '/rest/Session/ping', '/rest/Customer/get_customer_info/{}/{}']
for (const path of reads) {
  for (const method of ['POST', 'GET']) {
    test(`a gateway dies over ${method} ${path}: the other one answers`, { skip }, async () => {
      act = (request, response) => (seen.length === 1 ? dieOver(request, response) : response.end('{}'))
      const { status } = await ask(origin, { method, path, ...(method === 'POST' && { body: '{}' }) })
      assert.equal(status, 200)
      assert.equal(new Set(seen.map(({ name }) => name)).size, 2)
    })
  }
}

const sentOnce = [
  ['POST', '/rest/Customer/update_customer'],
  ['GET', '/rest/Customer/update_customer/{}/{}'],
  ['GET', '/rest/Customer/get_info/../update_customer/{}/{}'],
  ['GET', '/rest/Customer/get_info/%2E%2e/update_customer/{}/{}'],
  ['POST', '/rest/Session/login'],
  ['POST', '/rest/Customer/forget_get_customer'],
  ['POST', '/soap/get_customer_info'],
  ['POST', '/graphql'],
  ['GET', '/dashboard'],
  ['GET', '/get_it/rest/Customer/get_customer_info']
] as const
for (const [method, path] of sentOnce) {
  test(`a gateway dies over ${method} ${path}: it is sent once, and the client is told`, { skip }, async () => {
    act = dieOver
    const reply = await ask(origin, { method, path, ...(method === 'POST' && { body: '{}' }) })
    assert.equal(reply.status, 502)
    assert.equal(reply.json().faultcode, 'Server.Dispatcher.bad_gateway')
    assert.equal(seen.length, 1)
  })
}

for (const [bytes, times] of [
  [16_384, 2],
  [40_000, 1]
] as const) {
  test(`a read with a body of ${bytes} bytes is sent ${times === 1 ? 'once' : 'again'}`, { skip }, async () => {
    act = (request, response) => (seen.length === 1 ? dieOver(request, response) : response.end('{}'))
    await ask(origin, { path: '/rest/Customer/get_customer_info', body: ' '.repeat(bytes) })
    assert.equal(seen.length, times)
  })
}

test('a gateway that says 503 gets nothing new within a second, and finishes what it has', { skip }, async () => {
  const begun = new Promise<() => void>((resolve) => {
    act = (_request, response) => resolve(() => response.end('{}'))
  })
  const slow = ask(origin, { path: '/rest/Customer/update_customer', body: '{}' })
  const finish = await begun
  act = answerAll
  const stopping = stubs.find(({ name }) => name === seen[0]?.name) ?? assert.fail('nothing arrived')
  stopping.isReady = false
  const startedAt = performance.now()
  await until(async () => (await haproxy.statusOf(stopping.name)) === 'DOWN')
  assert.ok(performance.now() - startedAt < 1000)
  for (const path of ['/rest/Customer/get_customer_info', '/rest/Customer/update_customer', '/rest/Session/ping']) {
    assert.equal((await ask(origin, { path, body: '{}' })).status, 200)
    assert.notEqual(seen.at(-1)?.name, stopping.name)
  }
  finish()
  assert.equal((await slow).status, 200)
  stopping.isReady = true
  await until(async () => (await haproxy.statusOf(stopping.name)) === 'UP')
})

test('no gateway is there: JSON, SOAP and browsers each get 503 in their own way', { skip }, async () => {
  for (const stub of stubs) stub.isReady = false
  await until(async () => (await Promise.all(stubs.map(({ name }) => haproxy.statusOf(name)))).join() === 'DOWN,DOWN')
  const json = await ask(origin, { path: '/rest/Customer/update_customer', body: '{}' })
  assert.deepEqual([json.status, json.headers['retry-after']], [503, '1'])
  assert.equal(json.json().faultcode, 'Server.Dispatcher.system_unavailable')
  const soap = await ask(origin, { path: '/soap/', body: '<a/>' })
  assert.deepEqual([soap.status, soap.headers['content-type']], [503, 'text/xml; charset=utf-8'])
  assert.match(soap.text, /<faultcode>Server\.Dispatcher\.system_unavailable<\/faultcode>/)
  const page = await ask(origin, { method: 'GET', path: '/dashboard', headers: { accept: 'text/html' } })
  assert.deepEqual([page.status, page.headers['content-type']], [503, 'text/html; charset=utf-8'])
  assert.match(page.text, /not available right now/)
  for (const { headers, text } of [json, soap, page]) {
    assert.doesNotMatch(JSON.stringify(headers) + text, /haproxy|127\.0\.0\.1/i)
  }
  for (const stub of stubs) stub.isReady = true
  await until(async () => (await Promise.all(stubs.map(({ name }) => haproxy.statusOf(name)))).join() === 'UP,UP')
})

/** Requests one after the other on a connection that is kept; its failures. */
async function keepAsking(agent: http.Agent, path: string, isOver: () => boolean) {
  const { hostname, port } = new URL(origin)
  const failures: string[] = []
  let answered = 0
  while (!isOver()) {
    const request = http.request({ hostname, port, agent, path, method: 'POST' }).end('{}')
    try {
      const [response] = await once(request, 'response')
      await once(response.resume(), 'end')
      if (response.statusCode === 200) answered++
      else failures.push(String(response.statusCode))
    } catch (error) {
      failures.push((error as NodeJS.ErrnoException).code ?? 'no code')
    }
  }
  return { failures, answered }
}

test('HAProxy reads its file again twice under load: nothing is lost', { skip }, async (t) => {
  let isOver = false
  const paths = ['/rest/Customer/get_customer_info', '/rest/Customer/update_customer']
  const asking = [...paths, ...paths].map((path) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    return keepAsking(agent, path, () => isOver)
  })
  for (let time = 0; time < 2; time++) {
    const before = seen.length
    await until(() => seen.length > before + 20)
    await haproxy.reload()
  }
  const before = seen.length
  await until(() => seen.length > before + 20)
  isOver = true
  for (const { failures, answered } of await Promise.all(asking)) {
    assert.deepEqual(failures, [])
    assert.ok(answered > 0)
  }
})

test("HAProxy's log tells how a request went, and nothing of what it said", { skip }, async () => {
  const headers = { 'x-secret': 'in-a-header', cookie: 'session_id=in-a-cookie' }
  await ask(origin, { method: 'GET', path: '/rest/Session/login/{"password":"in-a-path"}?p=in-a-query', headers })
  await until(() => /"http":"GET","status":"200","server":"others\/gateway-[12]"/.test(processes.log('haproxy')))
  assert.doesNotMatch(processes.log('haproxy'), /in-a-|rest|Session|login/)
})
