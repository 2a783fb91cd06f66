/**
 * Strict-Transport-Security: browsers are told once and for all to come by HTTPS (RFC 6797). Every answer of a listener
 * that has it says so, whoever gives it; and each says it once, for browsers go by the first.
 */
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { ListenerTls } from './tls-schema.ts'

const header = 'strict-transport-security'

/** The header's value; null where there is none. */
export function strictTransport(tls: ListenerTls | undefined): string | null {
  const hsts = tls?.hsts ?? false
  if (hsts === false) return null
  const { maxAge, includeSubDomains = false, preload = false } = hsts
  return `max-age=${maxAge}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`
}

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

/** The flat list with the gateway's own word in the place of a system's: the policy is the public host's. */
function stated(headers: OutgoingHttpHeader[], value: string): OutgoingHttpHeader[] {
  const own: OutgoingHttpHeader[] = [header, value]
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string
    if (name.length === header.length && name.toLowerCase() === header) continue
    own.push(name, headers[at + 1] as OutgoingHttpHeader)
  }
  return own
}

/** Answers that say it. All leave by `writeHead`, also those whose head Node writes by itself. */
export function strictResponse(value: string): typeof ServerResponse {
  return class StrictResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
    override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
      const given = typeof reason === 'string' ? headers : (headers ?? reason)
      const phrase = typeof reason === 'string' ? reason : undefined
      if (Array.isArray(given)) {
        const list = stated(given, value)
        return phrase === undefined ? super.writeHead(status, list) : super.writeHead(status, phrase, list)
      }
      this.setHeader(header, value)
      return phrase === undefined ? super.writeHead(status, given) : super.writeHead(status, phrase, given)
    }
  }
}
