/**
 * How many calls to the systems one request may have under way. A system that hangs leaves room for the other.
 */
import type { System } from '../core/words.ts'

/** Of `most` places one system gets three quarters at most. */
const shareOfOne = 0.75

export function createGate(most: number) {
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

  return async function pass<Result>(system: System, make: () => Promise<Result>): Promise<Result> {
    if (hasRoom(system)) taken[system]++
    else await new Promise<void>((enter) => waiting.push({ system, enter }))
    try {
      return await make()
    } finally {
      taken[system]--
      letIn()
    }
  }
}
