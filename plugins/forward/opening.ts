/**
 * A WebSocket on one system, for a client that has one on each: opened before the client is told anything.
 */
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import type { Answer } from '../../core/answer.ts'
import { Fault, GivenUp } from '../../core/faults.ts'
import type { Swap } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import { accepts } from './accepting.ts'
import type { Head } from './head.ts'
import { webSocketRequest } from './outgoing.ts'

/** A system has accepted. */
export interface Opened {
  readonly head: Head
  readonly socket: Duplex
}

/** Largest answer that refuses. */
const refusalBytes = 1 << 20

export function openWebSocket(
  request: FastifyRequest,
  reply: FastifyReply,
  to: System,
  swaps: readonly Swap[] | null
): Promise<Opened | Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Opened | Answer>()
  let begun: Dispatcher.DispatchController | null = null
  let head: Head
  const chunks: Buffer[] = []
  let bytes = 0
  const hasLeft = () => reply.raw.destroyed
  const giveUp = () => begun?.abort(new GivenUp('The client left'))
  reply.raw.once('close', giveUp)
  const over = () => reply.raw.off('close', giveUp)
  request.server.upstream(to, request.place.realm).dispatch(webSocketRequest(request, to, swaps, true), {
    isGone: hasLeft,
    onStart(controller) {
      begun = controller
      if (hasLeft()) giveUp()
    },
    onUpgrade(accepted, socket) {
      over()
      if (!accepts(accepted) || hasLeft()) {
        socket.destroy()
        reject(new Fault('bad_gateway', to))
      } else resolve({ head: accepted, socket })
    },
    onHead(_controller, answered) {
      head = answered
    },
    onData(controller, chunk) {
      bytes += chunk.length
      if (bytes > refusalBytes) controller.abort(new GivenUp('The answer is too large to be read'))
      else chunks.push(chunk)
    },
    onEnd() {
      over()
      resolve({ ...head, body: Buffer.concat(chunks) })
    },
    onFault(fault) {
      over()
      reject(fault)
    }
  })
  return promise
}
