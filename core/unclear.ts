/**
 * Requests that Node's parser takes, and that a proxy before the gateway or a system behind it may read otherwise. What is
 * judged here must be what the system sees (RFC 9112 section 11.2).
 */
import { Fault } from './faults.ts'

/** What of a request tells where it ends. */
export interface Framed {
  readonly httpVersionMajor: number
  readonly httpVersionMinor: number
  readonly headers: { readonly 'transfer-encoding'?: string | undefined }
}

/**
 * Whether it is not sure where a request ends, so that nothing behind it can be believed: other versions than HTTP/1,
 * codings of the body beside chunked, and chunked in HTTP/1.0 (RFC 9112 section 6.1).
 */
export function isUnclearlyFramed({ httpVersionMajor, httpVersionMinor, headers }: Framed): boolean {
  if (httpVersionMajor !== 1) return true
  const coding = headers['transfer-encoding']
  return coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked')
}

/** A name, an IPv4 or a bracketed IPv6 address, and a port (RFC 9110 section 7.2); or nothing. */
const hostForm = /^(?:[\w.-]*|\[[\da-f:.]+\])(?::\d*)?$/i

/** Throws `malformed_request` for a host such as `own.test:80@evil.test`: it would go into redirects and to the systems. */
export function refuseUnclearHost(host: string | undefined): void {
  if (host !== undefined && !hostForm.test(host)) throw new Fault('malformed_request', 'the Host header is no host')
}

/**
 * Throws `malformed_request` for two Host headers (RFC 9112 section 3.2), or two Content-Types: Node tells the first alone,
 * and a system may go by the last.
 */
export function refuseRepeated(rawHeaders: readonly string[]): void {
  let hosts = 0
  let contentTypes = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    // For most headers two lengths are compared, and no name.
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
    else if (name.length === 12 && name.toLowerCase() === 'content-type') contentTypes++
  }
  if (hosts > 1) throw new Fault('malformed_request', 'more than one Host header')
  if (contentTypes > 1) throw new Fault('malformed_request', 'more than one Content-Type header')
}
