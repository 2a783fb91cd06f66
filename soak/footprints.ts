/**
 * The gateway's memory, sockets and timers: watched while it works, and looked at once it is idle.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Footprint } from './gateway.ts'
import type { World } from './world.ts'

const looks = 5
/** The gateway closes an idle connection two seconds before its system would, and looks once a second. */
const soonerMs = 1000
const lookEveryMs = 150
/** On a busy machine what is idle is closed later; what leaks is not closed at all. */
const patienceMs = 10_000
const watchEveryMs = 1000

const leastOf = (one: Footprint, other: Footprint): Footprint => ({
  residentBytes: Math.min(one.residentBytes, other.residentBytes),
  heapBytes: Math.min(one.heapBytes, other.heapBytes),
  externalBytes: Math.min(one.externalBytes, other.externalBytes),
  sockets: Math.min(one.sockets, other.sockets),
  timers: Math.min(one.timers, other.timers)
})

/**
 * Every client has left, and the systems have closed what was idle. Of several looks the least counts: a health probe on
 * its way is nobody's leak. With a footprint of before it is looked until no more sockets and timers are there than then.
 */
export async function idleFootprint(
  world: World,
  idleMs: number,
  signal: AbortSignal,
  before?: Footprint
): Promise<Footprint> {
  await world.leave()
  await delay(idleMs - soonerMs, undefined, { signal })
  let least = await world.stage.idleFootprint()
  const by = performance.now() + patienceMs
  const isMore = () =>
    before !== undefined && (least.sockets > before.sockets || least.timers > before.timers) && performance.now() < by
  for (let look = 1; look < looks || isMore(); look++) {
    await delay(lookEveryMs, undefined, { signal })
    least = leastOf(least, await world.stage.footprint())
  }
  return least
}

/** Until the signal. Throws when there is no process any more. */
export async function watchResident({ stage }: World, signal: AbortSignal, seen: (bytes: number) => void) {
  for (;;) {
    await delay(watchEveryMs, undefined, { signal })
    seen(await stage.residentBytes())
  }
}
