/**
 * Lists for tests: what the systems themselves hold, merged naively, and what one merged page cost them.
 */
import assert from 'node:assert/strict'
import { after, type TestContext } from 'node:test'
import type { RealmName, System } from '../core/words.ts'
import { type JsonObject, parseJson } from '../simulator/exact-json.ts'
import type { JournalEntry, Simulator } from '../simulator/index.ts'
import { compareValues } from '../simulator/lists.ts'
import { startWorld, type World } from './build.ts'
import { bearer, call, login, type Reply, type Session, type User } from './client.ts'

export const customerList = 'Customer/get_customer_list'
export const accountList = 'Account/get_account_list'

export interface ListWorld extends World {
  /** An admin's, on both systems. */
  readonly session: Session
  /** A call of that session through the gateway. */
  readonly list: (name: string, params?: object, headers?: Record<string, string>) => Promise<Reply>
}

/** Two systems, a gateway before them, and an admin who has logged in. */
export async function startLists(
  t: Pick<TestContext, 'after'>,
  ...more: [overrides?: Record<string, unknown>, systems?: Parameters<typeof startWorld>[2]]
): Promise<ListWorld> {
  const world = await startWorld(t, ...more)
  const session = await login(world.url, 'admin', world.target.users.admin())
  assert.equal(session.reply.status, 200, session.reply.text)
  const list: ListWorld['list'] = (name, params = {}, headers = {}) =>
    call(world.url, 'admin', name, params, { headers: { ...bearer(session.accessToken), ...headers } })
  return { ...world, session, list }
}

/** One world for a whole file whose tests undo what they change; to be awaited before its first test. */
export const sharedLists = (...more: Parameters<typeof startLists> extends [unknown, ...infer Rest] ? Rest : never) =>
  startLists({ after: (close) => after(() => (close as () => unknown)()) }, ...more)

/** A row by its exact text, its numbers as they were written. */
export interface TextRow {
  readonly text: string
  readonly fields: JsonObject
}

/** The rows of an answer; it must be what the simulated systems write, to the byte. */
export function rowsIn({ status, text }: Pick<Reply, 'status' | 'text'>, arrayKey: string): TextRow[] {
  assert.equal(status, 200, text)
  const json = parseJson(text) as JsonObject
  assert.equal(JSON.stringify(json), text)
  return (json[arrayKey] as JsonObject[]).map((fields) => ({ fields, text: JSON.stringify(fields) }))
}

export const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

const ownSessions = new WeakMap<Simulator, Map<string, Promise<Session>>>()

/** A call of a system itself, past the gateway. */
export async function ownCall(
  system: Simulator,
  name: string,
  params: object,
  realm: RealmName = 'admin',
  user: User = system.users.admin()
): Promise<Reply> {
  const sessions = ownSessions.get(system) ?? new Map<string, Promise<Session>>()
  ownSessions.set(system, sessions)
  const session = sessions.get(`${realm} ${user.login}`) ?? login(system.urls[realm], realm, user)
  sessions.set(`${realm} ${user.login}`, session)
  const headers = bearer((await session).accessToken)
  return call(system.urls[realm], realm, name, params, { headers })
}

export interface ListOrder {
  readonly by: string
  readonly direction: 'asc' | 'desc'
}

export interface Place extends TextRow {
  readonly system: System
  readonly id: number
}

/** Where a list is to be had, and what is known of it. */
export interface KnownList {
  readonly name: string
  readonly arrayKey: string
  readonly id: string
  readonly order: ListOrder
}

export const customers: KnownList = {
  name: customerList,
  arrayKey: 'customer_list',
  id: 'i_customer',
  order: { by: 'i_customer', direction: 'asc' }
}

export const accounts: KnownList = {
  name: accountList,
  arrayKey: 'account_list',
  id: 'i_account',
  order: { by: 'i_account', direction: 'asc' }
}

/** All places of a merged list: every row of both systems in one order, ties by id, the target's first. */
export async function mergedWhole(
  { source, target }: Pick<World, 'source' | 'target'>,
  { name, arrayKey, id, order }: KnownList,
  params: { readonly source?: object; readonly target?: object } = {},
  own: readonly [realm?: RealmName, user?: User] = []
): Promise<Place[]> {
  const placesOf = async (system: System) => {
    const simulator = system === 'source' ? source : target
    const reply = await ownCall(simulator, name, { ...params[system], limit: 100_000 }, ...own)
    return rowsIn(reply, arrayKey).map((row): Place => ({ ...row, system, id: Number(row.fields[id]) }))
  }
  return inOrder([...(await placesOf('target')), ...(await placesOf('source'))], order)
}

/** Places in another order: ties by id, and of those of one id the one that came first. */
export function inOrder(places: readonly Place[], { by, direction }: ListOrder): Place[] {
  const sign = direction === 'asc' ? 1 : -1
  return places.toSorted((a, b) => sign * compareValues(a.fields[by], b.fields[by]) || a.id - b.id)
}

/** The customers of both systems: the source's without those that it has exported. */
export const wholeOfCustomers = (
  world: Pick<World, 'source' | 'target'>,
  filter: object = {},
  order = customers.order
) => mergedWhole(world, { ...customers, order }, { source: { ...filter, skip_exported: 1 }, target: filter })

/** One call of a list that reached a system. */
export interface UpstreamCall {
  readonly system: System
  readonly entry: JournalEntry
  readonly params: Readonly<Record<string, unknown>>
}

export function upstreamCalls({ source, target }: Pick<World, 'source' | 'target'>, name: string): UpstreamCall[] {
  return (['source', 'target'] as const).flatMap((system) =>
    (system === 'source' ? source : target).journal.of(name).map((entry) => ({
      system,
      entry,
      params: JSON.parse(entry.body.toString()).params as UpstreamCall['params']
    }))
  )
}

export function clearJournals({ source, target }: Pick<World, 'source' | 'target'>): void {
  source.journal.clear()
  target.journal.clear()
}

/** Contract section 6: what a page may cost, at any offset up to `total`. */
export function assertCost(calls: readonly UpstreamCall[], limit: number, total: number, what: string): void {
  const steps = Math.log2(Math.max(total, 1))
  const rows = calls.reduce((sum, { params }) => sum + Number(params.limit), 0)
  assert.ok(calls.length <= 2 * steps + 4, `${what}: ${calls.length} calls`)
  assert.ok(rows <= 2 * limit + 4 * steps, `${what}: ${rows} rows`)
}
