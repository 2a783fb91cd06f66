/**
 * A drill from its start to its end: what is done to the fleet while the load runs, one thing after the other.
 */
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { createDice } from '../../soak/dice.ts'
import type { Window } from '../../soak/recorder.ts'
import {
  type DrillKill,
  exchangeWorkers,
  killOne,
  redisAway,
  redisHangs,
  reloadOften,
  restartAll,
  type Scene,
  whileMoving
} from './acts.ts'
import { type DrillOptions, drillTimes } from './options.ts'
import { type Survey, surveySessions } from './survey.ts'
import type { DrillWorld } from './world.ts'

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

export function cpuTimes() {
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

/** The acts under load, in order; the survey and the kill give what the limits want to know. */
export async function runDrill(world: DrillWorld, { options, signal, print }: DrillMeans): Promise<DrillRun> {
  const times = drillTimes(options)
  const pause = (ms: number) => delay(ms, undefined, { signal })
  const scene: Scene = { world, times, pause, signal }
  const phases: Phase[] = []

  /** Without load, unless its work brings it. */
  async function phase<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    print(name)
    let done: Promise<Result> | undefined
    phases.push(await observe(world, name, () => (done = work())))
    return done as Promise<Result>
  }

  const underLoad = <Result>(name: string, work: () => Promise<Result>): Promise<Result> =>
    phase(name, async () => {
      const over = work()
      await world.load.run('full', over)
      return over
    })

  async function survey() {
    const found = await surveySessions(world, createDice(options.seed, 'survey'), pause)
    await world.load.everyoneIn()
    await world.load.run('full', pause(times.restMs))
    return found
  }

  await phase(phaseNames.logins, world.load.everyoneIn)
  await underLoad(phaseNames.steady, () => whileMoving(scene, () => pause(times.steadyMs)))
  await underLoad(phaseNames.rolling, () => whileMoving(scene, () => restartAll(scene)))
  if (options.workers > 1) await underLoad(phaseNames.exchange, () => exchangeWorkers(scene))
  const kill = await underLoad(phaseNames.killed, () => killOne(scene))
  await world.load.everyoneIn()
  await underLoad(phaseNames.redisAway, () => redisAway(scene))
  const found = await phase(phaseNames.redisBack, survey)
  await underLoad(phaseNames.redisHangs, () => redisHangs(scene))
  await underLoad(phaseNames.reloads, () => reloadOften(scene))
  await underLoad(phaseNames.again, () => pause(times.steadyMs))
  print('the books are closed')
  await world.leave()
  await world.closeBooks()
  return { phases, kill, survey: found }
}
