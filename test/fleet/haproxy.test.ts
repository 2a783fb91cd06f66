/**
 * docker/haproxy.cfg, run by HAProxy before two gateways that do as they are told: what is sent twice and what never is,
 * who is believed, and what becomes of requests when a gateway or HAProxy itself goes.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import { type Haproxy, haproxyFile, startHaproxy } from '../../fleet/haproxy.ts'
import { freePorts } from '../../fleet/ports.ts'
import { createProcesses, type Processes } from '../../fleet/processes.ts'
import { ask } from '../client.ts'
import { until } from '../until.ts'
import { keepAsking } from './keep-asking.ts'
import { withoutPrograms as skip } from './programs.ts'
import { answerAll, dieOver, type Stubs, startStubs } from './stubs.ts'

const names = ['gateway-1', 'gateway-2'] as const
let stubs: Stubs
let state: Stubs['state']
let processes: Processes
let haproxy: Haproxy
let origin = ''
let statisticsUrl = ''

before(async () => {
  if (skip !== false) return
  stubs = await startStubs(names)
  state = stubs.state
  const [port = 0, statisticsPort = 0] = await freePorts(2)
  processes = createProcesses()
  haproxy = await startHaproxy(processes, { port, statisticsPort, gateways: stubs.places })
  origin = `http://127.0.0.1:${port}`
  statisticsUrl = `http://127.0.0.1:${statisticsPort}`
})
after(async () => {
  stubs?.close()
  await processes?.end()
})
const areAll = (status: string) =>
  until(async () => (await Promise.all(names.map(haproxy.statusOf))).every((one) => one === status))

beforeEach(async () => {
  if (skip !== false) return
  Object.assign(state, { seen: [], act: answerAll })
  state.unready.clear()
  await areAll('UP')
})

/** The first request is lost, all others are answered. */
const dieOnce: typeof dieOver = (request, response) =>
  (state.seen.length === 1 ? dieOver : answerAll)(request, response)

/** Whether the script that docs/fleet.md gives keepalived finds HAProxy well. */
function isWell(): boolean {
  const document = readFileSync(new URL('../../docs/fleet.md', import.meta.url), 'utf8')
  const [, script = ''] = /^```sh\n(#!\/bin\/sh\n[\s\S]*?)^```$/m.exec(document) ?? []
  assert.match(script, /haproxy-is-well/)
  const here = script.replaceAll('http://127.0.0.1:8404', statisticsUrl)
  return spawnSync('sh', ['-c', here]).status === 0
}

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
  const [{ headers } = assert.fail('nothing arrived')] = state.seen
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
      state.act = dieOnce
      const { status } = await ask(origin, { method, path, ...(method === 'POST' && { body: '{}' }) })
      assert.equal(status, 200)
      assert.equal(new Set(state.seen.map(({ name }) => name)).size, 2)
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
    state.act = dieOver
    const reply = await ask(origin, { method, path, ...(method === 'POST' && { body: '{}' }) })
    assert.equal(reply.status, 502)
    assert.equal(reply.json().faultcode, 'Server.Dispatcher.bad_gateway')
    assert.equal(state.seen.length, 1)
  })
}

for (const [bytes, times] of [
  [16_384, 2],
  [40_000, 1]
] as const) {
  test(`a read with a body of ${bytes} bytes is sent ${times === 1 ? 'once' : 'again'}`, { skip }, async () => {
    state.act = dieOnce
    await ask(origin, { path: '/rest/Customer/get_customer_info', body: ' '.repeat(bytes) })
    assert.equal(state.seen.length, times)
  })
}

test('a gateway that says 503 soon gets nothing new, and finishes what it has', { skip }, async () => {
  const begun = new Promise<() => void>((resolve) => {
    state.act = (_request, response) => resolve(() => response.end('{}'))
  })
  const slow = ask(origin, { path: '/rest/Customer/update_customer', body: '{}' })
  const finish = await begun
  state.act = answerAll
  const [{ name: stopping } = assert.fail('nothing arrived')] = state.seen
  state.unready.add(stopping)
  const startedAt = performance.now()
  await until(async () => (await haproxy.statusOf(stopping)) === 'DOWN')
  assert.ok(performance.now() - startedAt < 2000)
  for (const path of ['/rest/Customer/get_customer_info', '/rest/Customer/update_customer', '/rest/Session/ping']) {
    assert.equal((await ask(origin, { path, body: '{}' })).status, 200)
    assert.notEqual(state.seen.at(-1)?.name, stopping)
  }
  finish()
  assert.equal((await slow).status, 200)
})

test('no gateway is there: JSON, SOAP and browsers each get 503 in their own way, and keepalived knows', {
  skip
}, async () => {
  assert.ok(isWell())
  for (const name of names) state.unready.add(name)
  await areAll('DOWN')
  assert.ok(!isWell())
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
})

test('HAProxy reads its file again twice under load: nothing is lost', { skip }, async () => {
  let isOver = false
  const paths = ['/rest/Customer/get_customer_info', '/rest/Customer/update_customer']
  const asking = [...paths, ...paths].map((path) => keepAsking(origin, path, () => isOver))
  const someAre = () => {
    const before = state.seen.length
    return until(() => state.seen.length > before + 20)
  }
  try {
    for (let time = 0; time < 2; time++) {
      await someAre()
      await haproxy.reload()
    }
    await someAre()
  } finally {
    isOver = true
  }
  for (const { failures, answered } of await Promise.all(asking)) {
    assert.deepEqual(failures, [])
    assert.ok(answered > 0)
  }
})

/** One request of a client who keeps its connection, and who has got its answer. */
async function askOn(agent: http.Agent, path: string, headers: Record<string, string>) {
  const { hostname, port } = new URL(origin)
  const request = http.get({ hostname, port, agent, path, headers })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  await once(response.resume(), 'end')
  return { status: response.statusCode, isReused: request.reusedSocket, ended: response.headers.connection }
}

for (const [who, path, accept] of [
  ['a browser', '/dashboard', 'text/html'],
  ['a SOAP client', '/soap/', 'text/xml']
] as const) {
  test(`${who} is idle while HAProxy reads its file again: the old process gives its next answer`, {
    skip
  }, async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    try {
      assert.equal((await askOn(agent, path, { accept })).status, 200)
      const stops = () => processes.log('haproxy').split('Proxy reads stopped').length
      const before = stops()
      await haproxy.reload()
      await until(() => stops() > before)
      assert.deepEqual(await askOn(agent, path, { accept }), { status: 200, isReused: true, ended: 'close' })
    } finally {
      agent.destroy()
    }
  })
}

test("HAProxy's log tells how a request went, and nothing of what it said", { skip }, async () => {
  const headers = { 'x-secret': 'in-a-header', cookie: 'session_id=in-a-cookie' }
  await ask(origin, { method: 'GET', path: '/rest/Session/login/{"password":"in-a-path"}?p=in-a-query', headers })
  await until(() => /"http":"GET","status":"200","server":"others\/gateway-[12]"/.test(processes.log('haproxy')))
  assert.doesNotMatch(processes.log('haproxy'), /in-a-|rest|Session|login/)
})
