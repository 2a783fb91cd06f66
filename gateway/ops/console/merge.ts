/**
 * What several workers show, as one: what each has counted adds up, and what all have heard counts once.
 */
import type { FastifyInstance } from 'fastify'
import { type System, systemNames } from '../../../core/words.ts'
import { type DescribedSystems, mergeSystems } from '../systems.ts'

type Report = ReturnType<FastifyInstance['console']['report']>
export type Step = ReturnType<FastifyInstance['console']['steps']>[number]
export type ConsoleNow = Report & { readonly systems: DescribedSystems }

/** One of one or more workers. */
export interface Merged extends Omit<ConsoleNow, 'recent' | 'step'> {
  readonly workers: number
  /** How much was counted in a second, lately. */
  readonly rate: readonly number[]
  readonly minute: readonly number[]
  readonly steps: readonly Step[]
}

/** What a console shows of each at most; steps: an hour's. */
export const shown = { steps: 360, transitions: 10, batches: 20, feed: 100, faults: 200 } as const

type Rows = readonly (readonly number[])[]

const sumOf = ([first = [], ...others]: Rows): readonly number[] =>
  others.length === 0 ? first : first.map((value, at) => others.reduce((sum, row) => sum + (row[at] ?? 0), value))

const most = (values: readonly number[]) => Math.max(0, ...values)
const newestFirst = (a: { readonly at: number }, b: { readonly at: number }) => b.at - a.at

/** The longest list: whoever shares something has heard of the same. */
const longest = <Value>(lists: readonly (readonly Value[])[]): readonly Value[] =>
  lists.reduce((best, list) => (list.length > best.length ? list : best), [])

/** Steps of one time are one: what was counted adds up, and of moves all have heard. */
export function mergeSteps(lists: readonly (readonly Step[])[]): Step[] {
  const byTime = Map.groupBy(lists.flat(), ({ at }) => at)
  const merged = [...byTime].map(([at, steps]) => ({
    at,
    ms: most(steps.map(({ ms }) => ms)),
    moved: most(steps.map(({ moved }) => moved)),
    moving: most(steps.map(({ moving }) => moving)),
    cells: sumOf(steps.map(({ cells }) => cells))
  }))
  return merged.sort((a, b) => a.at - b.at).slice(-shown.steps)
}

/** Two workers that find out the same for themselves, such as that a fence has expired, do so within this time, ms. */
const nearMs = 2000

/** What several have heard is one: of those with one key, at about one time, the better; newest first. */
function once<Value extends { readonly at: number }>(
  lists: readonly (readonly Value[])[],
  keyOf: (value: Value) => string,
  isBetter: (one: Value, other: Value) => boolean,
  limit: number
): Value[] {
  const [only, ...others] = lists
  if (only !== undefined && others.length === 0) return only.slice(0, limit)
  const found = new Map<string, Value[]>()
  for (const value of lists.flat().sort((a, b) => a.at - b.at)) {
    const same = found.get(keyOf(value)) ?? []
    const last = same.at(-1)
    if (last === undefined || value.at - last.at > nearMs) same.push(value)
    else if (isBetter(value, last)) same[same.length - 1] = value
    found.set(keyOf(value), same)
  }
  return [...found.values()].flat().sort(newestFirst).slice(0, limit)
}

/** Each worker sees a change for itself: of the same that follow each other the first counts. */
function mergeTransitions(reports: readonly Report[], system: System) {
  const all = reports.flatMap(({ transitions }) => transitions[system].toReversed()).sort((a, b) => a.at - b.at)
  const isOfSystem = (to: string) => to === 'up' || to === 'down'
  const last = new Map<boolean, string>()
  const changes = all.filter(({ to }) => {
    const isAgain = last.get(isOfSystem(to)) === to
    last.set(isOfSystem(to), to)
    return !isAgain
  })
  return changes.reverse().slice(0, shown.transitions)
}

/** Counted by each worker for itself. */
function mergeMissing(reports: readonly Report[]): Report['missing'] {
  const same = Map.groupBy(
    reports.flatMap(({ missing }) => missing),
    ({ call, system, release }) => `${call} ${system} ${release}`
  )
  return [...same.values()].map((rows) => ({
    ...(rows[0] as (typeof rows)[number]),
    count: rows.reduce((sum, { count }) => sum + count, 0),
    at: most(rows.map(({ at }) => at))
  }))
}

/** What each has counted in a second: a worker that has just begun has its own time. */
const rateOf = ({ recent }: Report) => recent.rate.map((count) => (count * 1000) / recent.rateMs)

function mergeKnown(reports: readonly Report[]) {
  const seen = reports.flatMap((report) => report.seen ?? [])
  const [newest = null] = reports.flatMap(({ listed }) => listed ?? []).sort(newestFirst)
  return {
    moving: most(reports.map(({ moving }) => moving)),
    fences: longest(reports.map(({ fences }) => fences)),
    // Two may have seen the same customers: the most that one of them has seen is sure.
    seen:
      seen.length === 0
        ? null
        : { source: most(seen.map(({ source }) => source)), target: most(seen.map(({ target }) => target)) },
    listed: newest,
    missing: mergeMissing(reports)
  }
}

function mergeHeard(reports: readonly Report[]) {
  return {
    moved: most(reports.map(({ moved }) => moved)),
    failed: most(reports.map(({ failed }) => failed)),
    expired: most(reports.map(({ expired }) => expired)),
    batches: once(
      reports.map(({ batches }) => batches),
      // The id ends with its first customer.
      ({ id }) => id.slice(id.indexOf('-')),
      (one, other) => one.customers - one.moving > other.customers - other.moving,
      shown.batches
    ),
    feed: once(
      reports.map(({ feed }) => feed),
      ({ iCustomer, state, to, by }) => `${iCustomer} ${state} ${to} ${by}`,
      (one, other) => one.count > other.count,
      shown.feed
    )
  }
}

const mergeSessions = (reports: readonly Report[]): Report['sessions'] => ({
  source: reports.reduce((sum, { sessions }) => sum + sessions.source, 0),
  target: reports.reduce((sum, { sessions }) => sum + sessions.target, 0),
  both: reports.reduce((sum, { sessions }) => sum + sessions.both, 0)
})

/** Null where nobody has anything to show. */
export function mergeConsole(all: readonly (ConsoleNow | null)[]): Merged | null {
  const reports = all.flatMap((report) => report ?? [])
  if (reports.length === 0) return null
  return {
    workers: reports.length,
    startedAt: Math.min(...reports.map(({ startedAt }) => startedAt)),
    isStoreUp: reports.every(({ isStoreUp }) => isStoreUp),
    rate: sumOf(reports.map(rateOf)),
    minute: sumOf(reports.map(({ recent }) => recent.minute)),
    totals: sumOf(reports.map(({ totals }) => totals)),
    steps: mergeSteps(reports.map(({ step }) => (step === null ? [] : [step]))),
    sessions: mergeSessions(reports),
    systems: mergeSystems(reports.map(({ systems }) => systems)) as DescribedSystems,
    transitions: Object.fromEntries(
      systemNames.map((system) => [system, mergeTransitions(reports, system)])
    ) as unknown as Report['transitions'],
    faults: reports
      .flatMap(({ faults }) => faults)
      .sort(newestFirst)
      .slice(0, shown.faults),
    ...mergeKnown(reports),
    ...mergeHeard(reports)
  }
}
