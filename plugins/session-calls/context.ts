/**
 * The system that a client asks for in its session: the gateway keeps it, and answers by itself.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { decide, noFacts } from '../../core/decide.ts'
import { Fault } from '../../core/faults.ts'
import { parseContext } from '../../core/headers.ts'
import { askerOf } from '../../core/own-call.ts'
import { soapSuccess, soapType } from '../../core/soap-text.ts'
import { type Call, isCertain } from '../../core/words.ts'
import type { SessionShown } from './shown.ts'

export function createContext(app: FastifyInstance, { shownBy }: SessionShown) {
  return async function setContext(request: FastifyRequest, reply: FastifyReply, call: Call) {
    const context = parseContext(call.params?.context, 'params.context')
    const shown = shownBy(request, call)
    if (shown.credentials.length === 0) throw new Fault('malformed_request', 'the call names no session')
    const home = await request.trail.waitFor(app.homes.resolve(shown, false, askerOf(request), request.place.realm))
    request.trail.reason = 'context'
    if (!isCertain(home)) {
      // Nobody knows the session: its system says so in its own words.
      app.forward(request, reply, { to: 'target', setCookie: null, swaps: null, review: null })
      return
    }
    const wanted = context === 'auto' ? null : context
    // Throws for a system where the session does not live.
    decide({ ...noFacts, ...request.place, home, context: wanted })
    const { id } = await app.homes.keptFor(home, shown.credentials)
    await app.pairedSessions.setContext(id, wanted)
    const { wire, method } = request.target.route
    if (wire === 'soap') reply.header('content-type', soapType).send(soapSuccess(method))
    else reply.header('content-type', 'application/json; charset=utf-8').send('{"success":1}')
  }
}
