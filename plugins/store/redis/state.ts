/**
 * What a process knows of the store in Redis as a whole: which store it is, when it was last lost, and which generation
 * each purpose has.
 *
 * Forgetting a whole purpose counts its generation up, however many keys it has; keys of older generations are never read
 * again, and expire. A process that does not know of it yet, for the milliseconds that a message takes, reads what was
 * right until just now, as it would have a moment before; what it writes meanwhile is forgotten with the rest, as if it
 * had been written a moment before. Generations begin at the time, so that a store that was emptied never counts up to
 * one that a process still writes to.
 */
import { randomUUID } from 'node:crypto'
import type { Hearing } from '../backend.ts'
import type { Line } from './client.ts'
import type { Names } from './names.ts'

/** As long as credential records are kept, at least: until then somebody may miss what was lost. */
const lostMs = 2 * 86_400_000

export function createState(names: Names, hearing: () => Hearing) {
  const generations = new Map<string, number>()
  let epoch: string | null = null
  let lostAt: number | null = null
  const looking = new WeakSet<Line>()

  function noteLost(at: number) {
    lostAt = Math.max(lostAt ?? 0, at)
  }

  /** Takes a generation that is newer than what is known; gives whether it is. */
  function learn(purpose: string, generation: number): boolean {
    if (generation <= (generations.get(purpose) ?? 0)) return false
    generations.set(purpose, generation)
    return true
  }

  /** The store has no epoch, or another than this process knows. */
  async function claim(line: Line) {
    const isLost = epoch !== null
    if (isLost) {
      noteLost(Date.now())
      generations.clear()
      await line.send(['SET', names.lost, String(lostAt), 'PX', String(lostMs)])
    }
    await line.send(['SET', names.epoch, randomUUID(), 'NX'])
    epoch = (await line.send(['GET', names.epoch])) as string
    return isLost
  }

  async function look(line: Line) {
    const [foundEpoch, foundLost] = (await Promise.all([
      line.send(['GET', names.epoch]),
      line.send(['GET', names.lost])
    ])) as (string | null)[]
    const isLost = (foundEpoch === null || foundEpoch !== epoch) && (await claim(line))
    if (foundLost !== null) noteLost(Number(foundLost))
    const found = (await line.send(['HGETALL', names.generations])) as Record<string, string>
    for (const [purpose, generation] of Object.entries(found)) {
      if (learn(purpose, Number(generation))) hearing().onChanged(purpose, null)
    }
    if (isLost) hearing().onLost()
  }

  return {
    learn,
    lostAt: () => lostAt,
    generationOf: (purpose: string) => generations.get(purpose) ?? 0,
    /** Looks what is there, and takes it in. */
    async look(line: Line) {
      if (looking.has(line)) return
      looking.add(line)
      try {
        await look(line)
      } finally {
        looking.delete(line)
      }
    }
  }
}
