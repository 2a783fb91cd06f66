/**
 * A soak from its start to its end: warm-up, calm, a source that dies and returns, every fault, quiet.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { idleFootprint } from './footprints.ts'
import type { Footprint } from './gateway.ts'
import { type SoakOptions, timetableOf } from './options.ts'
import type { Window } from './recorder.ts'
import type { World } from './world.ts'

export interface Pair {
  readonly calm: Window
  readonly dead: Window
  /** From the source's return to the first source customer's call that it served, ms. */
  readonly returnMs: number
}

export interface Run {
  readonly before: Footprint
  readonly after: Footprint
  readonly calm: Window
  readonly pairs: readonly Pair[]
  /** How often each kind of fault was met. */
  readonly faultHits: Readonly<Record<string, number>>
  /** Of the gateway, under load. */
  readonly cpuSeconds: number
  readonly loadSeconds: number
}

export interface Means {
  readonly options: SoakOptions
  readonly signal: AbortSignal
  readonly print: (text: string) => void
}

/** A source that is not back by then never comes. */
const returnsWithinMs = 20_000

const inSeconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** Requests that are sent within this time, and how they fared. */
async function observe({ recorder, stage }: World, name: string, ms: number, signal: AbortSignal): Promise<Window> {
  const cpu = await stage.cpuMicroseconds()
  const window = recorder.open(name)
  try {
    await delay(ms, undefined, { signal })
    window.cpuShare = ((await stage.cpuMicroseconds()) - cpu) / 1000 / (performance.now() - window.openedAt)
    return window
  } finally {
    recorder.close()
  }
}

async function sourceReturns({ recorder, disturbances }: World, signal: AbortSignal): Promise<number> {
  const served = Promise.withResolvers<number>()
  const begun = performance.now()
  recorder.whenServed((group) => {
    if (group === 'source') served.resolve(performance.now() - begun)
  })
  const patience = new AbortController()
  try {
    await disturbances.start('source')
    const never = delay(returnsWithinMs, Infinity, { signal: AbortSignal.any([signal, patience.signal]) })
    never.catch(() => {})
    return await Promise.race([served.promise, never])
  } finally {
    patience.abort()
    recorder.whenServed(null)
  }
}

async function pairUp(world: World, { options, signal }: Means): Promise<Pair> {
  const { windowMs, settlingMs } = timetableOf(options)
  const calm = await observe(world, 'calm', windowMs, signal)
  await world.disturbances.stop('source')
  const dead = await observe(world, 'source dead', windowMs, signal)
  const returnMs = await sourceReturns(world, signal)
  await delay(settlingMs, undefined, { signal })
  return { calm, dead, returnMs }
}

async function runLatencies(world: World, means: Means) {
  const { options, signal, print } = means
  const { calmMs, windowMs, settlingMs, pairs: count } = timetableOf(options)
  print(`calm for ${inSeconds(calmMs)}, then ${count} times: calm and source dead for ${inSeconds(windowMs)} each`)
  const pairs: Pair[] = []
  async function windows() {
    // Connections and code that have rested are slower at first.
    await delay(settlingMs, undefined, { signal })
    const calm = await observe(world, 'calm', calmMs, signal)
    while (pairs.length < count) pairs.push(await pairUp(world, means))
    return calm
  }
  const over = windows()
  await world.load.run('steady', over)
  return { calm: await over, pairs }
}

async function runFaults(world: World, ms: number, signal: AbortSignal): Promise<Record<string, number>> {
  const raging = world.disturbances.rage(ms, AbortSignal.any([signal, AbortSignal.timeout(ms)]))
  await world.load.run('full', raging)
  signal.throwIfAborted()
  return raging
}

/** A little of everything, so that what the gateway holds from then on is what it holds at work. */
async function warmUp(world: World, { options, signal, print }: Means) {
  const { warmUpMs } = timetableOf(options)
  print('everybody logs in')
  await world.load.everyoneIn()
  print(`warm-up for ${inSeconds(warmUpMs)}, faults in its second half`)
  await world.load.run('full', delay(warmUpMs / 2, undefined, { signal }))
  await runFaults(world, Math.round(warmUpMs / 2), signal)
}

export async function runAll(world: World, means: Means): Promise<Run> {
  const { options, signal, print } = means
  const { stage, load } = world
  await warmUp(world, means)
  print('quiet')
  const before = await idleFootprint(world, options.idleMs, signal)
  const begun = { at: performance.now(), cpu: await stage.cpuMicroseconds() }
  print('everybody logs in')
  await load.everyoneIn()
  const { calm, pairs } = await runLatencies(world, means)
  const { faultsMs } = timetableOf(options)
  print(`every fault, restarts and moves for ${inSeconds(faultsMs)}`)
  const faultHits = await runFaults(world, faultsMs, signal)
  const loadSeconds = (performance.now() - begun.at) / 1000
  const cpuSeconds = ((await stage.cpuMicroseconds()) - begun.cpu) / 1e6
  print('quiet')
  const after = await idleFootprint(world, options.idleMs, signal, before)
  await world.closeBooks()
  print('done')
  return { before, after, calm, pairs, faultHits, cpuSeconds, loadSeconds }
}
