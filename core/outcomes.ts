/**
 * What came of a login and of a merged list, as far as the answer's status and the request's trail tell.
 */
import type { Trail } from './trail.ts'
import type { Route } from './words.ts'

export const isLogin = ({ service, method, family }: Route): boolean =>
  method === 'login' && service === 'Session' && family === 'billing'

/** `ok`: the client was given all of a good answer. */
export type Reached = 'ok' | 'aborted' | 'other'

export const reachedBy = (status: number, aborted: boolean): Reached => {
  if (aborted) return 'aborted'
  return status >= 200 && status < 300 ? 'ok' : 'other'
}

/** How a login was taken; null for one whose client has left. */
export type LoginWay = 'target' | 'forwarded' | 'hinted' | 'refused'

export function loginWay({ to, reason }: Pick<Trail, 'to' | 'reason'>, reached: Reached): LoginWay | null {
  if (reached === 'aborted') return null
  if (reached === 'other') return 'refused'
  if (reason === 'login_hint') return 'hinted'
  // An administrator whom the source alone knows was asked for on both.
  return reason === 'login_forwarded' || to === 'source' ? 'forwarded' : 'target'
}

export const listOutcomes = ['merged', 'partial', 'refused', 'failed'] as const
export type ListOutcome = (typeof listOutcomes)[number]

/** `refused`: in a system's own words, such as those of a session that has ended. */
export function listOutcome({ to, fault }: Pick<Trail, 'to' | 'fault'>, reached: Reached): ListOutcome {
  if (fault !== null || reached === 'aborted') return 'failed'
  if (reached === 'other') return 'refused'
  return to === 'both' ? 'merged' : 'partial'
}
