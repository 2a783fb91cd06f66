/**
 * One soak: opens its world, runs the phases, and closes everything, whatever happens.
 */
import { watchResident } from './footprints.ts'
import type { SoakOptions } from './options.ts'
import { runAll } from './phases.ts'
import { openWorld } from './world.ts'

/** Rejects with the signal's reason: a child that has died would let its questions wait for ever. */
export const endOf = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    const end = () => reject(signal.reason)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })

export async function soak(options: SoakOptions, stopped: AbortSignal, print: (text: string) => void) {
  const world = await openWorld(options)
  const over = new AbortController()
  const signal = AbortSignal.any([stopped, over.signal])
  const fail = (error: unknown) => over.abort(error)
  let peakBytes = 0
  const notePeak = (bytes: number) => {
    peakBytes = Math.max(peakBytes, bytes)
  }
  // Not waited for: what they have just asked of a child that is being ended is never answered.
  world.keepBooks(signal).catch(fail)
  watchResident(world, signal, notePeak).catch(fail)
  try {
    const run = await Promise.race([runAll(world, { options, signal, print }), endOf(signal)])
    return { run, peakBytes, ledger: world.ledger, recorder: world.recorder, disturbances: world.disturbances.counts }
  } finally {
    over.abort()
    await world.close()
  }
}

export type Soaked = Awaited<ReturnType<typeof soak>>
