/**
 * What a request shows of its session, and what of it must be read before it can be decided: no header decides, and its
 * body may hold a session, a login, or the method itself.
 */
import type { FastifyInstance } from 'fastify'
import { bearerOf, credentialsInHandshake, type Shown, shownCredentials } from '../../core/credentials.ts'
import { sessionStepOf } from '../../core/methods.ts'
import { isOpenRead } from '../../core/open-reads.ts'
import { isSingleHome, noCall } from '../../core/words.ts'
import type { Asked } from './dual-realms.ts'

const noCookies = { isSource: false, credentials: [] }

/** An envelope with a session of its own; in a charset in which that cannot be seen, there are NULs. */
const mayShow = (content: Asked['content']) =>
  Buffer.isBuffer(content) && (content.includes('auth_info') || content.includes(0))

/** Whether the call must be read for its credential: no header decides, and no cookie does unless the call has its own. */
function mustRead({ target, content }: Asked, hasCookies: boolean): boolean {
  const { wire, inPath, service } = target.route
  if (wire === 'soap') return content !== null && (service === 'Session' || !hasCookies || mayShow(content))
  if (wire !== 'rest') return false
  if (inPath !== noCall || service === 'Session') return true
  if (content === null) return false
  return !hasCookies || (Buffer.isBuffer(content) && content.includes('auth_info'))
}

/**
 * Whether a SOAP call's method must be known first: the Session service opens and ends sessions, and in a dual realm some
 * calls are bound to one half.
 */
export function mustTell({ target: { route }, place, content }: Asked): boolean {
  if (route.wire !== 'soap' || content === null || route.inEnvelope) return false
  return route.service === 'Session' || (route.method === '' && place.pinned === null && !isSingleHome(place.realm))
}

/**
 * Nothing is logged in or out by a question: for a service's description, or of a browser whether another site's page may
 * log in.
 */
export function stepOf({ method, target: { route }, place, content }: Asked) {
  const isQuestion = method === 'OPTIONS' || (route.wire === 'soap' && content === null)
  return isQuestion ? null : sessionStepOf(route, place)
}

export function createLooking(app: FastifyInstance) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null

  /** What a request shows outside its body, and whether its body must be read for more. */
  function look(asked: Asked) {
    const { headers } = asked
    const { isSource, credentials: inCookies } = remoteSession?.read(headers) ?? noCookies
    const bearer = bearerOf(headers.authorization)
    if (asked.isWebSocket) {
      const inHandshake = credentialsInHandshake(asked.target.url, headers['sec-websocket-protocol'])
      const [first = null] = bearer === null ? inHandshake : [bearer]
      const others = [...inCookies, ...inHandshake]
      return { isSource, others, reads: false, credentials: first === null ? inCookies : [first] }
    }
    const reads = bearer === null && mustRead(asked, isSource || inCookies.length > 0)
    return { isSource, others: inCookies, reads, credentials: bearer === null ? inCookies : [bearer] }
  }

  async function showAll(asked: Asked, { reads, credentials }: ReturnType<typeof look>): Promise<Shown> {
    if (!reads) return { credentials, together: false }
    const call = await app.readFields(asked, ['auth_info'])
    return shownCredentials(asked.headers.authorization, asked.target.route, call, credentials)
  }

  /** A read that needs no session. Without a reader of cookies nobody can tell what a cookie shows. */
  const isOpen = ({ method, target, headers }: Asked) =>
    isOpenRead(method, target) && (remoteSession !== null || headers.cookie === undefined)

  return { look, showAll, isOpen }
}

export type Looking = ReturnType<typeof createLooking>
