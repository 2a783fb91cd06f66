/**
 * How a system and its breaker have changed lately.
 */
import type { FastifyInstance } from 'fastify'
import type { System } from '../../core/words.ts'

type State = FastifyInstance['systems'][System]

export interface Transition {
  /** Ms since 1970. */
  readonly at: number
  readonly to: Exclude<State['breaker'], 'off'> | 'up' | 'down'
}

const keptTransitions = 10

export function createChanges(state: State) {
  /** Newest first. */
  const transitions: Transition[] = []
  let { breaker, reachable } = state

  function add(to: Transition['to']) {
    transitions.unshift({ at: Date.now(), to })
    if (transitions.length > keptTransitions) transitions.pop()
  }

  const stop = state.onChange(function noteChange() {
    if (state.breaker !== breaker) {
      breaker = state.breaker
      if (breaker !== 'off') add(breaker)
    }
    if (state.reachable !== reachable) {
      reachable = state.reachable
      add(reachable ? 'up' : 'down')
    }
  })
  return { transitions: transitions as readonly Transition[], stop }
}
