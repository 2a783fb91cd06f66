/**
 * Asks the systems where an entity is; whoever asks the same meanwhile shares the question.
 */
import type { FastifyInstance } from 'fastify'
import { Fault } from '../../core/faults.ts'
import { type Location, locationOf, type Standing, standingOf, type Told } from '../../core/location.ts'
import { ownCall } from '../../core/own-call.ts'
import type { EntityKind, Reference } from '../../core/references.ts'
import type { System } from '../../core/words.ts'
import type { Locator } from './index.ts'

/** Until a system must have begun its answer, ms. */
const patienceMs = 5_000
/** A record has some seventy short keys; one that is larger than this is not read. */
const answerLimitBytes = 1 << 20

const methods: Readonly<Record<EntityKind, string>> = {
  customer: 'Customer/get_customer_info',
  account: 'Account/get_account_info'
}

/** Where an entity is, and what the record there says. */
export interface Finding extends Location {
  /** The customer whose entity it is; null where nobody has said. */
  readonly iCustomer: number | null
  readonly isActive: boolean
  /** A second look will tell. */
  readonly looksMoving: boolean
}

const silent: Told = { standing: 'unavailable', iCustomer: null }

/** In use on both, or exported by both: so looks who moved between the two answers. */
const looksMoving = (source: Standing, target: Standing) =>
  source === target && (source === 'active' || source === 'exported')

/** `entity` is what the log calls it: never a natural key. */
export type Lookup = (entity: string, reference: Reference, locator: Locator) => Promise<Finding>

export function createLookup(app: FastifyInstance, restPrefix: string): Lookup {
  async function ask(system: System, reference: Reference, locator: Locator): Promise<Told> {
    const credential = locator.credentialOn(system)
    if (credential === null) return silent
    const { kind, keys } = reference
    const { realm, client } = locator
    const call = ownCall(`${restPrefix}/${methods[kind]}`, JSON.stringify(keys), credential, client)
    try {
      const answer = await app.upstream(system, realm).exchange({ ...call, patienceMs }, answerLimitBytes)
      return standingOf(kind, answer)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      // A credential that HTTP cannot carry too: the call itself, which has it as well, is told so.
      return silent
    }
  }

  return async function askBoth(entity, reference, locator) {
    const [source, target] = await Promise.all([ask('source', reference, locator), ask('target', reference, locator)])
    const location = locationOf(source.standing, target.standing)
    const { at } = location
    const standings: Record<System, Standing> = { source: source.standing, target: target.standing }
    app.log.debug({ entity, standings, ...location }, 'asked both systems for an entity')
    const found = { ...location, looksMoving: looksMoving(source.standing, target.standing) }
    if (at === null || at === 'ambiguous') return { ...found, iCustomer: null, isActive: false }
    const { iCustomer, standing } = at === 'source' ? source : target
    return { ...found, iCustomer, isActive: standing === 'active' }
  }
}

/** Finds an entity; `afresh` by the systems alone, whatever is remembered. */
export type Find = (afresh: boolean) => Promise<Location>

/** Questions that are under way. */
export function createQuestions() {
  const underWay = new Map<string, Promise<Location>>()
  let generation = 0

  /** A word meanwhile makes what was found doubtful: then it is asked once more, and that stands. */
  async function settle(find: Find): Promise<Location> {
    const begun = generation
    const location = await find(false)
    return begun === generation ? location : find(true)
  }

  function begin(keys: readonly string[], find: Find): Promise<Location> {
    const question = settle(find).finally(() => {
      for (const key of keys) if (underWay.get(key) === question) underWay.delete(key)
    })
    for (const key of keys) underWay.set(key, question)
    return question
  }

  return {
    /** Changes with every word: what was asked before it must not be remembered after it. */
    generation: () => generation,

    /** Nobody joins what is under way any more. */
    interrupt() {
      generation++
      underWay.clear()
    },

    /** Another session's question is shared as long as it finds something; else one asks in one's own name. */
    async ask(entity: string, session: string, find: Find): Promise<Location> {
      const own = `${entity} ${session}`
      const mine = underWay.get(own)
      if (mine !== undefined) return mine
      const first = underWay.get(entity)
      if (first === undefined) return begin([own, entity], find)
      const location = await first.catch(() => null)
      if (location?.certain) return location
      return underWay.get(own) ?? begin([own], find)
    }
  }
}
