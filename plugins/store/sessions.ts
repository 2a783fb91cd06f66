/**
 * Web sessions of teams' own plugins in the gateway's store: a store for @fastify/session. Over Redis it is connect-redis.
 */
import { RedisStore } from 'connect-redis'
import type { Backend } from './backend.ts'
import type { RedisBackend } from './redis/index.ts'

const purpose = 'web'
/** A session whose cookie tells no end, as connect-redis has it. */
const usualMs = 86_400_000

/** What is looked at in a session; the rest is its plugin's own. */
export interface WebSession {
  readonly cookie?: { readonly expires?: Date | string | null; readonly originalMaxAge?: number | null }
}

type Done = (error?: unknown) => void
type Given<Session> = (error: unknown, session?: Session | null) => void

export interface SessionStore<Session> {
  get(id: string, callback: Given<Session>): void
  set(id: string, session: Session, callback: Done): void
  destroy(id: string, callback: Done): void
}

function restMsOf({ cookie }: WebSession): number {
  return cookie?.expires ? new Date(cookie.expires).getTime() - Date.now() : (cookie?.originalMaxAge ?? usualMs)
}

function overBackend<Session extends WebSession>(backend: Backend): SessionStore<Session> {
  return {
    get(id, callback) {
      backend.get(purpose, id).then(
        (found) => callback(null, found === undefined ? null : (JSON.parse(found.value) as Session)),
        (error) => callback(error)
      )
    },
    set(id, session, callback) {
      const change = { key: id, value: JSON.stringify(session), ttlMs: restMsOf(session) }
      backend.write(purpose, [change]).then(() => callback(), callback)
    },
    destroy(id, callback) {
      backend.write(purpose, [{ key: id, value: null }]).then(() => callback(), callback)
    }
  }
}

const isRedis = (backend: Backend): backend is RedisBackend => 'web' in backend

export function createSessionStore<Session extends WebSession>(backend: Backend): SessionStore<Session> {
  return isRedis(backend) ? (new RedisStore(backend.web) as unknown as SessionStore<Session>) : overBackend(backend)
}
