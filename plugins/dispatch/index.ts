/**
 * dispatch
 * Adds  `app.dispatchRequest`, which gathers the facts, asks `decide()` and hands over; `app.explain`, which does the
 *       same for a request that is only described, and sends nothing.
 * Needs body, web-sockets, forward, homes, session-calls; remote-session, entity-location, list-aggregation and
 *       web-socket-proxy where they are on.
 * Off   never.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { bearerOf, credentialsInHandshake, type Shown, shownCredentials } from '../../core/credentials.ts'
import { type Decision, decide, noFacts } from '../../core/decide.ts'
import { refuseTwoAuthorizations } from '../../core/headers.ts'
import { sessionStepOf } from '../../core/methods.ts'
import { askerOf } from '../../core/own-call.ts'
import { type Home, isSingleHome, noCall } from '../../core/words.ts'
import { type Asked, createDualRealms, type Known } from './dual-realms.ts'
import { createReviews } from './reviews.ts'

declare module 'fastify' {
  interface FastifyInstance {
    dispatchRequest(request: FastifyRequest, reply: FastifyReply): void
    /** `to` is null for what the gateway answers by itself. */
    explain(asked: Asked): Promise<Omit<Decision, 'to'> & { readonly to: Decision['to'] | null }>
  }
}

const noCookies = { isSource: false, credentials: [] }

async function dispatch(app: FastifyInstance, { apiRoutes }: { readonly apiRoutes: readonly string[] }) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null
  const dualRealms = createDualRealms(app)
  const reviews = createReviews(app)

  /** An envelope with a session of its own; in a charset in which that cannot be seen, there are NULs. */
  const mayShow = (content: Asked['content']) =>
    Buffer.isBuffer(content) && (content.includes('auth_info') || content.includes(0))

  /**
   * Whether a SOAP call's method must be known first: the Session service opens and ends sessions, and in a dual realm some
   * calls are bound to one half.
   */
  function mustTell({ target: { route }, place, content }: Asked): boolean {
    if (route.wire !== 'soap' || content === null || route.inEnvelope) return false
    return route.service === 'Session' || (route.method === '' && place.pinned === null && !isSingleHome(place.realm))
  }

  /** Nothing is logged in or out by a question without a body, such as one for the service's description. */
  function stepOf({ target: { route }, place, content }: Asked) {
    return route.wire === 'soap' && content === null ? null : sessionStepOf(route, place)
  }

  /** Whether the call must be read for its credential: no header decides, and no cookie does unless the call has its own. */
  function mustRead({ target, content }: Asked, hasCookies: boolean): boolean {
    const { wire, inPath, service } = target.route
    if (wire === 'soap') return content !== null && (service === 'Session' || !hasCookies || mayShow(content))
    if (wire !== 'rest') return false
    if (inPath !== noCall || service === 'Session') return true
    if (content === null) return false
    return !hasCookies || (Buffer.isBuffer(content) && content.includes('auth_info'))
  }

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

  const decideFor = ({ place }: Asked, home: Home) => decide({ ...noFacts, ...place, home })

  /** One that is decided by its session's home alone. */
  function send(request: FastifyRequest, reply: FastifyReply, known: Known | null, decision: Decision) {
    request.trail.reason = decision.reason
    const review = known === null ? null : reviews.ofHome(request, known, decision)
    app.forward(request, reply, { to: decision.to as 'source' | 'target', setCookie: null, swaps: null, review })
  }

  async function sendDual(request: FastifyRequest, reply: FastifyReply, known: Known) {
    // What it does itself, it does before it first waits for the body or for the systems.
    const judged = await request.trail.waitFor(dualRealms.judge(request, known, askerOf(request)))
    const { decision, home, list, call } = judged
    const { to, reason } = decision
    request.trail.reason = reason
    if (to === 'both' && request.isWebSocket) {
      await app.webSocketProxy.join(request, reply, judged)
      return
    }
    if (to === 'both') {
      if (list === null || call === null) throw new Error('Only a list that was read is merged')
      await app.lists.answer(request, reply, { list, call, home, shown: known.credentials, missing: decision.missing })
      return
    }
    const swaps = dualRealms.swapsOf(judged, to)
    const review = reviews.ofDual(request, judged)
    app.forward(request, reply, { to, setCookie: null, swaps, review })
  }

  async function dispatchSlowly(request: FastifyRequest, reply: FastifyReply, seen: ReturnType<typeof look>) {
    const { place, trail } = request
    const shown = await trail.waitFor(showAll(request, seen))
    // A host that pins a system decides; whose session it is counts for its names alone, and nobody is asked.
    const asker = place.pinned === null ? askerOf(request) : null
    const home = await trail.waitFor(app.homes.resolve(shown, seen.isSource, asker))
    const known = { home, credentials: shown.credentials, others: seen.others }
    if (isSingleHome(place.realm)) send(request, reply, known, decideFor(request, home))
    else await sendDual(request, reply, known)
  }

  /** Of a SOAP call the method is told by now, where it matters. */
  function dispatchTold(request: FastifyRequest, reply: FastifyReply, fail: (error: unknown) => void) {
    const { place } = request
    const step = stepOf(request)
    if (step !== null) {
      app.answerSessionCall(step, request, reply).catch(fail)
      return
    }
    // The target knows what its clients hold; the source is shown a session of both by its own names.
    if (place.pinned === 'target' || (place.pinned !== null && isSingleHome(place.realm))) {
      send(request, reply, null, decideFor(request, noFacts.home))
      return
    }
    // The hot path: a token or a cookie that is known decides at once; nothing is read and nothing awaited.
    const seen = look(request)
    const home = seen.reads ? undefined : app.homes.atOnce(seen.credentials, seen.isSource)
    if (home === undefined) {
      dispatchSlowly(request, reply, seen).catch(fail)
      return
    }
    const known = { home, credentials: seen.credentials, others: seen.others }
    if (isSingleHome(place.realm)) send(request, reply, known, decideFor(request, home))
    else sendDual(request, reply, known).catch(fail)
  }

  app.decorate('dispatchRequest', function dispatchRequest(request, reply) {
    const fail = (error: unknown) => {
      reply.send(error)
    }
    if (request.headers.authorization !== undefined) refuseTwoAuthorizations(request.raw.rawHeaders)
    if (!mustTell(request)) {
      dispatchTold(request, reply, fail)
      return
    }
    const told = request.trail.waitFor(app.readCall(request))
    told.then(() => dispatchTold(request, reply, fail)).catch(fail)
  })

  app.decorate('explain', async function explain(asked: Asked) {
    const { place } = asked
    if (mustTell(asked)) await app.readCall(asked)
    const step = stepOf(asked)
    if (step === 'login') return app.decideLogin(place, await app.readCall(asked))
    if (step === 'refresh') return app.decideRefresh(asked, await app.readCall(asked))
    if (place.pinned !== null) return decideFor(asked, noFacts.home)
    const seen = look(asked)
    const shown = await showAll(asked, seen)
    const home = await app.homes.resolve(shown, seen.isSource, null)
    if (isSingleHome(place.realm)) return decideFor(asked, home)
    if (step === 'context') return { ...decideFor(asked, home), to: null, reason: 'context' as const }
    // A session is ended wherever it lives, whatever its context.
    if (step === 'logout' && home.system === 'both') {
      return { ...decideFor(asked, home), to: 'both' as const, reason: 'session_record' as const }
    }
    const known = { home, credentials: shown.credentials, others: seen.others }
    return (await dualRealms.judge(asked, known, null)).decision
  })

  app.proxy(apiRoutes)
}

export default fp(dispatch, {
  name: 'dispatch',
  fastify: '5.x',
  dependencies: ['body', 'web-sockets', 'forward', 'homes', 'paired-sessions', 'session-calls']
})
