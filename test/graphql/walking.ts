/**
 * Walks through all customers by cursors while some of them move: between the pages, and while one is being read.
 */
import assert from 'node:assert/strict'
import { otherSystem, type System } from '../../core/words.ts'
import { type JournalEntry, moveCustomer } from '../../simulator/index.ts'
import { compareValues } from '../../simulator/lists.ts'
import { customers, mergedWhole } from '../lists.ts'
import type { GraphqlWorld } from './client.ts'

export interface WalkOrder {
  readonly field: 'I_CUSTOMER' | 'NAME' | 'BALANCE'
  readonly direction: 'ASC' | 'DESC'
}

export type Crowd = Awaited<ReturnType<typeof gatherCrowd>>

/** All customers, and where each is active by now: whoever moves one does it by this. */
export async function gatherCrowd(world: GraphqlWorld) {
  const active = { skip_exported: 1 }
  const people = await mergedWhole(world, customers, { source: active, target: active })
  const places = new Map(people.map(({ id, system }) => [id, system]))
  const placeOf = (id: number): System => places.get(id) ?? assert.fail('a customer of nobody')
  const events = new URL('/migrations', world.opsUrl)

  function leave(id: number) {
    const from = placeOf(id)
    places.set(id, otherSystem(from))
    return { from: world[from], to: world[otherSystem(from)] }
  }

  return {
    placeOf,

    inOrder({ field, direction }: WalkOrder): number[] {
      const by = field.toLowerCase()
      const sign = direction === 'ASC' ? 1 : -1
      return people
        .toSorted((a, b) => sign * compareValues(a.fields[by], b.fields[by]) || a.id - b.id)
        .map(({ id }) => id)
    },

    /** Both systems change in one turn; where the gateway is told, requests go by between the two. */
    async move(id: number, isTold = false) {
      const { from, to } = leave(id)
      await moveCustomer(id, from, to, isTold ? { events } : {})
    },

    /** The first half of a move: the customer is nowhere until what this returns is called. */
    takeOut(id: number): () => void {
      const { from, to } = leave(id)
      const bundle = from.exportCustomer(id)
      return () => to.importCustomer(bundle)
    }
  }
}

/** When a move comes about: before a page, with it, when a call of it reaches a system; or the whole page long. */
export type Moment = 'before' | 'with' | 'at the source' | 'at the target' | 'throughout'
const moments: readonly Moment[] = ['before', 'before', 'with', 'at the source', 'at the target', 'throughout']

interface Step {
  readonly id: number
  readonly moment: Moment
  /** At which of the page's calls to the system. */
  readonly nth: number
}

export interface Plan {
  readonly order: WalkOrder
  readonly seed: number
  /** How many customers move, and how many of these move back later. */
  readonly movers: number
  readonly back: number
  /** Of pages. */
  readonly sizes: readonly number[]
}

/** The same numbers in each run: whole ones from 0 to below `sides`. */
function createDice(seed: number) {
  let state = seed
  return (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

/** Who moves when, as the seed has it. */
function createSteps({ seed, movers, back }: Plan, whole: readonly number[]) {
  const dice = createDice(seed)
  const pick = <T>(list: readonly T[]): T => list[dice(list.length)] ?? assert.fail('there is nobody left')
  const all: Step[] = []
  const moved = new Set<number>()
  const returned = new Set<number>()

  function whoReturns(before: ReadonlySet<number>): number | null {
    const candidates = [...before].filter((id) => !returned.has(id))
    if (returned.size === back || candidates.length === 0) return null
    return moved.size === movers || dice(4) === 0 ? pick(candidates) : null
  }

  /** Half of them are about to be shown, the others are anywhere. */
  function whoMoves(at: number): number {
    const among = dice(2) === 0 ? whole.slice(at, at + 40) : whole
    const fresh = among.filter((id) => !moved.has(id))
    return pick(fresh.length > 0 ? fresh : whole.filter((id) => !moved.has(id)))
  }

  /** The moves at a page whose first row will be at this index, spread evenly over the walk; nobody's both ways. */
  function stepsAt(at: number): Step[] {
    const due = Math.min(movers + back, Math.floor((at / whole.length) * (movers + back + 4)))
    const before: ReadonlySet<number> = new Set(moved)
    const steps: Step[] = []
    while (moved.size + returned.size < due) {
      const returning = whoReturns(before)
      if (returning === null && moved.size === movers) break
      const id = returning ?? whoMoves(at)
      ;(returning === null ? moved : returned).add(id)
      steps.push({ id, moment: pick(moments), nth: 1 + dice(2) })
    }
    all.push(...steps)
    return steps
  }

  return { dice, pick, stepsAt, all, moved, returned }
}

interface Edge {
  readonly cursor: string
  readonly node: { readonly iCustomer: number; readonly system: string }
}

export interface Page {
  readonly edges: readonly Edge[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
  readonly missing: readonly string[]
}

const pageQuery = `query Walk($first: Int!, $after: String, $orderBy: CustomerOrder!) {
  customers(first: $first, after: $after, orderBy: $orderBy) {
    edges { cursor node { iCustomer system } } pageInfo { hasNextPage endCursor } missing
  }
}`

/** A page of everybody, to which both systems have given their parts. */
export async function readPage(world: GraphqlWorld, orderBy: WalkOrder, first: number, after: string | null) {
  const { data, errors } = await world.run<{ customers: Page }>(pageQuery, { first, after, orderBy })
  assert.deepEqual([errors, data?.customers.missing], [undefined, []])
  return data.customers
}

export const idsOf = (edges: readonly Edge[]) => edges.map(({ node }) => node.iCustomer)

/** Has a move come about within a page. What this returns ends it behind the page, and tells whether it had begun before. */
function begin(world: GraphqlWorld, { move, takeOut }: Crowd, { id, moment, nth }: Step): () => Promise<boolean> {
  const seen = new Set<JournalEntry>()
  let end: (() => unknown) | undefined
  function start() {
    if (moment === 'throughout') end = takeOut(id)
    else {
      const moving = move(id, moment === 'with')
      end = () => moving
    }
  }
  if (moment === 'with') start()
  // The predicate is called at once for each call that arrives.
  void world[moment === 'at the target' ? 'target' : 'source'].journal.next((entry) => {
    if (end === undefined && entry.method === 'get_customer_list') seen.add(entry)
    if (end === undefined && seen.size === nth) start()
    return end !== undefined
  })
  return async () => {
    const hadBegun = end !== undefined
    if (!hadBegun) start()
    await end?.()
    return hadBegun
  }
}

/** What a walk has shown, and who moved while the very page was read that would have shown them. */
export async function walk(world: GraphqlWorld, crowd: Crowd, plan: Plan) {
  const whole = crowd.inOrder(plan.order)
  const atOf = new Map(whole.map((id, at) => [id, at]))
  const { dice, pick, stepsAt, ...made } = createSteps(plan, whole)
  const shown: Edge['node'][] = []
  const excused = new Set<number>()
  let pages = 0
  let after: string | null = null
  let next = 0
  for (let hasNextPage = true; hasNextPage; pages++) {
    const steps = stepsAt(next)
    for (const { id, moment } of steps) if (moment === 'before') await crowd.move(id)
    const within = steps.filter(({ moment }) => moment !== 'before')
    const ends = within.map((step) => begin(world, crowd, step))
    const first = pick(plan.sizes)
    const { edges, pageInfo }: Page = await readPage(world, plan.order, first, after)
    const hadBegun = await Promise.all(ends.map((end) => end()))

    assert.ok(edges.length === first || !pageInfo.hasNextPage, 'a page that is not full is the last')
    assert.equal(pageInfo.endCursor, edges.at(-1)?.cursor ?? null)
    // A cursor from the middle of a page is as good as its last one.
    const taken = edges.slice(0, dice(4) === 0 ? 1 + dice(first) : first)
    const last = taken.at(-1)
    hasNextPage = pageInfo.hasNextPage || taken.length < edges.length
    const end = hasNextPage && last !== undefined ? (atOf.get(last.node.iCustomer) ?? -1) + 1 : whole.length
    for (const [at, { id }] of within.entries()) {
      const place = atOf.get(id) ?? -1
      if (hadBegun[at] === true && place >= next && place < end) excused.add(id)
    }
    shown.push(...taken.map(({ node }) => node))
    after = last?.cursor ?? after
    next = end
  }
  return { ...made, whole, shown, excused, pages }
}
