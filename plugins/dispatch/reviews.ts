/**
 * Which answers are looked at before the client gets them, and what follows: a session that lives elsewhere, a half that
 * must be renewed, an entity that has moved, a page that another system can give (contract sections 4 and 5).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type Answer,
  faultcodeOf,
  isUnavailable,
  mayMissEntity,
  mayRefuseSession,
  missesEntity,
  refusesSession
} from '../../core/answer.ts'
import type { Decision } from '../../core/decide.ts'
import { isReadRequest } from '../../core/methods.ts'
import { askerOf } from '../../core/own-call.ts'
import { isSingleHome, type Route, type System } from '../../core/words.ts'
import { createDualRealms, type Judged, type Known } from './dual-realms.ts'
import type { Fencing } from './fencing.ts'

type Review = NonNullable<Parameters<FastifyInstance['forward']>[2]['review']>
type CookieFor = NonNullable<Parameters<FastifyInstance['forward']>[2]['cookieFor']>
type Way = NonNullable<Awaited<ReturnType<Review['judge']>>>

/** Largest body that is sent again (contract section 7), bytes: one that had to be read may be larger. */
const resentBytes = 65_536

/** Whether the body is still there, and may be sent again. */
const isKept = ({ content }: FastifyRequest) =>
  content === null || (Buffer.isBuffer(content) && content.length <= resentBytes)

/** What a request's answer is judged by: a handshake is refused as plain REST is, with 401. */
const judgedAs = ({ target, isWebSocket }: FastifyRequest): Route =>
  isWebSocket ? { ...target.route, wire: 'plain' } : target.route

export function createReviews(app: FastifyInstance, fencing: Fencing) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null
  const location = app.hasDecorator('entityLocation') ? app.entityLocation : null
  const dualRealms = createDualRealms(app)

  /** Requests whose answer says that their session has ended on the only system that it could live on. */
  const ended = new WeakSet<FastifyRequest>()

  /** Of a request whose session has ended the routing cookie is cleared. */
  function withEnd(request: FastifyRequest, cookieFor: CookieFor | undefined): CookieFor | undefined {
    if (remoteSession === null || !isSingleHome(request.place.realm) || request.place.pinned !== null) return cookieFor
    return (head) => (ended.has(request) ? remoteSession.mark(request, 'target') : (cookieFor?.(head) ?? null))
  }

  /**
   * Its system alone can tell that a session has ended: whoever comes next with the cookie must not be led there, nor by
   * another credential that was shown with the one that was looked at.
   */
  async function end(request: FastifyRequest, { home: { by }, credentials }: Known) {
    ended.add(request)
    if (by !== 'record' && by !== 'asked') return
    // A token that has expired is renewed, by one that was not looked at. That nobody knows one stays known.
    const refused = credentials.filter(({ kind }) => kind !== 'refresh_token')
    await Promise.all(refused.map((one) => app.homes.drop(one)))
  }

  /**
   * A session fault where nobody vouched for the system: the systems are asked. Where a session lives on one system, one
   * that it does not know any more is forgotten.
   */
  function ofHome(request: FastifyRequest, known: Known, decision: Decision): Review | null {
    const { credentials } = known
    const [credential] = credentials
    const { realm, pinned } = request.place
    const mayEnd = isSingleHome(realm) && pinned === null
    const mayLiveElsewhere = !decision.certain && isKept(request)
    if (credential === undefined || !(mayEnd || mayLiveElsewhere)) return null
    const route = judgedAs(request)
    return {
      holds: ({ status }) => mayRefuseSession(route, status),
      async judge(answer) {
        if (!refusesSession(route, answer)) return null
        const to = mayLiveElsewhere ? await app.homes.ask(credential, askerOf(request)) : null
        if (to === null || to === decision.to) {
          if (mayEnd && to === null) await end(request, known)
          return null
        }
        // It was looked at as somebody's of the other system.
        const there: Known = { ...known, home: { system: to, by: 'asked' } }
        if (!fencing.mayPass(request, there, to)) await fencing.admit(request, there, to)
        request.trail.reason = 'asked'
        return { to, setCookie: remoteSession?.correct(request, to) ?? null, swaps: null }
      }
    }
  }

  /** A refused half did nothing: the source's is renewed and the call sent once more; the target's is the client's own. */
  async function afterRefusal(request: FastifyRequest, { home, credentials, others, decision }: Judged) {
    const { session } = home
    if (session === undefined || session.halves === null) return null
    if (decision.to === 'target') {
      const [credential] = credentials
      if (credential !== undefined) await app.homes.drop(credential)
      return null
    }
    const renewed = await app.pairedSessions.renew(session, askerOf(request), app.homes.ttlMs)
    if (renewed === null || !isKept(request)) return null
    const known = { home: { ...home, session: renewed }, credentials, others }
    return { to: 'source', setCookie: null, swaps: dualRealms.swapsOf(known, 'source') } satisfies Way
  }

  /** The entity is not where it was remembered: it is looked up anew, and a read goes where it is. */
  async function afterMiss(request: FastifyRequest, judged: Judged): Promise<Way | null> {
    const { references, decision } = judged
    await location?.forgetReferences(references)
    if (location === null || !isReadRequest(request) || !isKept(request)) return null
    const to = await location.locate(references, dualRealms.locatorFor(judged, askerOf(request))).catch(() => null)
    if (to === null || to === decision.to) return null
    return { to, setCookie: null, swaps: dualRealms.swapsOf(judged, to) }
  }

  function ofDual(request: FastifyRequest, judged: Judged): Review | null {
    const { decision, home } = judged
    const route = judgedAs(request)
    const isLocated = decision.reason === 'entity_location'
    // Whoever asks for one system by its name, or by its host, gets that one's answer.
    const isNamed = decision.reason === 'context' || decision.reason === 'versioned_host'
    if (home.session === undefined && isNamed) return null
    if (home.session === undefined && !isLocated) return ofHome(request, judged, decision)
    return {
      holds: (head) => Math.max(mayRefuseSession(route, head.status), isLocated ? mayMissEntity(route, head) : 0),
      async judge(answer: Answer) {
        if (refusesSession(route, answer)) return afterRefusal(request, judged)
        return isLocated && missesEntity(route, answer) ? afterMiss(request, judged) : null
      }
    }
  }

  /** Of one who lives nowhere: another system's page is as good as one that cannot be had. */
  function ofStranger(request: FastifyRequest, to: System) {
    if (!isKept(request)) return null
    function otherwise(): Way {
      request.trail.reason = 'target_unavailable'
      return { to, setCookie: null, swaps: null }
    }
    const review: Review = {
      holds: ({ status }) => (isUnavailable(status) ? resentBytes : 0),
      judge: async (answer) => (faultcodeOf(answer) === null ? otherwise() : null)
    }
    return { review, otherwise }
  }

  return { ofHome, ofDual, ofStranger, withEnd }
}
