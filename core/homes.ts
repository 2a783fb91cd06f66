/**
 * Where a session lives by what is known of it, and whether two credentials can be of one session.
 */
import { Fault } from './faults.ts'
import type { Credential, Home, KeptSession, System } from './words.ts'

/** Where a session lives, and what the gateway keeps of it. */
export type Lives = Pick<Home, 'system' | 'session'>

/** A session whose half on the source is lost goes on with the system that issued what the client holds. */
export function homeOf(system: System | 'both', session: KeptSession): Home {
  if (session.halves !== null) return { system: 'both', by: 'record', session }
  if (system === 'both') return { system: 'target', by: 'record', session }
  return session.context === null ? { system, by: 'record' } : { system, by: 'record', session }
}

/** The home of two credentials of one call; throws when they are of different sessions. */
export function agreed(one: Home, other: Home): Home {
  const areTwo = one.session !== undefined && other.session !== undefined && one.session.id !== other.session.id
  if (!areTwo && one.system === other.system) return one.session === undefined ? other : one
  // The target has issued what the client holds of a session on both: its signature, or its word, says no more than that.
  const pair = [one, other].find(({ system }) => system === 'both')
  if (!areTwo && pair !== undefined && one.system !== 'source' && other.system !== 'source') return pair
  throw new Fault('malformed_request', 'the credentials are of different sessions')
}

const bySourceCookie: Home = { system: 'source', by: 'cookie' }
export const noCredential: Home = { system: 'target', by: 'no_credential' }

/** What follows from there being no record: the routing cookie's word, or that there is nobody to ask about. */
export function withoutRecord(first: Credential | undefined, cookieSaysSource: boolean): Home | undefined {
  if (cookieSaysSource) return bySourceCookie
  return first === undefined ? noCredential : undefined
}

/**
 * In a dual realm what has no record may be half of a session on both systems: it must not go on as a whole one that
 * sees half of what there is. What the source has issued lives there alone.
 */
export const mayBeHalf = (home: Home | null): boolean =>
  home === null || (home.by === 'signature' && home.system === 'target')
