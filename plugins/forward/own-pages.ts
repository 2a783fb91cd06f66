/**
 * The page that a request says it comes from, in the words of the system that is asked.
 */
import type { FastifyRequest } from 'fastify'
import { systemName } from '../../core/public-names.ts'
import type { System } from '../../core/words.ts'

/** An `Origin` or a `Referer` as the system reads it. */
function systemNameFor(request: FastifyRequest, value: string, to: System): string {
  const { server } = request
  // Without realm-detection nothing but the request's own host is known.
  const named = server.hasDecorator('namedPlaces') ? server.namedPlaces : null
  return systemName(value, request, {
    to,
    placeOf: (name) => named?.get(name),
    originOf: (realm) => server.upstream(to, realm).origin
  })
}

/** Says so in a flat list of names and values, which is changed. */
export function nameOwnPages(headers: string[], request: FastifyRequest, to: System): void {
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase()
    if (name === 'origin' || name === 'referer') headers[at + 1] = systemNameFor(request, headers[at + 1] as string, to)
  }
}

/** The request's own Origin beside what the system was told for it; nothing where that is the same. */
export function askedOrigin(request: FastifyRequest, to: System) {
  const byClient = request.headers.origin
  if (byClient === undefined) return undefined
  const toSystem = systemNameFor(request, byClient, to)
  return toSystem === byClient ? undefined : { byClient, toSystem }
}
