/**
 * Which answers other than success the contract foresees, whatever is done to the gateways: whoever leaves gets none, nobody
 * is refused, and a move holds its customer's writes back and ends the sessions on the system of before.
 */
import type { Foreseen } from './load/books.ts'
import type { Places } from './places.ts'
import { isSessionFault } from './recorder.ts'

export function createForeseen(places: Places): Foreseen {
  return {
    answer({ customer }, session, { expected, isWrite = false }, { ending, status, faultcode, sentAt, endedAt }) {
      if (ending === 'left') return 'the client left'
      if (ending !== 'answered') return null
      const isAboutMover = expected.kind === 'located' && places.hasMoved(expected.customer, sentAt, endedAt)
      // Both may say for a moment that the customer is active there (contract section 5).
      if (isAboutMover && faultcode === 'Client.Dispatcher.ambiguous_entity') return 'about a customer on the move'
      const isMover = isAboutMover || (customer !== null && places.hasMoved(customer, sentAt, endedAt))
      if (isMover && isWrite && faultcode === 'Server.Dispatcher.migration_in_progress') return 'the fence of a move'
      if (faultcode?.includes('.Dispatcher.')) return null
      // The plain REST API says no more than 401.
      const isRefused = status === 401 || faultcode !== null
      if (isRefused && customer !== null && places.hasMoved(customer, session?.openedAt ?? sentAt, endedAt)) {
        return 'its customer moved'
      }
      if (faultcode === null) return null
      if (session === null && expected.kind === 'system' && isSessionFault(faultcode)) return 'a stranger'
      // Its system knows nothing of the other one's customers.
      if (session !== null && session.context !== null && !isSessionFault(faultcode))
        return 'by the word of its context'
      return isAboutMover ? 'about a customer on the move' : null
    },
    close: () => null
  }
}
