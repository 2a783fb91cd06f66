/**
 * Asks the systems where an entity is; whoever asks the same meanwhile shares the question.
 */
import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { Fault } from '../../core/faults.ts'
import { isPlace, type Location, locationOf, type Standing, standingOf, type Told } from '../../core/location.ts'
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
  /** Every customer that a record there names, active or not. */
  readonly owners: readonly number[]
  /** No system that could be asked has it. */
  readonly isNowhere: boolean
  /** A second look will tell. */
  readonly looksMoving: boolean
}

const silent: Told = { standing: 'unavailable', iCustomer: null }
/** The session has no credential there: shown nothing, it would know of none. */
const unasked: Told = { standing: 'refused', iCustomer: null }
/** A credential that HTTP cannot carry: the call itself, which has it as well, is told so. */
const unshown: Told = { standing: 'unclear', iCustomer: null }

/** In use on both, or exported by both: so looks who moved between the two answers. */
const looksMoving = (source: Standing, target: Standing) =>
  source === target && (source === 'active' || source === 'exported')

/** `entity` is what the log calls it: never a natural key. */
export type Lookup = (entity: string, reference: Reference, locator: Locator) => Promise<Finding>

export function createLookup(app: FastifyInstance, restPrefix: string): Lookup {
  async function ask(system: System, reference: Reference, locator: Locator): Promise<Told> {
    const credential = locator.credentialOn(system)
    if (credential === null) return unasked
    const { kind, keys } = reference
    const { realm, client, through } = locator
    const call = ownCall(`${restPrefix}/${methods[kind]}`, JSON.stringify(keys), credential, client)
    try {
      const make = () => app.upstream(system, realm).exchange({ ...call, isRead: true, patienceMs }, answerLimitBytes)
      return standingOf(kind, await (through === undefined ? make() : through(system, make)))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return error.fault === 'malformed_request' ? unshown : silent
    }
  }

  return async function askBoth(entity, reference, locator) {
    const [source, target] = await Promise.all([ask('source', reference, locator), ask('target', reference, locator)])
    const location = locationOf(source.standing, target.standing)
    const { at } = location
    const standings: Record<System, Standing> = { source: source.standing, target: target.standing }
    app.log.debug({ entity, standings, ...location }, 'asked both systems for an entity')
    const told = [source, target]
    const asked = told.filter((one) => one !== unasked)
    const found = {
      ...location,
      looksMoving: looksMoving(source.standing, target.standing),
      owners: [...new Set(told.flatMap(({ iCustomer }) => iCustomer ?? []))],
      isNowhere: asked.length > 0 && asked.every(({ standing }) => standing === 'absent')
    }
    if (!isPlace(at)) return { ...found, iCustomer: null, isActive: false }
    const { iCustomer, standing } = at === 'source' ? source : target
    return { ...found, iCustomer, isActive: standing === 'active' }
  }
}

/** Words kept, by entity: a question lasts for seconds, and nobody is told of that many moves meanwhile. */
const keptWords = 50_000

/** What was told of moves: whether an answer that was asked for before a word can still be believed after it. */
export function createWords() {
  // As a size, not as `max`: that would take the memory of all of them at the start.
  const told = new LRUCache<string, number>({ maxSize: keptWords, sizeCalculation: () => 1 })
  let now = 0
  let toldOfAll = 0
  return {
    now: () => now,
    /** Somebody says that these may have moved; null: anybody. */
    note(keys: readonly string[] | null) {
      now++
      if (keys === null) toldOfAll = now
      else for (const key of keys) told.set(key, now)
    },
    /** Whether there was a word about one of these since then. */
    since: (then: number, keys: readonly string[]) =>
      toldOfAll > then || keys.some((key) => (told.get(key) ?? 0) > then)
  }
}

/** Questions that are under way. */
export function createQuestions() {
  const underWay = new Map<string, Promise<Location>>()

  function begin(names: readonly string[], find: () => Promise<Location>): Promise<Location> {
    const question = find().finally(() => {
      for (const name of names) if (underWay.get(name) === question) underWay.delete(name)
    })
    for (const name of names) underWay.set(name, question)
    return question
  }

  return {
    /**
     * Nobody joins questions about these any more; null: any questions. Whose an account is may not be known yet: no
     * account's question is joined after any word.
     */
    interrupt(keys: readonly string[] | null) {
      const isOther = (name: string) => name.startsWith('customer:') && !keys?.includes(name.split(' ', 1)[0] ?? '')
      for (const name of underWay.keys()) if (keys === null || !isOther(name)) underWay.delete(name)
    },

    /** Another session's question is shared as long as it finds something; else one asks in one's own name. */
    async ask(entity: string, session: string, find: () => Promise<Location>): Promise<Location> {
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
