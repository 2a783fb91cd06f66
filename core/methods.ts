/**
 * What is known of API methods by their names (protocol section 1: POST serves reads and writes alike, the name tells).
 */
import type { Route } from './words.ts'

const readVerbs: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A read changes nothing, so it may be cancelled, and sent again. Whatever is not surely a read is a write. */
export function isRead(httpMethod: string, { service, method }: Route): boolean {
  if (method === '') return readVerbs.has(httpMethod)
  return method.startsWith('get_') || (service === 'Session' && method === 'ping')
}

/** The calls that open, renew and end sessions: the gateway reads their answers. */
export type SessionStep = 'login' | 'refresh' | 'logout'

export function sessionStepOf({ family, wire, service, method }: Route): SessionStep | null {
  if (service !== 'Session' || wire !== 'rest' || family !== 'billing') return null
  if (method === 'login' || method === 'logout') return method
  return method === 'refresh_access_token' ? 'refresh' : null
}

/** A login whose form is not read: it proves who comes all the same, so no cookie and no record counts for it. */
export const isUnreadLogin = ({ wire, service, method }: Route): boolean =>
  wire === 'soap' && service === 'Session' && method === 'login'
