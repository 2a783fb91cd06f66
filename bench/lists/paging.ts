/**
 * What a page of the merged list costs at any depth: calls and rows of the systems, the client's time, the gateway's
 * CPU; beside it the same page of the source alone, which has everybody.
 */
import type { Given } from '../peers/system.ts'
import { meanOf, spreadOf, tableOf } from '../table.ts'
import { expectPage, expectSame, expectWay } from './checks.ts'
import { type Client, customersOf, type Page, type Stage, takeGiven, usageOf } from './stage.ts'

export interface PagingOptions {
  readonly customers: number
  readonly rounds: number
}

/** Pages of one order from one place on. */
export interface Place {
  readonly order: { readonly name: string; readonly params: object }
  readonly offset: number
}

/** `deep`: where no page has been before. `next`: behind a page that was just read. `alone`: both, at the source. */
type Kind = 'deep' | 'next' | 'alone'

interface Turn {
  readonly pages: readonly Page[]
  /** By the systems, for each page. */
  readonly given: readonly Given[]
  /** Of the gateway, for one page. */
  readonly cpuMs: number
}

interface Measured {
  readonly place: Place
  readonly turns: Readonly<Record<Kind, Turn[]>>
}

const limit = 50
const pagesPerTurn = 10
/** Of the first round, which only warms up: systems sort a list when it is asked for in an order for the first time. */
const warmUpPages = 3
/** No multiple of it is the limit or twice that: no page begins where an earlier one has shown a place. */
const apart = 3
const orders = [
  { name: 'i_customer', params: {} },
  { name: 'name', params: { order_by: 'name' } }
] as const

/** Throws where the pages of all rounds would go beyond the list. */
export function placesOf({ customers, rounds }: PagingOptions): Place[] {
  const offsets = [0, 1000, Math.floor(customers / 10), Math.floor(customers * 0.9)].sort((a, b) => a - b)
  const end = (offsets.at(-1) ?? 0) + apart * pagesPerTurn * (rounds + 1) + 2 * limit
  if (end > customers) throw new Error(`--customers: ${customers} are too few for pages of ${rounds} rounds`)
  return orders.flatMap((order) => offsets.map((offset) => ({ order, offset })))
}

/** The first page is always the same one; others are near their place, and never twice the same. */
function offsetsOf({ offset }: Place, round: number): number[] {
  const step = offset === 0 ? 0 : apart
  return Array.from(
    { length: round === 0 ? warmUpPages : pagesPerTurn },
    (_none, at) => offset + step * (round * pagesPerTurn + at)
  )
}

async function takeTurn(stage: Stage, client: Client, { order }: Place, offsets: readonly number[]): Promise<Turn> {
  const pages: Page[] = []
  const given: Given[] = []
  await takeGiven(stage)
  const before = await usageOf(stage)
  for (const offset of offsets) {
    pages.push(await client.list({ ...order.params, limit, offset }))
    given.push(await takeGiven(stage))
  }
  const after = await usageOf(stage)
  return { pages, given, cpuMs: (after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / offsets.length }
}

/** One turn of each kind; the merged pages must be right, and the same as the source's own. */
async function takeTurns(stage: Stage, place: Place, round: number): Promise<Record<Kind, Turn>> {
  const offsets = offsetsOf(place, round)
  const nextOffsets = offsets.map((offset) => offset + limit)
  const all = [...offsets, ...nextOffsets]
  const deep = await takeTurn(stage, stage.merged, place, offsets)
  const next = await takeTurn(stage, stage.merged, place, nextOffsets)
  const alone = await takeTurn(stage, stage.source, place, all)
  for (const [at, page] of [...deep.pages, ...next.pages].entries()) {
    const expected = { order: place.order.name, offset: all[at] ?? 0, limit }
    expectPage(customersOf(page), expected)
    expectSame(customersOf(page), customersOf(alone.pages[at] as Page), expected)
  }
  expectWay({ isSearched: place.offset > 0, given: deep.given })
  expectWay({ isSearched: false, given: next.given })
  return { deep, next, alone }
}

const kindNames = { deep: 'merged, place not known', next: 'merged, next page', alone: 'source alone' } as const

function rowOf({ place, turns }: Measured, kind: Kind): string[] {
  const own = turns[kind]
  const given = own.flatMap((turn) => turn.given)
  const calls = given.map((one) => one.calls)
  const rows = given.map((one) => one.rows)
  const times = own.flatMap(({ pages }) => pages.map(({ ms }) => ms))
  const cpu = own.map(({ cpuMs }) => cpuMs)
  return [
    place.order.name,
    place.offset.toLocaleString('en-US'),
    kind === 'deep' && place.offset === 0 ? 'merged, first page' : kindNames[kind],
    spreadOf(calls, 0),
    spreadOf(rows, 0),
    spreadOf(times, 1),
    kind === 'alone' ? '-' : spreadOf(cpu, 2, meanOf)
  ]
}

/** Gives whether every page stayed within the contract's budget. */
function judge(all: readonly Measured[], { customers }: PagingOptions, print: (text: string) => void): boolean {
  const depth = Math.log2(customers)
  const [calls, rows] = [2 * depth + 4, 2 * limit + 4 * depth]
  const given = all.flatMap(({ turns }) => [...turns.deep, ...turns.next]).flatMap((turn) => turn.given)
  const most = { calls: Math.max(...given.map((one) => one.calls)), rows: Math.max(...given.map((one) => one.rows)) }
  const isWithin = most.calls <= calls && most.rows <= rows
  print(
    `\nmost of a merged page: ${most.calls} calls, ${most.rows} rows, ${isWithin ? 'within' : 'NOT within'} the budget ` +
      `of ${calls.toFixed(1)} calls and ${rows.toFixed(1)} rows`
  )
  return isWithin
}

export async function measurePaging(
  stage: Stage,
  places: readonly Place[],
  options: PagingOptions,
  print: (text: string) => void
): Promise<boolean> {
  const all = places.map((place): Measured => ({ place, turns: { deep: [], next: [], alone: [] } }))
  for (let round = 0; round <= options.rounds; round++) {
    for (const { place, turns } of all) {
      const taken = await takeTurns(stage, place, round)
      if (round > 0) for (const kind of Object.keys(turns) as Kind[]) turns[kind].push(taken[kind])
    }
  }
  const rows = all.flatMap((one) => [rowOf(one, 'deep'), rowOf(one, 'next'), rowOf(one, 'alone')])
  print(tableOf(['order', 'offset', 'page', 'calls', 'rows', "client's ms", 'gateway CPU ms'], rows))
  return judge(all, options, print)
}
