/**
 * way
 * Adds  what a request gathers on its way: `request.target` (the request line, read), `request.place` (realm and pinned
 *       system), `request.trail` (where it went, why, and how it ended), and one access line when it is over.
 * Needs the reader of request targets that gateway/app.ts puts before the router.
 * Off   never.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Reason } from '../core/decide.ts'
import { Fault } from '../core/faults.ts'
import type { Place } from '../core/hosts.ts'
import { requestTarget, type Target } from '../core/route.ts'
import { noCall, type RealmName, type System } from '../core/words.ts'

/** One record per request, filled as it passes: the access line, X-Dispatched-To and metrics read it. */
export interface Trail {
  readonly startedAt: number
  to: System | null
  reason: Reason | null
  /** The fault that the gateway answered with. */
  fault: string | null
  /** Until the system's headers were here, ms since the start. */
  answeredAfter: number | null
}

declare module 'fastify' {
  interface FastifyRequest {
    target: Target
    /** The default realm until realm-detection's onRequest hook has run. */
    place: Place
    trail: Trail
  }
}

interface Setting {
  readonly defaultRealm: RealmName | undefined
}

const noTarget: Target = {
  url: '/',
  authority: null,
  route: { family: 'page', wire: 'page', service: '', method: '', inPath: noCall },
  prefix: ''
}

function writeAccessLine(request: FastifyRequest, reply: FastifyReply) {
  const { trail, target, place } = request
  const { service, method, family, wire } = target.route
  // Never the URL: it may hold a password.
  request.log.info(
    {
      realm: place.realm,
      http: request.method,
      call: method === '' ? undefined : `${service}/${method}`,
      family,
      wire,
      to: trail.to ?? undefined,
      reason: trail.reason ?? undefined,
      status: reply.raw.headersSent ? reply.raw.statusCode : undefined,
      fault: trail.fault ?? undefined,
      aborted: reply.raw.writableFinished ? undefined : true,
      upstreamMs: trail.answeredAfter === null ? undefined : Math.round(trail.answeredAfter * 10) / 10,
      ms: Math.round((performance.now() - trail.startedAt) * 10) / 10
    },
    'request'
  )
}

async function way(app: FastifyInstance, { defaultRealm }: Setting) {
  const placeOfDefault: Place = { realm: defaultRealm ?? 'admin', pinned: null }
  // Fastify shares no object between requests; each of these is set by the hook below before anybody reads it.
  app.decorateRequest('target', null as unknown as Target)
  app.decorateRequest('place', null as unknown as Place)
  app.decorateRequest('trail', null as unknown as Trail)

  app.addHook('onRequest', function beginWay(request, reply, done) {
    const target = request.raw[requestTarget]
    request.trail = { startedAt: performance.now(), to: null, reason: null, fault: null, answeredAfter: null }
    request.place = placeOfDefault
    request.target = target === undefined || target instanceof Fault ? noTarget : target
    reply.raw.on('close', () => writeAccessLine(request, reply))
    if (target instanceof Fault) done(target)
    else done()
  })
}

export default fp(way, { name: 'way', fastify: '5.x' })
