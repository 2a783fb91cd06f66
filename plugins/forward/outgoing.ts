/**
 * A client's request as a system gets it: its own bytes, but for what tells who asks and from which page, and the
 * credentials of a session that the system knows by other names.
 */
import type { FastifyRequest } from 'fastify'
import { Fault } from '../../core/faults.ts'
import { clientOf, requestHeaders } from '../../core/headers.ts'
import { isRead } from '../../core/methods.ts'
import { keepsLength, type Swap, swapBytes, swapHeaders, swapStream, swapText } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import { nameOwnPages } from './own-pages.ts'

/** The client's request as the system gets it. */
export function upstreamRequest(request: FastifyRequest, to: System, swaps: readonly Swap[] | null) {
  const { method, content, target, trail } = request
  const { connection, origin, referer } = request.headers
  const headers = requestHeaders(request.raw.rawHeaders, connection, clientOf(request), trail.trace)
  if (origin !== undefined || referer !== undefined) nameOwnPages(headers, request, to)
  const reads = isRead(method, target.route)
  if (swaps === null || swaps.length === 0) return { method, path: target.url, headers, body: content, isRead: reads }
  refuseHidden(request)
  const swapped = swapHeaders(headers, swaps)
  const body = swapBody(content, swapped, swaps)
  return { method, path: swapText(target.url, swaps), headers: swapped, body, isRead: reads }
}

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

/** Swaps the body's credentials, and corrects the Content-Length where that changes it. */
function swapBody(content: FastifyRequest['content'], headers: string[], swaps: readonly Swap[]) {
  if (content === null) return null
  const length = indexOfHeader(headers, 'content-length')
  if (Buffer.isBuffer(content)) {
    const body = swapBytes(content, swaps)
    if (length !== -1) headers[length + 1] = String(body.length)
    return body
  }
  // How long it will be is not known before it has passed.
  if (length !== -1 && !keepsLength(swaps)) headers.splice(length, 2)
  return swapStream(content, swaps)
}

export const indexOfHeader = (headers: readonly string[], wanted: string): number =>
  headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === wanted)
