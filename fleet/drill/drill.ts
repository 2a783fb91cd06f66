/**
 * One drill: opens its world, runs the phases, and closes everything, whatever happens.
 */
import { endOf } from '../../soak/soak.ts'
import { type DrillMeans, runDrill } from './phases.ts'
import { openDrill } from './world.ts'

/** Whatever takes so many times longer than planned hangs. */
const patience = 4
const leastPatienceMs = 180_000

export async function drill({ options, signal: stopped, print }: DrillMeans) {
  print('the fleet starts')
  const world = await openDrill(options)
  const over = new AbortController()
  const hung = AbortSignal.timeout(Math.max(options.seconds * 1000 * patience, leastPatienceMs))
  const signal = AbortSignal.any([stopped, over.signal, hung])
  // Not waited for: what is asked of a child that is being ended is never answered.
  world.keepBooks(signal).catch((error: unknown) => over.abort(error))
  try {
    const run = await Promise.race([runDrill(world, { options, signal, print }), endOf(signal)])
    return { run, ledger: world.ledger, recorder: world.recorder, moves: world.disturbances.counts }
  } finally {
    over.abort()
    await world.close()
  }
}

export type Drill = Awaited<ReturnType<typeof drill>>
