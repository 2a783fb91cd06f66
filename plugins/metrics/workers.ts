/**
 * The processes that share the listeners. Each shows itself, so that all together show how many have answered; how often
 * one was started in the place of another is counted by who starts them (gateway/workers/accounts.ts).
 */
import type { Registry } from 'prom-client'
import { showCounter, showGauge } from './shown.ts'

export const restarts = {
  name: 'worker_restarts_total',
  help: 'Workers that were started in the place of others.',
  labels: ['cause']
} as const
export const restartCauses = ['crash', 'roll'] as const

export function showWorkers(registry: Registry) {
  const help = 'Processes that serve, of those that share the listeners.'
  showGauge(registry, { name: 'workers', help, labels: [] }, () => [[[], 1]])
  showCounter(registry, restarts, () => restartCauses.map((cause) => [[cause], 0]))
}
