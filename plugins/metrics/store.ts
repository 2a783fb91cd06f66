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
  const gauge = (name: string, help: string, read: () => number) =>
    showGauge(registry, { name, help, labels: [] }, () => [[[], read()]])
  gauge('store_up', 'Whether the shared store answers.', () => Number(storeState.isUp))
  gauge('store_owed', 'Writes that wait until the shared store is back.', () => storeState.owed)

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
