/**
 * Finds who is calling: bearer token, then auth_info, then cookies; and refuses with the systems' own codes.
 */
import type { IncomingMessage } from 'node:http'
import { fault } from './api-fault.ts'
import { type JsonObject, textOf } from './exact-json.ts'
import type { RealmName } from './realms.ts'
import type { Session } from './sessions.ts'
import type { System } from './system.ts'

export interface Credential {
  kind: 'access_token' | 'session_id'
  value: string
}

export function credentialIn(info: JsonObject): Credential | null {
  for (const kind of ['access_token', 'session_id'] as const) {
    const value = textOf(info[kind])
    if (value !== undefined && value !== '') return { kind, value }
  }
  return null
}

export function credentialOf(req: IncomingMessage, authInfo: JsonObject): Credential | null {
  const bearer = /^bearer +(\S+)/i.exec(req.headers.authorization ?? '')?.[1]
  if (bearer !== undefined) return { kind: 'access_token', value: bearer }
  return credentialIn(authInfo) ?? credentialIn(cookiesOf(req))
}

/** The live session of a credential; a session of another realm is not one here. */
export function authenticate(system: System, realm: RealmName, credential: Credential | null): Session {
  if (credential === null) throw fault('Client.check_auth.envelope_missed')
  if (credential.kind === 'session_id') {
    const session = system.sessions.byId(credential.value)
    if (session?.realm !== realm) throw fault('Server.Session.check_auth.auth_failed')
    return session
  }
  const found = system.sessions.byToken(credential.value)
  if (found === 'unreadable') throw fault('Client.Session.check_auth.failed_to_process_jwt')
  if (found === 'ended') throw fault('Server.Session.check_auth.auth_failed')
  if (found === 'refused' || found.realm !== realm) {
    throw fault('Client.Session.check_auth.failed_to_process_access_token')
  }
  return found
}

export function clientAddressOf(req: IncomingMessage): string {
  const forwarded = [req.headers['x-forwarded-for'] ?? []].flat().join(',')
  return forwarded.split(',').at(-1)?.trim() || (req.socket.remoteAddress ?? '')
}

function cookiesOf(req: IncomingMessage): JsonObject {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=')
      return [pair.slice(0, equals), pair.slice(equals + 1)]
    })
  )
}
