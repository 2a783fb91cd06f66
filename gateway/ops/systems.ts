/**
 * The two systems as they are now, for people and their tools.
 */
import type { FastifyInstance } from 'fastify'
import { type System, systemNames } from '../../core/words.ts'

const tenths = (ms: number) => Math.round(ms * 10) / 10

function describe(state: FastifyInstance['systems'][System]) {
  const { release, reachable, breaker, inFlight, queued, counts } = state
  const latency = state.latency()
  return {
    release,
    state: reachable ? 'up' : 'down',
    breaker,
    latencyMs: latency === null ? null : { p50: tenths(latency.p50), p99: tenths(latency.p99) },
    inFlight,
    queued,
    connections: state.connections(),
    ...counts
  }
}

export const describeSystems = ({ systems }: FastifyInstance) =>
  Object.fromEntries(systemNames.map((system) => [system, describe(systems[system])]))
