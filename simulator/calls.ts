/**
 * Executes one API call: finds the session, checks the site's mode, runs the method, shapes its result or its fault.
 */
import type { IncomingMessage } from 'node:http'
import { Answer, faultAnswer, jsonAnswer } from './answers.ts'
import { ApiFault, callFault, fault } from './api-fault.ts'
import { authenticate, clientAddressOf, credentialOf } from './credentials.ts'
import { intOf, isJsonObject, type JsonObject } from './exact-json.ts'
import type { OpenEntry } from './journal.ts'
import { versionOf } from './methods/generic.ts'
import { isWrite, methodIn, sipMethods } from './methods/index.ts'
import type { RealmName } from './realms.ts'
import { sessionCalls } from './session-calls.ts'
import { isSecure } from './session-cookies.ts'
import type { Session } from './sessions.ts'
import type { System } from './system.ts'
import type { Content, Target } from './wire.ts'

export interface Exchange {
  system: System
  realm: RealmName
  req: IncomingMessage
  target: Target
  content: Content
  /** Null while the journal does not record. */
  open: OpenEntry | null
}

/** As much of an exchange as a method needs once the session is known. */
export interface SessionExchange extends Pick<Exchange, 'system' | 'realm' | 'open'> {
  target: Pick<Target, 'api' | 'service' | 'method'>
  content: Pick<Content, 'params' | 'files'>
}

const writeRefusals = {
  secondary: 'secondary_site',
  standalone: 'standalone_mode',
  read_only: 'read_only_mode'
} as const

export function executeCall(exchange: Exchange): Answer {
  return answering(exchange, () => {
    const { service, method, api } = exchange.target
    const name = `${service}/${method}`
    requireMode(exchange.system, method)
    if (name === 'Generic/get_version') return jsonAnswer(versionOf(exchange.system.release))
    const sessionCall = api === 'rest' ? sessionCalls[name] : undefined
    if (sessionCall !== undefined) return runSessionCall(exchange, sessionCall)
    return runMethod(exchange, sessionOf(exchange))
  })
}

/** A call whose session is known from elsewhere, and may have ended since. */
export function executeInSession(exchange: SessionExchange, session: Session): Answer {
  return answering(exchange, () => {
    const { system, target, open } = exchange
    requireMode(system, target.method)
    note(open, session)
    if (system.sessions.byId(session.id) !== session) throw fault('Server.Session.check_auth.auth_failed')
    return runMethod(exchange, session)
  })
}

/** Runs something that may throw a fault, and journals whose it was and how it ended. */
export function answering({ open, content }: Pick<SessionExchange, 'open' | 'content'>, work: () => Answer): Answer {
  if (open !== null) open.entry.iCustomer = referenceIn(content.params) ?? open.entry.iCustomer
  const result = answerOf(work)
  if (open !== null) open.entry.faultcode = result.faultcode
  return result
}

/** The caller's session, noted in the journal. */
export function sessionOf({ system, realm, req, content, open }: Exchange): Session {
  const session = authenticate(system, realm, credentialOf(req, content.authInfo))
  note(open, session)
  return session
}

function answerOf(work: () => Answer): Answer {
  try {
    return work()
  } catch (error) {
    if (error instanceof ApiFault) return faultAnswer(error)
    const text = error instanceof Error ? error.message : String(error)
    return faultAnswer(new ApiFault('Server.Internal.error', text))
  }
}

function runMethod({ system, realm, target, content }: SessionExchange, session: Session): Answer {
  const { service, method, api } = target
  const name = `${service}/${method}`
  const found = api === 'portasip' ? sipMethods.get(name) : methodIn(system.release, name)
  if (found === undefined || (api === 'callcontrol' && service !== 'CallControl')) {
    throw callFault('Server', service ?? 'API', 'unknown_method', `There is no method ${name}`)
  }
  const result = found({ system, realm, name, session, params: content.params, files: content.files })
  return result instanceof Answer ? result : jsonAnswer(result)
}

function runSessionCall(exchange: Exchange, run: NonNullable<(typeof sessionCalls)[string]>): Answer {
  const { system, realm, req, content, open } = exchange
  const { answer, session } = run({
    system,
    realm,
    params: content.params,
    credential: credentialOf(req, content.authInfo),
    clientAddress: clientAddressOf(req),
    secure: isSecure(req)
  })
  if (session !== null) note(open, session)
  return answer
}

function note(open: OpenEntry | null, session: Session): void {
  if (open === null) return
  open.entry.sessionId = session.id
  open.entry.iCustomer ??= session.iCustomer
}

export function requireMode({ mode }: System, method: string | null): void {
  if (mode === 'normal') return
  if (mode === 'reserve_down') throw fault('pb_delta.connection_failed')
  if (isWrite(method)) throw fault(writeRefusals[mode])
}

function referenceIn({ i_customer, customer_info }: JsonObject): number | undefined {
  return intOf(i_customer) ?? (isJsonObject(customer_info) ? intOf(customer_info.i_customer) : undefined)
}
