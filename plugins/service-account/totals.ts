/**
 * How many customers each system has, by its own list: asked for while somebody wants to know.
 */
import { jsonOf } from '../../core/answer.ts'
import type { System } from '../../core/words.ts'
import type { ServiceSession } from './session.ts'

export interface Totals {
  /** Null where the system could not be asked, or does not tell. */
  readonly source: number | null
  readonly target: number | null
  /** When both had answered, ms since 1970. */
  readonly at: number
}

/** A total costs a system as much as its list: one each so long, ms, and none once nobody has asked for twice as long. */
const roundMs = 60_000
const wantedMs = 2 * roundMs

const countable = (value: unknown) => {
  const total = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof total === 'number' && Number.isSafeInteger(total) && total >= 0 ? total : null
}

export function createTotals(sessions: Readonly<Record<System, ServiceSession>>) {
  let last: Totals | null = null
  let askedAt = 0
  let isGoingOn = false
  let timer: NodeJS.Timeout | undefined

  async function totalOn(system: System): Promise<number | null> {
    // Whoever has moved is counted on the target alone.
    const params = { limit: 1, get_total: 1, ...(system === 'source' && { skip_exported: 1 }) }
    const answer = await sessions[system].read('Customer/get_customer_list', params)
    return answer?.status === 200 ? countable(jsonOf(answer)?.total) : null
  }

  async function round() {
    const [source, target] = await Promise.all([totalOn('source'), totalOn('target')])
    last = { source, target, at: Date.now() }
  }

  function end() {
    isGoingOn = false
    clearTimeout(timer)
  }

  /** The next round begins so long after the last one's end: a slow system is not asked twice at once. */
  async function goOn(onError: (err: unknown) => void) {
    await round().catch(onError)
    if (!isGoingOn) return
    timer = setTimeout(() => {
      if (performance.now() - askedAt > wantedMs) end()
      else goOn(onError)
    }, roundMs).unref()
  }

  return {
    /** What is known, at once; from now on somebody wants to know. */
    read(onError: (err: unknown) => void): Totals | null {
      askedAt = performance.now()
      if (!isGoingOn) {
        isGoingOn = true
        goOn(onError)
      }
      return last
    },
    end
  }
}
