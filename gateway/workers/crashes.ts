/**
 * How often workers have crashed lately: how long to wait before the next one is started, and when that is no use.
 */
const windowMs = 30_000
const firstPauseMs = 50
const longestPauseMs = 5000

/** Crashes within the window that are survived: a few, and of many workers each may have two. */
const survived = (workers: number) => Math.max(5, 2 * workers)

export interface Crashes {
  /** Notes one; how long to wait before a worker is started in its place, ms, or null where it would be no use. */
  note(workers: number): number | null
  /** Of the last 30 s. */
  readonly count: number
}

export function createCrashes(now: () => number = () => performance.now()): Crashes {
  let times: number[] = []
  return {
    note(workers) {
      const at = now()
      times = [...times.filter((time) => time > at - windowMs), at]
      if (times.length > survived(workers)) return null
      return Math.min(firstPauseMs * 2 ** (times.length - 1), longestPauseMs)
    },
    get count() {
      return times.length
    }
  }
}
