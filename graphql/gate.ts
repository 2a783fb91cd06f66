/**
 * How the calls of one request go out: so many at a time, and none to a system that has been silent once.
 */
import type { Answer } from '../core/answer.ts'
import { Fault } from '../core/faults.ts'
import type { System } from '../core/words.ts'

/** Of `most` places one system gets three quarters at most: one that hangs leaves room for the other. */
const shareOfOne = 0.75

/** Nobody there, no answer in time, or one that does not go on: to ask again would be to wait again. */
const isSilence = (error: unknown): boolean =>
  error instanceof Fault &&
  (error.statusCode === 503 ||
    error.statusCode === 504 ||
    (error.cause as { readonly code?: unknown } | undefined)?.code === 'UND_ERR_BODY_TIMEOUT')

/** Waits for a place, and keeps it until the call is over. */
function createPlaces(most: number) {
  const mostOfOne = Math.max(Math.floor(most * shareOfOne), 1)
  const taken: Record<System, number> = { source: 0, target: 0 }
  const waiting: { readonly system: System; readonly enter: () => void }[] = []
  const hasRoom = (system: System) => taken.source + taken.target < most && taken[system] < mostOfOne

  function letIn() {
    for (let at = 0; at < waiting.length; ) {
      const next = waiting[at]
      if (next === undefined || !hasRoom(next.system)) at++
      else {
        waiting.splice(at, 1)
        taken[next.system]++
        next.enter()
      }
    }
  }

  return {
    async take(system: System): Promise<void> {
      if (hasRoom(system)) taken[system]++
      else await new Promise<void>((enter) => waiting.push({ system, enter }))
    },
    leave(system: System) {
      taken[system]--
      letIn()
    }
  }
}

export function createGate(most: number) {
  const places = createPlaces(most)
  const silent = new Map<System, unknown>()

  async function unlessSilent(system: System, make: () => Promise<Answer>): Promise<Answer> {
    if (silent.has(system)) throw silent.get(system)
    try {
      const answer = await make()
      // What stands before the system has waited in vain.
      if (answer.status === 504) silent.set(system, new Fault('system_timeout', system))
      return answer
    } catch (error) {
      if (isSilence(error)) silent.set(system, error)
      throw error
    }
  }

  return async function pass(system: System, make: () => Promise<Answer>): Promise<Answer> {
    await places.take(system)
    try {
      return await unlessSilent(system, make)
    } finally {
      places.leave(system)
    }
  }
}
