/**
 * The cookies in which a browser keeps a session.
 */
import type { IncomingMessage } from 'node:http'
import type { System } from './system.ts'

type Name = 'access_token' | 'session_id'

/** Whether the browser came by TLS: as the proxy in front says, else as the connection itself is. */
export function isSecure({ headers, socket }: IncomingMessage): boolean {
  const told = headers['x-forwarded-proto']
  return told === undefined ? 'encrypted' in socket : told === 'https'
}

function cookie({ cookieDomain }: System, pair: string, isSecureToo: boolean, suffix = ''): [string, string] {
  const domain = cookieDomain === null ? '' : `; Domain=${cookieDomain}`
  return ['Set-Cookie', `${pair}; Path=/; HttpOnly${isSecureToo ? '; Secure' : ''}${domain}${suffix}`]
}

export const heldCookie = (system: System, name: Name, value: string, isSecureToo: boolean) =>
  cookie(system, `${name}=${value}`, isSecureToo)

export const endedCookie = (system: System, name: Name, isSecureToo: boolean) =>
  cookie(system, `${name}=`, isSecureToo, '; Max-Age=0')
