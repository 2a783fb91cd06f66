/**
 * Contract section 8: a method that a system's release does not have. The system's own fault goes on byte for byte, and is
 * counted by method and system, whoever asked; the simulator has SIM cards from MR115 on.
 */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startTestGateway, testConfig } from '../build.ts'
import { bearer, call, login } from '../client.ts'
import { startGraphqlWorld } from '../graphql/client.ts'
import { ownCall, sharedLists } from '../lists.ts'
import { becomes, scrape } from '../scrape.ts'
import { elementOf, sessionElement, soapCall } from '../soap.ts'

const simList = 'SIMCard/get_sim_card_list'
const simInfo = 'SIMCard/get_sim_card_info'
const partial = { prefer: 'dispatcher=partial' }
const match = { service: 'SIMCard' }

const shared = await sharedLists()
const { app, url, source, target } = shared

const rowOf = (name: string, system: string) =>
  app.methodsMissing.list().find((row) => row.call === name && row.system === system)
const countOf = (name: string, system = 'source') => rowOf(name, system)?.count ?? 0

async function customerSession() {
  const user = source.users.firstActiveCustomer()
  return { user, session: await login(url, 'customer', user) }
}

suite('the system’s own fault', async () => {
  test('goes on byte for byte and is counted by method, system and release, and in the metrics', async () => {
    const { user, session } = await customerSession()
    const asked = { headers: bearer(session.accessToken) }
    const before = Date.now()
    const reply = await call(url, 'customer', simInfo, {}, asked)
    const own = await ownCall(source, simInfo, {}, 'customer', user)
    assert.deepEqual([reply.status, reply.text], [500, own.text])
    assert.equal(reply.json().faultcode, 'Server.SIMCard.unknown_method')
    await becomes(shared, `missing_methods_total{system="source",method="${simInfo}"}`, 1)
    const row = rowOf(simInfo, 'source')
    assert.deepEqual({ ...row, at: 0 }, { call: simInfo, system: 'source', release: 'MR100', count: 1, at: 0 })
    assert.ok(row !== undefined && row.at >= before && row.at <= Date.now())
    await call(url, 'customer', simInfo, {}, asked)
    await becomes(shared, `missing_methods_total{system="source",method="${simInfo}"}`, 2)
    const lines = shared.lines.filter(({ msg, call: name }) => /does not have a method/.test(msg) && name === simInfo)
    assert.equal(lines.length, 1, 'the log tells it once')
  })

  test('is seen in SOAP too, where the URL or the envelope names the method', async () => {
    const { session } = await customerSession()
    const before = countOf(simInfo)
    const more = { authInfo: sessionElement(session.sessionId) }
    const reply = await soapCall(url, simInfo, '', more)
    assert.equal(elementOf(reply, 'faultcode'), 'Server.SIMCard.unknown_method')
    assert.equal(countOf(simInfo), before + 1)
    await soapCall(url, simInfo, '', { ...more, toService: true })
    assert.equal(countOf(simInfo) + countOf('SIMCard/*'), before + 2)
  })

  const bodies: readonly (readonly [
    name: string,
    headers: [string, string][],
    body: Buffer | string,
    counts: boolean
  ])[] = [
    ['compressed', [['Content-Encoding', 'gzip']], gzipSync('{"faultcode":"Server.X.method_not_found"}'), true],
    [
      'in SOAP::Lite’s words',
      [],
      '{"faultcode":"Client","faultstring":"Failed to locate method (x) in class (Y)"}',
      true
    ],
    ['of another kind', [], '{"faultcode":"Server.X.not_found","faultstring":"no unknown_method"}', false],
    ['longer than any fault', [], `{"faultcode":"Server.X.unknown_method","faultstring":"${'x'.repeat(5000)}"}`, false],
    ['that is a page', [], '<html>unknown_method</html>', false]
  ]
  for (const [name, headers, body, counts] of bodies) {
    test(`${name} is ${counts ? '' : 'not '}counted`, async (t) => {
      const { session } = await customerSession()
      const fault = { kind: 'status', status: 500, headers: Object.fromEntries(headers), body } as never
      const rule = source.faults.add({ match: { method: 'get_customer_info' }, fault })
      t.after(() => rule.remove())
      const before = countOf('Customer/get_customer_info')
      const asked = { headers: bearer(session.accessToken) }
      const reply = await call(url, 'customer', 'Customer/get_customer_info', {}, asked)
      assert.equal(reply.status, 500)
      assert.deepEqual(reply.body, Buffer.from(body))
      assert.equal(countOf('Customer/get_customer_info'), before + Number(counts))
    })
  }

  test('of a method that looks like no method is one row without its name, in the metrics too', async () => {
    const { session } = await customerSession()
    const asked = { headers: bearer(session.accessToken) }
    const names = ['Customer/a9fc62c22529547256913502b270cc3c', 'Customer/Give_me', `Customer/${'a_'.repeat(25)}`]
    const before = countOf('others')
    for (const name of names) assert.equal((await call(url, 'customer', name, {}, asked)).status, 500)
    assert.equal(countOf('others'), before + names.length)
    const scraped = [...(await scrape(shared.opsUrl)).keys()].filter((series) => series.startsWith('missing_methods'))
    for (const name of names) assert.ok(!scraped.some((series) => series.includes(name)), name)
  })
})

suite('a merged list that a system does not have', async () => {
  test('is the system’s own fault, never the other’s rows alone', async () => {
    const before = countOf(simList)
    const reply = await shared.list(simList, { limit: 5 })
    assert.equal(reply.status, 500, reply.text)
    assert.equal(reply.text, (await ownCall(source, simList, {})).text)
    assert.equal(reply.headers['x-dispatched-to'], 'source')
    assert.equal(countOf(simList), before + 1)
  })

  test('is the other’s part for who prefers that', async () => {
    const reply = await shared.list(simList, { limit: 5 }, partial)
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.text, (await ownCall(target, simList, { limit: 5 })).text)
    assert.equal(reply.headers['x-dispatcher-partial'], 'source')
  })

  test('is a system’s own fault where neither has it', async () => {
    for (const headers of [{}, partial]) {
      const reply = await shared.list('SIMCard/get_no_such_list', {}, headers)
      assert.deepEqual([reply.status, reply.json().faultcode], [500, 'Server.SIMCard.unknown_method'])
    }
  })

  test('does not hide that the session has ended', async (t) => {
    const ended = target.faults.add({
      match,
      fault: { kind: 'fault', faultcode: 'Server.Session.check_auth.auth_failed' }
    })
    t.after(() => ended.remove())
    const reply = await shared.list(simList, { limit: 5 })
    assert.equal(reply.json().faultcode, 'Server.Session.check_auth.auth_failed')
  })
})

const gatewayWith = (t: TestContext, plugins: Record<string, unknown>) =>
  startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, { plugins }))

test('further words can be given, and the plugin can be off', async (t) => {
  const fault = { kind: 'fault', faultcode: 'Server.SIMCard.gone_away' } as const
  const rule = source.faults.add({ match: { method: 'get_customer_info' }, fault })
  t.after(() => rule.remove())
  const user = source.users.firstActiveCustomer()
  const taught = await gatewayWith(t, { 'missing-methods': { words: ['gone_away'] } })
  const off = await gatewayWith(t, { 'missing-methods': false })
  for (const gateway of [taught, off]) {
    const { accessToken } = await login(gateway.url, 'customer', user)
    const asked = { headers: bearer(accessToken) }
    assert.equal((await call(gateway.url, 'customer', 'Customer/get_customer_info', {}, asked)).status, 500)
  }
  assert.deepEqual(
    taught.app.methodsMissing.list().map(({ call: name }) => name),
    ['Customer/get_customer_info']
  )
  assert.equal(off.app.hasDecorator('methodsMissing'), false)
})

test('what GraphQL asks for is counted, and its client is told which system gave nothing', async (t) => {
  const world = await startGraphqlWorld(t)
  const fault = { kind: 'fault', faultcode: 'Server.Customer.unknown_method' } as const
  world.source.faults.add({ match: { method: 'get_customer_list' }, fault })
  const { data, errors } = await world.run<{ customers: { nodes: unknown[] } }>(
    '{ customers(first: 3) { nodes { id } } }'
  )
  assert.equal(data.customers.nodes.length, 3)
  assert.deepEqual(
    errors?.map(({ extensions }) => [extensions?.system, extensions?.faultcode]),
    [['SOURCE', 'Server.Customer.unknown_method']]
  )
  assert.deepEqual(
    world.app.methodsMissing.list().map(({ call: name, system }) => [name, system]),
    [['Customer/get_customer_list', 'source']]
  )
})
