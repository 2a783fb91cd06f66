/** A process that runs late refuses new requests by itself, says so once, and takes them again when it is over. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hosts, startWorld, type World } from '../build.ts'
import { ask, type Reply } from '../client.ts'

const limit = { timeout: 30_000 }
const path = '/rest/Customer/get_customer_info'
const askOnce = ({ url }: World) => ask(url, { path, headers: { host: hosts.customer } })

/** Blocks the event loop for so long in each of its turns, until it is stopped. */
function burn(t: TestContext, turnMs: number) {
  let burning = true
  const stop = () => {
    burning = false
  }
  t.after(stop)
  function turn() {
    const until = performance.now() + turnMs
    while (performance.now() < until);
    if (burning) setImmediate(turn)
  }
  turn()
  return stop
}

/** Asks until an answer has this status; all other answers. */
async function askUntil(world: World, status: number): Promise<[answer: Reply, before: Reply[]]> {
  const before: Reply[] = []
  for (;;) {
    const reply = await askOnce(world)
    if (reply.status === status) return [reply, before]
    before.push(reply)
  }
}

const warningsOf = ({ lines }: World) => lines.filter(({ level, msg }) => level === 40 && msg.includes('load shedding'))

const cases = [
  { name: 'turns above the limit', eventLoopDelay: 20, turnMs: 50 },
  // No sample is taken between two measures: the delay is not known, and no number.
  { name: 'turns so long that nothing is measured', eventLoopDelay: 100, turnMs: 400 }
]
for (const { name, eventLoopDelay, turnMs } of cases) {
  test(`${name}: new requests get 503 and reach nobody, until it is over`, limit, async (t) => {
    const world = await startWorld(t, { limits: { eventLoopDelay } })
    const stopBurning = burn(t, turnMs)
    const [reply, taken] = await askUntil(world, 503)
    assert.deepEqual(reply.json(), {
      faultcode: 'Server.Dispatcher.system_unavailable',
      faultstring: 'System gateway is unavailable'
    })
    assert.equal(reply.headers['retry-after'], '1')
    const more = await Promise.all([1, 2, 3].map(() => askOnce(world)))
    assert.deepEqual(new Set(more.map(({ status }) => status)), new Set([503]))
    assert.equal(world.source.journal.count() + world.target.journal.count(), taken.length)
    const live = await ask(`${world.opsUrl}`, { method: 'GET', path: '/health/live' })
    assert.equal(live.status, 200, 'ops is never shed')

    stopBurning()
    const [, shed] = await askUntil(world, 500)
    while (warningsOf(world).length < 2) await askOnce(world)
    const [began, ended] = warningsOf(world)
    assert.match(began?.msg ?? '', /began/)
    assert.match(ended?.msg ?? '', /ended/)
    assert.ok(Number(ended?.shed) >= 4 + shed.length)
    assert.ok(!world.lines.some(({ level }) => level >= 50))
    const accessLine = world.lines.find(({ msg, status }) => msg === 'request' && status === 503)
    assert.equal(accessLine?.fault, 'Server.Dispatcher.system_unavailable')
    assert.equal(accessLine?.to, undefined)
  })
}

test('a process that runs in time sheds nothing', limit, async (t) => {
  const world = await startWorld(t, { limits: { eventLoopDelay: 300 } })
  const startedAt = performance.now()
  // A few measures long: that of an idle process must not be taken for late either.
  while (performance.now() - startedAt < 1300) assert.equal((await askOnce(world)).status, 500)
  assert.deepEqual(warningsOf(world), [])
})

test('a limit of 0 sheds nothing', limit, async (t) => {
  const world = await startWorld(t, { limits: { eventLoopDelay: 0 } })
  const stopBurning = burn(t, 50)
  const startedAt = performance.now()
  while (performance.now() - startedAt < 1300) assert.equal((await askOnce(world)).status, 500)
  stopBurning()
  assert.ok(!world.app.hasDecorator('isUnderPressure'))
})

test('a gateway that stops while it sheds says nothing afterwards', limit, async (t) => {
  const world = await startWorld(t, { limits: { eventLoopDelay: 20 } })
  const stopBurning = burn(t, 50)
  await askUntil(world, 503)
  await world.stop()
  stopBurning()
  const other = await startWorld(t, { limits: { eventLoopDelay: 20 } })
  const startedAt = performance.now()
  while (performance.now() - startedAt < 600) await askOnce(other)
  assert.equal(warningsOf(world).length, 1)
})
