/**
 * The answer that makes a client's connection a WebSocket: the system's own, as far as it is not about the connection.
 */
import type { FastifyRequest } from 'fastify'
import { clientsOwn, type Swap } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import { type Head, headersFor, mappingFor } from './head.ts'

/** How a system's acceptance is told. */
export interface Telling {
  readonly to: System
  readonly head: Head
  /** What the system calls the session; null where the client holds its own names. */
  readonly swaps: readonly Swap[] | null
  /** Headers of the gateway's own, as a flat list. */
  readonly own: readonly string[]
}

/** Whether an answer accepts a WebSocket (RFC 6455 section 4.2.2). */
export const accepts = ({ headers }: Head): boolean =>
  String(headers.upgrade ?? '').toLowerCase() === 'websocket' && headers['sec-websocket-accept'] !== undefined

/** The head as bytes. */
export function acceptance(request: FastifyRequest, { to, head, swaps, own }: Telling): Buffer {
  const mapping = mappingFor(request, request.server.upstream(to, request.place.realm), swaps !== null)
  const offered = request.headers['sec-websocket-protocol'] ?? ''
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  const headers = headersFor(request, head, mapping, own)
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string
    for (const value of [headers[at + 1] as string | string[]].flat()) {
      // A token may be part of it.
      const isProtocol = swaps !== null && name === 'sec-websocket-protocol'
      lines.push(`${name}: ${isProtocol ? clientsOwn(value, offered, swaps) : value}`)
    }
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
