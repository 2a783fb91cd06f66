/**
 * What is done to the fleet at the time, and what clients may see for that reason (the answers and closes that the
 * contract foresees). It is pure: times come in as numbers.
 */
import { isSingleHome } from '../../core/words.ts'
import type { Session } from '../../soak/load/actors.ts'
import type { Foreseen } from '../../soak/load/books.ts'

/**
 * After its return, gateways may go on without Redis for so long, ms: until their breakers ask it again, and each has
 * written back what it knows.
 */
export const healMs = 5000

interface Interval {
  readonly from: number
  to: number
}

export const endedSession = 'Server.Session.check_auth.auth_failed'
export const storeFault = 'Server.Dispatcher.store_unavailable'

export const awayReason = 'a pair that cannot be had without Redis'
/** Customers move all the time, so that who cannot hear of fences lets no write pass. */
export const blindReason = 'a write that may be fenced, as far as is known without Redis'
/** Though Redis is there: its answer took longer than a request waits for it. */
export const slowReason = 'a pair for which Redis was too slow'

const within = ({ from, to }: Interval, time: number) => from <= time && time <= to
const overlaps = (one: Interval, from: number, to: number) => one.from <= to && from <= one.to

export type Weather = ReturnType<typeof createWeather>

export function createWeather() {
  /** While gateways are told to stop, or to exchange their workers. */
  const stops: Interval[] = []
  /** Without Redis. */
  const away: Interval[] = []
  /** What was opened or renewed within these may have been lost. */
  const lossy: Interval[] = []

  const begin = (list: Interval[], from: number) => {
    const interval = { from, to: Infinity }
    list.push(interval)
    return interval
  }

  const foreseen: Foreseen = {
    answer({ realm }, session, { call, isWrite, isCommand = false }, told) {
      const { ending, status, faultcode, headers, sentAt, endedAt } = told
      const isStop = stops.some((one) => overlaps(one, sentAt, endedAt))
      if (ending === 'its WebSocket ended' && isStop) return 'with the WebSocket of a gateway that stops'
      if (ending !== 'answered' || (isSingleHome(realm) && !isWrite)) return null
      const isLost = !isSingleHome(realm) && session !== null && lossy.some((one) => within(one, session.renewedAt))
      if (isLost && faultcode === endedSession && (status === 500 || status === 401))
        return 'a pair that went with Redis'
      const isAway = away.some((one) => overlaps(one, sentAt, endedAt))
      const isWorded = isCommand || (status === 503 && headers['retry-after'] !== undefined)
      // A login needs nothing that is kept; whatever else is shown may be half of a pair.
      if (!isWorded || faultcode !== storeFault || call === 'Session/login') return null
      if (!isAway) return slowReason
      return isSingleHome(realm) ? blindReason : awayReason
    },
    close: (code, at) => (code === 1001 && stops.some((one) => within(one, at)) ? 'a gateway that stops' : null)
  }

  return {
    foreseen,

    /** Whether gateways may have to do without what is kept of a session. */
    isForgotten: (session: Session, at: number) =>
      lossy.some((one) => within(one, session.renewedAt)) || away.some((one) => within(one, at)),

    /** Until it is called: gateways are stopped in good order. */
    stopsBegin(at: number) {
      const stop = begin(stops, at)
      return (endedAt: number) => {
        stop.to = endedAt
      }
    },

    /** Until it is called with the time of its return: Redis is away, and what it had is lost if it comes back empty. */
    redisGoes(at: number, isEmptied: boolean) {
      const both = [begin(away, at), begin(lossy, isEmptied ? -Infinity : at)]
      return (backAt: number) => {
        for (const one of both) one.to = backAt + healMs
      }
    }
  }
}
