/**
 * Opening, renewing and ending sessions, as clients do.
 */
import type { System } from '../../core/words.ts'
import type { Expected } from '../ledger.ts'
import type { Places } from '../places.ts'
import type { Recorder } from '../recorder.ts'
import { type Actor, type Session, sessionFrom } from './actors.ts'
import { type Form, say, sayAnonymously } from './forms.ts'
import type { Speaker } from './speaker.ts'

export interface SessionsOptions {
  readonly speak: Speaker
  readonly places: Places
  readonly recorder: Recorder
  readonly signerOf: (token: string) => System | null
  /** Whether something is made to go wrong at the time: then a renewal may lose the source's half. */
  readonly isDisturbed: () => boolean
  /** Whether the gateways may have lost what they keep of a session: then both systems may be asked for a renewal. */
  readonly isForgotten: (session: Session) => boolean
  readonly isStoreShared: boolean
}

export const anywhere: Expected = { kind: 'any' }
export const only = (system: System): Expected => ({ kind: 'system', system })

const isStaff = ({ customer }: Actor) => customer === null

export type Sessions = ReturnType<typeof createSessions>

export function createSessions({
  speak,
  places,
  recorder,
  signerOf,
  isDisturbed,
  isForgotten,
  isStoreShared
}: SessionsOptions) {
  const renewing = new WeakSet<Session>()

  async function pin(actor: Actor, session: Session, context: System) {
    const spoken = { realm: actor.realm, call: 'Session/set_session_context', params: { context } }
    const outgoing = say(spoken, 'bearer', session)
    // Answered by the gateway itself: it arrives nowhere, but for a session that nobody knows any more.
    const told = await speak({ ...actor, session }, { call: spoken.call, outgoing, expected: only('target') })
    if (told.status === 200) session.context = context
    else if (actor.session === session) actor.session = null
  }

  async function login(actor: Actor): Promise<void> {
    if (actor.isLoggingIn) return
    actor.isLoggingIn = true
    try {
      const call = 'Session/login'
      const params = { login: actor.login, password: actor.password }
      const outgoing = sayAnonymously({ realm: actor.realm, call, params })
      const { status, ending, json, sentAt, endedAt, ...told } = await speak(actor, {
        call,
        outgoing,
        expected: anywhere
      })
      if (ending !== 'answered' || status !== 200 || json === null) return
      const session = sessionFrom(json, told, { isPair: isStaff(actor), openedAt: sentAt }, signerOf)
      const { customer } = actor
      const isWrong = session === null || (customer !== null && !places.mayBe(customer, session.lives, sentAt, endedAt))
      if (isWrong)
        recorder.blame('wrongContents', `${call} of ${actor.login}: a session of ${session?.lives ?? 'nobody'}`)
      if (session !== null) recorder.counts.logins++
      if (session !== null && actor.pins !== null) await pin(actor, session, actor.pins)
      actor.session = session
    } finally {
      actor.isLoggingIn = false
    }
  }

  async function logout(actor: Actor, session: Session, form: Form) {
    // Nobody uses it from now on: what is under way on an ended session may rightly go to the target.
    actor.session = null
    const spoken = { realm: actor.realm, call: 'Session/logout', params: { access_token: session.accessToken } }
    const expected = isStaff(actor) ? anywhere : only(session.lives)
    await speak(actor, { call: spoken.call, outgoing: say(spoken, form, session), expected })
  }

  /** One at a time: the token of before is no good any more. */
  async function refresh(actor: Actor, session: Session) {
    if (renewing.has(session)) return
    renewing.add(session)
    try {
      await renew(actor, session)
    } finally {
      renewing.delete(session)
    }
  }

  async function renew(actor: Actor, session: Session) {
    const call = 'Session/refresh_access_token'
    const outgoing = sayAnonymously({ realm: actor.realm, call, params: { refresh_token: session.refreshToken } })
    const wasDisturbed = isDisturbed()
    const expected = isStaff(actor) || isForgotten(session) ? anywhere : only(session.lives)
    const { ending, status, json, sentAt } = await speak(actor, { call, outgoing, expected, isAskable: isStoreShared })
    if (isStaff(actor) && (wasDisturbed || isDisturbed())) session.shakenAt = Math.min(session.shakenAt, sentAt)
    if (ending === 'answered' && status === 200 && json !== null) {
      session.accessToken = String(json.access_token)
      session.renewedAt = sentAt
      if (typeof json.refresh_token === 'string') session.refreshToken = json.refresh_token
      const signer = signerOf(session.accessToken)
      if (signer !== session.lives)
        recorder.blame('wrongContents', `${call}: a token of ${signer} for ${session.lives}`)
    } else if (actor.session === session) actor.session = null
  }

  return { login, logout, refresh }
}
