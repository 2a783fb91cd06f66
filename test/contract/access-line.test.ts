/** One access line per request: its trace, which goes on to the systems, and whose time it was. */
import assert from 'node:assert/strict'
import http from 'node:http'
import { suite, test } from 'node:test'
import type { JournalEntry } from '../../simulator/index.ts'
import { hosts, startTestGateway, startWorld, testConfig } from '../build.ts'
import { ask, bearer, call, login } from '../client.ts'
import { unmoved } from '../dual.ts'
import { enter } from '../reached.ts'
import { accessLine } from '../scrape.ts'
import { until } from '../until.ts'

const host = hosts.customer
const info = 'Customer/get_customer_info'
const id = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'
const good = `00-${id}-${span}-01`
const begun = /^00-([0-9a-f]{32})-[0-9a-f]{16}-00$/

const carriers = /^(?:traceparent|tracestate|b3|x-b3-.*)$/i

/** The headers of a trace that reached a system, as they were written. */
const traceIn = ({ rawHeaders }: JournalEntry) =>
  rawHeaders.flatMap((name, at) => (at % 2 === 0 && carriers.test(name) ? [`${name}: ${rawHeaders[at + 1]}`] : []))

suite('a trace that a client brings', async () => {
  const rows: readonly (readonly [what: string, headers: Record<string, string>])[] = [
    ['W3C', { TraceParent: good, TraceState: 'acme=00f067aa0ba902b7,other=t61rcWkgMzE' }],
    ['W3C, of a later version', { traceparent: `cc-${id}-${span}-01-later` }],
    ['B3, in one header', { b3: `${id}-${span}-1` }],
    ['B3, in several', { 'X-B3-TraceId': id, 'X-B3-SpanId': span, 'X-B3-Sampled': '1', 'X-B3-Flags': '0' }],
    ['both', { traceparent: good, 'X-B3-TraceId': id, 'X-B3-SpanId': span }]
  ]
  test('goes up unchanged, byte for byte, and stands in the access line', async (t) => {
    const world = await startWorld(t)
    for (const [what, headers] of rows) {
      world.target.journal.clear()
      await ask(world.url, { path: `/rest/${info}`, headers: { host, ...headers }, body: '{"params":{}}' })
      const [entry] = world.target.journal.entries
      const sent = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
      assert.deepEqual(traceIn(entry as JournalEntry), sent, what)
      assert.equal((await accessLine(world, info)).trace, id, what)
      world.lines.length = 0
    }
  })

  test('is carried by the calls that the gateway makes for it', async (t) => {
    const world = await startWorld(t)
    const { call: calls } = await enter(world)
    const headers = { traceparent: good, tracestate: 'a=1' }
    const expected = ['traceparent: '.concat(good), 'tracestate: a=1']
    await calls(info, { i_customer: unmoved }, headers)
    await calls('Customer/get_customer_list', { limit: 3 }, headers)
    await call(world.url, 'customer', 'Customer/update_customer', {}, { headers: { ...headers, ...bearer('unknown') } })
    const entries = [...world.source.journal.entries, ...world.target.journal.entries]
    assert.deepEqual(
      new Set(entries.map(({ method }) => method)),
      new Set(['get_customer_info', 'get_customer_list', 'ping', 'update_customer'])
    )
    for (const entry of entries) assert.deepEqual(traceIn(entry), expected, String(entry.method))
  })
})

suite('a request without a trace', async () => {
  const rows: readonly (readonly [what: string, headers: Record<string, string | string[]>])[] = [
    ['that shows none', {}],
    ['whose traceparent is malformed', { traceparent: good.toUpperCase(), tracestate: 'a=1' }],
    ['that has a trace id of zeros', { traceparent: `00-${'0'.repeat(32)}-${span}-01`, tracestate: 'a=1' }],
    ['that shows two', { traceparent: [good, good.replace('4b', '5b')], tracestate: 'a=1' }],
    ['that has a tracestate alone', { tracestate: 'a=1' }]
  ]
  test('begins one, and what was no good goes no further', async (t) => {
    const world = await startWorld(t)
    for (const [what, headers] of rows) {
      world.target.journal.clear()
      await ask(world.url, { path: `/rest/${info}`, headers: { host, ...headers }, body: '{"params":{}}' })
      const [, name, value = ''] =
        /^(.*?): (.*)$/.exec(traceIn(world.target.journal.entries[0] as JournalEntry).join()) ?? []
      assert.equal(name, 'traceparent', what)
      assert.match(value, begun, what)
      assert.equal((await accessLine(world, info)).trace, begun.exec(value)?.[1], what)
      world.lines.length = 0
    }
  })

  test('has one for all that is sent for it', async (t) => {
    const world = await startWorld(t)
    const { call: calls } = await enter(world)
    await calls(info, { i_customer: unmoved })
    const entries = [...world.source.journal.entries, ...world.target.journal.entries]
    assert.equal(entries.length, 3)
    const [first = ''] = traceIn(entries[0] as JournalEntry)
    assert.match(first, /^traceparent: /)
    for (const entry of entries) assert.deepEqual(traceIn(entry), [first])
  })
})

test('ids of requests are of one process each', async (t) => {
  const world = await startWorld(t)
  const urls = { source: world.source.urls, target: world.target.urls }
  const other = await startTestGateway(t, testConfig(urls))
  for (const { url } of [world, world, other]) await ask(url, { path: `/rest/${info}`, headers: { host } })
  const idsOf = ({ lines }: Pick<typeof world, 'lines'>, count: number) =>
    until(() => {
      const found = lines.flatMap(({ msg, reqId }) => (msg === 'request' ? [String(reqId)] : []))
      assert.equal(found.length, count)
      return found
    })
  const [first = '', second = ''] = await idsOf(world, 2)
  const [foreign = ''] = await idsOf(other, 1)
  for (const one of [first, second, foreign]) assert.match(one, /^[0-9a-z]{6}-[0-9a-z]+$/)
  assert.equal(first.split('-')[0], second.split('-')[0])
  assert.notEqual(first, second)
  assert.notEqual(first.split('-')[0], foreign.split('-')[0])
})

/** What a slow system, or a slow client, takes in these tests, ms; nothing of ours takes half of it. */
const slowMs = 400

/** The request took that long, and next to nothing of it was the gateway's own. */
function assertElsewhere({ ms, ownMs, upstreamMs }: Record<string, unknown>) {
  assert.ok(Number(ms) >= slowMs - 5, `${ms} ms in all`)
  assert.ok(Number(ownMs) >= 0 && Number(ownMs) < slowMs / 2, `${ownMs} of ${ms} ms are its own`)
  if (upstreamMs !== undefined) assert.ok(Number(upstreamMs) <= Number(ms))
}

suite("the gateway's own share of a request", async () => {
  test('has nothing of the time that a slow system takes', async (t) => {
    const world = await startWorld(t)
    const { url, source, target } = world
    const session = await login(url, 'customer', source.users.firstActiveCustomer())
    const admin = await enter(world)
    const delayed = (method: string) => {
      const rule = { match: { method }, fault: { kind: 'delay', ms: slowMs } } as const
      const handles = [source.faults.add(rule), target.faults.add(rule)]
      return () => {
        for (const handle of handles) handle.remove()
      }
    }
    const rows: readonly (readonly [slow: string, name: string, ask: () => Promise<unknown>])[] = [
      ['get_customer_info', info, () => call(url, 'customer', info, {}, { headers: bearer(session.accessToken) })],
      ['login', 'Session/login', () => login(url, 'customer', target.users.firstActiveCustomer())],
      ['get_customer_list', 'Customer/get_customer_list', () => admin.call('Customer/get_customer_list', { limit: 3 })],
      [
        'ping',
        'Customer/update_customer',
        () => call(url, 'customer', 'Customer/update_customer', {}, { headers: bearer('x') })
      ],
      ['get_account_info', 'Account/update_account', () => admin.call('Account/update_account', { i_account: 1 })]
    ]
    for (const [slow, name, asks] of rows) {
      const undo = delayed(slow)
      await asks()
      undo()
      assertElsewhere(await accessLine(world, name))
    }
  })

  test('has nothing of the time that a slow client takes for its body', async (t) => {
    const world = await startWorld(t)
    const { hostname, port } = new URL(world.url)
    const body = '{"params":{}}'
    // By its 100 the gateway tells that it has the head: its time runs.
    const expect = '100-continue'
    const headers = { host, 'content-type': 'application/json', 'content-length': body.length, expect }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const request = http.request({ hostname, port, method: 'POST', path: `/rest/${info}`, headers, agent: false })
    request.on('response', (response) => response.resume().on('end', resolve)).on('error', reject)
    request.on('continue', () => {
      request.write(body.slice(0, 5))
      // The client's own slowness is what is measured.
      setTimeout(() => request.end(body.slice(5)), slowMs)
    })
    request.flushHeaders()
    await promise
    assertElsewhere(await accessLine(world, info))
  })

  test('is all of a request that the gateway answers by itself', async (t) => {
    const world = await startWorld(t)
    await ask(world.url, { path: `/rest/${info}`, headers: { host: 'stranger.test' } })
    const { ms, ownMs } = await accessLine(world, info)
    assert.equal(ownMs, ms)
  })
})
