/**
 * What the session that asks is told of itself. The token is read unverified: the system that it is shown to has just
 * said that it is good.
 */
import type { JsonObject } from '../core/words.ts'
import { systemNames } from '../core/words.ts'
import { systemWord } from './errors.ts'
import type { View } from './view.ts'

function claimsIn(token: string): JsonObject {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? (claims as JsonObject) : {}
  } catch {
    return {}
  }
}

export async function sessionOf(view: View) {
  await view.calls.requireLive()
  const { home, shown } = view.visitor
  const token = shown.find(({ kind }) => kind === 'access_token')
  const { login, exp } = token === undefined ? ({} as JsonObject) : claimsIn(token.value)
  const isInstant = typeof exp === 'number' && Math.abs(exp) < 8.64e12
  return {
    realm: view.place.realm,
    login: typeof login === 'string' ? login : null,
    systems: (home.system === 'both' ? systemNames : [home.system]).map(systemWord),
    expiresAt: isInstant ? `${new Date(exp * 1000).toISOString().slice(0, 19)}Z` : null
  }
}
