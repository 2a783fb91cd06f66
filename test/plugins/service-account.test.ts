import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { System } from '../../core/words.ts'
import type { Simulator } from '../../simulator/index.ts'
import { secret, startTestGateway, startWorld, testConfig } from '../build.ts'
import { sessionsOn, startClock, unmoved } from '../dual.ts'
import { startTestSystem } from '../test-system.ts'
import { until } from '../until.ts'

/** An account that both systems know: admin's, with the right password or a wrong one. */
async function startAsking(t: Parameters<typeof startWorld>[0], password?: string, more: Record<string, unknown> = {}) {
  const [source, target] = await Promise.all([
    startTestSystem({ customers: 60, release: 'MR100', role: 'source' }),
    startTestSystem({ customers: 60, release: 'MR115', role: 'target' })
  ])
  t.after(() => Promise.all([source.close(), target.close()]))
  const { login, password: right } = target.users.admin()
  const account = { realm: 'admin', login, password: password ?? right }
  const config = testConfig(
    { source: source.urls, target: target.urls },
    { plugins: { console: { account } }, ...more }
  )
  const gateway = await startTestGateway(t, config)
  return { ...gateway, source, target, password: account.password, asking: gateway.app.serviceAccount, config }
}

const loginsAt = ({ journal }: Simulator) => journal.entries.filter(({ url }) => url.endsWith('/Session/login')).length
async function totalsOf(asking: FastifyInstance['serviceAccount']) {
  await until(() => asking.totals() !== null)
  return asking.totals() ?? assert.fail('they were there')
}

const customer = (iCustomer: number) => ({ kind: 'customer' as const, keys: { i_customer: iCustomer } })

test('without a service login nobody is asked', async (t) => {
  const { app, source, target } = await startWorld(t)
  assert.equal(app.serviceAccount.isSet, false)
  assert.equal(app.serviceAccount.totals(), null)
  assert.equal(await app.serviceAccount.locate(customer(1)), null)
  assert.equal(source.journal.count() + target.journal.count(), 0)
})

test('asks both systems in one session each, and logs out at the end', async (t) => {
  const { asking, source, target, stop, logText, password } = await startAsking(t)
  assert.equal(loginsAt(source) + loginsAt(target), 0, 'nobody logs in before it is needed')
  const many = await Promise.all([customer(unmoved), customer(9), customer(9)].map(asking.locate))
  assert.deepEqual(
    many.map((one) => one?.at),
    ['source', 'target', 'target']
  )
  const byLogin = await asking.locate({ kind: 'customer', keys: { login: `customer-${unmoved}` } })
  assert.deepEqual([byLogin?.at, byLogin?.iCustomer], ['source', unmoved])
  assert.equal((await asking.locate(customer(1_000_000)))?.at, null)
  for (const system of [source, target]) {
    assert.equal(loginsAt(system), 1)
    assert.equal(sessionsOn(system).length, 1)
  }
  await stop()
  for (const system of [source, target]) assert.equal(sessionsOn(system).length, 0)
  assert.ok(!logText().includes(password))
})

test('logs in again, once, when its session was ended', async (t) => {
  const { asking, source, target } = await startAsking(t)
  await asking.locate(customer(9))
  for (const system of [source, target]) system.sessions.endWhere(() => true)
  const all = await Promise.all([1, 2, 4].map((id) => asking.locate(customer(id))))
  assert.deepEqual(
    all.map((one) => one?.at),
    ['source', 'source', 'source']
  )
  for (const system of [source, target]) assert.equal(loginsAt(system), 2)
})

test('a refused login is not tried again for a minute, then for two; the log names the key', async (t) => {
  const pass = startClock(t)
  const { asking, source, target, lines, logText } = await startAsking(t, 'wrong horse battery')
  const ask = async () => (await asking.locate(customer(9)))?.standings
  const silent: Record<System, string> = { source: 'unavailable', target: 'unavailable' }
  const tries = () => [loginsAt(source), loginsAt(target)]
  assert.deepEqual(await ask(), silent)
  await Promise.all([ask(), ask()])
  pass(59)
  await ask()
  assert.deepEqual(tries(), [1, 1])
  pass(2)
  await Promise.all([ask(), ask()])
  assert.deepEqual(tries(), [2, 2])
  pass(119)
  await ask()
  assert.deepEqual(tries(), [2, 2])
  pass(2)
  await ask()
  assert.deepEqual(tries(), [3, 3])
  const warnings = lines.filter(({ msg }) => msg.startsWith('plugins.console.account: '))
  assert.equal(warnings.length, 6)
  assert.equal(warnings[0]?.faultcode, 'Server.Session.auth_failed')
  assert.ok(!logText().includes('wrong horse'))
})

test('gateways that share a store are refused once together; another password is tried at once', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-test-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const store = { store: `file:${join(directory, 'a.db')}` }
  const { asking, source, target, config, password } = await startAsking(t, 'wrong horse battery', store)
  const another = await startTestGateway(t, config)
  await asking.locate(customer(9))
  await another.app.serviceAccount.locate(customer(9))
  assert.deepEqual([loginsAt(source), loginsAt(target)], [1, 1])
  const { login, password: right } = target.users.admin()
  assert.notEqual(right, password)
  const plugins = { console: { account: { realm: 'admin', login, password: right } } }
  const mended = await startTestGateway(
    t,
    testConfig({ source: source.urls, target: target.urls }, { plugins, ...store })
  )
  assert.equal((await mended.app.serviceAccount.locate(customer(9)))?.at, 'target')
})

test('counts customers while somebody wants to know: those who have moved once, on the target', async (t) => {
  const pass = startClock(t)
  const { asking, source, target } = await startAsking(t)
  const lists = (system: Simulator) =>
    system.journal.entries.filter(({ url }) => url.endsWith('/get_customer_list')).length
  assert.equal(asking.totals(), null)
  const first = await totalsOf(asking)
  assert.deepEqual([first.source, first.target], [40, 20])
  pass(61)
  await until(() => lists(source) === 2 && lists(target) === 2)
  await until(() => (asking.totals()?.at ?? 0) > first.at)
  // Nobody asks any more: after two minutes there are no more rounds.
  for (let minute = 0; minute < 5; minute++) {
    const before = lists(source)
    pass(61)
    if (minute < 1) await until(() => lists(source) === before + 1)
  }
  await asking.locate(customer(9))
  assert.ok(lists(source) <= 4, `${lists(source)}`)
})

test('a system that is away costs only its own half', async (t) => {
  const { asking, source } = await startAsking(t)
  await source.stop()
  const found = await asking.locate(customer(9))
  assert.deepEqual([found?.at, found?.standings.source], ['target', 'unavailable'])
  asking.totals()
  const totals = await totalsOf(asking)
  assert.deepEqual([totals.source, totals.target], [null, 20])
})

test('a mistake about the account shows nothing of it', () => {
  const urls = { admin: 'http://127.0.0.1:1' }
  for (const account of [
    'admin:hunter2',
    { realm: 'customer', login: 'admin', password: 'hunter2' },
    { realm: 'admin', login: 'a', password: ['hunter2'] }
  ]) {
    assert.throws(
      () => testConfig({ source: urls, target: urls }, { secret, plugins: { console: { account } } }),
      ({ message }: Error) => message.startsWith('plugins.console.account') && !message.includes('hunter2')
    )
  }
})
