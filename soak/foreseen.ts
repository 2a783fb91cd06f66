/**
 * Which answers other than success the contract foresees, whatever is done to the gateways: whoever leaves gets none, nobody
 * is refused, and a move ends its customer's sessions on the system of before.
 */
import type { Foreseen } from './load/books.ts'
import type { Places } from './places.ts'
import { isSessionFault } from './recorder.ts'

export function createForeseen(places: Places): Foreseen {
  return {
    answer({ customer }, session, { expected }, { ending, faultcode, sentAt, endedAt }) {
      if (ending === 'left') return 'the client left'
      if (ending !== 'answered' || faultcode === null || faultcode.includes('.Dispatcher.')) return null
      if (session === null && expected.kind === 'system' && isSessionFault(faultcode)) return 'a stranger'
      // Its system knows nothing of the other one's customers.
      if (session !== null && session.context !== null && !isSessionFault(faultcode))
        return 'by the word of its context'
      if (customer !== null && places.hasMoved(customer, session?.openedAt ?? sentAt, endedAt))
        return 'its customer moved'
      const isAboutMover = expected.kind === 'located' && places.hasMoved(expected.customer, sentAt, endedAt)
      return isAboutMover ? 'about a customer on the move' : null
    },
    close: () => null
  }
}
