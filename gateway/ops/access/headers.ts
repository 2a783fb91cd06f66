/**
 * What browsers are told with every answer of ops: to run, load and keep nothing that is not ours.
 */
import type { FastifyReply } from 'fastify'

interface Inline {
  /** `'sha256-...'` of scripts and styles that stand in the page itself. */
  readonly scripts?: readonly string[]
  readonly styles?: readonly string[]
}

export const contentSecurityPolicy = ({ scripts = [], styles = [] }: Inline = {}): string =>
  [
    "default-src 'none'",
    ["script-src 'self'", ...scripts].join(' '),
    ["style-src 'self'", ...styles].join(' '),
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'"
  ].join('; ')

const headers = {
  'content-security-policy': contentSecurityPolicy(),
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: with that, browsers give the Origin of our own forms as `null` (Fetch, append the Origin header).
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store'
}

export const addHeaders = (reply: FastifyReply): FastifyReply => reply.headers(headers)
