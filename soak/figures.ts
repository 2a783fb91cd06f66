/**
 * Figures out of the windows: percentiles, and how latencies with a dead source compare with calm ones.
 */
import { medianOf } from '../bench/table.ts'
import type { Pair, Run } from './phases.ts'
import type { Window } from './recorder.ts'

export const megabytes = (bytes: number) => `${(bytes / (1 << 20)).toFixed(1)} MB`
export const ms = (value: number) => `${value.toFixed(1)} ms`

export function percentileOf(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

const latenciesOf = ({ samples }: Window, group: 'source' | 'target') =>
  samples.filter((sample) => sample.group === group).map(({ ms }) => ms)

/**
 * The p99 of each second. What a shared machine does besides comes in bursts: they spoil seconds, not the median of them.
 */
function secondsOf(window: Window): number[] {
  const seconds = Map.groupBy(
    window.samples.filter(({ group }) => group === 'target'),
    ({ second }) => second
  )
  const p99s = [...seconds.values()].map((samples) => ({
    count: samples.length,
    p99: p99Of(samples.map(({ ms }) => ms))
  }))
  // A window's last second may be a piece of one.
  const most = Math.max(...p99s.map(({ count }) => count))
  return p99s.filter(({ count }) => count > most / 2).map(({ p99 }) => p99)
}

/** What ended when the source was back already is of neither time. */
const whileDead = ({ dead }: Pair) => dead.samples.filter(({ group, isLate }) => group === 'source' && !isLate)

export const p99Of = (values: readonly number[]) => percentileOf(values, 0.99)

/** What source customers must be told while their system is away. */
const wantedFault = '503 system_unavailable'

export interface Figures {
  readonly calmP50: number
  readonly calmP99: number
  /** Of the target's customers: the median of all seconds' p99s. */
  readonly aliveP99: number
  readonly deadP99: number
  /** Each time that the source was dead, over the windows before and after it. */
  readonly ratios: readonly number[]
  readonly medianRatio: number
  readonly targetSamples: number
  /** Of the gateway, as shares of a core. */
  readonly aliveCpu: number
  readonly deadCpu: number
  /** Of the target's customers: answers other than success, with the source alive or dead. */
  readonly targetFailures: number
  readonly sourceFaults: number
  readonly sourceFaultP99: number
  readonly sourceFaultMax: number
  /** Other kinds of answers that source customers got while their system was away. */
  readonly sourceOthers: readonly string[]
  readonly returnsMs: readonly number[]
}

function othersIn(pairs: readonly Pair[]): string[] {
  const kinds = pairs.flatMap((pair) => whileDead(pair).flatMap(({ kind }) => (kind === wantedFault ? [] : [kind])))
  return [...new Set(kinds)].map((kind) => `${kinds.filter((one) => one === kind).length} ${kind}`)
}

export function figuresOf({ calm, pairs }: Pick<Run, 'calm' | 'pairs'>): Figures {
  const calmTarget = latenciesOf(calm, 'target')
  const calms = pairs.map((pair) => latenciesOf(pair.calm, 'target'))
  const deads = pairs.map((pair) => latenciesOf(pair.dead, 'target'))
  const alive = pairs.map(({ calm: one }) => secondsOf(one))
  const dead = pairs.map((pair) => secondsOf(pair.dead))
  const ratios = dead.map((seconds, at) => medianOf(seconds) / medianOf(alive.slice(at, at + 2).flat()))
  const faults = pairs.flatMap((pair) => whileDead(pair).map(({ ms }) => ms))
  const all = [calm, ...pairs.flatMap((pair) => [pair.calm, pair.dead])].flatMap(({ samples }) => samples)
  return {
    calmP50: percentileOf(calmTarget, 0.5),
    calmP99: p99Of(calmTarget),
    aliveP99: medianOf(alive.flat()),
    deadP99: medianOf(dead.flat()),
    ratios,
    medianRatio: medianOf(ratios),
    aliveCpu: medianOf(pairs.map((pair) => pair.calm.cpuShare)),
    deadCpu: medianOf(pairs.map((pair) => pair.dead.cpuShare)),
    targetSamples: calms.flat().length + deads.flat().length,
    targetFailures: all.filter(({ group, kind }) => group === 'target' && kind !== 'success').length,
    sourceFaults: faults.length,
    sourceFaultP99: p99Of(faults),
    sourceFaultMax: Math.max(...faults),
    sourceOthers: othersIn(pairs),
    returnsMs: pairs.map(({ returnMs }) => returnMs)
  }
}
