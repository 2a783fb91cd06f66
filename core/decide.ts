/**
 * Facts to decision: the only place that decides where a request goes (contract sections 3 to 5).
 */
import { type Evidence, type Home, isSingleHome, otherSystem, type RealmName, type System } from './words.ts'

export interface Facts {
  readonly realm: RealmName
  /** The system of a versioned host. */
  readonly pinned: System | null
  /** A login proves who comes, so nothing else is known of it than where it last succeeded. */
  readonly login: { readonly hint: System | null; readonly forwards: boolean } | null
  /** A system that the client asked for: the request's context, else the session's. */
  readonly context: System | null
  readonly home: Home
  /** Where the entity that the call names is active; null for a call that names none, or one that is nowhere. */
  readonly location: System | null
}

export type Reason =
  | 'versioned_host'
  | 'login'
  | 'login_hint'
  | 'login_forwarded'
  | 'context'
  | 'entity_location'
  | 'default_target'
  | Exclude<Evidence, 'record' | 'signature' | 'cookie'>
  | 'session_record'
  | 'token_signature'
  | 'routing_cookie'

export interface Decision {
  readonly to: System
  readonly reason: Reason
  /** Asked when `to` refuses or is unavailable: only a login goes on like this. */
  readonly otherwise: System | null
  /**
   * True when a record, a signature or the host says so. Otherwise a session fault may mean "the other system":
   * the systems are asked then (contract section 4).
   */
  readonly certain: boolean
}

const reasonOf: Readonly<Record<Evidence, Reason>> = {
  record: 'session_record',
  signature: 'token_signature',
  cookie: 'routing_cookie',
  asked: 'asked',
  no_credential: 'no_credential',
  unknown_credential: 'unknown_credential',
  unasked: 'unasked'
}

export function decide(facts: Facts): Decision {
  const { realm, pinned, login, home } = facts
  if (pinned !== null) return { to: pinned, reason: 'versioned_host', otherwise: null, certain: true }
  if (login !== null) {
    const to = login.hint ?? 'target'
    const reason = to === 'target' ? 'login' : 'login_hint'
    return { to, reason, otherwise: login.forwards ? otherSystem(to) : null, certain: false }
  }
  const certain = home.by === 'record' || home.by === 'signature' || home.by === 'asked'
  // A session that lives on one system has no choice, in any realm.
  if (home.system !== 'both') return { to: home.system, reason: reasonOf[home.by], otherwise: null, certain }
  if (isSingleHome(realm)) return { to: 'target', reason: reasonOf[home.by], otherwise: null, certain }
  return { ...withinBoth(facts), otherwise: null, certain }
}

/** Contract section 5, for a session that lives on both systems. */
function withinBoth({ context, location }: Facts): { to: System; reason: Reason } {
  if (context !== null) return { to: context, reason: 'context' }
  if (location !== null) return { to: location, reason: 'entity_location' }
  return { to: 'target', reason: 'default_target' }
}
