/**
 * Several workers as one gateway. The tests of the first suite go on with one after the other, since each process costs.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { after, before, suite, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../client.ts'
import { listenTo } from '../console-client.ts'
import { scrape } from '../scrape.ts'
import { until } from '../until.ts'
import { run, write } from './command.ts'
import { type Supervised, startLoad, startSupervised, supervisedConfig } from './supervised.ts'
import { connect, serve, startHeld } from './wires.ts'

const limit = { timeout: 60_000 }
const team = 'plugins: { ./team.ts: true }'
const page = { method: 'GET', path: '/page', headers: { host: 'www.customer.example' } }

const sumOf = (metrics: ReadonlyMap<string, number>, name: string) =>
  [...metrics].reduce((sum, [series, value]) => (series.startsWith(`${name}{`) ? sum + value : sum), 0)

const isGone = (pid: number) => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

suite('two workers', () => {
  let gateway: Supervised
  let url: string
  let system: string
  const closers: (() => unknown)[] = []
  const scope = { after: (close: unknown) => closers.push(close as () => unknown) } as Pick<TestContext, 'after'>
  const config = (more: Partial<Parameters<typeof supervisedConfig>[0]> = {}) =>
    supervisedConfig({ url: system, more: team, ...more })
  const asked = (headers: Record<string, string> = {}) =>
    ask(url, { ...page, headers: { ...page.headers, ...headers } })

  before(async () => {
    system = await serve(scope, (request, response) => request.resume().on('end', () => response.end('whole')))
    gateway = await startSupervised(scope, config())
    url = `http://127.0.0.1:${gateway.port}`
  })

  after(() => {
    for (const close of closers.toReversed()) close()
  })

  test('share what comes, and their numbers are one', limit, async () => {
    for (let count = 0; count < 10; count++) assert.equal((await asked()).status, 200)
    await until(async () => assert.equal(sumOf(await scrape(gateway.opsUrl), 'requests_total'), 10))
    const metrics = await scrape(gateway.opsUrl)
    assert.equal(metrics.get('workers'), 2)
    assert.equal(metrics.get('system_up{system="target"}'), 1)
    assert.equal(metrics.get('breaker_state{system="target",state="closed"}'), 1)
    assert.equal(metrics.get('own_seconds_count{family="page"}'), 10)
    assert.ok((metrics.get('process_start_time_seconds') ?? 0) * 1000 <= Date.now())
    const systems = (await ask(gateway.opsUrl, { method: 'GET', path: '/systems' })).json()
    const { state, attempts } = systems.target as { state: string; attempts: Record<string, number> }
    assert.deepEqual([state, attempts.answered], ['up', 10])
    assert.equal((await ask(gateway.opsUrl, { method: 'GET', path: '/health/ready' })).status, 200)
    await gateway.logged('request', 10)
    const pids = new Set(gateway.lines.flatMap(({ msg, pid }) => (msg === 'request' ? [pid] : [])))
    assert.deepEqual([...pids].toSorted(), gateway.workers().toSorted())
  })

  test('a console hears of all as one, and of a move once', limit, async () => {
    const client = await listenTo(scope, gateway.opsUrl)
    assert.equal((await client.told('about')).workers, 2)
    const body = JSON.stringify({ i_customer: 7, state: 'finished', to: 'target' })
    await ask(gateway.opsUrl, { path: '/migrations', headers: { 'content-type': 'application/json' }, body })
    const { moved } = await client.told('migration', ({ customers }) => customers.target === 1)
    assert.equal(moved, 1)
    const feed = await client.told('feed', (entries) => entries.length > 0)
    assert.deepEqual([feed.length, feed[0].count, feed[0].iCustomer], [1, 1, 7])
    await Promise.all(Array.from({ length: 10 }, () => asked({})))
    const busy = ({ perSecond }: { perSecond: Record<string, number> }) =>
      Object.values(perSecond).reduce((sum, one) => sum + one, 0) >= 2
    await client.told('traffic', busy)
    client.close()
  })

  test('one that does not answer in time is left out, but not what it has counted', limit, async () => {
    const blocked = asked({ 'x-block': '4000' })
    // One of two is asked of the worker that is not blocked, and answers first.
    const scrapeOne = () => Promise.any([scrape(gateway.opsUrl), scrape(gateway.opsUrl)])
    const metrics = await until(async () => {
      const scraped = await scrapeOne()
      assert.equal(scraped.get('workers'), 1)
      return scraped
    })
    assert.ok(sumOf(metrics, 'requests_total') >= 10)
    assert.equal((await blocked).status, 200)
    await until(async () => (await scrape(gateway.opsUrl)).get('workers') === 2)
  })

  test('a bad config changes nothing, and every mistake is told', limit, async () => {
    const workers = gateway.workers()
    gateway.rewrite(config({ more: 'drian: 1\nnotice: -1' }))
    gateway.child.kill('SIGHUP')
    await gateway.logged('the config cannot be used; the one before it stays', 2)
    const mistakes = gateway.lines.flatMap(({ mistake }) => mistake ?? [])
    assert.deepEqual(mistakes.toSorted(), [
      'drian: is not a known key; did you mean drain?',
      'notice: -1 is not a whole number of at least 0'
    ])
    assert.deepEqual(gateway.workers(), workers)
  })

  test('are exchanged for others with the new config, and no request is lost', { timeout: 120_000 }, async (t) => {
    const old = gateway.workers()
    const load = startLoad(gateway.port, 8)
    t.after(load.stop)
    const idle = await Promise.all([connect(t, gateway.port), connect(t, gateway.port)])
    const late = await Promise.all([connect(t, gateway.port), connect(t, gateway.port)])
    for (const wire of [...idle, ...late]) {
      wire.send('GET /page')
      await wire.until('whole')
    }
    gateway.rewrite(config({ more: `${team}\ndebugHeaders: true` }))
    gateway.child.kill('SIGHUP')
    await gateway.logged('the config was read again: workers are exchanged one by one')
    // During a roll, however many ask for another: one follows.
    for (const signal of ['SIGUSR2', 'SIGHUP', 'SIGUSR2'] as const) gateway.child.kill(signal)
    const idleSince = performance.now()
    // Long before those that stay idle are closed, but not before their worker is told to go.
    await until(() => gateway.lines.filter(({ msg }) => msg === 'a worker listens').length > 2)
    for (const wire of late) wire.send('GET /page?late')
    assert.ok((await Promise.all(late.map((wire) => wire.closed()))).every((text) => text.endsWith('whole')))
    await Promise.all(idle.map((wire) => wire.closed()))
    assert.ok(performance.now() - idleSince > 4500, 'idle connections are closed, but not at once')
    await gateway.logged('all workers have the new config', 2)
    const { answered, wrong } = await load.stop()
    assert.deepEqual(wrong, [])
    assert.ok(answered > 100, `${answered} answers`)
    assert.ok(gateway.workers().every((pid) => !old.includes(pid)))
    assert.equal((await asked()).headers['x-dispatched-to'], 'target')
    // Nothing that is told later is a third roll.
    assert.equal(gateway.lines.filter(({ msg }) => msg.startsWith('the config was read again')).length, 2)
    const metrics = await scrape(gateway.opsUrl)
    assert.ok(sumOf(metrics, 'requests_total') >= answered, 'what those that have gone have counted stays')
    assert.equal(metrics.get('worker_restarts_total{cause="roll"}'), 4)
    // Each line was read as JSON: none is mixed with another, and some are longer than a pipe takes at once.
    assert.ok(gateway.lines.filter(({ msg }) => msg === 'a long line').length >= answered)
  })

  test('stay when a new one cannot come up', limit, async (t) => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => taken.close())
    const { port } = taken.address() as AddressInfo
    const workers = gateway.workers()
    gateway.rewrite(config({ listen: `, { host: 127.0.0.1, port: ${port} }` }))
    gateway.child.kill('SIGUSR2')
    const { why } = await gateway.logged('a new worker does not come up: the old ones that are left stay')
    assert.equal(why, `127.0.0.1:${port} is in use: stop what listens there, or choose another port`)
    assert.deepEqual(gateway.workers(), workers)
    assert.equal((await asked()).status, 200)
  })

  test('one that crashes is replaced', limit, async () => {
    await assert.rejects(asked({ 'x-crash': '1' }))
    const { why } = await gateway.logged('a worker has crashed')
    assert.equal(why, 'an error that nobody caught: crashed as asked')
    await until(async () => (await scrape(gateway.opsUrl)).get('workers') === 2)
    assert.equal((await scrape(gateway.opsUrl)).get('worker_restarts_total{cause="crash"}'), 1)
  })

  test('end with their supervisor', limit, async () => {
    const workers = gateway.workers()
    assert.equal(workers.length, 2)
    gateway.child.kill('SIGKILL')
    await until(() => workers.every(isGone))
  })
})

test('workers that crash again and again end the process, with 1 and the reason', limit, async (t) => {
  const { child, workers, end } = await startSupervised(t, supervisedConfig({ url: 'http://127.0.0.1:9' }))
  let isOver = false
  void end.then(() => {
    isOver = true
  })
  while (!isOver) {
    for (const pid of child.exitCode === null ? workers() : []) if (!isGone(pid)) process.kill(pid, 'SIGKILL')
    await delay(20)
  }
  const { code, err } = await end
  assert.equal(code, 1)
  assert.equal(err, 'workers crash again and again, 6 within 30 s; the last by: SIGKILL\n')
})

test('workers that cannot come up at the start: the one line of why, and 1', limit, async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const text = supervisedConfig({ url: 'http://127.0.0.1:9', listen: `, { host: 127.0.0.1, port: ${port} }` })
  const { code, err } = await run(t, ['--config', write(t, { 'a.yaml': text })('a.yaml')])
  assert.equal(err, `127.0.0.1:${port} is in use: stop what listens there, or choose another port\n`)
  assert.equal(code, 1)
})

test(
  'SIGTERM with a notice: not ready, while all are served; then what is in flight is answered, and 0',
  limit,
  async (t) => {
    const system = await startHeld(t)
    const config = supervisedConfig({ url: `http://127.0.0.1:${system.port}`, workers: 'auto', more: 'notice: 60000' })
    const { child, port, opsUrl, end } = await startSupervised(t, config)
    const ready = async () => (await ask(opsUrl, { method: 'GET', path: '/health/ready' })).status
    assert.equal(await ready(), 200)
    child.kill('SIGTERM')
    await until(async () => (await ready()) === 503)
    // Whoever comes now is served, once.
    const wire = await connect(t, port)
    wire.send('GET /page')
    const [, response] = await system.next()
    // The second one skips the rest of the notice, and no more.
    child.kill('SIGINT')
    await until(() =>
      connect(t, port).then(
        () => false,
        () => true
      )
    )
    response.end('late, and whole')
    const answer = await wire.closed()
    assert.match(answer, /^HTTP\/1\.1 200[\s\S]*^connection: close\r$[\s\S]*late, and whole$/im)
    const { code, err } = await end
    assert.deepEqual([code, err], [0, ''])
  }
)
