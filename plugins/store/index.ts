/**
 * store
 * Adds  `app.store(purpose)`: what the gateway remembers, by name of the purpose, in memory or shared with other
 *       processes. Keys are keyed hashes, never a client's text. `app.storeState`: how the store is. `app.webSessionStore()`:
 *       the same for web sessions of teams' own plugins.
 * Needs nothing.
 * Off   never: records, hints and the like live here.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Spread } from '../../core/tally.ts'
import type { Backend, Counted, Hearing } from './backend.ts'
import { createBackend } from './backends.ts'
import { createGuard, type Guard, type Operation } from './guard.ts'
import { createOwnStore } from './own.ts'
import type { SessionStore, WebSession } from './sessions.ts'
import { createSharedStore, type SharedStore } from './shared.ts'

/** What an entry of several is set to. */
export interface Kept {
  readonly key: string
  readonly value: string
  readonly ttlMs: number
}

/**
 * One purpose's part of what is remembered. Each operation is atomic; what has expired is gone. Writing never rejects:
 * what a store that is away could not take is written when it is back.
 */
export interface Store {
  /** Throws `store_unavailable` for what cannot be read and is not known here either. */
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  /** All of them at once, or none. */
  setAll(entries: readonly Kept[]): Promise<void>
  /** The same, for what others must know before anything follows: rejects with `store_unavailable` where it may not be kept. */
  setSurely(entries: readonly Kept[]): Promise<void>
  delete(...keys: readonly string[]): Promise<void>
  /** Forgets everything of this purpose. */
  clear(): Promise<void>
  /** Everything that is remembered for this purpose. */
  entries(): AsyncIterable<readonly [key: string, value: string]>
  /** Counts one more in a window that begins with the first; by itself while the store is away. */
  increment(key: string, windowMs: number): Promise<Counted>
  /**
   * Called when another process has written keys, or this one has deleted them; null: any keys. For those who keep what
   * they have made of an entry: what was read while `heard` changed must not be kept.
   */
  onChanged(listener: (keys: readonly string[] | null) => void): void
  readonly heard: number
  /** Tells the other processes something that is not kept, if they can be reached now. */
  tell(text: string): void
  onTold(listener: (text: string) => void): void
}

export interface StorePolicy {
  /**
   * Whether what this process knows is believed for as long as the store is away, and written back when the store has
   * lost it. What may change elsewhere without a word, as a location, must not.
   */
  readonly lasting: boolean
  /** Whether it is also known of keys that nothing is kept; only for keys that no client can invent. */
  readonly notesAbsence?: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    store(purpose: string, policy?: StorePolicy): Store
    /** A store for @fastify/session, for teams' own plugins: web sessions are where the gateway's own records are. */
    webSessionStore<Session extends WebSession>(): Promise<SessionStore<Session>>
    storeState: {
      readonly isShared: boolean
      /** Whether it answers. */
      readonly isUp: boolean
      /** When what was kept was lost, ms since 1970, though nobody has deleted it; null for never. */
      readonly lostAt: number | null
      /** Writes that wait for it. */
      readonly owed: number
      /** Questions to it, by how they ended, and how long those that were answered took, seconds. */
      readonly done: Readonly<Record<Operation, number>>
      readonly failed: Readonly<Record<Operation, number>>
      readonly spreads: Readonly<Record<Operation, Spread>>
    }
  }
}

interface Setting {
  /** The config's `store`; memory where there is none. */
  readonly place?: string
}

/** What comes of what is heard of the others. */
function hearingFor(stores: ReadonlyMap<string, SharedStore>, log: FastifyInstance['log']): Hearing {
  let hearsNow = false
  let isLost = false

  async function restore() {
    try {
      for (const store of stores.values()) await store.restore()
      isLost = false
    } catch (err) {
      // It went away again: once more when it is back.
      log.warn({ err }, 'what is known could not be written back yet')
    }
  }

  return {
    onChanged: (purpose: string, keys: readonly string[] | null) => stores.get(purpose)?.heardOf(keys),
    onTold: (purpose: string, text: string) => stores.get(purpose)?.toldBy(text),
    onHears(hears: boolean) {
      log.debug({ hears }, 'the other processes are heard, or are not')
      hearsNow = hears
      for (const store of stores.values()) store.hears(hears)
      if (hears && isLost) restore()
    },
    onLost() {
      log.warn('the store has lost what was kept: what is known here is written back')
      isLost = true
      for (const store of stores.values()) store.lose()
      if (hearsNow) restore()
    }
  }
}

function addShared(app: FastifyInstance, backend: Backend, guard: Guard) {
  const stores = new Map<string, SharedStore>()
  app.decorate('store', (purpose: string, policy: StorePolicy = { lasting: false }) => {
    const known = stores.get(purpose) ?? createSharedStore(purpose, policy, backend, guard)
    stores.set(purpose, known)
    return known
  })
  return hearingFor(stores, app.log)
}

function addOwn(app: FastifyInstance, backend: Backend) {
  const stores = new Map<string, Store>()
  app.decorate('store', (purpose: string) => {
    const known = stores.get(purpose) ?? createOwnStore(purpose, backend)
    stores.set(purpose, known)
    return known
  })
  return hearingFor(new Map(), app.log)
}

async function store(app: FastifyInstance, { place = 'memory' }: Setting) {
  const backend = await createBackend(place, (err) => app.log.debug({ err }, 'the store is in trouble'))
  const guard = createGuard(backend, app.log)
  const hearing = backend.isShared ? addShared(app, backend, guard) : addOwn(app, backend)
  app.decorate('webSessionStore', async <Session extends WebSession>() => {
    const { createSessionStore } = await import('./sessions.ts')
    return createSessionStore<Session>(backend)
  })
  app.decorate('storeState', {
    isShared: backend.isShared,
    get isUp() {
      return guard.isUp
    },
    get lostAt() {
      return backend.lostAt
    },
    get owed() {
      return guard.owed
    },
    done: guard.done,
    failed: guard.failed,
    spreads: guard.spreads
  })
  app.addHook('onReady', () => backend.open(hearing))
  app.addHook('onClose', async function closeStore() {
    guard.close()
    await backend.close()
  })
}

export default fp(store, { name: 'store', fastify: '5.x' })
