/**
 * What is done to the fleet, each act by itself: gateways restarted, exchanged and killed, Redis taken away, HAProxy told to
 * read its file again, customers moved.
 */
import { now } from '../../soak/company.ts'
import type { Kill } from '../../soak/ledger.ts'
import type { Actor } from '../../soak/load/actors.ts'
import { waitUntil } from '../ports.ts'
import type { DrillTimes } from './options.ts'
import type { DrillWorld, FleetGateway } from './world.ts'

export interface DrillKill extends Kill {
  /** So many requests and WebSockets were under way on it at most. */
  readonly underWay: number
}

/** Everything an act needs. */
export interface Scene {
  readonly world: DrillWorld
  readonly times: DrillTimes
  readonly pause: (ms: number) => Promise<void>
  readonly signal: AbortSignal
}

/** Customers move meanwhile, and one gateway is told of each. */
export async function whileMoving({ world, times, signal }: Scene, work: () => Promise<unknown>) {
  const over = new AbortController()
  const moves = world.disturbances.moveAbout(times.moveEveryMs, AbortSignal.any([signal, over.signal]))
  moves.catch(() => {})
  try {
    await Promise.race([work(), moves])
  } finally {
    over.abort()
    await world.disturbances.whenStill()
  }
}

/** From then on nobody tells it of moves. */
async function takeOut({ world }: Scene, gateway: FleetGateway) {
  world.standing.delete(gateway)
  await world.disturbances.whenStill()
}

export async function restartAll(scene: Scene) {
  const { world, times, pause } = scene
  const over = world.weather.stopsBegin(now())
  for (const gateway of world.fleet.gateways) {
    await takeOut(scene, gateway)
    const how = await gateway.stop()
    if (how !== 0) throw new Error(`${gateway.name} ended with ${how} when it was told to stop`)
    await gateway.start()
    world.standing.add(gateway)
    await pause(times.restMs)
  }
  over(now())
}

const exchanged = 'all workers have the new config'

export async function exchangeWorkers({ world, times, pause }: Scene) {
  const over = world.weather.stopsBegin(now())
  const countIn = (name: string) => world.fleet.log(name).split(exchanged).length
  for (const [at, gateway] of world.fleet.gateways.entries()) {
    const before = countIn(gateway.name)
    gateway.signal(at % 2 === 0 ? 'SIGHUP' : 'SIGUSR2')
    await waitUntil(`${gateway.name} has new workers`, async () => countIn(gateway.name) > before)
    await pause(times.restMs)
  }
  over(now())
}

/** Requests and WebSockets on a gateway, as HAProxy counts them. */
async function sessionsOn({ fleet }: DrillWorld, { name }: FleetGateway): Promise<number> {
  const rows = (await fleet.haproxy.stats()).filter(({ svname }) => svname === name)
  return rows.reduce((sum, { scur }) => sum + Number(scur), 0)
}

export async function killOne({ world, times, pause }: Scene): Promise<DrillKill> {
  const [gateway] = world.fleet.gateways
  if (gateway === undefined) throw new Error('there is no gateway')
  await pause(times.restMs)
  const { sent } = world.ledger.tally
  const before = await sessionsOn(world, gateway)
  const orderedAt = now()
  await gateway.kill()
  const goneAt = now()
  // What was sent meanwhile may have gone there too.
  const underWay = before + world.ledger.tally.sent - sent
  world.ledger.noteKill({ orderedAt, goneAt })
  await pause(times.killedMs)
  await gateway.start()
  await pause(times.restMs)
  return { orderedAt, goneAt, underWay }
}

/** Some people of each kind leave, and come again. */
async function comeAgain({ cast, sessions }: DrillWorld) {
  const free = (actors: readonly Actor[]) =>
    actors.filter(({ session, inFlight, pins }) => session !== null && inFlight === 0 && pins === null)
  for (const actor of [...free(cast.settled).slice(0, 4), ...free(cast.staff).slice(0, 2)]) {
    if (actor.session !== null) await sessions.logout(actor, actor.session, 'bearer')
    await sessions.login(actor)
  }
}

export async function redisAway({ world, times, pause }: Scene) {
  await pause(times.restMs / 2)
  const isBack = world.weather.redisGoes(now(), true)
  await world.fleet.redis.stop()
  await pause(times.redisAwayMs / 2)
  await comeAgain(world)
  await pause(times.redisAwayMs / 2)
  await world.fleet.redis.start()
  isBack(now())
}

export async function redisHangs({ world, times, pause }: Scene) {
  const isBack = world.weather.redisGoes(now(), false)
  world.fleet.redis.pause()
  await pause(times.redisHangsMs)
  world.fleet.redis.resume()
  isBack(now())
  await pause(times.restMs)
}

export async function reloadOften({ world, times, pause }: Scene) {
  for (let reload = 0; reload < times.reloads; reload++) {
    await world.fleet.haproxy.reload()
    await pause(times.reloadEveryMs)
  }
}
