/** Contract section 7: a client that leaves cancels its reads, wherever they are, and lets its writes finish. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, suite, test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { bearer, call, login } from '../client.ts'
import { unmoved } from '../dual.ts'
import { begin, shared, startAnother, startBefore, startFailingSystem } from '../failing-system.ts'
import { enter } from '../reached.ts'
import { until } from '../until.ts'

const host = hosts.customer
const json = { host, 'content-type': 'application/json' }
const read = { path: '/rest/Customer/get_customer_info', headers: json }
const write = { path: '/rest/Customer/update_customer', headers: json }

const warnings: Error[] = []
const onWarning = (warning: Error) => warnings.push(warning)
process.on('warning', onWarning)
after(() => void process.off('warning', onWarning))

const world = await startWorld(shared)
const { source, target } = world

function clear() {
  for (const { faults, journal } of [source, target]) {
    faults.clear()
    journal.clear()
  }
}

const settled = ({ app }: Pick<typeof world, 'app'>) =>
  until(() => app.systems.source.inFlight === 0 && app.systems.target.inFlight === 0)

suite('a client that leaves', async () => {
  test('its merged list cancels the reads on both systems', async () => {
    clear()
    const { headers } = await enter(world)
    for (const { faults } of [source, target]) faults.add({ match: {}, fault: { kind: 'hang' } })
    const isList = ({ method }: { method: string | null }) => method === 'get_customer_list'
    const arrived = [source, target].map(({ journal }) => journal.next(isList))
    const gone = [source, target].map(({ journal }) => journal.next((entry) => isList(entry) && entry.aborted))
    const asked = { path: '/rest/Customer/get_customer_list', headers: { ...json, host: hosts.admin, ...headers } }
    const client = begin(world.url, asked, '{"params":{"limit":5}}')
    await Promise.all(arrived)
    client.leave()
    await Promise.all(gone)
    await settled(world)
    assert.equal(world.app.systems.source.breaker, 'closed')
  })

  test('its login lets it finish', async () => {
    clear()
    const { login: name, password } = target.users.firstActiveCustomer()
    target.faults.add({ match: { method: 'login' }, fault: { kind: 'delay', ms: 60 } })
    const arrived = target.journal.next()
    const answered = target.journal.next(({ status }) => status !== null)
    const client = begin(
      world.url,
      { path: '/rest/Session/login', headers: json },
      JSON.stringify({ params: { login: name, password } })
    )
    await arrived
    client.leave()
    const { aborted, status } = await answered
    assert.deepEqual({ aborted, status }, { aborted: false, status: 200 })
    await settled(world)
  })

  test('before it is known where its read goes is not asked for any more', async () => {
    clear()
    const { headers } = await enter(world)
    for (const { faults } of [source, target])
      faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 60 } })
    const lookup = source.journal.next()
    const asked = { path: '/rest/Customer/get_customer_sites', headers: { ...json, host: hosts.admin, ...headers } }
    const client = begin(world.url, asked, JSON.stringify({ params: { i_customer: unmoved } }))
    await lookup
    client.leave()
    await until(() => source.journal.entries.every(({ status }) => status !== null))
    await settled(world)
    await call(world.url, 'customer', 'Generic/get_version')
    assert.equal(source.journal.count('Customer/get_customer_sites'), 0)
    assert.equal(target.journal.count('Customer/get_customer_sites'), 0)
  })
})

suite('a client that leaves while its call waits for its turn', async () => {
  for (const [what, asked] of Object.entries({ 'a read': read, 'a write': write })) {
    test(`has ${what} never sent`, async (t) => {
      const { url, app } = await startAnother(t, world, { limits: { inFlight: 1, queue: 5, wait: 10_000 } })
      const state = app.systems.target
      clear()
      target.faults.add({ match: { method: 'get_alerts' }, fault: { kind: 'hang' } })
      const arrived = target.journal.next()
      const first = begin(url, { path: '/rest/Customer/get_alerts', headers: json }, '{"params":{}}')
      await arrived
      const second = begin(url, asked, '{"params":{}}')
      await until(() => state.queued === 1)
      second.leave()
      // The gateway has heard of it once it has heard of what came later.
      const version = call(url, 'customer', 'Generic/get_version')
      await until(() => state.queued === 2)
      first.leave()
      assert.equal((await version).status, 200)
      await until(() => state.inFlight === 0)
      assert.deepEqual(
        target.journal.entries.map(({ method }) => method),
        ['get_alerts', 'get_version']
      )
      assert.equal(state.counts.attempts.given_up, 2)
    })
  }
})

suite('a client that leaves while its answer streams, and does not read it', async () => {
  /** 50 MB: more than all buffers on the way. */
  const mebibytes = 50

  async function startStreaming(t: Pick<typeof shared, 'after'>) {
    let sent = 0
    const system = await startFailingSystem(t, async ({ socket, body, answer }) => {
      await body()
      answer(200, '', { 'Content-Length': mebibytes << 20 })
      const part = Buffer.alloc(1 << 20, 'x')
      const over = new Promise((resolve) => socket.once('close', resolve))
      for (let at = 0; at < mebibytes && !socket.destroyed; at++) {
        const isFull = !socket.write(part)
        sent++
        if (isFull) await Promise.race([once(socket, 'drain').catch(() => {}), over])
      }
    })
    const gateway = await startBefore(t, { source: system.url, target: system.url })
    return { ...gateway, system, sent: () => sent, state: gateway.app.systems.target }
  }

  /** Resolves once the stream stands still: the client takes nothing. */
  async function stalls(sent: () => number) {
    let last = -1
    while (sent() !== last || last === 0) {
      last = sent()
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
  }

  test('cancels a read', async (t) => {
    const { url, system, sent, state } = await startStreaming(t)
    const client = begin(url, read, '{"params":{}}')
    await client.answer
    await stalls(sent)
    assert.ok(sent() < mebibytes, 'the back-pressure reaches the system')
    const closed = new Promise((resolve) => {
      for (const socket of system.open) socket.once('close', resolve)
    })
    client.leave()
    await closed
    await until(() => state.inFlight === 0)
    assert.equal(state.counts.attempts.given_up, 1)
  })

  test('lets a write finish', async (t) => {
    const { url, sent, state } = await startStreaming(t)
    const client = begin(url, write, '{"params":{}}')
    await client.answer
    await stalls(sent)
    assert.ok(sent() < mebibytes)
    client.leave()
    await until(() => state.inFlight === 0)
    assert.equal(sent(), mebibytes)
    assert.equal(state.counts.attempts.answered, 1)
  })
})

suite('a client that leaves during its upload', async () => {
  const forms = {
    'of a known length': { 'content-length': '1000000' },
    'in chunks': { 'transfer-encoding': 'chunked' }
  }
  for (const [what, form] of Object.entries(forms)) {
    test(`${what} never lets it look complete`, async (t) => {
      const system = await startFailingSystem(t)
      const { url, app } = await startBefore(t, { source: system.url, target: system.url })
      const path = '/rest/Account/upload_something'
      const client = begin(url, { path, headers: { host, 'content-type': 'text/csv', ...form } })
      client.request.write(Buffer.alloc(300_000, 'x'))
      const { socket } = await system.next()
      let received = ''
      socket.on('data', (chunk: Buffer) => {
        received = (received + chunk.toString('latin1')).slice(-100)
      })
      await until(() => socket.bytesRead >= 300_000)
      const closed = new Promise((resolve) => socket.once('close', resolve))
      client.leave()
      await closed
      assert.doesNotMatch(received, /\r\n0\r\n/)
      assert.ok(socket.bytesRead < 400_000)
      await until(() => app.systems.target.inFlight === 0)
      assert.equal(app.systems.target.counts.attempts.given_up, 1)
    })
  }

  test('is told to nobody as a failure of the system', async () => {
    clear()
    const session = await login(world.url, 'customer', target.users.firstActiveCustomer())
    const state = world.app.systems.target
    const { reset } = state.counts.attempts
    const gone = target.journal.next(({ method, aborted }) => method === 'upload_something' && aborted)
    const headers = { host, 'content-type': 'text/csv', 'content-length': '1000000', ...bearer(session.accessToken) }
    const client = begin(world.url, { path: '/rest/Account/upload_something', headers })
    const arrived = target.journal.next(({ method }) => method === 'upload_something')
    client.request.write(Buffer.alloc(200_000))
    await arrived
    client.leave()
    await gone
    await settled(world)
    assert.equal(state.counts.attempts.reset, reset)
  })
})

suite('an answer that the gateway reads by itself', async () => {
  const question = { method: 'POST', path: '/rest/Session/ping', headers: [], body: Buffer.from('{}'), isRead: true }

  async function startAsked(t: Pick<typeof shared, 'after'>, text: string | null) {
    const system = await startFailingSystem(t, ({ answer }) => text !== null && answer(200, text))
    const { app } = await startBefore(t, { source: system.url, target: system.url })
    return { upstream: app.upstream('target', 'admin'), state: app.systems.target, system }
  }

  test('may be waited for with less patience than others', async (t) => {
    const { upstream, state } = await startAsked(t, null)
    await assert.rejects(upstream.exchange({ ...question, patienceMs: 50 }, 1000), { fault: 'system_timeout' })
    assert.equal(state.counts.attempts.timeout, 1)
    assert.equal(state.inFlight, 0)
  })

  test('may be too large, which is no failure of the system', async (t) => {
    const { upstream, state } = await startAsked(t, 'x'.repeat(1001))
    await assert.rejects(upstream.exchange(question, 1000), { fault: 'bad_gateway' })
    assert.equal((await upstream.exchange(question, 1001)).body.length, 1001)
    assert.deepEqual([state.counts.attempts.given_up, state.counts.attempts.answered], [1, 1])
  })

  test('may be of no use before it is asked for', async (t) => {
    const { upstream, state, system } = await startAsked(t, '{}')
    await assert.rejects(upstream.exchange(question, 1000, AbortSignal.abort()), { fault: 'bad_gateway' })
    assert.deepEqual(system.arrived, [])
    assert.equal(state.counts.attempts.given_up, 1)
    assert.equal(state.inFlight, 0)
  })
})

test('none of this leaves too many listeners behind', () => {
  assert.deepEqual(warnings, [])
})
