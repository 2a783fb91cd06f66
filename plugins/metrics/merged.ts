/**
 * Metrics of several processes as one: counters and histograms add up, and of a gauge its aggregator tells.
 */
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client'

/** A metric with its values, as one process tells it to another. */
export type Shown = Pick<
  MetricObjectWithValues<MetricValue<string>>,
  'name' | 'help' | 'type' | 'aggregator' | 'values'
>

/** Of the process's own metrics, those that prom-client would add up or leave out although that says nothing. */
const ofProcess: Readonly<Record<string, Shown['aggregator']>> = {
  process_start_time_seconds: 'min',
  process_max_fds: 'min',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max'
}

/** As it can be told: JSON has no NaN, which some values are before their first sample. */
export const tellable = (metrics: readonly Shown[]): Shown[] =>
  metrics.map((metric) => ({
    ...metric,
    aggregator: ofProcess[metric.name] ?? metric.aggregator,
    values: metric.values.filter(({ value }) => Number.isFinite(value))
  }))

/** What of a process's metrics stays when it has gone: else all that it counted would be counted back. */
export const lasting = (metrics: readonly Shown[]): Shown[] =>
  metrics.filter(({ type }) => ['counter', 'histogram'].includes(String(type)))

const aggregate = (reports: readonly (readonly Shown[])[]) =>
  AggregatorRegistry.aggregate(reports as unknown as object[])

export const mergeMetrics = (reports: readonly (readonly Shown[])[]): Promise<Shown[]> =>
  aggregate(reports).getMetricsAsJSON() as Promise<Shown[]>

export const mergedText = (reports: readonly (readonly Shown[])[]): Promise<string> => aggregate(reports).metrics()
