/**
 * A client's request as a system gets it: its own bytes, but for what tells who asks and from which page, and the
 * credentials of a session that the system knows by other names.
 */
import type { FastifyRequest } from 'fastify'
import { swapEnvelope } from '../../core/envelope-swap.ts'
import { Fault } from '../../core/faults.ts'
import { clientOf, requestHeaders } from '../../core/headers.ts'
import { isReadRequest } from '../../core/methods.ts'
import { keepsLength, type Swap, swapBytes, swapHeaders, swapStream, swapText } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import { nameOwnPages } from './own-pages.ts'

/** The client's request as the system gets it. */
export function upstreamRequest(request: FastifyRequest, to: System, swaps: readonly Swap[] | null) {
  const { method, content, target, trail } = request
  const { connection, origin, referer } = request.headers
  const headers = requestHeaders(request.raw.rawHeaders, connection, clientOf(request), trail.trace)
  if (origin !== undefined || referer !== undefined) nameOwnPages(headers, request, to)
  const reads = isReadRequest(request)
  if (swaps === null || swaps.length === 0) return { method, path: target.url, headers, body: content, isRead: reads }
  refuseHidden(request)
  const swapped = swapHeaders(headers, swaps)
  const body = target.route.wire === 'soap' ? swapSoap(request, swapped, swaps) : swapBody(request, swapped, swaps)
  return { method, path: swapText(target.url, swaps), headers: swapped, body, isRead: reads }
}

/** A request for a WebSocket. Messages that must be read on their way must not be compressed. */
export function webSocketRequest(
  request: FastifyRequest,
  to: System,
  swaps: readonly Swap[] | null,
  readsMessages: boolean
) {
  const asked = upstreamRequest(request, to, swaps)
  const isExtension = (at: number) => asked.headers[at - (at % 2)]?.toLowerCase() === 'sec-websocket-extensions'
  const headers = readsMessages ? asked.headers.filter((_text, at) => !isExtension(at)) : asked.headers
  return { ...asked, headers, upgrade: 'websocket' as const }
}

/** Whatever the client has asked for; of a WebSocket the messages are read where names must be swapped in them. */
export const outgoingRequest = (request: FastifyRequest, to: System, swaps: readonly Swap[] | null) =>
  request.isWebSocket ? webSocketRequest(request, to, swaps, swaps !== null) : upstreamRequest(request, to, swaps)

/** Charsets in which a credential's characters are the bytes of ASCII. */
const readableCharset = /^(?:utf-?8|us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d)$/i

/** A body in which a credential could not be seen must not go to the system that did not issue it. */
function refuseHidden({ headers, content }: FastifyRequest) {
  if (content === null) return
  const charset = /;\s*charset="?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1]
  const encoding = headers['content-encoding'] ?? 'identity'
  if ((charset === undefined || readableCharset.test(charset)) && encoding === 'identity') return
  throw new Fault('malformed_request', 'in this session the body must be in UTF-8 and not compressed')
}

function setLength(headers: string[], { length }: Buffer) {
  const at = indexOfHeader(headers, 'content-length')
  if (at !== -1) headers[at + 1] = String(length)
}

/** Swaps the body's credentials, and corrects the Content-Length where that changes it. */
function swapBody({ content }: FastifyRequest, headers: string[], swaps: readonly Swap[]) {
  if (content === null) return null
  if (Buffer.isBuffer(content)) {
    const body = swapBytes(content, swaps)
    setLength(headers, body)
    return body
  }
  const length = indexOfHeader(headers, 'content-length')
  // How long it will be is not known before it has passed.
  if (length !== -1 && !keepsLength(swaps)) headers.splice(length, 2)
  return swapStream(content, swaps)
}

/** The same in an envelope, which was read whole before it was known to go to a system with other names. */
function swapSoap(
  { content, headers: { 'content-type': contentType } }: FastifyRequest,
  headers: string[],
  swaps: readonly Swap[]
) {
  if (content === null) return null
  if (!Buffer.isBuffer(content)) throw new Error('Only an envelope that was read goes to a system with other names')
  const body = swapEnvelope(content, contentType, swaps)
  setLength(headers, body)
  return body
}

export const indexOfHeader = (headers: readonly string[], wanted: string): number =>
  headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === wanted)
