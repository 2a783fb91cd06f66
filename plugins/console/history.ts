/**
 * What the cells had at which time: each second of the last minute, and each step of the last hour. A fixed number of rows
 * of fixed length, so the memory is the same after a minute and after a year.
 */
import { type Cells, cellCount } from './cells.ts'

/** A step, ms; steps begin at multiples of it on the wall clock, so that those of several workers are the same. */
export const stepMs = 10_000
/** Steps kept: an hour. */
export const keptSteps = 360
/** Seconds kept behind the newest. */
const keptSeconds = 60
/** What is called the rate of now is of so many seconds. */
const rateSeconds = 5

/** How many have moved so far, and how many are moving, at the end of a step. */
export interface Movement {
  readonly moved: number
  readonly moving: number
}

export interface Step extends Movement {
  /** Its end, ms since 1970. */
  readonly at: number
  /** How long it was, ms: a process that was begun, or stood still, has others than `stepMs`. */
  readonly ms: number
  /** What was counted within it. */
  readonly cells: readonly number[]
}

/** What was counted lately. */
export interface Recent {
  /** How long the rate's time was, ms. */
  readonly rateMs: number
  readonly rate: readonly number[]
  /** The last minute. */
  readonly minute: readonly number[]
}

interface KeptRow {
  readonly at: number
  readonly cells: Float64Array
}

interface KeptStep extends Omit<Step, 'cells'> {
  readonly cells: Uint32Array
}

function rise(now: Cells, then: Cells): Uint32Array {
  const cells = new Uint32Array(cellCount)
  for (let at = 0; at < cellCount; at++) cells[at] = (now[at] ?? 0) - (then[at] ?? 0)
  return cells
}

const asStep = ({ cells, ...step }: KeptStep): Step => ({ ...step, cells: Array.from(cells) })

/** `now` is the wall clock, ms; `cells` are counted in by others and never go down. */
export function createHistory(cells: Float64Array, movement: () => Movement, now: () => number = Date.now) {
  /** Oldest first. */
  const seconds: KeptRow[] = [{ at: now(), cells: cells.slice() }]
  const steps: KeptStep[] = []
  let begun: KeptRow = seconds[0] as KeptRow

  /** A clock that was set back must not leave steps of the future, nor wait for it. */
  function noteTimeWarp(at: number) {
    if (at >= begun.at) return
    while ((steps.at(-1)?.at ?? 0) > at) steps.pop()
    seconds.splice(0, seconds.length, { at, cells: cells.slice() })
    begun = { at, cells: begun.cells }
  }

  function closeStep(at: number) {
    const end = Math.floor(at / stepMs) * stepMs
    if (end <= begun.at) return
    steps.push({ at: end, ms: Math.max(at - begun.at, 1), cells: rise(cells, begun.cells), ...movement() })
    if (steps.length > keptSteps) steps.shift()
    begun = { at, cells: cells.slice() }
  }

  return {
    /** Called each second, and whenever somebody asks. */
    advance() {
      const at = now()
      noteTimeWarp(at)
      closeStep(at)
      if (at - (seconds.at(-1)?.at ?? 0) < 900) return
      seconds.push({ at, cells: cells.slice() })
      if (seconds.length > keptSeconds + 1) seconds.shift()
    },

    recent(): Recent {
      const at = now()
      const then = seconds.findLast((row) => row.at <= at - rateSeconds * 1000 + 500) ?? (seconds[0] as KeptRow)
      return {
        rateMs: Math.max(at - then.at, 1),
        rate: Array.from(rise(cells, then.cells)),
        minute: Array.from(rise(cells, (seconds[0] as KeptRow).cells))
      }
    },

    lastStep(): Step | null {
      const last = steps.at(-1)
      return last === undefined ? null : asStep(last)
    },

    steps: (): Step[] => steps.map(asStep)
  }
}
