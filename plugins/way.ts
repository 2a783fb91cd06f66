/**
 * way
 * Adds  what a request gathers on its way: `request.target` (the request line, read), `request.place` (realm and pinned
 *       system), `request.trail` (where it went, why, and how it ended), and one access line when it is over.
 * Needs the reader of request targets that gateway/app.ts puts before the router.
 * Off   never.
 */
import { hostname } from 'node:os'
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
  to: System | 'both' | null
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
  /** Takes a line for the log, newline included. */
  readonly writeLine: (line: string) => void
}

/** Pino's number of `info`. */
const infoLevel = 30

const noTarget: Target = {
  url: '/',
  authority: null,
  route: { family: 'page', wire: 'page', service: '', method: '', inPath: noCall },
  prefix: ''
}

/** Which process writes, as the log's other lines tell it. */
const here = `"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`
const tenths = (ms: number) => Math.round(ms * 10) / 10
const text = (name: string, value: string | null) => (value === null || value === '' ? '' : `,"${name}":"${value}"`)

/**
 * One line per request, in the log's own form. It is put together by hand, which costs a tenth of what a logger takes;
 * that is safe because each of its texts is a word of ours or was checked for its alphabet. Never the URL: it may hold a
 * password.
 */
function accessLineOf(request: FastifyRequest, { raw }: FastifyReply, level: number): string {
  const { trail, target, place } = request
  const { service, method, family, wire } = target.route
  const call = text('call', method === '' ? null : `${service}/${method}`)
  const went = `${text('to', trail.to)}${text('reason', trail.reason)}${text('fault', trail.fault)}`
  const status = raw.headersSent ? `,"status":${raw.statusCode}` : ''
  const aborted = raw.writableFinished ? '' : ',"aborted":true'
  const upstreamMs = trail.answeredAfter === null ? '' : `,"upstreamMs":${tenths(trail.answeredAfter)}`
  const ms = tenths(performance.now() - trail.startedAt)
  return `{"level":${level},"time":${Date.now()},${here},"reqId":"${request.id}","realm":"${place.realm}","http":"${request.method}"${call},"family":"${family}","wire":"${wire}"${went}${status}${aborted}${upstreamMs},"ms":${ms},"msg":"request"}\n`
}

async function way(app: FastifyInstance, { defaultRealm, writeLine }: Setting) {
  const placeOfDefault: Place = { realm: defaultRealm ?? 'admin', pinned: null }
  const isLogged = (app.log as unknown as { isLevelEnabled(level: string): boolean }).isLevelEnabled('info')
  // Fastify shares no object between requests; each of these is set by the hook below before anybody reads it.
  app.decorateRequest('target', null as unknown as Target)
  app.decorateRequest('place', null as unknown as Place)
  app.decorateRequest('trail', null as unknown as Trail)

  app.addHook('onRequest', function beginWay(request, reply, done) {
    const target = request.raw[requestTarget]
    request.trail = { startedAt: performance.now(), to: null, reason: null, fault: null, answeredAfter: null }
    request.place = placeOfDefault
    request.target = target === undefined || target instanceof Fault ? noTarget : target
    if (isLogged) reply.raw.on('close', () => writeLine(accessLineOf(request, reply, infoLevel)))
    if (target instanceof Fault) done(target)
    else done()
  })
}

export default fp(way, { name: 'way', fastify: '5.x' })
