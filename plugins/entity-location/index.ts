/**
 * entity-location
 * Adds  `app.entityLocation`: on which system the customer or the account that a call names is active, by what is
 *       remembered or by asking both systems (contract section 5); and who moves, by what is told and what is found.
 * Needs store, upstreams; remote-session and login-forwarding, which make a session's two halves.
 * Off   admin calls without a context go to the target.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Answer } from '../../core/answer.ts'
import type { Caller } from '../../core/credentials.ts'
import { Fault } from '../../core/faults.ts'
import { isPlace, type Location } from '../../core/location.ts'
import type { Asker } from '../../core/own-call.ts'
import type { Reference } from '../../core/references.ts'
import { type Static, Type } from '../../core/schema.ts'
import type { Secrets } from '../../core/seal.ts'
import type { System } from '../../core/words.ts'
import { type Counts, createFinder } from './finder.ts'
import { createKnowing, type Known } from './knowing.ts'
import { accountKey, createMemory, customerKey } from './memory.ts'
import { createMoves, type Move, type MoveListener, type Word, type WordsListener } from './moves.ts'

export const EntityLocationOptions = Type.Object(
  {
    ttl: Type.Integer({
      minimum: 0,
      default: 60_000,
      description: "How long an entity's system is remembered, ms; 0 remembers nothing."
    })
  },
  { additionalProperties: false }
)

interface Setting extends Static<typeof EntityLocationOptions> {
  readonly secret: Secrets
  /** The path under which the systems have their services. */
  readonly restPrefix: string
}

/** In whose name the systems are asked. */
export interface Locator extends Asker, Caller {
  /** Tells one session from another, so that one's "not visible" is not another's. */
  readonly session: string
  /** Makes each call, for those who count or bound them. */
  readonly through?: (system: System, make: () => Promise<Answer>) => Promise<Answer>
}

declare module 'fastify' {
  interface FastifyInstance {
    entityLocation: {
      /**
       * Where the entities of a call are active; null when neither system has them. Throws `ambiguous_entity`,
       * `system_unavailable` when nobody could tell, or `malformed_request` when the call's entities live on different
       * systems.
       */
      locate(references: readonly Reference[], locator: Locator): Promise<System | null>
      /** Only what is remembered: nothing is asked; undefined when it would have to be. Throws `malformed_request` likewise. */
      remembered(references: readonly Reference[]): Promise<System | undefined>
      /** Forgets where these are: somebody says that they move. */
      forget(what: { readonly iCustomer?: number; readonly iAccount?: number }): Promise<void>
      /** The same after an answer that says that an entity is not there. */
      forgetReferences(references: readonly Reference[]): Promise<void>
      /** Forgets where these customers are, all at once. */
      forgetCustomers(customers: readonly number[]): Promise<void>
      /** Remembers where somebody says that these customers are now, whatever was known before. */
      placeCustomers(customers: readonly number[], at: System): Promise<void>
      /**
       * The customers whose entity it is, by what is remembered or by asking; none where no system that could be asked has
       * it; null where that cannot be found out.
       */
      whose(reference: Reference, locator: Locator): Promise<ReadonlySet<number> | null>
      /** Passes what a gateway finds out for itself to its own listeners; the others do as much for theirs. */
      noteMovesHere(words: readonly Word[]): void
      /** The last word about a customer; undefined where there is none, or it cannot be read now. */
      lastWordOf(iCustomer: number): Promise<Move | undefined>
      /** Forgets everything. */
      forgetAll(): Promise<void>
      /**
       * Calls a listener at each word of a move, and when a lookup finds a customer on another system than it, or such a
       * word, has told last: `finished`, and where. What a listener throws is logged. Returns what ends it.
       */
      onMoved(listener: MoveListener): () => void
      /** Calls a listener when another process has written words: those of before the store was back are told nobody. */
      onWordsWritten(listener: WordsListener): void
      /** Passes somebody's word on to the listeners: locations are to be forgotten before. */
      noteMove(word: Word): void
      /** The same of many, told to the other gateways in few messages. */
      noteMoves(words: readonly Word[]): void
      /** What is remembered of an entity's place; nobody is asked. */
      known(reference: Reference): Promise<Known>
      /** Customers whose last place this gateway knows, by system: as many as it keeps. */
      readonly seen: Readonly<Record<System, number>>
      /** How entities were found, since the start. */
      readonly counts: Counts
    }
  }
}

/** Places that nobody doubts. */
const certainPlaces = (locations: readonly Location[]) =>
  new Set(locations.flatMap(({ at, certain }) => (certain && isPlace(at) ? [at] : [])))

/** Until a lookup is worth another try, s. */
const retryAfterSeconds = 5

/** The one system of a call's entities. */
function agreedOn(locations: readonly Location[]): System | null {
  if (locations.some(({ at }) => at === 'ambiguous')) throw new Fault('ambiguous_entity')
  const certain = certainPlaces(locations)
  if (certain.size > 1) throw new Fault('malformed_request', 'the call names entities on different systems')
  // Of two places, one of which is a system that could not tell, the other counts: an outage is no client's mistake.
  const places = [...certain, ...locations.map(({ at }) => at).filter(isPlace)]
  const [place = null] = places
  if (place === null && locations.some(({ at }) => at === 'unknown')) {
    const which = 'source or target, one of which has the entity,'
    throw new Fault('system_unavailable', which, { retryAfter: retryAfterSeconds })
  }
  return place
}

async function entityLocation(app: FastifyInstance, setting: Setting) {
  const memory = createMemory(app, setting)
  const moves = createMoves(app)
  const { find, findOwners, note, counts } = createFinder(app, setting.restPrefix, memory, moves)

  /** What is known of these is doubtful, null: of anybody, until it is forgotten, or is what somebody says. */
  async function doubtWhile(keys: readonly string[] | null, change: Promise<void>) {
    // After it too: what began meanwhile may have seen what was there before. It was noted before as well, by who begins.
    await change.finally(() => note(keys))
  }

  /** Null forgets everything. */
  function forgetThese(keys: readonly string[] | null) {
    note(keys)
    return doubtWhile(keys, keys === null ? memory.forgetAll() : memory.forget(keys))
  }

  function placeThese(keys: readonly string[], at: System) {
    note(keys)
    return doubtWhile(keys, memory.place(keys, at))
  }

  async function forgetKeys(keys: readonly string[]) {
    if (keys.length === 0) return
    // Whose these are cannot be read from a store that is away.
    const concerned = await memory.concerned(keys).catch(() => null)
    await forgetThese(concerned)
    memory.tellDoubt(concerned)
  }

  // Another gateway was told. A question that was under way here may have kept an older answer since.
  memory.onTold((keys, at) => {
    const change = keys === null || at === null ? forgetThese(keys) : placeThese(keys, at)
    change.catch((err: unknown) => app.log.error({ err }, 'a location could not be forgotten'))
  })

  const forgetReferences = (references: readonly Reference[]) => forgetKeys(references.map(memory.keyFor))

  app.decorate('entityLocation', {
    async locate(references, locator) {
      const findEach = () => Promise.all(references.map((reference) => find(reference, locator)))
      const found = await findEach()
      if (certainPlaces(found).size <= 1) return agreedOn(found)
      // One of them may be remembered from before a move.
      await forgetReferences(references)
      return agreedOn(await findEach())
    },

    async remembered(references) {
      const memories = await Promise.all(references.map((reference) => memory.recall(memory.keyFor(reference))))
      const known = memories.flatMap(({ at }) => (at === undefined ? [] : [{ at, certain: true }]))
      return known.length === references.length ? (agreedOn(known) ?? undefined) : undefined
    },

    async forget({ iCustomer, iAccount }) {
      const keys: string[] = []
      if (iCustomer !== undefined) keys.push(customerKey(iCustomer))
      if (iAccount !== undefined) keys.push(accountKey(iAccount))
      await forgetKeys(keys)
    },

    forgetReferences,

    forgetCustomers: (customers) => forgetKeys(customers.map(customerKey)),

    async placeCustomers(customers, at) {
      const keys = customers.map(customerKey)
      await placeThese(keys, at)
      memory.tellPlace(keys, at)
    },

    async whose(reference, locator) {
      const named = reference.keys.i_customer
      return typeof named === 'number' ? new Set([named]) : findOwners(reference, locator)
    },

    async forgetAll() {
      await forgetThese(null)
      memory.tellDoubt(null)
    },

    onMoved: moves.onMoved,
    onWordsWritten: moves.onWordsWritten,
    noteMove: (word) => moves.note([word]),
    noteMoves: moves.note,
    noteMovesHere: moves.noteHere,
    lastWordOf: moves.lastWordOf,
    known: createKnowing(memory, moves),
    seen: moves.seen,
    counts
  })
}

export default fp(entityLocation, { name: 'entity-location', fastify: '5.x', dependencies: ['store', 'upstreams'] })
