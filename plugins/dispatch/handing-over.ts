/**
 * Sessions of customers who were moved while they were logged in: nobody is sent to where their customer is no more
 * (contract section 8). A call is told that its session has ended; a page is the other system's, whose login comes.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { codeOf, Fault, KnownCause } from '../../core/faults.ts'
import { askerOf } from '../../core/own-call.ts'
import { otherSystem } from '../../core/words.ts'
import type { Known } from './dual-realms.ts'

const hasMoved = new KnownCause('CustomerMoved', 'The customer of this session has moved')

export function createHandingOver(app: FastifyInstance) {
  const fence = app.hasDecorator('writeFence') ? app.writeFence : null
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null

  /** Whether a session of a single-home realm was left behind; at once where that is known. */
  function hasLeft(request: FastifyRequest, { home, credentials }: Known): boolean | Promise<boolean> {
    if (fence === null || !fence.handoff.isDue || home.system === 'both' || request.place.pinned !== null) return false
    const credential = credentials.find(({ kind }) => kind !== 'refresh_token')
    if (credential === undefined) return false
    return fence.handoff.hasLeft(credential, home.system, () => askerOf(request))
  }

  /** Answers one whose session was left behind, instead of its system. */
  function answer(request: FastifyRequest, reply: FastifyReply, { home, credentials }: Known) {
    const left = home.system === 'source' ? 'source' : 'target'
    const to = otherSystem(left)
    request.trail.reason = 'handed_over'
    for (const credential of credentials) {
      app.homes
        .forget(credential)
        .catch((cause: unknown) => request.log.warn({ why: codeOf(cause) }, 'a session is not forgotten everywhere'))
    }
    if (request.target.route.wire === 'page' && !request.isWebSocket) {
      app.forward(request, reply, {
        to,
        setCookie: remoteSession?.mark(request, to) ?? null,
        swaps: null,
        review: null
      })
      return
    }
    const setCookie = remoteSession?.mark(request, 'target') ?? null
    reply.send(new Fault('session_ended', '', { cause: hasMoved, setCookie }))
  }

  return { hasLeft, answer }
}
