/**
 * load-shedding
 * Adds  nothing to see: while the process runs late, new requests get 503 with `Retry-After` before anything is done for
 *       them, so that those under way are finished. @fastify/under-pressure measures it.
 * Needs way, error-handler.
 * Off   with `limits.eventLoopDelay: 0`: every request is taken, however late.
 */
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Fault, KnownCause } from '../core/faults.ts'

/** Two measures of the delay are at least so far apart, ms: in less, too few of its samples, one in 10 ms, would come. */
const shortestEveryMs = 250

interface Setting {
  /** How late the process may run, on average, ms; 0 is no limit. */
  readonly eventLoopDelay: number
}

async function loadShedding(app: FastifyInstance, { eventLoopDelay }: Setting) {
  if (eventLoopDelay === 0) return
  // Not below the limit: a turn of the event loop that takes longer than this leaves no sample at all. That is measured as
  // an infinite delay and sheds, rightly, because such a turn was then over the limit by itself.
  const everyMs = Math.max(eventLoopDelay, shortestEveryMs)
  const retryAfter = Math.ceil(everyMs / 1000)
  const cause = new KnownCause('Overload', 'The event loop is over its limit')
  // The first measure is also of the start, which blocks, and is in force until the second.
  let meansNothingUntil = Number.POSITIVE_INFINITY
  let shed = 0
  let watch: NodeJS.Timeout | undefined

  function begin(delayMs: number) {
    const measured = Number.isFinite(delayMs) && { delayMs: Math.round(delayMs) }
    app.log.warn({ ...measured, limitMs: eventLoopDelay }, 'load shedding began: the process runs late')
    // Looked at by a timer while it lasts, rather than by a hook with every good request.
    watch = setInterval(function endWhenOver() {
      if (app.isUnderPressure()) return
      app.log.warn({ shed }, 'load shedding ended')
      stop()
    }, everyMs).unref()
  }

  function stop() {
    clearInterval(watch)
    watch = undefined
    shed = 0
  }

  await app.register(underPressure, {
    maxEventLoopDelay: eventLoopDelay,
    sampleInterval: everyMs,
    pressureHandler: async function shedRequest(_request, _reply, _type, delayMs) {
      if (performance.now() < meansNothingUntil) return
      if (watch === undefined) begin(delayMs ?? Number.POSITIVE_INFINITY)
      shed++
      throw new Fault('system_unavailable', 'gateway', { retryAfter, cause })
    }
  })
  app.addHook('onReady', async function noteStart() {
    meansNothingUntil = performance.now() + 2 * everyMs
  })
  app.addHook('onClose', async function stopWatching() {
    stop()
  })
}

export default fp(loadShedding, { name: 'load-shedding', fastify: '5.x', dependencies: ['way', 'error-handler'] })
