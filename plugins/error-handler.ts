/**
 * error-handler
 * Adds  `app.answerError`: whatever goes wrong becomes a fault in the asker's own language (contract section 7).
 * Needs way.
 * Off   never.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { faultPageHeaders } from '../core/fault-page.ts'
import { codeOf, Fault, KnownCause, renderFault, whyOf } from '../core/faults.ts'
import type { Wire } from '../core/words.ts'

declare module 'fastify' {
  interface FastifyInstance {
    answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void
  }
}

/** Fastify's own refusals, by status; their messages quote the client and stay here. */
function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  if (status === 404) return new Fault('not_found')
  if (status === 413) return new Fault('body_too_large', 'the accepted number of')
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Fault('malformed_request', 'not a valid HTTP request', { cause: error })
  }
  return new Fault('bad_gateway', 'gateway', { cause: error })
}

/** The rest of a body that nobody will read makes the connection useless (RFC 9112 section 9.3). */
const hasUnreadBody = ({ raw, headers }: FastifyRequest) =>
  !raw.complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)

/** A request line that cannot be read names no API; SOAP is told by a header of its own too (SOAP 1.1 section 6.1.1). */
function wireOf({ target, headers }: FastifyRequest): Wire {
  const wire = target?.route.wire ?? 'rest'
  return wire === 'page' && headers.soapaction !== undefined ? 'soap' : wire
}

async function errorHandler(app: FastifyInstance) {
  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
    const fault = faultOf(error)
    // A URL that the router cannot decode comes before any hook.
    if (request.trail) request.trail.fault = fault.faultcode
    if (fault.statusCode >= 500 && !(fault.cause instanceof KnownCause)) {
      // What is no fault is a mistake of ours and is told whole.
      const isOurs = !(error instanceof Fault)
      request.log.error(
        { fault: fault.faultcode, why: whyOf(fault), ...(isOurs && { err: error }) },
        'a request failed'
      )
    } else {
      request.log.debug({ fault: fault.faultcode, cause: codeOf(fault.cause) }, 'a request was refused')
    }
    const wire = wireOf(request)
    const acceptsHtml = request.headers.accept?.includes('text/html') ?? false
    const asked = { requestId: request.id, isRead: request.method === 'GET' || request.method === 'HEAD' }
    const [contentType, text] = renderFault(fault, wire, acceptsHtml, asked)
    // What a system's answer had left on the reply is not for a fault.
    for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
    // Its reason phrase neither: Node keeps one that it has refused, and would refuse this answer with it.
    reply.raw.statusMessage = STATUS_CODES[fault.statusCode] ?? ''
    if (contentType.startsWith('text/html')) reply.headers(faultPageHeaders)
    if (fault.retryAfter !== undefined) reply.header('retry-after', String(fault.retryAfter))
    if (fault.setCookie !== null) reply.header('set-cookie', fault.setCookie)
    if (hasUnreadBody(request)) reply.header('connection', 'close')
    reply.code(fault.statusCode).header('content-type', contentType).send(text)
  }

  app.decorate('answerError', answerError)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(function answerNotFound(request, reply) {
    answerError(new Fault('not_found'), request, reply)
  })
}

export default fp(errorHandler, { name: 'error-handler', fastify: '5.x', dependencies: ['way'] })
