/**
 * What is refused before there is a request, or in the midst of one: bytes that are not HTTP, and clients that are too
 * slow. The client gets a fault where one can still be told, and the connection ends in any case.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Fault, renderFault } from '../core/faults.ts'

/** What is open on one connection: a client may send its next requests before it has its answer (RFC 9112 section 9.3.2). */
export interface Connection {
  /** Answers that are owed, in the order of their requests. */
  readonly responses: ServerResponse[]
  /** Headers, as they stand in a head, that every answer here has. */
  readonly ownHeaders: string
  /** When it was refused, ms; 0 while it is good. */
  refusedAt: number
}

/** Status and sentence of a refusal. */
type Refusal = readonly [status: string, what: string]

export const slowBody: Refusal = ['408 Request Timeout', 'its body comes too slowly']
export const noHttp: Refusal = ['400 Bad Request', 'not a valid HTTP request']

/** What Node refuses by itself, by its own words for it (RFC 9110 section 15.5). */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'its head is too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'its head comes too slowly']
}

/** The error of Node's parser quotes the client, so it is neither logged nor sent. */
export const refusalFor = ({ code }: NodeJS.ErrnoException): Refusal => refusals[code ?? ''] ?? noHttp

/** The request whose body is still on its way: it can only be the last one. */
export function unfinishedRequest({ responses }: Connection): IncomingMessage | null {
  const last = responses.at(-1)?.req
  return last === undefined || last.complete ? null : last
}

function answerOf([status, what]: Refusal, { ownHeaders }: Connection): string {
  const [contentType, text] = renderFault(new Fault('malformed_request', what), 'rest', false)
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: ${contentType}\r\nContent-Length: ${text.length}\r\n${ownHeaders}\r\n${text}`
}

export function refuse(socket: Duplex, connection: Connection, refusal: Refusal): void {
  // What a refused client still sends is thrown away.
  if (connection.refusedAt !== 0) return
  connection.refusedAt = performance.now()
  const { responses } = connection
  const unfinished = unfinishedRequest(connection)
  const owed = responses.length - (unfinished === null ? 0 : 1)
  if (owed > 0 && unfinished === null) {
    // Whole requests came before: they are answered, each with its own answer, and then the connection ends.
    const last = responses[owed - 1]
    if (last !== undefined && !last.headersSent) last.shouldKeepAlive = false
    return
  }
  // Bytes of ours would stand where an earlier answer, or the rest of one that has begun, is expected.
  if (!socket.writable || owed > 0 || responses[0]?.headersSent) socket.destroy()
  // The system that is being sent the body learns at once, by the request's own end, that the rest will not come.
  else if (unfinished !== null) socket.end(answerOf(refusal, connection), () => socket.destroy())
  // The connection stays half open for a moment: closed on bytes that were not read, it would be reset, and the answer lost.
  else socket.end(answerOf(refusal, connection))
}
