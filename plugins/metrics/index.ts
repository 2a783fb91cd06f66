/**
 * metrics
 * Adds  `app.metrics`: numbers for Prometheus, shown by the ops listener at `GET /metrics`. Requests are counted where
 *       they end; all else is read, when somebody asks, where it is kept.
 * Needs way, upstreams, homes; entity-location where it is on.
 * Off   nothing is counted, and `/metrics` is gone.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { collectDefaultMetrics, Registry } from 'prom-client'
import Type from 'typebox'
import { countRequests } from './requests.ts'
import { showLookups, showSystems } from './systems.ts'

export const MetricsOptions = Type.Object({}, { additionalProperties: false })

declare module 'fastify' {
  interface FastifyInstance {
    metrics: {
      /** Where a team's own plugin may add metrics of its own. */
      readonly registry: Registry
      readonly contentType: string
      /** All metrics as Prometheus reads them. */
      text(): Promise<string>
    }
  }
}

/** The process's own metrics. Their observers never end, so there is one of each, however many gateways it runs. */
let ofProcess: Registry | undefined

function processMetrics(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}

async function metrics(app: FastifyInstance) {
  const registry = new Registry()
  const whole = [registry, processMetrics()]
  app.onRequestEnded(countRequests(registry))
  showSystems(app, registry)
  showLookups(app, registry)
  app.decorate('metrics', {
    registry,
    contentType: registry.contentType,
    text: () => Registry.merge(whole).metrics()
  })
}

export default fp(metrics, { name: 'metrics', fastify: '5.x', dependencies: ['way', 'upstreams', 'homes'] })
