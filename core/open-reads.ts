/**
 * Reads that need no session, so that either system may give them to whoever shows none: pages, and the questions of
 * browsers whether a call may come from another site's page (preflights, which carry no credential).
 */
import type { Target } from './route.ts'

/** A page's query may hold what only the system that gave it may read: a token of a mail or of another portal. */
const namesSecret = /[?&](?:[^=&]*(?:token|session|passw|ticket)[^=&]*|code)=/i

export function isOpenRead(method: string, { route, url }: Pick<Target, 'route' | 'url'>): boolean {
  if (method === 'OPTIONS') return true
  return route.wire === 'page' && (method === 'GET' || method === 'HEAD') && !namesSecret.test(url)
}
