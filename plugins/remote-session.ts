/**
 * remote-session
 * Adds  `app.remoteSession`: the routing cookie, which marks a browser's session as the source's, and the systems' own
 *       session cookies as credentials.
 * Needs way.
 * Off   no cookie is set or read; only API credentials route.
 */
import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { credentialsInCookies } from '../core/credentials.ts'
import { endsCookies } from '../core/ended-cookies.ts'
import { type Static, Type } from '../core/schema.ts'
import type { Credential, System } from '../core/words.ts'

const CookieName = (otherwise: string, description: string) =>
  Type.String({ pattern: '^[A-Za-z0-9_.-]+$', default: otherwise, description })

export const RemoteSessionOptions = Type.Object(
  {
    cookie: Type.Object(
      { name: CookieName('pb_dispatch', 'The routing cookie.') },
      { default: {}, additionalProperties: false, description: 'The routing cookie.' }
    ),
    upstreamCookies: Type.Object(
      {
        access_token: CookieName('access_token', 'The cookie in which the systems keep the access token.'),
        session_id: CookieName('session_id', 'The cookie in which the systems keep the session id.')
      },
      { default: {}, additionalProperties: false, description: "The systems' own session cookies." }
    )
  },
  { additionalProperties: false }
)

/** The one value that the routing cookie has; any other is nobody's word. */
const sourceMark = 'authorized-by-remote'

export interface ShownCookies {
  /** The routing cookie says that the session lives on the source. */
  readonly isSource: boolean
  readonly credentials: readonly Credential[]
}

declare module 'fastify' {
  interface FastifyInstance {
    remoteSession: {
      /** The names of the systems' own session cookies. */
      readonly upstreamCookies: ReadonlySet<string>
      read(headers: FastifyRequest['headers']): ShownCookies
      /** Whether an answer with these cookies ends what the request has shown of a session: a page's way to log out. */
      isEndedBy(request: FastifyRequest, setCookies: string | readonly string[]): boolean
      /** The Set-Cookie that makes a browser's routing cookie say `system`; null when it says so already. */
      correct(request: FastifyRequest, system: System): string | null
      /** The Set-Cookie after a login on `system`; null when there is nothing to set or to clear. */
      mark(request: FastifyRequest, system: System): string | null
    }
  }
}

const noCookies: ShownCookies = { isSource: false, credentials: [] }

async function remoteSession(app: FastifyInstance, options: Static<typeof RemoteSessionOptions>) {
  const { name } = options.cookie
  await app.register(cookie, { hook: false })

  function read(headers: FastifyRequest['headers']): ShownCookies {
    if (headers.cookie === undefined) return noCookies
    const cookies = app.parseCookie(headers.cookie)
    return {
      isSource: cookies[name] === sourceMark,
      credentials: credentialsInCookies(cookies, options.upstreamCookies)
    }
  }

  function isEndedBy({ headers }: FastifyRequest, setCookies: string | readonly string[]): boolean {
    if (headers.cookie === undefined) return false
    const cookies = app.parseCookie(headers.cookie)
    const names = Object.values(options.upstreamCookies)
    const shown = names.filter((one) => (cookies[one] ?? '') !== '')
    if (shown.length === 0 && cookies[name] === undefined) return false
    return endsCookies(setCookies, shown.length === 0 ? names : shown)
  }

  const hasCookie = ({ headers }: FastifyRequest) =>
    headers.cookie !== undefined && app.parseCookie(headers.cookie)[name] !== undefined

  function serialize(request: FastifyRequest, value: string, lifetime: object): string {
    const secure = request.protocol === 'https'
    return app.serializeCookie(name, value, { path: '/', httpOnly: true, sameSite: 'lax', secure, ...lifetime })
  }
  const set = (request: FastifyRequest) => serialize(request, sourceMark, {})
  const clear = (request: FastifyRequest) => serialize(request, '', { expires: new Date(0), maxAge: 0 })

  app.decorate('remoteSession', {
    upstreamCookies: new Set(Object.values(options.upstreamCookies)),
    read,
    isEndedBy,
    correct: (request, system) =>
      read(request.headers).isSource === (system === 'source') ? null : mark(request, system),
    mark
  })

  function mark(request: FastifyRequest, system: System): string | null {
    if (system === 'source') return set(request)
    return hasCookie(request) ? clear(request) : null
  }
}

export default fp(remoteSession, { name: 'remote-session', fastify: '5.x', dependencies: ['way'] })
