/**
 * What is counted of operations: how each ended, and how many calls to the systems it took.
 */
import type { FastifyInstance } from 'fastify'
import { Spread, Tally } from '../core/tally.ts'

export type Outcome = 'ok' | 'partial' | 'failed' | 'too_complex' | 'unauthenticated'

/** Names kept: they are the clients' own, and a client that invents them may not fill the memory or Prometheus. */
const namesAtMost = 100
const longestName = 64
const callBounds = [0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000]

export interface Numbers {
  /** The name under which an operation is counted and logged: only one that was served may be a new one. */
  nameFor(name: string | null, wasServed: boolean): string
  count(name: string, outcome: Outcome): void
  noteCalls(name: string, calls: number): void
  /** A subscription is open until what this returns is called, once; then it is counted. */
  openSubscription(name: string): () => void
}

export function createNumbers(app: FastifyInstance): Numbers {
  const operations = new Tally()
  const calls = new Map<string, Spread>()
  const names = new Set(['anonymous', 'batch', 'other'])
  let subscriptions = 0
  if (app.hasDecorator('metrics')) {
    app.metrics.showCounter(
      { name: 'graphql_operations_total', help: 'GraphQL operations that are over.', labels: ['operation', 'outcome'] },
      () => operations.counts(2)
    )
    app.metrics.showHistogram(
      {
        name: 'graphql_upstream_calls',
        help: 'Calls to the systems that one GraphQL request took.',
        labels: ['operation']
      },
      () => [...calls].map(([name, spread]) => [[name], spread] as const)
    )
    const open = { name: 'graphql_subscriptions', help: 'GraphQL subscriptions that are open.', labels: [] }
    app.metrics.showGauge(open, () => [[[], subscriptions]])
  }

  function count(name: string, outcome: Outcome) {
    operations.at(name).at(outcome).count++
  }

  return {
    nameFor(name, wasServed) {
      if (name === null || name === '') return 'anonymous'
      const short = name.slice(0, longestName)
      if (names.has(short)) return short
      if (!wasServed || names.size >= namesAtMost) return 'other'
      names.add(short)
      return short
    },
    count,
    noteCalls(name, count) {
      const spread = calls.get(name) ?? new Spread(callBounds)
      calls.set(name, spread)
      spread.observe(count)
    },
    openSubscription(name) {
      subscriptions++
      return function end() {
        subscriptions--
        count(name, 'ok')
      }
    }
  }
}
