/**
 * way
 * Adds  what a request gathers on its way: `request.target` (the request line, read), `request.place` (realm and pinned
 *       system), `request.trail` (its trace, where it went, why, and how it ended), and one access line when it is over.
 *       `app.onRequestEnded` tells others of that moment too.
 * Needs the reader of request targets that gateway/app.ts puts before the router.
 * Off   never.
 */
import { hostname } from 'node:os'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Fault } from '../core/faults.ts'
import type { Place } from '../core/hosts.ts'
import { requestTarget, type Target } from '../core/route.ts'
import { createTracing } from '../core/trace.ts'
import { Trail } from '../core/trail.ts'
import { noCall, type RealmName } from '../core/words.ts'

/** How a request ended. */
export interface Ended {
  /** The whole request, ms. */
  readonly ms: number
  /** What of it was the gateway's own share, ms: not waiting for a system, nor for the client's own body. */
  readonly ownMs: number
  /** The answer did not reach its end: the client left, or the system broke off. */
  readonly aborted: boolean
}

type EndedListener = (request: FastifyRequest, reply: FastifyReply, ended: Ended) => void

declare module 'fastify' {
  interface FastifyRequest {
    target: Target
    /** The default realm until realm-detection's onRequest hook has run. */
    place: Place
    trail: Trail
  }
  interface FastifyInstance {
    /** Called once for each request, when it is over. */
    onRequestEnded(listener: EndedListener): void
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
function accessLineOf(request: FastifyRequest, { raw }: FastifyReply, ended: Ended, level: number): string {
  const { trail, target, place } = request
  const { service, method, family, wire } = target.route
  const call = text('call', method === '' ? null : `${service}/${method}`)
  const operation = text('operation', trail.operation)
  const went = `${text('to', trail.to)}${text('reason', trail.reason)}${text('fault', trail.fault)}`
  const status = raw.headersSent || trail.isWebSocket ? `,"status":${raw.statusCode}` : ''
  const aborted = ended.aborted ? ',"aborted":true' : ''
  const upstreamMs = trail.answeredAfter === null ? '' : `,"upstreamMs":${tenths(trail.answeredAfter)}`
  const times = `${upstreamMs},"ownMs":${tenths(ended.ownMs)},"ms":${tenths(ended.ms)}`
  return `{"level":${level},"time":${Date.now()},${here},"reqId":"${request.id}","trace":"${trail.trace.id}","realm":"${place.realm}","http":"${request.method}"${call}${operation},"family":"${family}","wire":"${wire}"${went}${status}${aborted}${times},"msg":"request"}\n`
}

async function way(app: FastifyInstance, { defaultRealm, writeLine }: Setting) {
  const placeOfDefault: Place = { realm: defaultRealm ?? 'admin', pinned: null }
  const traceOf = createTracing()
  const listeners: EndedListener[] = []
  app.decorate('onRequestEnded', function onRequestEnded(listener: EndedListener) {
    listeners.push(listener)
  })
  const isLogged = (app.log as unknown as { isLevelEnabled(level: string): boolean }).isLevelEnabled('info')
  if (isLogged) {
    listeners.push((request, reply, ended) => writeLine(accessLineOf(request, reply, ended, infoLevel)))
  }

  function end(request: FastifyRequest, reply: FastifyReply) {
    const { trail } = request
    const ms = performance.now() - trail.startedAt
    const aborted = !reply.raw.writableFinished && !trail.isWebSocket
    const ended: Ended = { ms, ownMs: Math.max(ms - trail.elsewhereMs, 0), aborted }
    for (const listener of listeners) listener(request, reply, ended)
  }

  // Fastify shares no object between requests; each of these is set by the hook below before anybody reads it.
  app.decorateRequest('target', null as unknown as Target)
  app.decorateRequest('place', null as unknown as Place)
  app.decorateRequest('trail', null as unknown as Trail)

  app.addHook('onRequest', function beginWay(request, reply, done) {
    const target = request.raw[requestTarget]
    request.trail = new Trail(traceOf(request.raw.headers))
    request.place = placeOfDefault
    request.target = target === undefined || target instanceof Fault ? noTarget : target
    if (listeners.length > 0) reply.raw.on('close', () => end(request, reply))
    if (target instanceof Fault) done(target)
    else done()
  })
}

export default fp(way, { name: 'way', fastify: '5.x' })
