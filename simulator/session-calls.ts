/**
 * The Session methods: they carry the credential as a parameter and need no session, or make one.
 */
import { type Answer, type HeaderList, jsonAnswer } from './answers.ts'
import { fault } from './api-fault.ts'
import { type Candidate, candidateOf, enteredCandidate } from './candidates.ts'
import { authenticate, type Credential, credentialIn } from './credentials.ts'
import { intOf, type JsonObject, textOf } from './exact-json.ts'
import { isRealmName, type RealmName } from './realms.ts'
import { endedCookie, heldCookie } from './session-cookies.ts'
import type { Session } from './sessions.ts'
import type { System } from './system.ts'

export interface SessionCall {
  system: System
  realm: RealmName
  params: JsonObject
  /** What the request carries beside its parameters. */
  credential: Credential | null
  clientAddress: string
  /** The client came by TLS. */
  secure: boolean
}

/** The session it is about goes into the journal. */
export interface SessionAnswer {
  answer: Answer
  session: Session | null
}

export const sessionCalls: Record<string, (call: SessionCall) => SessionAnswer> = {
  'Session/login': login,
  'Session/ping': ping,
  'Session/logout': logout,
  'Session/refresh_access_token': refresh,
  'Session/login_to_realm': loginToRealm
}

function login({ system, realm, params, clientAddress, secure }: SessionCall): SessionAnswer {
  const name = textOf(params.login) ?? ''
  if (system.lockout.isLocked(name, clientAddress)) throw fault('Server.Session.cannot_login_brute_force_activity')
  const candidate = candidateOf(system.data, realm, name)
  if (candidate === undefined || !candidate.mayLogIn || !isProven(candidate, params)) {
    system.lockout.failed(name, clientAddress)
    throw fault('Server.Session.auth_failed')
  }
  system.lockout.succeeded(name)
  if (candidate.mustChange) throw fault('Server.Session.alert_You_must_change_password')
  return opened(system, candidate, secure)
}

/** A password, an API token, or both; given ones must all be right. */
function isProven({ secrets }: Candidate, params: JsonObject): boolean {
  const password = textOf(params.password)
  const token = textOf(params.token)
  if (password === undefined && token === undefined) return false
  return (password ?? secrets.password) === secrets.password && (token ?? secrets.token) === secrets.token
}

function ping({ system, realm, params, credential }: SessionCall): SessionAnswer {
  const asked = credentialIn(params) ?? credential
  if (asked === null) throw fault('Client.check_auth.envelope_missed')
  const found = asked.kind === 'session_id' ? system.sessions.byId(asked.value) : pinged(system, asked.value)
  const session = found?.realm === realm ? found : null
  return { answer: jsonAnswer({ user_id: session?.userId ?? 0 }), session }
}

function pinged(system: System, token: string): Session | undefined {
  const found = system.sessions.byToken(token)
  if (found === 'unreadable') throw fault('Client.Session.ping.failed_to_process_access_token')
  return typeof found === 'string' ? undefined : found
}

function logout({ system, realm, params, credential, secure }: SessionCall): SessionAnswer {
  const session = authenticate(system, realm, credentialIn(params) ?? credential)
  system.sessions.end(session)
  const answer = jsonAnswer({ success: 1 }).with(
    endedCookie(system, 'access_token', secure),
    endedCookie(system, 'session_id', secure)
  )
  return { answer, session }
}

function refresh({ system, realm, params, secure }: SessionCall): SessionAnswer {
  const token = textOf(params.refresh_token) ?? ''
  const session = system.sessions.byRefreshToken(token) ?? null
  if (session?.realm !== realm) throw fault('Server.Session.auth_failed')
  const granted = system.sessions.refresh(token)
  return { answer: jsonAnswer(granted).with(heldCookie(system, 'access_token', granted.access_token, secure)), session }
}

/** An admin or a reseller enters a self-care; a customer who has left this system cannot be entered here. */
function loginToRealm({ system, realm, params, credential, secure }: SessionCall): SessionAnswer {
  const own = authenticate(system, realm, credential)
  const { realm: wanted } = params
  if (own.iCustomer !== null || !isRealmName(wanted)) throw fault('Server.Session.auth_failed')
  const id = intOf(params.i_customer) ?? intOf(params.i_account)
  const entersSelfCare = wanted === 'customer' || wanted === 'account'
  const candidate =
    entersSelfCare && id !== undefined
      ? enteredCandidate(system.data, wanted, id)
      : candidateOf(system.data, wanted, textOf(params.login) ?? '')
  if (candidate === undefined || !candidate.mayLogIn) throw fault('Server.Session.auth_failed')
  return opened(system, candidate, secure, true)
}

function opened(system: System, { identity }: Candidate, secure: boolean, isEntered = false): SessionAnswer {
  const granted = system.sessions.open(identity, isEntered)
  const answer = jsonAnswer(granted)
  const session = system.sessions.byId(granted.session_id) ?? null
  // Entering another realm happens in the admin's own browser, whose cookies must stay the admin's.
  if (isEntered) return { answer, session }
  const cookies: HeaderList = [
    heldCookie(system, 'access_token', granted.access_token, secure),
    heldCookie(system, 'session_id', granted.session_id, secure)
  ]
  return { answer: answer.with(...cookies), session }
}
