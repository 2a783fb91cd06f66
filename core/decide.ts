/**
 * Facts to decision: the only place that decides where a request goes (contract sections 3 to 5).
 */
import { Fault } from './faults.ts'
import { type Evidence, type Home, isCertain, isSingleHome, otherSystem, type RealmName, type System } from './words.ts'

export interface Facts {
  readonly realm: RealmName
  /** The system of a versioned host. */
  readonly pinned: System | null
  /**
   * A login proves who comes, so nothing else is known of it than where it last succeeded; a refresh token that nobody
   * knows is tried likewise, but lives on one system.
   */
  readonly login: {
    readonly step: 'login' | 'refresh'
    readonly hint: System | null
    readonly forwards: boolean
  } | null
  /** A system that the client asked for: the request's context, else the session's. */
  readonly context: System | null
  readonly home: Home
  /** A list that names no entity, in a deployment that merges lists. */
  readonly merges: boolean
  /** A WebSocket on which both systems tell what happens. */
  readonly joins: boolean
  /**
   * Where the entity that the call names is active; null for a call that names none, or one that is nowhere; `unasked`
   * where an explanation asks nobody.
   */
  readonly location: System | 'unasked' | null
  /** A read that needs no session. */
  readonly open: boolean
}

/** What is known of a request of which nothing is known but its realm. */
export const noFacts: Omit<Facts, 'realm' | 'pinned'> = {
  login: null,
  context: null,
  home: { system: 'target', by: 'no_credential' },
  merges: false,
  joins: false,
  location: null,
  open: false
}

export type Reason =
  | 'versioned_host'
  | 'login'
  | 'login_hint'
  | 'login_forwarded'
  | 'context'
  | 'merged_list'
  | 'joined'
  | 'entity_location'
  | 'unlocated'
  | 'default_target'
  | 'target_unavailable'
  | 'redirect'
  | 'handed_over'
  | 'graphql'
  | Exclude<Evidence, 'record' | 'signature' | 'cookie'>
  | 'session_record'
  | 'token_signature'
  | 'routing_cookie'

export interface Decision {
  readonly to: System | 'both'
  readonly reason: Reason
  /** Asked when `to` refuses a login or is unavailable: only logins go on like this, and reads of those who live nowhere. */
  readonly otherwise: System | null
  /**
   * True when a record, a signature or the host says so. Otherwise a session fault may mean "the other system":
   * the systems are asked then (contract section 4).
   */
  readonly certain: boolean
  /** Of a merged list: the system on which the session does not live, so that its part cannot be had. */
  readonly missing: System | null
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

const plainly = (to: Decision['to'], reason: Reason, certain: boolean): Decision => ({
  to,
  reason,
  otherwise: null,
  certain,
  missing: null
})

export function decide(facts: Facts): Decision {
  const { realm, pinned, login, home } = facts
  if (pinned !== null) return plainly(pinned, 'versioned_host', true)
  if (login !== null) return decideLogin(realm, login)
  const decision = isSingleHome(realm)
    ? plainly(home.system === 'both' ? 'target' : home.system, reasonOf[home.by], isCertain(home))
    : decideDual(facts)
  // Whoever has shown nothing lives nowhere, and must find a page to log in at while one system is away.
  return facts.open && decision.reason === 'no_credential' ? { ...decision, otherwise: 'source' } : decision
}

function decideLogin(realm: RealmName, { step, hint, forwards }: NonNullable<Facts['login']>): Decision {
  if (step === 'login' && forwards && !isSingleHome(realm)) return plainly('both', 'login', false)
  const to = hint ?? 'target'
  const reason = to === 'target' ? 'login' : 'login_hint'
  return { ...plainly(to, reason, false), otherwise: forwards ? otherSystem(to) : null }
}

/** Contract section 5. */
function decideDual({ home, context, merges, joins, location }: Facts): Decision {
  const certain = isCertain(home)
  const lives = home.system
  if (context !== null) {
    // Explicitly asked for, so the other system would be the wrong one.
    if (certain && lives !== 'both' && lives !== context) {
      throw new Fault('system_unavailable', `${context}, where this session does not live (log in again),`)
    }
    return plainly(context, 'context', certain)
  }
  if (merges && certain) {
    return { ...plainly('both', 'merged_list', true), missing: lives === 'both' ? null : otherSystem(lives) }
  }
  if (joins && certain && lives === 'both') return plainly('both', 'joined', true)
  // A session that lives on one system has no choice.
  if (lives !== 'both') return plainly(lives, reasonOf[home.by], certain)
  if (location === 'unasked') return plainly('target', 'unlocated', certain)
  if (location !== null) return plainly(location, 'entity_location', certain)
  return plainly('target', 'default_target', certain)
}
