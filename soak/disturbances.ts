/**
 * What is done to the systems while the load runs: faults switched on, systems stopped and started, customers moved.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { otherSystem, type System, systemNames } from '../core/words.ts'
import type { Dice } from './dice.ts'
import { createFaultPlan } from './faults.ts'
import type { Places } from './places.ts'
import type { Stage } from './stage.ts'
import type { Person } from './systems.ts'

export interface DisturbancesOptions {
  readonly command: Stage['command']
  /** Where a gateway hears of moves, chosen anew for each. */
  readonly migrations: () => string
  /** What the gateway wants to see of whoever tells it; nothing where it has no token. */
  readonly token?: string
  readonly ways: Ways
  readonly places: Places
  readonly movers: readonly Person[]
  readonly dice: { readonly faults: Dice; readonly moves: Dice; readonly restarts: Dice }
  readonly now: () => number
}

/** For so long a word that a gateway cannot take now is told again, as any operator's script would, ms. */
const wordPatienceMs = 30_000

/** How the gateway hears of a move, by weight. */
export type Ways = readonly (readonly [weight: number, way: 'events' | 'words' | 'untold'])[]

export type Disturbances = ReturnType<typeof createDisturbances>

export function createDisturbances(options: DisturbancesOptions) {
  const { command, migrations, token, ways, places, movers, dice, now } = options
  const counts = { faults: 0, restarts: 0, moves: 0, untold: 0, failedMoves: 0 }
  const down = new Set<System>()
  let areFaultsOn = false
  let moving: Promise<void> = Promise.resolve()
  const nextFault = createFaultPlan(dice.faults)

  async function stop(system: System) {
    down.add(system)
    await command('stop', { system })
  }

  async function start(system: System) {
    await command('start', { system })
    down.delete(system)
    counts.restarts++
  }

  async function say(where: string, state: 'started' | 'finished' | 'failed', customer: number, to: System) {
    const body = JSON.stringify({ i_customer: customer, state, to })
    const shown = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const headers = { 'content-type': 'application/json', ...shown }
    const by = performance.now() + wordPatienceMs
    for (;;) {
      const answer = await request(where, { method: 'POST', headers, body, reset: true })
      await answer.body.dump()
      const { statusCode } = answer
      if (statusCode === 200) return
      const isBusy = statusCode === 503 || statusCode === 504
      if (!isBusy || performance.now() > by) throw new Error(`the word of a migration was answered with ${statusCode}`)
      await delay(Number(answer.headers['retry-after'] ?? 1) * 1000)
    }
  }

  async function move(customer: number) {
    const to = otherSystem(places.of(customer))
    const way = dice.moves.weighted(ways)
    const where = migrations()
    const begun = places.begin(customer, to, way !== 'untold', now())
    let succeeded = false
    try {
      if (way === 'words') await say(where, 'started', customer, to)
      await command('move', { customer, to, events: way === 'events' ? where : null })
      succeeded = true
    } catch {
      counts.failedMoves++
    }
    places.end(begun, now(), succeeded)
    if (way === 'words') await say(where, succeeded ? 'finished' : 'failed', customer, to)
    // Only now has the gateway heard the last of it.
    if (way === 'words') places.end(begun, now(), succeeded)
    counts.moves++
    if (way === 'untold') counts.untold++
  }

  async function switchFaults(everyMs: number, signal: AbortSignal) {
    areFaultsOn = true
    for (;;) {
      await command('switchFault', nextFault())
      counts.faults++
      await delay(everyMs, undefined, { signal })
    }
  }

  /** Until the signal, by which it then rejects. */
  async function moveAbout(everyMs: number, signal: AbortSignal) {
    for (;;) {
      await delay(dice.moves.between(0.5, 1.5) * everyMs, undefined, { signal })
      moving = move(dice.moves.pick(movers).customer.i_customer)
      await moving
    }
  }

  async function restart(everyMs: number, downMs: number, signal: AbortSignal) {
    for (;;) {
      await delay(dice.restarts.between(0.7, 1.3) * everyMs, undefined, { signal })
      const system = dice.restarts.pick(systemNames)
      await stop(system)
      await delay(dice.restarts.between(0.5, 1.5) * downMs, undefined, { signal })
      await start(system)
    }
  }

  /** All of it, until the signal; then everything is whole again. Gives how often each kind of fault was met. */
  async function rage(ms: number, signal: AbortSignal): Promise<Record<string, number>> {
    const pace = { fault: Math.min(500, ms / 40), move: Math.min(800, ms / 8), restart: Math.min(15_000, ms / 2.5) }
    const all = [
      switchFaults(pace.fault, signal),
      moveAbout(pace.move, signal),
      restart(pace.restart, Math.min(1500, ms / 10), signal)
    ]
    const ended = await Promise.allSettled(all)
    for (const one of ended) {
      if (one.status === 'rejected' && (one.reason as Error).name !== 'AbortError') throw one.reason
    }
    const hits = await command('clearFaults')
    for (const system of down) await start(system)
    areFaultsOn = false
    return hits
  }

  /** Once the move that is under way has ended, however it ends. */
  const whenStill = () => moving.catch(() => {})

  return { stop, start, moveAbout, whenStill, rage, counts, isDisturbed: () => areFaultsOn || down.size > 0 }
}
