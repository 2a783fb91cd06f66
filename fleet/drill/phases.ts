/**
 * A drill from its start to its end: what is done to the fleet while the load runs, one thing after the other.
 */
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { now } from '../../soak/company.ts'
import { createDice } from '../../soak/dice.ts'
import type { Kill } from '../../soak/ledger.ts'
import type { Actor } from '../../soak/load/actors.ts'
import type { Window } from '../../soak/recorder.ts'
import { waitUntil } from '../ports.ts'
import { type DrillOptions, type DrillTimes, drillTimes } from './options.ts'
import { type Survey, surveySessions } from './survey.ts'
import type { DrillWorld, FleetGateway } from './world.ts'

export const phaseNames = {
  logins: 'everybody logs in',
  steady: 'steady',
  rolling: 'rolling restart',
  exchange: 'workers exchanged',
  killed: 'a gateway is killed',
  redisAway: 'Redis is stopped',
  redisBack: 'Redis is back, empty',
  redisHangs: 'Redis hangs',
  reloads: 'HAProxy reloads',
  again: 'steady again'
} as const

export interface Phase {
  readonly name: string
  readonly seconds: number
  readonly requests: number
  readonly logins: number
  /** Requests of customers who live on one system for the whole run. */
  readonly window: Window
  /** All cores together, from 0 to 1. */
  readonly busyShare: number
}

export interface DrillKill extends Kill {
  /** So many requests and WebSockets were under way on it at most. */
  readonly underWay: number
}

export interface DrillRun {
  readonly phases: readonly Phase[]
  readonly kill: DrillKill
  readonly survey: Survey
}

export interface DrillMeans {
  readonly options: DrillOptions
  readonly signal: AbortSignal
  readonly print: (text: string) => void
}

/** Everything a phase needs. */
interface Scene {
  readonly world: DrillWorld
  readonly times: DrillTimes
  readonly options: DrillOptions
  readonly pause: (ms: number) => Promise<void>
  readonly signal: AbortSignal
}

function cpuTimes() {
  const all = cpus().map(({ times }) => times)
  const sum = (pick: (times: (typeof all)[number]) => number) => all.reduce((total, times) => total + pick(times), 0)
  return { idle: sum(({ idle }) => idle), all: sum((times) => Object.values(times).reduce((a, b) => a + b, 0)) }
}

async function observe({ recorder }: DrillWorld, name: string, work: () => Promise<unknown>): Promise<Phase> {
  const before = { ...recorder.counts, cpu: cpuTimes(), at: performance.now() }
  recorder.errors.enter(name)
  const window = recorder.open(name)
  try {
    await work()
  } finally {
    recorder.close()
  }
  const { requests, logins } = recorder.counts
  const cpu = cpuTimes()
  return {
    name,
    seconds: (performance.now() - before.at) / 1000,
    requests: requests - before.requests,
    logins: logins - before.logins,
    window,
    busyShare: 1 - (cpu.idle - before.cpu.idle) / (cpu.all - before.cpu.all)
  }
}

/** Customers move meanwhile, and one gateway is told of each. */
async function whileMoving({ world, times, signal }: Scene, work: () => Promise<unknown>) {
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

async function restartAll(scene: Scene) {
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

async function exchangeWorkers({ world, times, pause }: Scene) {
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

async function killOne({ world, times, pause }: Scene): Promise<DrillKill> {
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

async function redisAway({ world, times, pause }: Scene) {
  await pause(times.restMs / 2)
  const isBack = world.weather.redisGoes(now(), true)
  await world.fleet.redis.stop()
  await pause(times.redisAwayMs / 2)
  await comeAgain(world)
  await pause(times.redisAwayMs / 2)
  await world.fleet.redis.start()
  isBack(now())
}

async function redisHangs({ world, times, pause }: Scene) {
  const isBack = world.weather.redisGoes(now(), false)
  world.fleet.redis.pause()
  await pause(times.redisHangsMs)
  world.fleet.redis.resume()
  isBack(now())
  await pause(times.restMs)
}

async function reloadOften({ world, times, pause }: Scene) {
  for (let reload = 0; reload < times.reloads; reload++) {
    await world.fleet.haproxy.reload()
    await pause(times.reloadEveryMs)
  }
}

export async function runDrill(world: DrillWorld, { options, signal, print }: DrillMeans): Promise<DrillRun> {
  const times = drillTimes(options)
  const pause = (ms: number) => delay(ms, undefined, { signal })
  const scene: Scene = { world, times, options, pause, signal }
  const phases: Phase[] = []

  /** One phase, without load unless its work brings it. */
  async function phase<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    print(name)
    let done: Promise<Result> | undefined
    phases.push(await observe(world, name, () => (done = work())))
    return done as Promise<Result>
  }

  const underLoad =
    <Result>(work: () => Promise<Result>) =>
    async (): Promise<Result> => {
      const over = work()
      await world.load.run('full', over)
      return over
    }

  await phase(phaseNames.logins, world.load.everyoneIn)
  await phase(
    phaseNames.steady,
    underLoad(() => whileMoving(scene, () => pause(times.steadyMs)))
  )
  await phase(
    phaseNames.rolling,
    underLoad(() => whileMoving(scene, () => restartAll(scene)))
  )
  if (options.workers > 1)
    await phase(
      phaseNames.exchange,
      underLoad(() => exchangeWorkers(scene))
    )
  const kill = await phase(
    phaseNames.killed,
    underLoad(() => killOne(scene))
  )
  await world.load.everyoneIn()
  await phase(
    phaseNames.redisAway,
    underLoad(() => redisAway(scene))
  )
  const survey = await phase(phaseNames.redisBack, async () => {
    const found = await surveySessions(world, createDice(options.seed, 'survey'), pause)
    await world.load.everyoneIn()
    await world.load.run('full', pause(times.restMs))
    return found
  })
  await phase(
    phaseNames.redisHangs,
    underLoad(() => redisHangs(scene))
  )
  await phase(
    phaseNames.reloads,
    underLoad(() => reloadOften(scene))
  )
  await phase(
    phaseNames.again,
    underLoad(() => pause(times.steadyMs))
  )
  print('the books are closed')
  await world.leave()
  await world.closeBooks()
  return { phases, kill, survey }
}
