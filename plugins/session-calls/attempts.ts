/**
 * A login, a refresh or a logout as the systems answer it: one after the other, or both at once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Decision } from '../../core/decide.ts'
import { Fault } from '../../core/faults.ts'
import {
  asksOther,
  chooseAttempt,
  chooseOfBoth,
  type LoginAttempt,
  type LoginResult,
  loginResult
} from '../../core/login.ts'
import type { Swap } from '../../core/swap.ts'
import { type System, systemNames } from '../../core/words.ts'

/** What one system made of it. */
export interface Outcome {
  readonly to: System
  readonly attempt: LoginAttempt
  readonly result: LoginResult
}

/** How long a login waits for the second system once the first has accepted it, ms. */
const secondHalfMs = 3_000

/** Whether the body can be sent twice. */
export const isKept = ({ content }: FastifyRequest) => content === null || Buffer.isBuffer(content)

export function createAttempts(app: FastifyInstance) {
  async function attempt(
    request: FastifyRequest,
    to: System,
    forwardOn: ReadonlySet<string> | null,
    swaps: readonly Swap[] | null = null
  ): Promise<Outcome> {
    try {
      const made: LoginAttempt = { answer: await app.exchange(request, to, swaps) }
      return { to, attempt: made, result: loginResult(made, forwardOn) }
    } catch (error) {
      if (error instanceof Fault && error.statusCode >= 500) {
        return { to, attempt: { fault: error }, result: 'unavailable' }
      }
      throw error
    }
  }

  /** Asks the decision's system, then the other one where the first refuses or is away. `forwardOn` null: any fault refuses. */
  async function inTurn(
    request: FastifyRequest,
    decision: Decision & { readonly to: System },
    forwardOn: ReadonlySet<string> | null
  ): Promise<Outcome> {
    const { to, reason, otherwise } = decision
    request.trail.reason = reason
    const first = await attempt(request, to, forwardOn)
    // A body that was not kept is gone with the first attempt.
    if (otherwise === null || !isKept(request) || !asksOther(first.result)) return first
    const second = await attempt(request, otherwise, forwardOn)
    const byTarget = to === 'target' ? first : second
    const bySource = to === 'target' ? second : first
    const chosen =
      chooseAttempt({ source: bySource.result, target: byTarget.result }) === 'target' ? byTarget : bySource
    request.trail.to = chosen.to
    if (chosen === second) request.trail.reason = 'login_forwarded'
    return chosen
  }

  /**
   * Logs in on both at once. Once one has accepted, the other gets a little longer and no more: it must not hold
   * everybody up. `late` is the other's outcome when it has not come by then.
   */
  async function onBoth(
    request: FastifyRequest,
    forwardOn: ReadonlySet<string> | null,
    swaps: Readonly<Record<System, readonly Swap[]>>
  ) {
    const outcomes: Partial<Record<System, Outcome>> = {}
    const pending = systemNames.map(async (system) => {
      const outcome = await attempt(request, system, forwardOn, swaps[system])
      outcomes[system] = outcome
      return outcome
    })
    const patience = new AbortController()
    const accepted = pending.map(async (one) => {
      if ((await one).result !== 'accepted') throw new Error('not accepted')
    })
    const longEnough = Promise.any(accepted).then(() => delay(secondHalfMs, undefined, { signal: patience.signal }))
    // Nobody accepted: then only the answers of both count.
    const waited = longEnough.catch(() => new Promise<never>(() => {}))
    try {
      await Promise.race([Promise.all(pending), waited])
    } finally {
      patience.abort()
    }
    const chosen = chooseOfBoth(outcomes)
    const other = chosen.to === 'target' ? 'source' : 'target'
    const late = outcomes[other] === undefined ? pending[systemNames.indexOf(other)] : undefined
    return { chosen, other: outcomes[other] ?? null, late }
  }

  return { attempt, inTurn, onBoth }
}
