/**
 * Generic and Env: what a system says of itself.
 */
import type { JsonObject } from '../exact-json.ts'
import type { Call } from '../system.ts'

export const genericMethods = {
  'Generic/get_session_data': getSessionData,
  'Env/get_env_info': getEnvInfo
}

/** Answered to anyone, as it is what health checks ask for. */
export function versionOf(release: string): JsonObject {
  return { version: `${release}-1` }
}

function getSessionData({ session, system }: Call): JsonObject {
  return {
    login: session.login,
    realm: session.realm,
    i_user: session.userId,
    i_env: session.iEnv,
    release: system.release,
    operating_mode: system.mode === 'reserve_down' ? 'standalone' : system.mode
  }
}

function getEnvInfo({ session, system }: Call): JsonObject {
  return {
    env_info: { i_env: session.iEnv, name: `Environment ${session.iEnv}`, release: system.release, iso_4217: 'USD' }
  }
}
