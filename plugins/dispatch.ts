/**
 * dispatch
 * Adds  `app.dispatchRequest`, which gathers the facts, asks `decide()` and hands over; `app.explain`, which does the
 *       same for a request that is only described, and sends nothing.
 * Needs body, forward, homes, session-calls; remote-session where it is on.
 * Off   never.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { bearerOf, type Shown, shownCredentials } from '../core/credentials.ts'
import { type Decision, decide } from '../core/decide.ts'
import { refuseTwoAuthorizations } from '../core/headers.ts'
import { sessionStepOf } from '../core/methods.ts'
import type { Home } from '../core/words.ts'

/** A request as far as the decision looks at it. */
export type Asked = Pick<FastifyRequest, 'target' | 'place' | 'headers' | 'content'>

declare module 'fastify' {
  interface FastifyInstance {
    dispatchRequest(request: FastifyRequest, reply: FastifyReply): void
    explain(asked: Asked): Promise<Decision>
  }
}

const pinnedHome: Home = { system: 'target', by: 'no_credential' }
const noCookies = { isSource: false, credentials: [] }
const nothingShown: Shown = { credentials: [], together: false }

async function dispatch(app: FastifyInstance, { apiRoutes }: { readonly apiRoutes: readonly string[] }) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null

  /** Whether the call must be read for its credential: no header decides, and no cookie does unless the call has its own. */
  function mustRead({ target, content }: Asked, hasCookies: boolean): boolean {
    const { wire, inPath, service } = target.route
    if (wire !== 'rest') return false
    if (inPath !== '' || service === 'Session') return true
    if (content === null) return false
    return !hasCookies || (Buffer.isBuffer(content) && content.includes('auth_info'))
  }

  async function gather(asked: Asked) {
    const { headers, target } = asked
    const cookies = remoteSession?.read(headers) ?? noCookies
    const hasBearer = bearerOf(headers.authorization) !== null
    const hasCookies = cookies.isSource || cookies.credentials.length > 0
    const call = !hasBearer && mustRead(asked, hasCookies) ? await app.readAuthInfo(asked) : null
    const shown = shownCredentials(headers.authorization, target.route, call, cookies.credentials)
    return { shown, isSource: cookies.isSource }
  }

  function decideFor({ place }: Asked, home: Home): Decision {
    return decide({ realm: place.realm, pinned: place.pinned, login: null, context: null, home, location: null })
  }

  function send(request: FastifyRequest, reply: FastifyReply, decision: Decision, shown: Shown) {
    request.trail.reason = decision.reason
    const [credential] = shown.credentials
    const isKept = request.content === null || Buffer.isBuffer(request.content)
    const recover =
      decision.certain || credential === undefined || !isKept
        ? null
        : async () => {
            const to = await app.homes.ask(credential, { realm: request.place.realm, address: request.ip })
            if (to === null || to === decision.to) return null
            return { to, setCookie: remoteSession?.correct(request, to) ?? null }
          }
    app.forward(request, reply, { to: decision.to, setCookie: null, recover })
  }

  async function dispatchSlowly(request: FastifyRequest, reply: FastifyReply) {
    const { shown, isSource } = await gather(request)
    const home = await app.homes.resolve(shown, isSource, { realm: request.place.realm, address: request.ip })
    send(request, reply, decideFor(request, home), shown)
  }

  app.decorate('dispatchRequest', function dispatchRequest(request, reply) {
    const { target, place, headers } = request
    const { route } = target
    const fail = (error: unknown) => {
      reply.send(error)
    }
    if (headers.authorization !== undefined) refuseTwoAuthorizations(request.raw.rawHeaders)
    const step = sessionStepOf(route)
    if (step !== null) {
      app.answerSessionCall(step, request, reply).catch(fail)
      return
    }
    if (place.pinned !== null) {
      send(request, reply, decideFor(request, pinnedHome), nothingShown)
      return
    }
    // The hot path: a bearer token that is known decides at once, and nothing is read or awaited.
    const bearer = bearerOf(headers.authorization)
    const home = bearer === null ? undefined : app.homes.known(bearer)
    if (home) send(request, reply, decideFor(request, home), nothingShown)
    else dispatchSlowly(request, reply).catch(fail)
  })

  app.decorate('explain', async function explain(asked: Asked): Promise<Decision> {
    if (sessionStepOf(asked.target.route) === 'login') return app.decideLogin(asked.place, await app.readCall(asked))
    if (asked.place.pinned !== null) return decideFor(asked, pinnedHome)
    const { shown, isSource } = await gather(asked)
    return decideFor(asked, await app.homes.resolve(shown, isSource, null))
  })

  app.proxy(apiRoutes)
}

export default fp(dispatch, {
  name: 'dispatch',
  fastify: '5.x',
  dependencies: ['body', 'forward', 'homes', 'session-calls']
})
