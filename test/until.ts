/**
 * Waiting for what no event tells, such as a counter that moves when an answer has left.
 */
import { setTimeout as delay } from 'node:timers/promises'

/** How long what must come may take, ms. */
const patienceMs = 10_000
const lookEveryMs = 5

/**
 * Looks again until the condition neither throws nor is false; gives what it gave. The test context's own `waitFor` may go
 * on for ever once it has failed.
 */
export async function until<Result>(holds: () => Result | Promise<Result>): Promise<Result> {
  const by = performance.now() + patienceMs
  for (;;) {
    try {
      const result = await holds()
      if (result !== false) return result
      if (performance.now() > by) throw new Error(`not within ${patienceMs} ms: ${holds}`)
    } catch (error) {
      if (performance.now() > by) throw error
    }
    await delay(lookEveryMs)
  }
}
