/**
 * The two systems as they are now, for people and their tools; of several workers as one.
 */
import type { FastifyInstance } from 'fastify'
import { type System, systemNames } from '../../core/words.ts'

const tenths = (ms: number) => Math.round(ms * 10) / 10

type State = FastifyInstance['systems'][System]

function describe(state: State) {
  const { release, reachable, breaker, inFlight, queued, counts } = state
  const latency = state.latency()
  return {
    release,
    state: reachable ? 'up' : 'down',
    breaker,
    latencyMs: latency === null ? null : { p50: tenths(latency.p50), p99: tenths(latency.p99) },
    inFlight,
    queued,
    connections: state.connections(),
    ...counts
  }
}

type Described = ReturnType<typeof describe>
export type DescribedSystems = Readonly<Record<System, Described>>

export const describeSystems = ({ systems }: FastifyInstance): DescribedSystems => ({
  source: describe(systems.source),
  target: describe(systems.target)
})

/** Breakers' states, the worst last. */
const breakers = ['off', 'closed', 'half_open', 'open'] as const

interface Counts {
  readonly [name: string]: number | Counts
}

/** Numbers add up, those of a table name by name. */
function sumOf<Value extends number | Counts>(values: readonly Value[]): Value {
  const [first] = values
  if (typeof first === 'number') return (values as readonly number[]).reduce((sum, value) => sum + value, 0) as Value
  const tables = values as readonly Counts[]
  const names = Object.keys(first as Counts)
  return Object.fromEntries(names.map((name) => [name, sumOf(tables.map((table) => table[name] as Counts))])) as Value
}

/** What a middle worker sees, and the worst of what any sees. */
function latencyOf(all: readonly Described[]): Described['latencyMs'] {
  const known = all.flatMap(({ latencyMs }) => latencyMs ?? [])
  if (known.length === 0) return null
  const p50s = known.map(({ p50 }) => p50).toSorted((a, b) => a - b)
  return { p50: p50s[Math.floor((p50s.length - 1) / 2)] as number, p99: Math.max(...known.map(({ p99 }) => p99)) }
}

function merge(all: readonly [Described, ...Described[]]): Described {
  const [{ release }] = all
  const states = new Set(all.map(({ state }) => state))
  const counts = all.map(({ release: _, state: __, breaker: ___, latencyMs: ____, ...rest }) => rest)
  return {
    release,
    // Each worker sees for itself.
    state: states.size > 1 ? 'partly' : (all[0].state as string),
    breaker: breakers.findLast((state) => all.some(({ breaker }) => breaker === state)) ?? all[0].breaker,
    latencyMs: latencyOf(all),
    ...sumOf(counts as unknown as readonly Counts[])
  } as Described
}

export function mergeSystems([first, ...others]: readonly DescribedSystems[]):
  | DescribedSystems
  | Record<string, never> {
  if (first === undefined) return {}
  const [source, target] = systemNames.map((system) => merge([first[system], ...others.map((one) => one[system])])) as [
    Described,
    Described
  ]
  return { source, target }
}
