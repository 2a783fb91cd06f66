/**
 * A request whose answer is read whole; or, where a WebSocket is asked for, the connection that it may become.
 */
import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Answer } from '../../core/answer.ts'
import { GivenUp } from '../../core/faults.ts'
import type { AnswerHandler, UpstreamRequest } from './request.ts'

/** A system has accepted a WebSocket: whoever takes the connection ends it. */
export interface Opened {
  readonly head: Omit<Answer, 'body'>
  readonly socket: Duplex
}

export interface Exchanging {
  /** Largest answer. */
  readonly limitBytes: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal | undefined
}

/** Resolves to the answer; rejects with a Fault. Only a request with `upgrade` resolves to a connection. */
export function exchangeBy(
  dispatch: (request: UpstreamRequest, handler: AnswerHandler) => void,
  request: UpstreamRequest,
  { limitBytes, signal }: Exchanging
): Promise<Answer | Opened> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let head: Omit<Answer, 'body'>
    let begun: Dispatcher.DispatchController | null = null
    const giveUp = () => begun?.abort(new GivenUp('Nobody waits for the answer'))
    signal?.addEventListener('abort', giveUp, { once: true })
    const isOver = () => signal?.removeEventListener('abort', giveUp)
    dispatch(request, {
      isGone: () => signal?.aborted ?? false,
      onStart(controller) {
        begun = controller
        if (signal?.aborted) giveUp()
      },
      onHead(_controller, answered) {
        head = answered
      },
      onData(controller, chunk) {
        bytes += chunk.length
        if (bytes > limitBytes) controller.abort(new GivenUp('The answer is too large to be read'))
        else chunks.push(chunk)
      },
      onEnd() {
        isOver()
        resolve({ ...head, body: Buffer.concat(chunks) })
      },
      onFault(fault) {
        isOver()
        reject(fault)
      },
      onUpgrade(accepted, socket) {
        isOver()
        resolve({ head: accepted, socket })
      }
    })
  })
}
