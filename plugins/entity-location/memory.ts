/**
 * Where entities were found, for a while.
 */
import type { FastifyInstance } from 'fastify'
import type { Reference } from '../../core/references.ts'
import { createSeal, type Secrets } from '../../core/seal.ts'
import type { System } from '../../core/words.ts'
import type { Finding } from './lookup.ts'

export const customerKey = (iCustomer: number) => `customer:${iCustomer}`
export const accountKey = (iAccount: number) => `account:${iAccount}`
const systemIn = (value: string | undefined): System | undefined =>
  value === 'source' || value === 'target' ? value : undefined
const customerIn = (value: string | undefined) =>
  value === undefined || systemIn(value) !== undefined ? undefined : Number(value)

/** Entries that are written, or told of, at a time. */
const chunk = 500

/** What the other gateways are told: what is doubtful, null for everything; or where customers are. */
type Told = readonly string[] | null | Placed
interface Placed {
  readonly at: System
  readonly keys: readonly string[]
}

/**
 * `customer:<n>` holds a system. `account:<n>` and `natural:<hash>` hold their customer's number, so that a word about a
 * customer counts for all that is the customer's at once; an account of nobody known holds its system itself.
 */
export function createMemory(
  app: FastifyInstance,
  { ttl, secret }: { readonly ttl: number; readonly secret: Secrets }
) {
  // Not lasting: a customer may move while the store is away, and then nobody hears of it here.
  const locations = app.store('locations', { lasting: false })
  /** A store that is away remembers nothing: the systems are asked. */
  const valueAt = (key: string) => locations.get(key).catch(() => undefined)
  const { keyOf } = createSeal(secret)

  function keyFor({ kind, keys }: Reference): string {
    if (typeof keys.i_customer === 'number') return customerKey(keys.i_customer)
    if (typeof keys.i_account === 'number') return accountKey(keys.i_account)
    const sorted = Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return `natural:${keyOf('entity', JSON.stringify([kind, sorted]))}`
  }

  /** The system, and the customer whose entity it is where that is what decides. */
  async function recall(key: string) {
    const value = ttl === 0 ? undefined : await valueAt(key)
    const iCustomer = customerIn(value)
    const at = iCustomer === undefined ? value : await valueAt(customerKey(iCustomer))
    return { at: systemIn(at), iCustomer }
  }

  /** Everything is set at once: a word that comes later deletes later. */
  async function remember(key: string, { kind }: Reference, { at, certain, iCustomer, isActive }: Finding) {
    if (ttl === 0 || !certain || at === null) return
    const known: [key: string, value: string][] = []
    if (key.startsWith('customer:')) known.push([key, at])
    else if (iCustomer !== null) {
      known.push([key, String(iCustomer)])
      // A closed account's system says little of where its customer is served.
      if (kind === 'customer' || isActive) known.push([customerKey(iCustomer), at])
    } else if (key.startsWith('account:')) known.push([key, at])
    await locations.setAll(known.map(([name, value]) => ({ key: name, value, ttlMs: ttl })))
  }

  /** Where customers are, by somebody's word. */
  async function place(keys: readonly string[], at: System) {
    for (let from = 0; ttl !== 0 && from < keys.length; from += chunk) {
      await locations.setAll(keys.slice(from, from + chunk).map((key) => ({ key, value: at, ttlMs: ttl })))
    }
  }

  /** These keys, and those of the customers that they are known to belong to. Throws where that cannot be read now. */
  async function concerned(keys: readonly string[]): Promise<string[]> {
    const others = keys.filter((key) => !key.startsWith('customer:'))
    const values = await Promise.all(others.map((key) => locations.get(key)))
    const customers = values.map(customerIn).filter((iCustomer) => iCustomer !== undefined)
    return [...keys, ...customers.map(customerKey)]
  }

  async function forget(keys: readonly string[]) {
    for (let from = 0; from < keys.length; from += chunk) await locations.delete(...keys.slice(from, from + chunk))
  }

  /** The other gateways that share the store are told of doubts; null: of anybody. */
  function tellDoubt(keys: readonly string[] | null) {
    if (keys === null) locations.tell('null')
    for (let from = 0; keys !== null && from < keys.length; from += chunk) {
      locations.tell(JSON.stringify(keys.slice(from, from + chunk)))
    }
  }
  function tellPlace(keys: readonly string[], at: System) {
    for (let from = 0; from < keys.length; from += chunk) {
      locations.tell(JSON.stringify({ at, keys: keys.slice(from, from + chunk) }))
    }
  }
  function onTold(listener: (keys: readonly string[] | null, at: System | null) => void) {
    locations.onTold((text) => {
      const told = JSON.parse(text) as Told
      if (told === null || Array.isArray(told)) listener(told, null)
      else listener((told as Placed).keys, (told as Placed).at)
    })
  }

  const forgetAll = () => locations.clear()
  return { keyFor, recall, remember, place, concerned, forget, forgetAll, tellDoubt, tellPlace, onTold }
}

export type Memory = ReturnType<typeof createMemory>
