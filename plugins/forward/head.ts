/**
 * The head of a system's answer, as the client gets it; and the end of one that broke off behind it.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer } from '../../core/answer.ts'
import { responseHeaders } from '../../core/headers.ts'
import type { HostMapping } from '../../core/public-names.ts'
import type { Forwarding } from './forwarding.ts'
import { askedOrigin } from './own-pages.ts'

type Upstream = ReturnType<FastifyInstance['upstream']>
export type Head = Omit<Answer, 'body'>

/** Its head tells something by itself: its first event may come much later. */
export const isEventStream = ({ headers }: Head) =>
  String(headers['content-type'] ?? '').startsWith('text/event-stream')

/** What Node can write behind a status (RFC 9112 section 4); undici reads it as UTF-8, which it need not be. */
const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]*$/

/** The headers of a system's answer for the client, and those of the gateway's own, as a flat list. */
export function headersFor(
  { trail, server }: FastifyRequest,
  head: Head,
  mapping: HostMapping,
  own: readonly string[]
): (string | string[])[] {
  const headers = responseHeaders(head.headers, mapping)
  headers.push(...own)
  const { to } = trail
  if (server.debugHeaders && to !== null) headers.push('x-dispatched-to', to === 'both' ? 'source,target' : to)
  return headers
}

/** Writes the head of a system's answer; throws where Node refuses one of its headers. */
export function writeHead(
  request: FastifyRequest,
  reply: FastifyReply,
  head: Head,
  mapping: HostMapping,
  own: readonly string[]
) {
  const headers = headersFor(request, head, mapping, own)
  // The system answered before it had the whole body: what is left of it makes the connection useless.
  if (request.content !== null && !request.raw.complete) headers.push('connection', 'close')
  const { status, statusMessage } = head
  reply.raw.writeHead(status, reasonPhrase.test(statusMessage) ? statusMessage : '', headers as string[])
  reply.hijack()
}

/** Cookies of the gateway's own as such a list. */
export const cookieHeaders = (...cookies: readonly (string | null)[]): string[] =>
  cookies.flatMap((cookie) => (cookie === null ? [] : ['set-cookie', cookie]))

/** `isKept`: the answer is for the half of a session that the gateway keeps to itself. */
export function mappingFor(request: FastifyRequest, { system, origin }: Upstream, isKept: boolean): HostMapping {
  const publicOrigin = `${request.protocol}://${request.host}`
  const { server } = request
  const asked = askedOrigin(request, system)
  const mapping = asked === undefined ? { origin, publicOrigin } : { origin, publicOrigin, asked }
  if (!isKept || !server.hasDecorator('remoteSession')) return mapping
  return { ...mapping, keptCookies: server.remoteSession.upstreamCookies }
}

const noHeaders: readonly string[] = []

/** The same of a request that was forwarded, with the cookies that were decided with its way. */
export function writeForwarded(
  request: FastifyRequest,
  reply: FastifyReply,
  upstream: Upstream,
  { setCookie, swaps, cookieFor }: Forwarding,
  head: Head
) {
  const mapping = mappingFor(request, upstream, swaps !== null)
  // Of the half that the gateway keeps to itself the client gets no cookies.
  const further = swaps === null ? (cookieFor?.(head) ?? null) : null
  const own = setCookie === null && further === null ? noHeaders : cookieHeaders(setCookie, further)
  writeHead(request, reply, head, mapping, own)
}

/** Ends an answer whose rest will not come. What has come goes out first: a client that got nothing might ask again. */
export function cutOff(raw: ServerResponse, hasLength: boolean) {
  const { socket } = raw
  if (socket === null) raw.destroy()
  else if (hasLength || raw.chunkedEncoding) socket.destroySoon()
  // An answer without a length, for HTTP/1.0, is whole when its connection ends; unless it is reset.
  else if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}
