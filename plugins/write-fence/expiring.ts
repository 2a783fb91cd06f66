/**
 * Fences that nobody ends come down by themselves: nobody knows then where their customers are.
 */
import type { FastifyInstance } from 'fastify'
import type { Fence, Fences } from '../../core/fences.ts'

interface Parts {
  readonly fences: Fences
  /** These have come down. */
  readonly onExpired: (due: readonly Fence[]) => void
  /** Fences may have gone up or come down: the next one's time is looked at anew, by `plan`. */
  readonly change: () => void
}

/** What a timer can wait, ms. */
const longestMs = 2 ** 31 - 1
/** Customers that a log line names. */
const named = 10

export function createExpiring(app: FastifyInstance, { fences, onExpired, change }: Parts) {
  const { entityLocation } = app
  let timer: NodeJS.Timeout | undefined

  async function forget(due: readonly Fence[]) {
    await entityLocation.forgetCustomers(due.map(({ iCustomer }) => iCustomer))
    entityLocation.noteMovesHere(due.map(({ iCustomer, to }) => ({ iCustomer, state: 'failed', to, by: 'expired' })))
  }

  function expire() {
    const due = fences.due(Date.now())
    // What was decided before is refused; what is decided from here on looks anew.
    for (const { iCustomer } of due) fences.end(iCustomer)
    if (due.length > 0) {
      onExpired(due)
      app.log.warn(
        { customers: due.slice(0, named).map(({ iCustomer }) => iCustomer), count: due.length },
        'fences have expired before anybody ended them: tell finished or failed, or started once more'
      )
      forget(due).catch((err: unknown) => app.log.error({ err }, 'locations could not be forgotten'))
    }
    change()
  }

  return {
    /** Waits for the fence that expires next. */
    plan() {
      clearTimeout(timer)
      const next = fences.nextUntil
      // Not a moment too early: the clock that is waited by is not the one that is looked at.
      if (next !== null) timer = setTimeout(expire, Math.min(Math.max(next - Date.now() + 1, 1), longestMs)).unref()
    },

    stop: () => clearTimeout(timer)
  }
}
