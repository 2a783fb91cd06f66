/**
 * Puts what is counted elsewhere into a prom-client registry, which reads it when somebody asks.
 */
import { Counter, Gauge, type Histogram, type Registry } from 'prom-client'
import type { Spread } from '../../core/tally.ts'

export interface Described {
  /** Without the prefix. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

export interface DescribedGauge extends Described {
  /** What it is of several workers together; the sum when absent. */
  readonly aggregator?: 'sum' | 'min' | 'max'
}

/** One series: the values of its labels, in the order of their names. */
type Series<Value> = readonly [labels: readonly string[], value: Value]

const prefix = 'webdispatcher_'

const labelled = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']))

const settingsOf = (registry: Registry, { name, help, labels }: Described) => ({
  name: prefix + name,
  help,
  labelNames: [...labels],
  registers: [registry]
})

export function showCounter(registry: Registry, described: Described, read: () => Iterable<Series<number>>) {
  new Counter({
    ...settingsOf(registry, described),
    collect() {
      this.reset()
      for (const [values, count] of read()) this.inc(labelled(described.labels, values), count)
    }
  })
}

export function showGauge(registry: Registry, described: DescribedGauge, read: () => Iterable<Series<number>>) {
  new Gauge({
    ...settingsOf(registry, described),
    aggregator: described.aggregator ?? 'sum',
    collect() {
      this.reset()
      for (const [values, value] of read()) this.set(labelled(described.labels, values), value)
    }
  })
}

/** The samples of one histogram's series: the buckets add up, and the last one holds everything. */
function samplesOf(name: string, labels: Record<string, string>, { bounds, counts, sum }: Spread) {
  let below = 0
  const buckets = counts.map((count, at) => {
    below += count
    return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...labels }, value: below }
  })
  const rest = { metricName: `${name}_count`, labels, value: below }
  return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, rest]
}

export function showHistogram(
  registry: Registry,
  { name: shortName, help, labels }: Described,
  read: () => Iterable<Series<Spread>>
) {
  const name = prefix + shortName
  const shown = { name, help, type: 'histogram', aggregator: 'sum', labelNames: labels, reset() {} } as const
  const get = async () => ({
    ...shown,
    values: [...read()].flatMap(([values, spread]) => samplesOf(name, labelled(labels, values), spread))
  })
  // All that a registry wants of a metric is its name and its values.
  registry.registerMetric({ ...shown, get } as unknown as Histogram)
}
