/**
 * The hosts by which ops may be asked. A page whose own name was made to point here (DNS rebinding) is of one origin with
 * us to its browser, and asks by that name: nobody can do so by an address.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { hostName } from '../../../core/hosts.ts'

const nameForm = /^[\w-]+(?:\.[\w-]+)*\.?(?::\d*)?$/
const bracketForm = /^\[([\da-f:.]*)\](?::\d*)?$/i

export type IsOwnHost = (host: string | undefined) => boolean

/** Addresses are ours, and localhost, and what the config names. */
export function createHostCheck(named: readonly string[]): IsOwnHost {
  const known = new Set(named.map(hostName))
  return function isOwnHost(host = '') {
    const [, inBrackets] = bracketForm.exec(host) ?? []
    if (inBrackets !== undefined) return isIPv6(inBrackets)
    if (!nameForm.test(host)) return false
    const name = hostName(host)
    return isIPv4(name) || name === 'localhost' || name.endsWith('.localhost') || known.has(name)
  }
}

/** Every host that a request names: a proxy that is trusted may tell another than it asks by. */
export const hostsOf = ({ headers, host }: FastifyRequest) => [headers.host, host]

/** A request target that is a whole URL: its authority takes the Host header's place (RFC 9112 section 3.2.2). */
export function readWholeUrl(raw: IncomingMessage): string {
  const url = raw.url ?? ''
  const [, authority, rest = ''] = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)(.*)$/i.exec(url) ?? []
  if (authority === undefined) return url
  raw.headers.host = authority
  return rest.startsWith('/') ? rest : `/${rest}`
}
