/**
 * Removes what is left of purposes that were forgotten as a whole, by the process that has forgotten them, once a minute
 * at most and page by page. It would expire anyway: this only gives the memory back sooner.
 */
import type { Line } from './client.ts'
import type { Names } from './names.ts'

interface Swept {
  readonly names: Names
  line(): Line
  generationOf(purpose: string): number
  onTrouble(error: Error): void
  readonly everyMs: number
}

export function createSweep({ names, line, generationOf, onTrouble, everyMs }: Swept) {
  const purposes = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  async function sweepOne(purpose: string) {
    const newest = generationOf(purpose)
    for await (const keys of line().scan(names.pattern(purpose))) {
      const old = keys.filter((key) => names.generationOf(purpose, key) < newest)
      await Promise.all(old.map((key) => line().send(['UNLINK', key])))
    }
  }

  async function sweepAll() {
    timer = undefined
    const due = [...purposes]
    purposes.clear()
    try {
      for (const purpose of due) await sweepOne(purpose)
    } catch (error) {
      onTrouble(error as Error)
    }
  }

  return {
    note(purpose: string) {
      purposes.add(purpose)
      timer ??= setTimeout(sweepAll, everyMs).unref()
    },
    stop: () => clearTimeout(timer)
  }
}
