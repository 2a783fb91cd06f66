/**
 * The last requests that ended badly by the gateway's own word or by a system's failure. Of a client's text nothing is shown:
 * the name of a call is one only once a system has answered it well, or where the gateway itself knows it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isUnavailable } from '../../core/answer.ts'
import { Fault } from '../../core/faults.ts'
import { lists, nameOf, sessionCalls } from '../../core/methods.ts'
import type { RealmName, Route } from '../../core/words.ts'

const keptTroubles = 200
/** Names of calls that are known; an API has some hundreds of methods. */
const keptNames = 5000

export interface Trouble {
  /** Ms since 1970. */
  readonly at: number
  /** The request's id, as the log has it. */
  readonly id: string
  /** Null for a host that is of no realm. */
  readonly realm: RealmName | null
  /** `Service/method`; null for what is no call, and for a name that nobody knows. */
  readonly call: string | null
  readonly system: FastifyRequest['trail']['to']
  readonly reason: FastifyRequest['trail']['reason']
  /** A faultcode of the gateway's, or in words what the system did. */
  readonly fault: string
  readonly status: number
}

interface Kept extends Omit<Trouble, 'call'> {
  /** What the client has named, known or not; never what it has sent with it. */
  readonly named: string | null
}

const strangersFault = new Fault('unknown_realm').faultcode

/** What went wrong; null for a request that ended well, or with a system's own word. */
function faultOf({ trail }: FastifyRequest, { raw }: FastifyReply): string | null {
  if (trail.fault !== null) return trail.fault
  if (trail.isCutOff) return 'the answer broke off'
  return trail.to !== null && isUnavailable(raw.statusCode) ? `the system answered ${raw.statusCode}` : null
}

export function createTroubles() {
  /** Oldest first. */
  const kept: Kept[] = []
  const names = new Set<string>([...Object.keys(lists), ...sessionCalls])
  /** Routes whose names are among them: to look one up is cheaper than to put its name together. */
  const known = new WeakSet<Route>()

  function learn(route: Route) {
    known.add(route)
    if (names.size < keptNames) names.add(nameOf(route))
  }

  const note: Parameters<FastifyInstance['onRequestEnded']>[0] = function noteTrouble(request, reply, { aborted }) {
    const { trail, target, place, id } = request
    const { route } = target
    const status = reply.raw.statusCode
    const fault = faultOf(request, reply)
    if (fault === null) {
      if (route.method !== '' && status < 300 && !aborted && trail.to !== null && !known.has(route)) learn(route)
      return
    }
    kept.push({
      at: Date.now(),
      id,
      realm: fault === strangersFault ? null : place.realm,
      named: route.method === '' ? null : nameOf(route),
      system: trail.to,
      reason: trail.reason,
      fault,
      status
    })
    if (kept.length > keptTroubles) kept.shift()
  }

  return {
    note,
    /** Newest first. */
    list: (): Trouble[] =>
      kept.toReversed().map(({ named, ...trouble }) => ({
        ...trouble,
        call: named !== null && names.has(named) ? named : null
      }))
  }
}
