/**
 * Requests that a browser sends because a page of another site wants it to. Scripts and curl show none of these headers.
 */
import type { FastifyRequest } from 'fastify'
import { Fault } from '../../../core/faults.ts'

export const consolePath = '/console'

export const isRead = ({ method }: FastifyRequest) => method === 'GET' || method === 'HEAD'
export const isForConsole = (request: FastifyRequest) =>
  isRead(request) && request.url.split('?', 1).join() === consolePath

/** A link to the console, in a mail or a chat, may be followed: nobody but its reader sees what comes. */
const isLinkToConsole = (request: FastifyRequest) =>
  isForConsole(request) &&
  request.headers['sec-fetch-mode'] === 'navigate' &&
  request.headers['sec-fetch-dest'] === 'document'

function isOwnOrigin(origin: string, { protocol, host }: FastifyRequest): boolean {
  const own = `${protocol}://${host}`
  return URL.canParse(origin) && URL.canParse(own) && new URL(origin).origin === new URL(own).origin
}

/** Throws `other_site`. A browser tells the site in one of the two headers, in both, or in neither for a link. */
export function refuseOtherSites(request: FastifyRequest): void {
  const { origin, 'sec-fetch-site': site = 'none' } = request.headers
  if (origin !== undefined && !isOwnOrigin(origin, request)) {
    throw new Fault(
      'other_site',
      'its Origin is not the one that was asked; behind a proxy that ends TLS, set trustProxy'
    )
  }
  if (site !== 'same-origin' && site !== 'none' && !isLinkToConsole(request)) {
    throw new Fault('other_site', 'its Sec-Fetch-Site says so')
  }
}

/** What a form of any page can send without asking first (Fetch, CORS-safelisted request-header). */
const formTypes = /^(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)(?:[\s;,]|$)/i

/** Throws `malformed_request`: what changes something must be sent by a script that says so. */
export function refuseForms({ headers }: FastifyRequest): void {
  if (formTypes.test(headers['content-type'] ?? '')) {
    throw new Fault('malformed_request', 'the body must be JSON, with Content-Type: application/json')
  }
}
