/**
 * What a request line tells: API family, wire form, service and method (protocol: `/rest/<Service>/<method>`).
 */
import { readPath } from './call-in-path.ts'
import { Fault } from './faults.ts'
import { type Family, noCall, type Route, type Wire } from './words.ts'

/** The path prefixes of the three API families (config key `apis`). */
export type Apis = Readonly<Record<Exclude<Family, 'page'>, readonly string[]>>

/** A request target in origin form (RFC 9112 section 3.2.1), and what it names. */
export interface Target {
  /** The path and query as the client wrote them, byte for byte. */
  readonly url: string
  /** The authority of an absolute-form target: it takes the place of the Host header (RFC 9112 section 3.2.2). */
  readonly authority: string | null
  readonly route: Route
  /** The API prefix that matched; '' for a page. */
  readonly prefix: string
}

const page: Route = { family: 'page', wire: 'page', service: '', method: '', inPath: noCall }
const apiName = /^[A-Za-z]\w{0,63}$/

function wireOf(prefix: string): Wire {
  const last = prefix.slice(prefix.lastIndexOf('/') + 1)
  if (last === 'soap') return 'soap'
  return last === 'espf' || prefix.endsWith('/doc/api') ? 'plain' : 'rest'
}

const isPathEnd = (code: number) => Number.isNaN(code) || code === 0x2f || code === 0x3f // end, "/", "?"

function endOfSegment(url: string, from: number): number {
  let at = from
  while (!isPathEnd(url.charCodeAt(at))) at++
  return at
}

/** Some servers cut a segment's parameters, a fragment, or what is behind a NUL before they look at it. */
const climbs = /^\.\.(?:$|[;#]|%3b|%23|%00)/i

/** `..` as a path segment, plain or percent-encoded: on the system's side it could leave the prefix that was judged here. */
function hasDotSegment(url: string): boolean {
  if (!url.includes('..') && !/%2e/i.test(url)) return false
  return url
    .split('?', 1)
    .join()
    .replaceAll(/%2e/gi, '.')
    .split(/[/\\]|%2f|%5c/i)
    .some((segment) => climbs.test(segment))
}

/** Targets kept, at most: a client that invents methods cannot make it grow. */
const keptTargets = 2000

export function createTargetReader(apis: Apis) {
  const prefixes = (Object.entries(apis) as [Exclude<Family, 'page'>, readonly string[]][])
    .flatMap(([family, paths]) => paths.map((prefix) => ({ family, prefix, wire: wireOf(prefix) })))
    .sort((a, b) => b.prefix.length - a.prefix.length)

  function routeOf(url: string): readonly [route: Route, prefix: string] {
    for (const { family, prefix, wire } of prefixes) {
      if (!url.startsWith(prefix) || !isPathEnd(url.charCodeAt(prefix.length))) continue
      if (wire === 'plain') return [{ family, wire, service: '', method: '', inPath: noCall }, prefix]
      return [callOf(url, family, wire, prefix.length), prefix]
    }
    return [page, '']
  }

  /** Targets of calls that were read before: they are as many as there are methods. Nothing secret is in one. */
  const kept = new Map<string, Target>()

  function keep(target: Target): Target {
    const isCall = target.route.method !== '' && target.route.inPath === noCall && target.authority === null
    if (isCall && !target.url.includes('?') && kept.size < keptTargets) kept.set(target.url, target)
    return target
  }

  /** Reads a request target; throws `malformed_request` for one that no system must see. */
  return function readTarget(target: string): Target {
    const known = kept.get(target)
    if (known !== undefined) return known
    let url = target
    let authority: string | null = null
    if (url.charCodeAt(0) !== 0x2f) {
      const absolute = /^https?:\/\/([^/?#@]+)([/?].*)?$/i.exec(target)
      if (absolute?.[1] === undefined) throw new Fault('malformed_request', 'the request target has no path')
      authority = absolute[1]
      url = absolute[2] ?? '/'
      if (url.charCodeAt(0) === 0x3f) url = `/${url}`
    }
    const [route, prefix] = routeOf(url)
    // A URL-path call has been read as JSON: what its texts hold is no path.
    if (route.inPath === noCall && hasDotSegment(url)) throw new Fault('malformed_request', 'the path climbs with ".."')
    return keep({ url, authority, route, prefix })
  }
}

const slash = 0x2f

/** `/<Service>/<method>` from `at` on, and in billing's REST what a URL-path call has behind it. */
function callOf(url: string, family: Family, wire: Wire, at: number): Route {
  // PortaSIP has a further `rest` before the service.
  const from = family !== 'billing' && url.startsWith('/rest/', at) ? at + 6 : at + 1
  const afterService = endOfSegment(url, from)
  const hasMethod = url.charCodeAt(at) === slash && url.charCodeAt(afterService) === slash
  const afterMethod = hasMethod ? endOfSegment(url, afterService + 1) : afterService
  const first = url.slice(from, afterService)
  const second = hasMethod ? url.slice(afterService + 1, afterMethod) : ''
  // CallControl's own prefix is its service: `/callcontrol/<method>`.
  const [service, method] = family === 'callcontrol' && second === '' ? ['CallControl', first] : [first, second]
  if (hidesName.test(service) || hidesName.test(method)) {
    throw new Fault('malformed_request', 'the path hides its service or method')
  }
  // A SOAP call may be sent to its service: then the envelope names the method.
  const isNamed = apiName.test(method) || (wire === 'soap' && method === '')
  if (!apiName.test(service) || !isNamed) return { family, wire, service: '', method: '', inPath: noCall }
  const rest = wire === 'rest' ? url.slice(afterMethod) : ''
  const isInPath = family === 'billing' ? goesOn.test(rest) : holdsObject.test(rest)
  return { family, wire, service, method, inPath: isInPath ? readPath(rest) : noCall }
}

/** A name that a system could read differently: percent-encoded, or a segment that a path may do without. */
const hidesName = /%|^\.\.?$/

/** In billing's REST whatever is behind the method, a trailing slash or a query aside, is a URL-path call. */
const goesOn = /^\/(?!$|\?)/
/** Elsewhere a path may go on; a URL-path call is told by its JSON. */
const holdsObject = /^\/\/?(?:\{|%7b)/i

/** Set on the raw request before it is routed: its target, or why it cannot be read. */
export const requestTarget = Symbol('requestTarget')

declare module 'node:http' {
  interface IncomingMessage {
    [requestTarget]?: Target | Fault
  }
}
