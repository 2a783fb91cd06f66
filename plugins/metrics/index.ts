/**
 * metrics
 * Adds  `app.metrics`: numbers for Prometheus, shown by the ops listener at `GET /metrics`. Requests are counted where
 *       they end; all else is read, when somebody asks, where it is kept.
 * Needs way, store, upstreams, homes; entity-location and write-fence where they are on.
 * Off   nothing is counted, and `/metrics` is gone.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { Type } from '../../core/schema.ts'
import { showFence } from './fence.ts'
import { type Shown, tellable } from './merged.ts'
import { countRequests } from './requests.ts'
import { type Described, type DescribedGauge, showCounter, showGauge, showHistogram } from './shown.ts'
import { showStore } from './store.ts'
import { showLookups, showSystems } from './systems.ts'
import { showWorkers } from './workers.ts'

export const MetricsOptions = Type.Object({}, { additionalProperties: false })

declare module 'fastify' {
  interface FastifyInstance {
    metrics: {
      /** Where a team's own plugin may add metrics of its own. */
      readonly registry: Registry
      readonly contentType: string
      /** Shows what is counted elsewhere, read when somebody asks; names get the prefix. */
      showCounter(described: Described, read: Parameters<typeof showCounter>[2]): void
      showGauge(described: DescribedGauge, read: Parameters<typeof showGauge>[2]): void
      showHistogram(described: Described, read: Parameters<typeof showHistogram>[2]): void
      /** All metrics as Prometheus reads them. */
      text(): Promise<string>
      /** The same for whoever makes one text of several processes'. */
      report(): Promise<Shown[]>
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
  showStore(app, registry)
  showFence(app, registry)
  showWorkers(registry)
  app.decorate('metrics', {
    registry,
    contentType: registry.contentType,
    showCounter: (described, read) => showCounter(registry, described, read),
    showGauge: (described, read) => showGauge(registry, described, read),
    showHistogram: (described, read) => showHistogram(registry, described, read),
    text: () => Registry.merge(whole).metrics(),
    report: async () => tellable((await Registry.merge(whole).getMetricsAsJSON()) as Shown[])
  })
}

export default fp(metrics, { name: 'metrics', fastify: '5.x', dependencies: ['way', 'store', 'upstreams', 'homes'] })
