/**
 * What is shown of the store: whether it answers, what was asked of it, and what it is still owed. Memory always answers,
 * and is never asked by a wire.
 */
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { showCounter, showGauge, showHistogram } from './shown.ts'

const operations = ['read', 'write', 'count'] as const

export function showStore(app: FastifyInstance, registry: Registry) {
  const { storeState } = app
  const isUp = 'Whether the shared store answers.'
  showGauge(registry, { name: 'store_up', help: isUp, labels: [], aggregator: 'min' }, () => [
    [[], Number(storeState.isUp)]
  ])
  const owed = 'Writes that wait until the shared store is back.'
  showGauge(registry, { name: 'store_owed', help: owed, labels: [] }, () => [[[], storeState.owed]])

  const asked = 'What was asked of the shared store.'
  const labels = ['operation', 'outcome']
  showCounter(registry, { name: 'store_operations_total', help: asked, labels }, () =>
    operations.flatMap((operation) => [
      [[operation, 'done'], storeState.done[operation]] as const,
      [[operation, 'failed'], storeState.failed[operation]] as const
    ])
  )

  const help = 'How long the shared store took to answer.'
  showHistogram(registry, { name: 'store_seconds', help, labels: ['operation'] }, () =>
    operations.map((operation) => [[operation], storeState.spreads[operation]] as const)
  )
}
