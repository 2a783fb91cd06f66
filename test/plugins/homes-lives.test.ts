/** On which systems a session is alive: each is pinged for its own credential, at once. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Caller } from '../../core/credentials.ts'
import type { Asker } from '../../core/own-call.ts'
import { otherSystem, type RealmName, type System, systemNames } from '../../core/words.ts'
import type { JournalEntry, SimulatedFault } from '../../simulator/index.ts'
import { startWorld } from '../build.ts'
import { clearJournals, endAllOn, openPair } from '../dual.ts'

const kinds = ['access_token', 'session_id'] as const
const isPing = ({ service, method }: JournalEntry) => service === 'Session' && method === 'ping'

/** A session on both systems, and who asks about it. */
async function start(t: TestContext, realm: RealmName = 'admin') {
  const world = await startWorld(t)
  const { onSource, onTarget } = await openPair(world, realm)
  const names = { source: onSource, target: onTarget }
  const asker: Asker = { realm, client: { addresses: '192.0.2.1', proto: 'http', host: 'www.test' } }
  clearJournals(world)
  return {
    ...world,
    names,
    callerBy: (kind: keyof typeof onSource, systems: readonly System[] = systemNames): Caller => ({
      credentialOn: (system) => (systems.includes(system) ? { kind, value: names[system][kind] } : null)
    }),
    lives: (caller: Caller) => world.app.homes.livesOn(caller, asker),
    pings: () => systemNames.map((system) => world[system].journal.count(isPing))
  }
}

for (const kind of kinds) {
  test(`by ${kind}, a session lives where it was opened until it has ended there`, async (t) => {
    const world = await start(t)
    const { callerBy, lives, pings, names } = world
    const caller = callerBy(kind)
    assert.deepEqual(await lives(caller), { source: true, target: true })
    assert.deepEqual(pings(), [1, 1])
    for (const system of systemNames) {
      const [ping] = world[system].journal.of('Session/ping')
      assert.deepEqual(JSON.parse(String(ping?.body)), { params: { [kind]: names[system][kind] } })
      assert.equal(ping?.realm, 'admin')
      assert.equal(
        ping?.rawHeaders[ping.rawHeaders.findIndex((name) => /^x-forwarded-for$/i.test(name)) + 1],
        '192.0.2.1'
      )
    }
    endAllOn(world.source)
    assert.deepEqual(await lives(caller), { source: false, target: true })
    endAllOn(world.target)
    assert.deepEqual(await lives(caller), { source: false, target: false })
  })
}

test('it asks at the URL of its realm', async (t) => {
  const { callerBy, lives, source, target } = await start(t, 'reseller')
  assert.deepEqual(await lives(callerBy('access_token')), { source: true, target: true })
  const realms = [source, target].map(({ journal }) => journal.of('Session/ping')[0]?.realm)
  assert.deepEqual(realms, ['reseller', 'reseller'])
})

for (const system of systemNames) {
  test(`a session with a credential on the ${system} alone lives there, and the other is not asked`, async (t) => {
    const { callerBy, lives, pings } = await start(t)
    assert.deepEqual(await lives(callerBy('access_token', [system])), {
      source: system === 'source',
      target: system === 'target'
    })
    assert.deepEqual(pings(), system === 'source' ? [1, 0] : [0, 1])
  })

  test(`both are asked at once: nobody waits for a ${system} that is slow`, async (t) => {
    const world = await start(t)
    world[system].faults.add({ match: { method: 'ping' }, fault: { kind: 'delay', ms: 300 } })
    const other = world[otherSystem(system)]
    const answered = other.journal.next((entry) => isPing(entry) && entry.status !== null)
    const asked = world.lives(world.callerBy('access_token'))
    await answered
    assert.equal(world[system].journal.of('Session/ping')[0]?.status ?? null, null)
    assert.deepEqual(await asked, { source: true, target: true })
  })
}

test('a refresh token cannot be asked about, and nobody is asked', async (t) => {
  const { callerBy, lives, pings } = await start(t)
  assert.deepEqual(await lives(callerBy('refresh_token')), { source: false, target: false })
  assert.deepEqual(await lives({ credentialOn: () => null }), { source: false, target: false })
  assert.deepEqual(pings(), [0, 0])
})

const cannotTell: readonly SimulatedFault[] = [
  { kind: 'status', status: 503 },
  { kind: 'garbage' },
  { kind: 'reset', at: 'before-headers' }
]

test('a system that cannot tell is no reason to believe that the session has ended', async (t) => {
  const world = await start(t)
  const { callerBy, lives, source, target } = world
  const caller = callerBy('session_id')
  for (const fault of cannotTell) {
    source.faults.clear()
    source.faults.add({ match: { method: 'ping' }, fault })
    assert.deepEqual(await lives(caller), { source: null, target: true }, JSON.stringify(fault))
  }
  source.faults.clear()
  await target.stop()
  assert.deepEqual(await lives(caller), { source: true, target: null })
})
