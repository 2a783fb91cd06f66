/**
 * dispatch
 * Adds  `app.dispatchRequest`, which gathers the facts, asks `decide()` and hands over; `app.explain`, which does the
 *       same for a request that is only described, and sends nothing.
 * Needs body, web-sockets, forward, homes, session-calls, upstreams; remote-session, entity-location, list-aggregation and
 *       web-socket-proxy where they are on.
 * Off   never.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Decision, decide, noFacts } from '../../core/decide.ts'
import { Fault } from '../../core/faults.ts'
import { refuseTwoAuthorizations } from '../../core/headers.ts'
import { askerOf } from '../../core/own-call.ts'
import { type Home, isSingleHome, type System } from '../../core/words.ts'
import { type Asked, createDualRealms, type Known } from './dual-realms.ts'
import { createExplaining, type Explanation } from './explaining.ts'
import { createFencing } from './fencing.ts'
import { createHandingOver } from './handing-over.ts'
import { createLooking, mustTell, stepOf } from './looking.ts'
import { createPageEnds } from './page-ends.ts'
import { createReviews } from './reviews.ts'

type Forwarding = Parameters<FastifyInstance['forward']>[2]

declare module 'fastify' {
  interface FastifyInstance {
    dispatchRequest(request: FastifyRequest, reply: FastifyReply): void
    explain(asked: Asked): Promise<Explanation>
  }
}

/** What a request is sent with, and what is made of its answer. */
type Leaving = Pick<Forwarding, 'swaps' | 'review'>

interface Setting {
  readonly apiRoutes: readonly string[]
  /** The path that `Session/logout` has on the systems. */
  readonly logoutPath: string
}

/**
 * A page says nothing of customers by itself, and to a browser a fault would be a dead end: it gets the target's, whose
 * calls then find that the session has ended.
 */
function homeOfPage({ target }: FastifyRequest, error: unknown): Home {
  const isOfStore = error instanceof Fault && (error.fault === 'session_ended' || error.fault === 'store_unavailable')
  if (target.route.wire === 'page' && isOfStore) return { system: 'target', by: 'unasked' }
  throw error
}

async function dispatch(app: FastifyInstance, { apiRoutes, logoutPath }: Setting) {
  const looking = createLooking(app)
  const { look, showAll, isOpen } = looking
  const dualRealms = createDualRealms(app)
  const fencing = createFencing(app)
  const handingOver = createHandingOver(app)
  const reviews = createReviews(app, fencing)
  const cookieOfPage = createPageEnds(app, logoutPath)

  const decideFor = (asked: Asked, home: Home) => decide({ ...noFacts, ...asked.place, home, open: isOpen(asked) })

  /** A request leaves by its decision, with what may be made of its answer; a write only where no fence is in its way. */
  function leave(request: FastifyRequest, reply: FastifyReply, known: Known | null, decision: Decision, way: Leaving) {
    const to = decision.to as System
    if (fencing.mayPass(request, known, to)) {
      pass(request, reply, decision, way)
      return
    }
    fencing
      .admit(request, known, to)
      .then(() => pass(request, reply, decision, way))
      .catch((error: unknown) => reply.send(error))
  }

  function pass(request: FastifyRequest, reply: FastifyReply, decision: Decision, { swaps, review }: Leaving) {
    const to = decision.to as System
    const cookieFor = reviews.withEnd(request, cookieOfPage(request))
    const forStranger = decision.otherwise === null ? null : reviews.ofStranger(request, decision.otherwise)
    if (forStranger === null) app.forward(request, reply, { to, setCookie: null, swaps, review, cookieFor })
    else app.forward(request, reply, { to, setCookie: null, swaps, ...forStranger, cookieFor })
  }

  /** One that is decided by its session's home alone. */
  function send(request: FastifyRequest, reply: FastifyReply, known: Known | null, decision: Decision) {
    request.trail.reason = decision.reason
    const review = known === null ? null : reviews.ofHome(request, known, decision)
    leave(request, reply, known, decision, { swaps: null, review })
  }

  /** In a single-home realm. */
  function sendSingle(request: FastifyRequest, reply: FastifyReply, known: Known, fail: (error: unknown) => void) {
    const go = (hasLeft: boolean) => {
      if (hasLeft) handingOver.answer(request, reply, known)
      else send(request, reply, known, decideFor(request, known.home))
    }
    const hasLeft = handingOver.hasLeft(request, known)
    if (typeof hasLeft === 'boolean') go(hasLeft)
    else request.trail.waitFor(hasLeft).then(go).catch(fail)
  }

  async function sendDual(request: FastifyRequest, reply: FastifyReply, known: Known) {
    // What it does itself, it does before it first waits for the body or for the systems.
    const judged = await request.trail.waitFor(dualRealms.judge(request, known, askerOf(request), isOpen(request)))
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
    leave(request, reply, judged, decision, {
      swaps: dualRealms.swapsOf(judged, to),
      review: reviews.ofDual(request, judged)
    })
  }

  async function dispatchSlowly(
    request: FastifyRequest,
    reply: FastifyReply,
    seen: ReturnType<typeof look>,
    fail: (error: unknown) => void
  ) {
    const { place, trail } = request
    const shown = await trail.waitFor(showAll(request, seen))
    // A host that pins a system decides; whose session it is counts for its names alone, and nobody is asked.
    const asker = place.pinned === null ? askerOf(request) : null
    const found = app.homes.resolve(shown, seen.isSource, asker, place.realm)
    const home = await trail.waitFor(found.catch((error) => homeOfPage(request, error)))
    const known = { home, credentials: shown.credentials, others: seen.others }
    if (isSingleHome(place.realm)) sendSingle(request, reply, known, fail)
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
    const home = seen.reads ? undefined : app.homes.atOnce(seen.credentials, seen.isSource, place.realm)
    if (home === undefined) {
      dispatchSlowly(request, reply, seen, fail).catch(fail)
      return
    }
    const known = { home, credentials: seen.credentials, others: seen.others }
    if (isSingleHome(place.realm)) sendSingle(request, reply, known, fail)
    else sendDual(request, reply, known).catch(fail)
  }

  app.decorate('dispatchRequest', function dispatchRequest(request, reply) {
    const fail = (error: unknown) => {
      reply.send(error)
    }
    if (request.headers.authorization !== undefined) refuseTwoAuthorizations(request.raw.rawHeaders)
    fencing.take(request, reply)
    if (!mustTell(request) && !fencing.mustTell(request)) {
      dispatchTold(request, reply, fail)
      return
    }
    const told = request.trail.waitFor(app.readCall(request))
    told.then(() => dispatchTold(request, reply, fail)).catch(fail)
  })

  app.decorate('explain', createExplaining(app, { ...looking, dualRealms, decideFor }))

  app.proxy(apiRoutes)
}

export default fp(dispatch, {
  name: 'dispatch',
  fastify: '5.x',
  dependencies: ['body', 'web-sockets', 'forward', 'homes', 'paired-sessions', 'session-calls', 'upstreams']
})
