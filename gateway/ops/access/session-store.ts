/**
 * Where the console's sessions are kept: in the gateway's store, for all who share it. While that is away, those that this
 * process knows go on: on such a night the console is needed most.
 */
import type { SessionStore } from '@fastify/session'
import type { FastifyInstance, Session } from 'fastify'
import type { Seal } from '../../../core/seal.ts'

const purpose = 'ops-sessions'

export function createSessionStore(app: FastifyInstance, { keyOf, keysOf }: Seal, idleMs: number): SessionStore {
  const store = app.store(purpose, { lasting: true })

  async function find(id: string): Promise<Session | null> {
    for (const key of keysOf(purpose, id)) {
      const text = await store.get(key)
      if (text !== undefined) return JSON.parse(text) as Session
    }
    return null
  }

  return {
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
      store.delete(...keysOf(purpose, id)).then(() => callback(), callback)
    }
  }
}
