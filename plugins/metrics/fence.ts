/**
 * What is shown of customers who are being moved: how many, what became of their fences, and the writes that were refused.
 */
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { showCounter, showGauge } from './shown.ts'

const ends = ['raised', 'finished', 'failed', 'expired'] as const

export function showFence(app: FastifyInstance, registry: Registry) {
  if (!app.hasDecorator('writeFence')) return
  const { writeFence } = app
  const up = 'Customers who are being moved, and may not be written to.'
  showGauge(registry, { name: 'fences', help: up, labels: [], aggregator: 'max' }, () => [
    [[], writeFence.list().length]
  ])
  const words = 'Fences that this gateway was told to put up, and what became of them.'
  showCounter(registry, { name: 'fence_words_total', help: words, labels: ['state'] }, () =>
    ends.map((state) => [[state], writeFence.counts[state]] as const)
  )
  const refused = 'Writes that were refused because their customer was being moved.'
  showCounter(registry, { name: 'fenced_writes_total', help: refused, labels: [] }, () => [
    [[], writeFence.counts.refused]
  ])
}
