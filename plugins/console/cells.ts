/**
 * What is counted of traffic: numbers in one row, each with its place, so that to count is to add one, to keep a step is to
 * copy the row, and to make one of several workers is to add the rows.
 */
import type { FastifyInstance } from 'fastify'
import { Fault } from '../../core/faults.ts'
import { isLogin, type ListOutcome, type LoginWay, listOutcome, loginWay, reachedBy } from '../../core/outcomes.ts'
import { quantilesOf, spanCell, spanCells } from '../../core/spans.ts'
import { type Family, type RealmName, realmNames, type System } from '../../core/words.ts'

const ways = ['source', 'target', 'both', 'none'] as const
const families: readonly Family[] = ['billing', 'portasip', 'callcontrol', 'page']
const loginWays: readonly LoginWay[] = ['target', 'forwarded', 'hinted', 'refused']
const shownLists = ['merged', 'partial', 'failed'] as const satisfies readonly ListOutcome[]

/** Where each of these names has its cell, from there on. */
function placesOf<Name extends string>(names: readonly Name[], from: number): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, at) => [name, from + at])) as Record<Name, number>
}

const way = placesOf(ways, 0)
const realm = placesOf<RealmName>(realmNames, ways.length)
const family = placesOf<Family>(families, realm.representative + 1)
const login = placesOf<LoginWay>(loginWays, family.page + 1)
const list = placesOf(shownLists, login.refused + 1)
/** Where spreads of times begin: the gateway's own share, and each system's answers. */
const own = list.failed + 1
const answers: Readonly<Record<System, number>> = { source: own + spanCells, target: own + 2 * spanCells }

export const cellCount = own + 3 * spanCells

/** A row of cells, whoever has it. */
export type Cells = ArrayLike<number>

const named = <Name extends string>(cells: Cells, places: Readonly<Record<Name, number>>, by = 1) =>
  Object.fromEntries(
    (Object.entries(places) as [Name, number][]).map(([name, at]) => [
      name,
      Math.round(((cells[at] ?? 0) / by) * 10) / 10
    ])
  ) as Record<Name, number>

export const waysIn = (cells: Cells, seconds: number) => named(cells, way, seconds)
export const realmsIn = (cells: Cells, seconds: number) => named(cells, realm, seconds)
export const familiesIn = (cells: Cells, seconds: number) => named(cells, family, seconds)
export const loginsIn = (cells: Cells) => named(cells, login)
export const listsIn = (cells: Cells) => named(cells, list)
export const ownIn = (cells: Cells) => quantilesOf(cells, own)
export const answersIn = (cells: Cells, system: System) => quantilesOf(cells, answers[system])

/** How many answers of a system there were. */
export function answeredIn(cells: Cells, system: System): number {
  let count = 0
  for (let cell = 0; cell < spanCells; cell++) count += cells[answers[system] + cell] ?? 0
  return count
}

const strangersFault = new Fault('unknown_realm').faultcode

type EndedListener = Parameters<FastifyInstance['onRequestEnded']>[0]

/** What must be called with each request's end; it counts in these cells. */
export function countingIn(cells: Float64Array): EndedListener {
  function add(at: number) {
    cells[at] = (cells[at] as number) + 1
  }

  return function countRequest({ trail, target, place }, { raw }, { ownMs, aborted }) {
    const { route } = target
    add(way[trail.to ?? 'none'])
    if (trail.fault !== strangersFault) add(realm[place.realm])
    add(family[route.family])
    // How long a WebSocket lasts says nothing of what it cost.
    if (!trail.isWebSocket) add(own + spanCell(ownMs))
    if (isLogin(route)) {
      const how = loginWay(trail, reachedBy(raw.statusCode, aborted))
      if (how !== null) add(login[how])
    }
    if (trail.reason === 'merged_list') {
      const outcome = listOutcome(trail, reachedBy(raw.statusCode, aborted))
      if (outcome !== 'refused') add(list[outcome])
    }
  }
}

/** The same for the times of a system's answers. */
export function answersCountingIn(cells: Float64Array, system: System): (ms: number) => void {
  const from = answers[system]
  return function countAnswer(ms) {
    const at = from + spanCell(ms)
    cells[at] = (cells[at] as number) + 1
  }
}
