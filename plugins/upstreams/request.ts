/**
 * What upstreams are given, and what they give back.
 */
import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Answer } from '../../core/answer.ts'
import type { Fault } from '../../core/faults.ts'

export interface UpstreamRequest {
  readonly method: string
  /** Path and query as they go on the wire. */
  readonly path: string
  /** A flat list of names and values. */
  readonly headers: readonly string[]
  readonly body: Buffer | AsyncIterable<Buffer> | null
  /** It changes nothing, so that it may be sent once more when its connection is lost. */
  readonly isRead?: boolean
  /** It asks for a WebSocket: the answer may be the connection itself. */
  readonly upgrade?: 'websocket'
  /** From the request's last byte to the answer's headers, ms; at most the system's `timeouts.headers`, and that otherwise. */
  readonly patienceMs?: number
}

/** Hears how one request goes: head, data and end of an answer, or the fault that ends it at any moment. */
export interface AnswerHandler {
  /** Whether nobody waits any more: asked before each try, so that no connection is spent on it. */
  isGone?(): boolean
  /** The request has a connection and begins to leave; again when it is sent once more. */
  onStart?(controller: Dispatcher.DispatchController): void
  onHead(controller: Dispatcher.DispatchController, head: Omit<Answer, 'body'>): void
  onData(controller: Dispatcher.DispatchController, chunk: Buffer): void
  onEnd(controller: Dispatcher.DispatchController): void
  onFault(fault: Fault): void
  /** The system has accepted a WebSocket: whoever takes the connection ends it. Nothing else follows. */
  onUpgrade?(head: Omit<Answer, 'body'>, socket: Duplex): void
}
