/**
 * A WebSocket on one system, for a client that has one on each: opened before the client is told anything.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../../core/answer.ts'
import { Fault } from '../../core/faults.ts'
import type { Swap } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import { accepts } from './accepting.ts'
import { webSocketRequest } from './outgoing.ts'

/** A system has accepted. */
export type Opened = Exclude<Awaited<ReturnType<ReturnType<FastifyInstance['upstream']>['open']>>, Answer>

/** How long one system may take: the other's stream must not wait for one that hangs, ms. */
const patienceMs = 5_000
/** Largest answer that refuses. */
const refusalBytes = 1 << 20

export async function openWebSocket(
  request: FastifyRequest,
  reply: FastifyReply,
  to: System,
  swaps: readonly Swap[] | null
): Promise<Opened | Answer> {
  const leaving = new AbortController()
  const leave = () => leaving.abort()
  reply.raw.once('close', leave)
  const upstream = request.server.upstream(to, request.place.realm)
  try {
    const asked = { ...webSocketRequest(request, to, swaps, true), patienceMs }
    const given = await upstream.open(asked, refusalBytes, leaving.signal)
    if (!('socket' in given) || (accepts(given.head) && !leaving.signal.aborted)) return given
    given.socket.destroy()
    throw new Fault('bad_gateway', to)
  } finally {
    reply.raw.off('close', leave)
  }
}
