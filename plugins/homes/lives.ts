/**
 * Where a kept session lives, and whether two credentials can be of one session.
 */
import { Fault } from '../../core/faults.ts'
import type { Home, KeptSession, System } from '../../core/words.ts'

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
