/**
 * Everything that a soak is made of, put together: the processes, the company of its clients, and what disturbs them.
 */
import { gather, now } from './company.ts'
import { createDice } from './dice.ts'
import { createDisturbances } from './disturbances.ts'
import type { SoakOptions } from './options.ts'
import { locationMs } from './settings.ts'
import { openStage, type Stage } from './stage.ts'

/** A request that a move explains may have been on its way for so long, ms. */
const graceMs = 500
/** How the gateway hears of moves. */
const ways = [
  [6, 'events'],
  [2, 'words'],
  [3, 'untold']
] as const

export type World = Awaited<ReturnType<typeof openWorld>>

export async function openWorld(options: SoakOptions) {
  const stage = await openStage(options)
  try {
    return await worldOn(stage, options)
  } catch (error) {
    await stage.close()
    throw error
  }
}

async function worldOn(stage: Stage, { customers, seed, rate }: SoakOptions) {
  const { command, about, origin } = stage
  const memory = { memoryMs: locationMs + 1500, graceMs }
  const isDisturbed = () => disturbances.isDisturbed()
  const company = await gather({ command, about, origin, customers, seed, rate, memory, isDisturbed })
  const dice = {
    faults: createDice(seed, 'faults'),
    moves: createDice(seed, 'moves'),
    restarts: createDice(seed, 'stops')
  }
  const { places, cast } = company
  const migrations = () => stage.migrations
  const disturbances = createDisturbances({ command, migrations, ways, places, movers: cast.known.movers, dice, now })
  return {
    ...company,
    stage,
    disturbances,
    async close() {
      await company.disband()
      await stage.close()
    }
  }
}
