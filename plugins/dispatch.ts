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
import { type Decision, decide, type Facts } from '../core/decide.ts'
import { refuseTwoAuthorizations } from '../core/headers.ts'
import { isUnreadLogin, sessionStepOf } from '../core/methods.ts'
import { type Credential, type Home, noCall } from '../core/words.ts'

/** A request as far as the decision looks at it. */
export type Asked = Pick<FastifyRequest, 'target' | 'place' | 'headers' | 'content'>

declare module 'fastify' {
  interface FastifyInstance {
    dispatchRequest(request: FastifyRequest, reply: FastifyReply): void
    explain(asked: Asked): Promise<Decision>
  }
}

const noHome: Home = { system: 'target', by: 'no_credential' }
const factsFor = ({ place: { realm, pinned } }: Asked, home: Home): Facts => ({
  realm,
  pinned,
  login: null,
  context: null,
  home,
  location: null
})
const noCookies = { isSource: false, credentials: [] }

async function dispatch(app: FastifyInstance, { apiRoutes }: { readonly apiRoutes: readonly string[] }) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null

  /** Whether the call must be read for its credential: no header decides, and no cookie does unless the call has its own. */
  function mustRead({ target, content }: Asked, hasCookies: boolean): boolean {
    const { wire, inPath, service } = target.route
    if (wire !== 'rest') return false
    if (inPath !== noCall || service === 'Session') return true
    if (content === null) return false
    return !hasCookies || (Buffer.isBuffer(content) && content.includes('auth_info'))
  }

  /** What a request shows outside its body, and whether its body must be read for more. */
  function look(asked: Asked) {
    const { headers } = asked
    const { isSource, credentials: inCookies } = remoteSession?.read(headers) ?? noCookies
    const bearer = bearerOf(headers.authorization)
    const reads = bearer === null && mustRead(asked, isSource || inCookies.length > 0)
    return { isSource, inCookies, reads, credentials: bearer === null ? inCookies : [bearer] }
  }

  async function showAll(asked: Asked, { reads, inCookies }: ReturnType<typeof look>): Promise<Shown> {
    const call = reads ? await app.readAuthInfo(asked) : null
    return shownCredentials(asked.headers.authorization, asked.target.route, call, inCookies)
  }

  const decideFor = (asked: Asked, home: Home) => decide(factsFor(asked, home))

  function send(request: FastifyRequest, reply: FastifyReply, decision: Decision, credentials: readonly Credential[]) {
    request.trail.reason = decision.reason
    const [credential] = credentials
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

  async function dispatchSlowly(request: FastifyRequest, reply: FastifyReply, seen: ReturnType<typeof look>) {
    const shown = await showAll(request, seen)
    const asker = { realm: request.place.realm, address: request.ip }
    const home = await app.homes.resolve(shown, seen.isSource, asker)
    send(request, reply, decideFor(request, home), shown.credentials)
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
    if (isUnreadLogin(route)) {
      send(request, reply, decide({ ...factsFor(request, noHome), login: { hint: null, forwards: false } }), [])
      return
    }
    if (place.pinned !== null) {
      send(request, reply, decideFor(request, noHome), [])
      return
    }
    // The hot path: a token or a cookie that is known decides at once; nothing is read and nothing awaited.
    const seen = look(request)
    const home = seen.reads ? undefined : app.homes.atOnce(seen.credentials, seen.isSource)
    if (home === undefined) dispatchSlowly(request, reply, seen).catch(fail)
    else send(request, reply, decideFor(request, home), seen.credentials)
  })

  app.decorate('explain', async function explain(asked: Asked): Promise<Decision> {
    const step = sessionStepOf(asked.target.route)
    if (step === 'login') return app.decideLogin(asked.place, await app.readCall(asked))
    if (step === 'refresh') return app.decideRefresh(asked, await app.readCall(asked))
    if (asked.place.pinned !== null) return decideFor(asked, noHome)
    const seen = look(asked)
    return decideFor(asked, await app.homes.resolve(await showAll(asked, seen), seen.isSource, null))
  })

  app.proxy(apiRoutes)
}

export default fp(dispatch, {
  name: 'dispatch',
  fastify: '5.x',
  dependencies: ['body', 'forward', 'homes', 'session-calls']
})
