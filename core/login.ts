/**
 * What an answer to a login means, and which of two answers the client gets (contract section 4).
 */
import { type Answer, faultcodeOf, isUnavailable, sessionOf } from './answer.ts'
import type { Fault } from './faults.ts'
import type { System } from './words.ts'

/**
 * accepted     the user is here and has a session
 * refused      the user is not here, as far as this system tells: the other one is asked
 * unavailable  nobody could tell: the other one is asked
 * answered     the user is here, but gets something else: locked out, must change the password
 */
export type LoginResult = 'accepted' | 'refused' | 'unavailable' | 'answered'

/** What one system gave: its answer, or the gateway's fault when it gave none. */
export type LoginAttempt = { readonly answer: Answer } | { readonly fault: Fault }

/** `forwardOn`: the faultcodes that mean "not here". A refresh has no such list: any fault refuses it. */
export function loginResult(attempt: LoginAttempt, forwardOn: ReadonlySet<string> | null): LoginResult {
  if ('fault' in attempt) return 'unavailable'
  const { answer } = attempt
  if (isUnavailable(answer.status)) return 'unavailable'
  if (sessionOf(answer) !== null) return 'accepted'
  const faultcode = faultcodeOf(answer)
  if (faultcode === null) return 'answered'
  return forwardOn === null || forwardOn.has(faultcode) ? 'refused' : 'answered'
}

/** Whether the other system is asked after this. */
export const asksOther = (result: LoginResult): boolean => result === 'refused' || result === 'unavailable'

/**
 * Which attempt the client is told, once both systems were asked: an acceptance or any answer that means "here"; else
 * that a system was unavailable (nobody is told "wrong password" because a system was down); else the target's refusal.
 */
export function chooseAttempt(results: {
  readonly source: LoginResult
  readonly target: LoginResult
}): 'source' | 'target' {
  const { source, target } = results
  if (!asksOther(target)) return 'target'
  if (!asksOther(source)) return 'source'
  return target === 'refused' && source === 'unavailable' ? 'source' : 'target'
}

/**
 * The same where both were asked at once: the target's session when there is one, else the source's. An outcome that is
 * not there yet counts for nothing; one of the two is there.
 */
export function chooseOfBoth<Outcome extends { readonly result: LoginResult }>(
  outcomes: Readonly<Partial<Record<System, Outcome>>>
): Outcome {
  const { source, target } = outcomes
  if (source === undefined || target === undefined) return (target ?? source) as Outcome
  if (target.result === 'accepted') return target
  if (source.result === 'accepted') return source
  return chooseAttempt({ source: source.result, target: target.result }) === 'target' ? target : source
}
