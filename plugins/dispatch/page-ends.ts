/**
 * Sessions that a page ends, by taking their cookies out of the browser: nothing of one may lead the next who comes there
 * (contract section 4).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { codeOf } from '../../core/faults.ts'
import { type Asker, askerOf, ownCall } from '../../core/own-call.ts'
import type { Credential, Half } from '../../core/words.ts'

type CookieFor = NonNullable<Parameters<FastifyInstance['forward']>[2]['cookieFor']>

const answerBytes = 65_536

export function createPageEnds(app: FastifyInstance, logoutPath: string) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null

  /** The half that only the gateway knows would live on, out of everybody's reach. */
  async function endHalf(half: Half, { realm, client }: Asker) {
    const kind = half.access_token === undefined ? 'session_id' : 'access_token'
    const value = half[kind]
    if (value === undefined) return
    await app.upstream('source', realm).exchange(ownCall(logoutPath, '{}', { kind, value }, client), answerBytes)
  }

  async function end(credentials: readonly Credential[], asker: Asker) {
    for (const credential of credentials) {
      const home = await app.homes.find(credential)
      await app.homes.forget(credential)
      const half = home?.session?.halves?.source
      if (half !== undefined) await endHalf(half, asker)
    }
  }

  /** What the routing cookie becomes with a page's answer; null where no session ends. */
  return function cookieFor(request: FastifyRequest): CookieFor | undefined {
    if (remoteSession === null || request.target.route.wire !== 'page') return undefined
    return function cookieOfEnd({ headers }) {
      const setCookies = headers['set-cookie']
      if (setCookies === undefined || !remoteSession.isEndedBy(request, setCookies)) return null
      end(remoteSession.read(request.headers).credentials, askerOf(request)).catch((cause: unknown) =>
        request.log.warn({ why: codeOf(cause) }, 'a session that a page has ended is not ended everywhere')
      )
      return remoteSession.mark(request, 'target')
    }
  }
}
