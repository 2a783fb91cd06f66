/**
 * Where the console's sessions are kept: in the gateway's store, for all who share it. While that is away, those that this
 * process knows go on: on such a night the console is needed most.
 */
import type { SessionStore } from '@fastify/session'
import type { FastifyInstance, Session } from 'fastify'
import type { Seal } from '../../../core/seal.ts'

const purpose = 'ops-sessions'

/**
 * In the place of a session that has ended. Were it deleted, a request that comes while that is on its way to the store could
 * still read it there, and this process would believe it.
 */
const ended = 'ended'

export interface KeptSessions {
  readonly sessions: SessionStore
  isKept(id: string): Promise<boolean>
  /** Called when another process has written or ended sessions, and tells which may be among them. */
  onChanged(listener: (mayBe: (id: string) => boolean) => void): void
}

export function createKeptSessions(app: FastifyInstance, { keyOf, keysOf }: Seal, idleMs: number): KeptSessions {
  const store = app.store(purpose, { lasting: true })

  async function find(id: string): Promise<Session | null> {
    for (const key of keysOf(purpose, id)) {
      const text = await store.get(key)
      if (text !== undefined) return text === ended ? null : (JSON.parse(text) as Session)
    }
    return null
  }

  return {
    sessions: {
      get(id, callback) {
        find(id).then(
          (session) => callback(null, session),
          (error) => callback(error)
        )
      },
      set(id, session, callback) {
        store.set(keyOf(purpose, id), JSON.stringify(session), idleMs).then(() => callback(), callback)
      },
      destroy(id, callback) {
        const entries = keysOf(purpose, id).map((key) => ({ key, value: ended, ttlMs: idleMs }))
        store.setAll(entries).then(() => callback(), callback)
      }
    },
    isKept: async (id) => (await find(id)) !== null,
    onChanged(listener) {
      store.onChanged((keys) =>
        listener((id) => keys === null || keysOf(purpose, id).some((key) => keys.includes(key)))
      )
    }
  }
}
