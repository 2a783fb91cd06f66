/**
 * Headers on their way through: hop-by-hop ones stop, forwarding ones are the gateway's own word, and what names a
 * system's own host is given the gateway's (contract section 7; RFC 9110 section 7.6.1).
 */
import { Fault } from './faults.ts'
import { type HostMapping, publicAllowOrigin, publicCookies, publicLocation, publicRefresh } from './public-names.ts'
import { isReplaced, type Trace } from './trace.ts'
import type { System } from './words.ts'

/** Headers of one connection alone (RFC 9110 section 7.6.1), in either direction. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
]

/** What never goes up. Host: the system sees its own. Expect: Node has already answered 100 Continue. */
const neverUp = new Set([...hopByHop, 'host', 'expect'])

/** Forwarding headers are written anew, so that nobody can forge one; some servers read underscores as hyphens. */
const forwardingName = /^(?:forwarded|x[-_]real[-_]ip|x[-_]forwarded[-_].*)$/

const neverDown = new Set(hopByHop)

const noNames: readonly string[] = []

/** The header names that a Connection header declares to be of this connection alone. */
function namedBy(connection: string | undefined): readonly string[] {
  if (connection === undefined) return noNames
  const simple = connection.toLowerCase()
  if (simple === 'keep-alive' || simple === 'close') return noNames
  return simple.split(',').map((name) => name.trim())
}

/** Who asks, as the systems are told. */
export interface Client {
  /** The client's address, and behind it those of our own proxies (`trustProxy`), nearest last. */
  readonly addresses: string
  readonly proto: string
  readonly host: string
  /** What carries the trace of the request that is at hand, as a flat list of names and values. */
  readonly trace?: readonly string[]
}

/** A request as far as it tells who asks; `ips` are there behind proxies of our own, nearest first. */
export interface AskedBy {
  readonly ip: string
  readonly ips?: readonly string[] | undefined
  readonly protocol: string
  readonly host: string
}

/** An IPv4 address that came in over an IPv6 socket, in its own form. */
const plainAddress = (address: string) => (address.startsWith('::ffff:') ? address.slice(7) : address)

export const clientOf = ({ ip, ips, protocol, host }: AskedBy): Client => ({
  addresses: ips === undefined ? plainAddress(ip) : ips.toReversed().map(plainAddress).join(', '),
  proto: protocol,
  host
})

/** What the systems are told of who asks, as a flat list of names and values. */
export const forwardingHeaders = ({ addresses, proto, host }: Client): string[] => [
  'X-Forwarded-For',
  addresses,
  'X-Forwarded-Proto',
  proto,
  'X-Forwarded-Host',
  host
]

/** Throws `malformed_request` for two Authorization headers: systems may not agree on which one counts. */
export function refuseTwoAuthorizations(raw: readonly string[]): void {
  let found = false
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    if (found) throw new Fault('malformed_request', 'more than one Authorization header')
    found = true
  }
}

/**
 * The headers of a request for a system: the client's own, in order and byte for byte, as a flat list of names and values.
 * A trace that the gateway has begun takes the place of what the client sent for one.
 */
export function requestHeaders(
  raw: readonly string[],
  connection: string | undefined,
  client: Client,
  trace: Trace | null = null
): string[] {
  const named = namedBy(connection)
  const replaces = trace?.replaces ?? false
  const headers: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    const lower = name.toLowerCase()
    if (neverUp.has(lower) || named.includes(lower)) continue
    const initial = lower.charCodeAt(0)
    if ((initial === 0x78 || initial === 0x66) && forwardingName.test(lower)) continue // "x", "f"
    if (replaces && isReplaced(lower)) continue
    headers.push(name, raw[at + 1] as string)
  }
  headers.push(...forwardingHeaders(client))
  if (trace !== null && trace.begun !== null) headers.push('traceparent', trace.begun)
  return headers
}

/** `X-Dispatcher-Context`: the system that one request asks for; `auto` sets the session's own context aside. */
export function contextIn(headers: HeaderValues): System | 'auto' | undefined {
  const value = headers['x-dispatcher-context']
  if (value === undefined) return undefined
  return parseContext(value, 'X-Dispatcher-Context')
}

/** Throws `malformed_request` for what is no context; `place` tells where it stood. */
export function parseContext(value: unknown, place: string): System | 'auto' {
  if (value === 'source' || value === 'target' || value === 'auto') return value
  throw new Fault('malformed_request', `${place} is not source, target or auto`)
}

/** `Prefer: dispatcher=partial` (RFC 7240): a list may lack the part of a system that is away. */
export function prefersPartial({ prefer }: HeaderValues): boolean {
  if (prefer === undefined) return false
  return [prefer].flat().some((value) => /(?:^|,)\s*dispatcher\s*=\s*"?partial"?\s*(?:$|[,;])/i.test(value))
}

export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>

function each(
  value: string | readonly string[],
  told: (one: string, mapping: HostMapping) => string,
  mapping: HostMapping
): string | string[] {
  return typeof value === 'string' ? told(value, mapping) : value.map((one) => told(one, mapping))
}

/** The headers of a system's answer for the client, as a flat list; names in lower case, values byte for byte. */
export function responseHeaders(headers: HeaderValues, mapping: HostMapping): (string | string[])[] {
  const connection = headers.connection
  const named = namedBy(typeof connection === 'string' ? connection : connection?.join(','))
  const kept: (string | string[])[] = []
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || neverDown.has(name) || named.includes(name)) continue
    switch (name) {
      case 'location':
      case 'content-location':
        kept.push(name, each(value, publicLocation, mapping))
        break
      case 'refresh':
        kept.push(name, each(value, publicRefresh, mapping))
        break
      case 'access-control-allow-origin':
        kept.push(name, each(value, publicAllowOrigin, mapping))
        break
      case 'set-cookie': {
        const cookies = publicCookies(value, mapping)
        if (cookies.length > 0) kept.push(name, cookies)
        break
      }
      default:
        kept.push(name, value as string | string[])
    }
  }
  return kept
}
