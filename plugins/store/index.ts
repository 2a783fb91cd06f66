/**
 * store
 * Adds  `app.store(name)`: what the gateway remembers, by name of the purpose. Keys are keyed hashes, never a client's text.
 * Needs nothing.
 * Off   never: records, hints and the like live here.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createMemoryStore } from './memory.ts'

/** One purpose's part of what is remembered. Each operation is atomic; what has expired is gone. */
export interface Store {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  delete(...keys: readonly string[]): Promise<void>
  /** Forgets everything of this purpose. */
  clear(): Promise<void>
  /** Everything that is remembered for this purpose. */
  entries(): AsyncIterable<readonly [key: string, value: string]>
}

declare module 'fastify' {
  interface FastifyInstance {
    store(purpose: string): Store
  }
}

async function store(app: FastifyInstance) {
  const stores = new Map<string, Store>()
  app.decorate('store', (purpose: string) => {
    const known = stores.get(purpose) ?? createMemoryStore()
    stores.set(purpose, known)
    return known
  })
}

export default fp(store, { name: 'store', fastify: '5.x' })
