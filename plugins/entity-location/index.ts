/**
 * entity-location
 * Adds  `app.entityLocation`: on which system the customer or the account that a call names is active, by what is
 *       remembered or by asking both systems (contract section 5).
 * Needs store, upstreams; remote-session and login-forwarding, which make a session's two halves.
 * Off   admin calls without a context go to the target.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import Type, { type Static } from 'typebox'
import type { Caller } from '../../core/credentials.ts'
import { Fault } from '../../core/faults.ts'
import type { Location } from '../../core/location.ts'
import type { Asker } from '../../core/own-call.ts'
import type { Reference } from '../../core/references.ts'
import type { System } from '../../core/words.ts'
import { createLookup, createQuestions, createWords } from './lookup.ts'
import { accountKey, createMemory, customerKey, type Memory } from './memory.ts'

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
  readonly secret: string
  /** The path under which the systems have their services. */
  readonly restPrefix: string
}

/** In whose name the systems are asked. */
export interface Locator extends Asker, Caller {
  /** Tells one session from another, so that one's "not visible" is not another's. */
  readonly session: string
}

declare module 'fastify' {
  interface FastifyInstance {
    entityLocation: {
      /**
       * Where the entities of a call are active; null when neither system has them. Throws `ambiguous_entity`, or
       * `malformed_request` when the call's entities live on different systems.
       */
      locate(references: readonly Reference[], locator: Locator): Promise<System | null>
      /** Only what is remembered: nothing is asked; undefined when it would have to be. Throws `malformed_request` likewise. */
      remembered(references: readonly Reference[]): Promise<System | undefined>
      /** Forgets where these are: somebody says that they move. */
      forget(what: { readonly iCustomer?: number; readonly iAccount?: number }): Promise<void>
      /** The same after an answer that says that an entity is not there. */
      forgetReferences(references: readonly Reference[]): Promise<void>
      /** Forgets everything. */
      forgetAll(): Promise<void>
      /** How entities were found, since the start. */
      readonly counts: Readonly<ReturnType<typeof createCounts>>
    }
  }
}

const byNumber = (iCustomer: number): Reference => ({ kind: 'customer', keys: { i_customer: iCustomer } })

/** Places that nobody doubts. */
const certainPlaces = (locations: readonly Location[]) =>
  new Set(locations.flatMap(({ at, certain }) => (certain && at !== null && at !== 'ambiguous' ? [at] : [])))

/** The one system of a call's entities. */
function agreedOn(locations: readonly Location[]): System | null {
  if (locations.some(({ at }) => at === 'ambiguous')) throw new Fault('ambiguous_entity')
  const certain = certainPlaces(locations)
  if (certain.size > 1) throw new Fault('malformed_request', 'the call names entities on different systems')
  // Of two places, one of which is a system that could not tell, the other counts: an outage is no client's mistake.
  const places = locations.flatMap(({ at }) => (at === null || at === 'ambiguous' ? [] : [at]))
  return [...certain][0] ?? places[0] ?? null
}

/** remembered: nobody was asked; shared: the question was under way already; the others: what the systems said. */
const createCounts = () => ({ remembered: 0, shared: 0, source: 0, target: 0, nowhere: 0, ambiguous: 0 })

/** How often the systems are asked for one entity that moves, or of which there is a word, meanwhile. */
const asksAtMost = 2

/** Finds one entity: by what is remembered, by its customer, else by asking for it. */
function createFinder(app: FastifyInstance, restPrefix: string, memory: Memory) {
  const askBoth = createLookup(app, restPrefix)
  const questions = createQuestions()
  const words = createWords()
  const counts = createCounts()

  async function inquire(key: string, reference: Reference, locator: Locator): Promise<Location> {
    for (let asks = 1; ; asks++) {
      const begun = words.now()
      const finding = await askBoth(key, reference, locator)
      counts[finding.at ?? 'nowhere']++
      const { iCustomer, looksMoving } = finding
      const isDoubtful = words.since(begun, iCustomer === null ? [key] : [key, customerKey(iCustomer)])
      if (asks < asksAtMost && (isDoubtful || looksMoving)) continue
      if (!isDoubtful) await memory.remember(key, reference, finding)
      // Only an operator can mend that: the calls for it are refused until then.
      if (finding.at === 'ambiguous') app.log.warn({ entity: key }, 'an entity is active on both systems')
      return finding
    }
  }

  async function lookUp(key: string, reference: Reference, locator: Locator): Promise<Location> {
    const { at, iCustomer } = await memory.recall(key)
    if (at !== undefined) return { at, certain: true }
    if (iCustomer !== undefined) {
      // All of a customer's accounts and names are one question.
      const location = await find(byNumber(iCustomer), locator)
      if (location.certain) return location
    }
    return inquire(key, reference, locator)
  }

  async function find(reference: Reference, locator: Locator): Promise<Location> {
    const key = memory.keyFor(reference)
    // Most calls end here: what is remembered is no question. Inside of one it is looked at again.
    const { at } = await memory.recall(key)
    if (at !== undefined) {
      counts.remembered++
      return { at, certain: true }
    }
    let isShared = true
    const location = await questions.ask(key, locator.session, () => {
      isShared = false
      return lookUp(key, reference, locator)
    })
    if (isShared) counts.shared++
    return location
  }

  function note(keys: readonly string[] | null) {
    words.note(keys)
    questions.interrupt(keys)
  }

  return { find, note, counts }
}

async function entityLocation(app: FastifyInstance, setting: Setting) {
  const memory = createMemory(app, setting)
  const { find, note, counts } = createFinder(app, setting.restPrefix, memory)

  async function forgetKeys(keys: readonly string[]) {
    if (keys.length === 0) return
    const concerned = await memory.concerned(keys)
    // Both before and after: what began meanwhile may have seen what was being forgotten.
    note(concerned)
    await memory.forget(concerned).finally(() => note(concerned))
  }

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

    async forgetAll() {
      note(null)
      await memory.forgetAll().finally(() => note(null))
    },

    counts
  })
}

export default fp(entityLocation, { name: 'entity-location', fastify: '5.x', dependencies: ['store', 'upstreams'] })
