/**
 * What all workers have counted, those that have gone among them: a sum that fell would be counted anew as a rise.
 */
import { lasting, mergeMetrics, type Shown } from '../../plugins/metrics/merged.ts'
import { restartCauses, restarts } from '../../plugins/metrics/workers.ts'

type Cause = (typeof restartCauses)[number]

export interface Accounts {
  /** A worker was started in the place of another. */
  noteRestart(cause: Cause): void
  /** A worker has gone; this is the last that is known of what it counted. */
  close(counted: readonly Shown[]): void
  /** Everything that is counted here, to be added to the reports of those that are there. */
  shown(): readonly (readonly Shown[])[]
}

export function createAccounts(): Accounts {
  const count: Record<Cause, number> = { crash: 0, roll: 0 }
  const gone: (readonly Shown[])[] = []
  let isAdding = false

  /** All as one, so that what is kept does not grow. */
  async function addUp() {
    if (isAdding) return
    isAdding = true
    const taken = [...gone]
    gone.splice(0, taken.length, await mergeMetrics(taken))
    isAdding = false
  }

  const shownRestarts = (): Shown => ({
    name: `webdispatcher_${restarts.name}`,
    help: restarts.help,
    type: 'counter' as unknown as Shown['type'],
    aggregator: 'sum',
    values: restartCauses.map((cause) => ({ value: count[cause], labels: { cause } }))
  })

  return {
    noteRestart(cause) {
      count[cause]++
    },
    close(counted) {
      gone.push(lasting(counted))
      void addUp()
    },
    shown: () => [...gone, [shownRestarts()]]
  }
}
