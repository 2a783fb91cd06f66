/**
 * What is told of a system: for the query and for the subscription alike.
 */
import type { FastifyInstance } from 'fastify'
import type { System } from '../core/words.ts'
import { systemWord } from './errors.ts'

export function statusOf({ systems }: FastifyInstance, system: System) {
  const { release, reachable, breaker, inFlight } = systems[system]
  return {
    system: systemWord(system),
    release,
    reachable,
    breaker: breaker.toUpperCase(),
    latency: systems[system].latency(),
    inFlight
  }
}
