/**
 * What a request line tells: API family, wire form, service and method (protocol: `/rest/<Service>/<method>`).
 */
import { Fault } from './faults.ts'
import type { Family, Route, Wire } from './words.ts'

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

const page: Route = { family: 'page', wire: 'page', service: '', method: '', inPath: '' }
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

/** `..` as a path segment, plain or percent-encoded: on the system's side it could leave the prefix that was judged here. */
function hasDotSegment(path: string): boolean {
  if (!path.includes('..') && !/%2e/i.test(path)) return false
  return path
    .replaceAll(/%2e/gi, '.')
    .split(/[/\\]|%2f|%5c/i)
    .includes('..')
}

export function createTargetReader(apis: Apis) {
  const prefixes = (Object.entries(apis) as [Exclude<Family, 'page'>, readonly string[]][])
    .flatMap(([family, paths]) => paths.map((prefix) => ({ family, prefix, wire: wireOf(prefix) })))
    .sort((a, b) => b.prefix.length - a.prefix.length)

  function routeOf(url: string): readonly [route: Route, prefix: string, pathEnd: number] {
    for (const { family, prefix, wire } of prefixes) {
      if (!url.startsWith(prefix) || !isPathEnd(url.charCodeAt(prefix.length))) continue
      if (wire === 'plain') return [{ family, wire, service: '', method: '', inPath: '' }, prefix, queryStart(url)]
      let from = prefix.length + 1
      // PortaSIP has a further `rest` before the service.
      if (family !== 'billing' && url.startsWith('rest/', from)) from += 5
      const afterService = endOfSegment(url, from)
      const afterMethod = endOfSegment(url, afterService + 1)
      const service = url.slice(from, afterService)
      const method = url.slice(afterService + 1, afterMethod)
      const named = apiName.test(service) && apiName.test(method)
      const rest = wire === 'rest' && url.charCodeAt(afterMethod) === 0x2f ? url.slice(afterMethod) : ''
      const inPath = rest === '/' || rest.startsWith('/?') ? '' : rest
      const route = { family, wire, service: named ? service : '', method: named ? method : '', inPath }
      return [route, prefix, inPath === '' ? queryStart(url) : afterMethod]
    }
    return [page, '', queryStart(url)]
  }

  /** Reads a request target; throws `malformed_request` for one that no system must see. */
  return function readTarget(target: string): Target {
    let url = target
    let authority: string | null = null
    if (url.charCodeAt(0) !== 0x2f) {
      const absolute = /^https?:\/\/([^/?#@]+)([/?].*)?$/i.exec(target)
      if (absolute?.[1] === undefined) throw new Fault('malformed_request', 'the request target has no path')
      authority = absolute[1]
      url = absolute[2] ?? '/'
      if (url.charCodeAt(0) === 0x3f) url = `/${url}`
    }
    const [route, prefix, pathEnd] = routeOf(url)
    if (hasDotSegment(url.slice(0, pathEnd))) throw new Fault('malformed_request', 'the path climbs with ".."')
    return { url, authority, route, prefix }
  }
}

function queryStart(url: string): number {
  const at = url.indexOf('?')
  return at === -1 ? url.length : at
}

/** Set on the raw request before it is routed: its target, or why it cannot be read. */
export const requestTarget = Symbol('requestTarget')

declare module 'node:http' {
  interface IncomingMessage {
    [requestTarget]?: Target | Fault
  }
}
