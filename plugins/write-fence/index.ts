/**
 * write-fence
 * Adds  `app.writeFence`: the customers who are being moved, whom nobody may write to until that has ended (contract
 *       section 8), at every gateway that shares the store; the tickets of writes that are on their way; whose a session
 *       is, and whether its customer has left its system.
 * Needs store, upstreams, homes, entity-location.
 * Off   writes go on while customers are moved, and a session is left behind only where its own system ends it.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Fault, KnownCause } from '../../core/faults.ts'
import { Fences, type Fence as Raised, retryAfterOf } from '../../core/fences.ts'
import { createListeners } from '../../core/listeners.ts'
import type { Asker } from '../../core/own-call.ts'
import { type Static, Type } from '../../core/schema.ts'
import type { Secrets } from '../../core/seal.ts'
import { createTickets, type Ticket } from '../../core/tickets.ts'
import type { Credential, System } from '../../core/words.ts'
import { createHandoff, type Handoff } from './handoff.ts'
import { createMembers } from './members.ts'
import { createOwners, type Owned } from './owners.ts'
import { createRaising, type Ended, type Started } from './raising.ts'

export const WriteFenceOptions = Type.Object(
  {
    expiry: Type.Integer({
      minimum: 1,
      maximum: 86_400_000,
      default: 900_000,
      description: 'How long a fence stands that nobody ends, ms.'
    }),
    patience: Type.Integer({
      minimum: 1,
      maximum: 600_000,
      default: 30_000,
      description: 'How long the answer to started waits for writes that are under way, and for other gateways, ms.'
    })
  },
  { additionalProperties: false }
)

export type Fence = Omit<Raised, 'token'>

declare module 'fastify' {
  interface FastifyInstance {
    writeFence: {
      /** Whether anybody is fenced. */
      readonly isUp: boolean
      /** By `since`, the oldest first. */
      list(): readonly Fence[]
      get(iCustomer: number): Fence | undefined
      /** What was told to this gateway, and the writes that it has refused. */
      readonly counts: Readonly<Record<'raised' | 'finished' | 'failed' | 'expired' | 'refused', number>>
      /** Calls a listener when fences have gone up or come down. Returns what ends it. */
      onChanged(listener: () => void): () => void
      /** A write's ticket: taken before it is decided where the write goes, and ended once its system has answered. */
      take(): Ticket
      /** Whether a write may go on though nobody knows whom it concerns. */
      mayPass(ticket: Ticket): boolean
      /** Throws what a write gets that concerns somebody who is fenced, or could. */
      check(ticket: Ticket): void
      /** Whose a session is, on its home in a single-home realm. Rejects with a Fault when its system gives no answer. */
      ownerOf(credential: Credential, system: System, asker: Asker): Promise<Owned>
      readonly handoff: Handoff
      /**
       * Puts fences up everywhere; resolves once no write of before is on its way at any gateway. Rejects with
       * `store_unavailable`, and raises none, or with `fence_unsettled`: then they stand.
       */
      start(words: readonly Started[]): Promise<void>
      /** Takes them down everywhere; from then on the customers are where the words say. */
      end(words: readonly Ended[]): Promise<void>
    }
  }
}

interface Setting extends Static<typeof WriteFenceOptions> {
  readonly secret: Secrets
  readonly restPrefix: string
}

/** Each refused write is told to its client; that customers move is in the log where it was told. */
const moving = new KnownCause('CustomerMoves', 'The customer is being moved')
const unknown = new KnownCause('FencesUnknown', 'The store does not tell which customers are being moved')

async function writeFence(app: FastifyInstance, { secret, restPrefix, expiry, patience }: Setting) {
  const fences = new Fences()
  const tickets = createTickets()
  const members = createMembers(app)
  const listeners = createListeners<[]>((err) => app.log.error({ err }, 'a listener of fences failed'))
  const parts = { fences, tickets, members, onChanged: () => listeners.tell() }
  const raising = createRaising(app, parts, { expiry, patience })
  const owners = createOwners(app, { secret, restPrefix })
  const handoff = createHandoff(app, owners)
  const { isShared } = app.storeState
  let refused = 0
  let movedAt = Number.NEGATIVE_INFINITY
  app.entityLocation.onMoved(() => {
    movedAt = performance.now()
  })

  /**
   * Others may have put up fences that this gateway has not heard of: it has never read them, or they have given it up.
   * The latter counts only while customers move, and for as long after a word as a fence stands: else a store that is away
   * would end all writing for nothing.
   */
  function isBlind(): boolean {
    if (!isShared) return false
    if (!raising.catchingUp.isLoaded) return true
    if (members.isBelieved && raising.catchingUp.isCurrent) return false
    return fences.size > 0 || performance.now() - movedAt < expiry
  }

  function refuse(fence: Raised | undefined): never {
    refused++
    throw new Fault('migration_in_progress', '', { retryAfter: retryAfterOf(fence, Date.now()), cause: moving })
  }

  function check(ticket: Ticket) {
    if (isBlind()) throw new Fault('store_unavailable', '', { retryAfter: 1, cause: unknown })
    const { customers, takenAt } = ticket
    if (customers === null && fences.size > 0) refuse(fences.list()[0])
    for (const iCustomer of customers ?? []) {
      const fence = fences.get(iCustomer)
      if (fence !== undefined) refuse(fence)
    }
    // Decided by what held while the customer was being moved: it may be elsewhere now.
    if (fences.hasEndedSince(takenAt, customers)) refuse(undefined)
  }

  app.decorate('writeFence', {
    get isUp() {
      return fences.size > 0
    },
    list: () => fences.list(),
    get: (iCustomer) => fences.get(iCustomer),
    get counts() {
      return { ...raising.counts, refused }
    },
    onChanged: listeners.add,
    take: () => tickets.take(fences.now),
    mayPass: ({ takenAt }) => fences.size === 0 && fences.now === takenAt && !isBlind(),
    check,
    ownerOf: owners.find,
    handoff,
    start: raising.start,
    end: raising.end
  })

  app.addHook('onReady', async function beginFences() {
    await raising.catchingUp.begin()
    await handoff.begin()
  })
  app.addHook('onClose', async function endFences() {
    raising.stop()
    await members.end(tickets.size === 0)
  })
}

export default fp(writeFence, {
  name: 'write-fence',
  fastify: '5.x',
  dependencies: ['store', 'upstreams', 'homes', 'entity-location']
})
