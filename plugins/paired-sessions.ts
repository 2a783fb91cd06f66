/**
 * paired-sessions
 * Adds  `app.pairedSessions`: what the gateway keeps of a session of a dual realm beyond its home: its two halves, sealed,
 *       where it lives on both systems, and the context that its client has set (contract section 4).
 * Needs store, upstreams.
 * Off   never.
 */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { type Answer, faultcodeOf, halfOf, sessionOf } from '../core/answer.ts'
import { type Asker, ownCall } from '../core/own-call.ts'
import { createSeal, type Secrets } from '../core/seal.ts'
import type { Half, KeptSession, System } from '../core/words.ts'

type Halves = NonNullable<KeptSession['halves']>

declare module 'fastify' {
  interface FastifyInstance {
    pairedSessions: {
      /** What this process knows without waiting. */
      atOnce(id: string): KeptSession | undefined
      find(id: string): Promise<KeptSession>
      /** A session of which nothing is kept yet. */
      begin(): KeptSession
      /** Keeps two halves for at least so long after each use, as a new session or as what a known one has become. */
      keep(halves: Halves, ttlMs: number, id?: string): Promise<KeptSession>
      setContext(id: string, context: System | null): Promise<void>
      /** Keeps what is kept of a session that is in use for as long again. */
      keepOn(id: string): Promise<void>
      /**
       * Refreshes the source's half after the source has refused it. Null when it cannot be had: a refused half is lost
       * for good and never tried again; one that a system in trouble did not renew stays.
       */
      renew(refused: KeptSession, asker: Asker, ttlMs: number): Promise<KeptSession | null>
      /** The source does not know its half any more: from now on the session lives on the target. */
      loseSource(id: string): Promise<void>
      forget(id: string): Promise<void>
    }
  }
}

/** What is kept of a session, and for how long after each use. */
interface Kept extends KeptSession {
  readonly ttlMs: number
}

interface Setting {
  readonly secret: Secrets
  /** The path that `Session/refresh_access_token` has on the systems. */
  readonly refreshPath: string
}

/** Sessions kept opened in front of the store. */
const frontLimit = 10_000
const frontTtlMs = 60_000
/** How long a context is kept after each use of its session: longer than any session seen. */
const contextTtlMs = 90 * 86_400_000
const renewTimeoutMs = 10_000
const renewAnswerBytes = 65_536

/** What the Session service, or the check before every call, says of the caller. */
const aboutSession = /^(?:Server|Client)\.(?:Session|check_auth)\./

/** Whether a system says that it does not know the session; any other fault says that it cannot tell now. */
function refusesRenewal(answer: Answer): boolean {
  const faultcode = faultcodeOf(answer)
  if (faultcode !== null) return aboutSession.test(faultcode)
  return answer.status === 401 || answer.status === 403
}

const nothing = { halves: null, ttlMs: 0 } as const

async function pairedSessions(app: FastifyInstance, { secret, refreshPath }: Setting) {
  const pairs = app.store('pairs', { lasting: true })
  const contexts = app.store('contexts', { lasting: true, notesAbsence: true })
  const { seal, open } = createSeal(secret)
  const front = new LRUCache<string, Kept>({
    // As a size, not as `max`: that would take the room of all of them at the start.
    maxSize: frontLimit,
    sizeCalculation: () => 1,
    ttl: frontTtlMs,
    ttlResolution: 1000
  })
  const renewals = new Map<string, Promise<KeptSession | null>>()

  function doubt(ids: readonly string[] | null) {
    if (ids === null) front.clear()
    else for (const id of ids) front.delete(id)
  }
  pairs.onChanged(doubt)
  contexts.onChanged(doubt)

  const heard = () => pairs.heard + contexts.heard

  /** Throws `store_unavailable` when it cannot be read. */
  async function find(id: string): Promise<Kept> {
    const ready = front.get(id)
    if (ready !== undefined) return ready
    const before = heard()
    const [sealed, context = null] = await Promise.all([pairs.get(id), contexts.get(id)])
    const text = sealed === undefined ? null : open('pair', sealed)
    const { halves, ttlMs } = text === null ? nothing : (JSON.parse(text) as Pick<Kept, 'halves' | 'ttlMs'>)
    // Somebody may have changed it while the store was read.
    const session = front.get(id) ?? { id, halves, context: context as System | null, ttlMs }
    if (heard() === before) front.set(id, session)
    return session
  }

  function begin(): Kept {
    const session = { ...nothing, id: randomUUID(), context: null }
    front.set(session.id, session)
    return session
  }

  /** Writes the halves, and keeps the context for as long again: as the store has it, since another process may have set it. */
  async function save({ id, halves, ttlMs }: Kept) {
    if (halves !== null) await pairs.set(id, seal('pair', JSON.stringify({ halves, ttlMs })), ttlMs)
    // A store that is away keeps the context for as long as it did before.
    const context = await contexts.get(id).catch(() => undefined)
    if (context !== undefined) await contexts.set(id, context, contextTtlMs)
  }

  async function keep(halves: Halves, ttlMs: number, id = begin().id): Promise<Kept> {
    const known = front.get(id) ?? (await find(id))
    const session = { ...known, halves, ttlMs: Math.max(ttlMs, known.ttlMs) }
    front.set(id, session)
    await save(session)
    return session
  }

  async function loseSource(id: string) {
    front.set(id, { ...(await find(id)), halves: null })
    await pairs.delete(id)
    app.log.warn('the source does not know its half of a session any more; the session goes on with the target')
  }

  async function askForHalf({ source }: Halves, { realm, client }: Asker): Promise<Half | 'refused' | 'unavailable'> {
    if (source.refresh_token === undefined) return 'refused'
    const call = ownCall(refreshPath, JSON.stringify({ refresh_token: source.refresh_token }), null, client)
    try {
      const asked = { ...call, patienceMs: renewTimeoutMs }
      const answer = await app.upstream('source', realm).exchange(asked, renewAnswerBytes)
      const renewed = sessionOf(answer)
      if (renewed !== null) return { ...source, ...halfOf(renewed) }
      return refusesRenewal(answer) ? 'refused' : 'unavailable'
    } catch {
      return 'unavailable'
    }
  }

  async function renewOnce(session: KeptSession, asker: Asker, ttlMs: number): Promise<KeptSession | null> {
    const { id, halves } = session
    if (halves === null) return null
    const renewed = await askForHalf(halves, asker)
    if (typeof renewed !== 'string') {
      const target = front.get(id)?.halves?.target ?? halves.target
      return keep({ target, source: renewed }, ttlMs, id)
    }
    if (renewed === 'refused') await loseSource(id)
    return null
  }

  async function renew(refused: KeptSession, asker: Asker, ttlMs: number): Promise<KeptSession | null> {
    const { id } = refused
    const now = await find(id)
    // Renewed meanwhile, or lost.
    if (now.halves?.source.access_token !== refused.halves?.source.access_token) return now.halves === null ? null : now
    const begun = renewals.get(id) ?? renewOnce(now, asker, ttlMs).finally(() => renewals.delete(id))
    renewals.set(id, begun)
    return begun
  }

  app.decorate('pairedSessions', {
    atOnce: (id) => front.get(id),
    find,
    begin,
    keep,
    keepOn: async (id) => save(await find(id)),
    async setContext(id, context) {
      front.set(id, { ...(await find(id)), context })
      if (context === null) await contexts.delete(id)
      else await contexts.set(id, context, contextTtlMs)
    },
    renew,
    loseSource,
    async forget(id) {
      front.delete(id)
      await Promise.all([pairs.delete(id), contexts.delete(id)])
    }
  })
}

export default fp(pairedSessions, { name: 'paired-sessions', fastify: '5.x', dependencies: ['store', 'upstreams'] })
