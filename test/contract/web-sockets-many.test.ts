/** A thousand WebSockets that come, leave at any moment and lose their systems: nothing of them stays. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { WebSocket } from 'ws'
import { hosts, startWorld, type World } from '../build.ts'
import { bearer, login } from '../client.ts'
import { staffOf } from '../dual.ts'
import { begin, openSocket } from '../socket-client.ts'
import { until } from '../until.ts'

const waves = 10
const perWave = 100

/** Whose connection it is: of ten, four are a source customer's, four a target customer's, two an administrator's. */
type Headers = Record<string, string>

const sha = (data: Buffer) => createHash('sha256').update(data).digest('base64')
/** 'close' comes whatever went wrong before. */
const hasEnded = (socket: WebSocket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))

/** Leaves before it has its answer: at the latest as soon as its request is out. */
async function leaveEarly(t: Pick<TestContext, 'after'>, url: string, headers: Headers, at: number) {
  const socket = begin(t, url, { headers })
  socket.on('error', () => {})
  const request = (socket as unknown as { _req: ClientRequest })._req
  if (at % 3 > 0) await once(request, 'socket')
  if (at % 3 > 1) await once(request, 'finish')
  const ended = hasEnded(socket)
  socket.terminate()
  await ended
}

/** Sends messages that come back as they were; returns how many did before it ended. */
async function talk(t: Pick<TestContext, 'after'>, url: string, headers: Headers, at: number, isAbrupt: boolean) {
  const client = await openSocket(t, url, { headers, perMessageDeflate: at % 2 === 0 })
  const messages = Array.from({ length: 4 }, (_one, size) => randomBytes(1 + at + size * (at % 10 < 2 ? 9000 : 900)))
  for (const [which, data] of messages.entries()) {
    client.socket.send(data)
    if (isAbrupt && which === 2) break
    assert.equal(sha((await client.next()).data), sha(data))
  }
  if (isAbrupt) client.socket.terminate()
  else client.socket.close(1000, 'done')
  await client.ended
  return messages.length
}

/** Open, and silent, when its system goes. */
async function hold(t: Pick<TestContext, 'after'>, url: string, headers: Headers) {
  const client = await openSocket(t, url, { headers })
  return client.ended
}

/** What keeps the process busy, by kind. */
function busyWith(): Record<string, number> {
  const counts: Record<string, number> = { TCPSocketWrap: 0, Timeout: 0 }
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

async function everyone(t: TestContext, world: World): Promise<Headers[]> {
  const customers = [world.source, world.target].map((system) => system.users.firstActiveCustomer())
  const sessions = await Promise.all(customers.map((user) => login(world.url, 'customer', user)))
  const [onSource, onTarget] = sessions.map(({ accessToken }) => ({ host: hosts.customer, ...bearer(accessToken) }))
  const session = await login(world.url, 'admin', staffOf(world, 'admin'))
  const staff = { host: hosts.admin, ...bearer(session.accessToken) }
  assert.ok(onSource && onTarget)
  t.diagnostic('four of ten on the source, four on the target, two on both')
  return [onSource, onTarget, onSource, onTarget, staff, onSource, onTarget, onSource, onTarget, staff]
}

test('a thousand WebSockets, and both systems restarted among them', { timeout: 120_000 }, async (t) => {
  const warnings: string[] = []
  const note = (warning: Error) => warnings.push(warning.message)
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  const world = await startWorld(t)
  for (const { sockets } of [world.source, world.target]) sockets.echo = true
  const owners = await everyone(t, world)
  const headersOf = (at: number) => owners[at % owners.length] as Headers
  // Each closes over its own connection alone: `t` would keep a thousand of them until its end.
  const alone = { after() {} }
  await Promise.all(owners.map((headers, at) => talk(alone, world.url, headers, at, false)))
  await until(() => allFree(world))
  const before = busyWith()

  let held = 0
  for (let wave = 0; wave < waves; wave++) {
    const isRestart = wave === 3 || wave === 6
    await Promise.all(
      Array.from({ length: perWave }, async (_one, at) => {
        if (at % 5 === 4) return leaveEarly(alone, world.url, headersOf(wave + at), at)
        if (!isRestart) return talk(alone, world.url, headersOf(wave + at), at, at % 10 === 7)
        const ended = hold(alone, world.url, headersOf(wave + at))
        held++
        const { code } = await ended
        assert.ok([1006, 1012].includes(code), `${code}`)
        return undefined
      }).concat(isRestart ? [restart(world, () => held % 80 === 0 && held > 0)] : [])
    )
  }
  assert.equal(held, 160)

  await until(() => allFree(world))
  for (const system of [world.source, world.target]) {
    const whole = system.journal.entries.filter(({ method, status }) => method === 'ws' && status === 101)
    assert.ok(whole.length > 300, 'they were on both systems')
  }
  // Idle connections of the pools aside, of which a restart leaves fewer.
  await until(() => {
    const now = busyWith()
    assert.ok(
      (now.TCPSocketWrap ?? 0) <= (before.TCPSocketWrap ?? 0) + pooled(world) * 2,
      JSON.stringify([before, now])
    )
    assert.ok((now.Timeout ?? 0) <= (before.Timeout ?? 0) + pooled(world) * 2, JSON.stringify([before, now]))
  })
  assert.deepEqual(warnings, [])
  assert.deepEqual(
    world.lines.filter(({ level }) => level >= 50).map(({ why }) => why),
    []
  )
})

const pooled = ({ app }: World) =>
  app.systems.source.connections().connected + app.systems.target.connections().connected

function allFree({ source, target, app }: World) {
  const { open } = app.webSocketProxy.counts
  assert.deepEqual([source.sockets.open, target.sockets.open, open.source, open.target, open.both], [0, 0, 0, 0, 0])
  assert.deepEqual([app.systems.source.inFlight, app.systems.target.inFlight], [0, 0])
}

/** Both systems go once everybody who waits for it is there, and come back. */
async function restart({ source, target, app }: World, isTime: () => boolean) {
  const isOpen = () => Object.values(app.webSocketProxy.counts.open).reduce((sum, one) => sum + one) === 80
  await until(() => isTime() && isOpen())
  await Promise.all([source.stop(), target.stop()])
  await Promise.all([source.start(), target.start()])
}
