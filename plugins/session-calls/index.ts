/**
 * session-calls
 * Adds  `app.answerSessionCall`: logins, refreshes and logouts, whose answers the gateway reads to keep its records and
 *       the routing cookie, and contexts, which it answers by itself (contract section 4).
 * Needs body, forward, homes, paired-sessions; remote-session and login-forwarding where they are on.
 * Off   never.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { refusesSession, sessionOf } from '../../core/answer.ts'
import type { Shown } from '../../core/credentials.ts'
import { type Decision, decide, noFacts } from '../../core/decide.ts'
import type { SessionStep } from '../../core/methods.ts'
import { askerOf } from '../../core/own-call.ts'
import {
  type Call,
  type Credential,
  type Home,
  isCertain,
  isSingleHome,
  otherSystem,
  type System
} from '../../core/words.ts'
import { createAttempts, isKept, type Outcome } from './attempts.ts'
import { createContext } from './context.ts'
import { createPairs } from './pairs.ts'
import { type Asked, createShown } from './shown.ts'

declare module 'fastify' {
  interface FastifyInstance {
    answerSessionCall(step: SessionStep, request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** Where a login would go; nothing is counted and nobody is asked. */
    decideLogin(place: FastifyRequest['place'], call: Call): Promise<Decision>
    /** The same for a refresh. */
    decideRefresh(asked: Asked, call: Call): Promise<Decision>
  }
}

type Single = Decision & { readonly to: System }

const loginNameOf = ({ params }: Call): string => (typeof params?.login === 'string' ? params.login : '')
interface Setting {
  /** The path that `Session/logout` has on the systems. */
  readonly logoutPath: string
}

async function sessionCalls(app: FastifyInstance, { logoutPath }: Setting) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null
  const loginForwarding = app.hasDecorator('loginForwarding') ? app.loginForwarding : null
  const { inTurn } = createAttempts(app)
  const pairs = createPairs(app, logoutPath)
  const sessionShown = createShown(remoteSession)
  const { cookiesOf, shownBy, everyShownBy, shownToRefresh } = sessionShown

  function relay(request: FastifyRequest, reply: FastifyReply, { to, attempt }: Outcome, setCookie: string | null) {
    if ('fault' in attempt) throw attempt.fault
    app.relay(request, reply, to, attempt.answer, setCookie === null ? [] : [setCookie])
  }

  /** Keeps the session that one system's answer opened; or renewed, where it had a home so far. */
  async function keep({ place }: FastifyRequest, { to, attempt }: Outcome, home: Home, shown: readonly Credential[]) {
    const opened = 'answer' in attempt ? sessionOf(attempt.answer) : null
    if (opened === null) return
    if (isSingleHome(place.realm)) await app.homes.remember(opened, { system: to })
    else await pairs.adopt(opened, to, isCertain(home) ? await app.homes.keptFor(home, shown) : null)
  }

  async function decideLogin(place: FastifyRequest['place'], call: Call): Promise<Decision> {
    const hint = (await loginForwarding?.hintFor(place.realm, loginNameOf(call))) ?? null
    const login = { step: 'login', hint, forwards: loginForwarding !== null } as const
    return decide({ ...noFacts, ...place, login })
  }

  const forwardOn = loginForwarding?.forwardOn ?? new Set<string>()

  async function loginBy(request: FastifyRequest, call: Call): Promise<Outcome> {
    const decision = await decideLogin(request.place, call)
    if (decision.to === 'both' && isKept(request)) {
      return pairs.login(request, forwardOn, everyShownBy(request, call))
    }
    const to = decision.to === 'both' ? 'target' : decision.to
    const outcome = await inTurn(request, { ...decision, to }, forwardOn)
    await keep(request, outcome, noFacts.home, [])
    return outcome
  }

  async function login(request: FastifyRequest, reply: FastifyReply, call: Call) {
    const { place } = request
    const name = loginNameOf(call)
    await loginForwarding?.admit(request, name)
    // Where both are asked anyway, there is nothing to learn from a login that is under way.
    const turn = isSingleHome(place.realm) ? loginForwarding?.enter(place.realm, name) : undefined
    const leave = turn && (await request.trail.waitFor(turn))
    try {
      const outcome = await loginBy(request, call)
      const accepted = outcome.result === 'accepted'
      if (accepted) await loginForwarding?.noteLogin(place.realm, name, outcome.to)
      // A versioned host needs no cookie: it decides by itself.
      const marks = accepted && place.pinned === null
      relay(request, reply, outcome, marks ? (remoteSession?.mark(request, outcome.to) ?? null) : null)
    } finally {
      leave?.()
    }
  }

  function refreshDecision(asked: Asked, home: Home): Decision {
    const isKnown = home.by === 'record' || home.by === 'signature'
    // Nobody can be asked about a refresh token: without a record it is tried as a login is.
    const login = isKnown ? null : ({ step: 'refresh', hint: null, forwards: true } as const)
    const to = decide({ ...noFacts, ...asked.place, login, home })
    // On a versioned host too: one system alone would not know the session by what the client holds, or lose the other.
    return home.system === 'both' ? { ...to, to: 'both', reason: 'session_record' } : to
  }

  async function decideRefresh(asked: Asked, call: Call): Promise<Decision> {
    return refreshDecision(asked, await app.homes.resolve(shownToRefresh(asked, call), false, null, asked.place.realm))
  }

  /** A token that expired took the routing cookie along. */
  function cookieAfterRefresh(request: FastifyRequest, { to, result }: Outcome): string | null {
    const { place, headers } = request
    const isBrowser = headers.cookie !== undefined && isSingleHome(place.realm) && place.pinned === null
    return isBrowser && result === 'accepted' ? (remoteSession?.correct(request, to) ?? null) : null
  }

  async function refresh(request: FastifyRequest, reply: FastifyReply, call: Call) {
    const shown = shownToRefresh(request, call)
    const home = await app.homes.resolve(shown, false, null, request.place.realm)
    const decision = refreshDecision(request, home)
    request.trail.reason = decision.reason
    if (decision.to === 'both' && home.session !== undefined) {
      relay(request, reply, await pairs.refresh(request, home.session), null)
      return
    }
    const outcome = await inTurn(request, decision as Single, null)
    await keep(request, outcome, home, shown.credentials)
    relay(request, reply, outcome, cookieAfterRefresh(request, outcome))
  }

  async function logoutAt(request: FastifyRequest, shown: Shown, home: Home): Promise<Outcome> {
    const decision = decide({ ...noFacts, ...request.place, home }) as Single
    const outcome = await inTurn(request, decision, new Set())
    const [credential] = shown.credentials
    if ('fault' in outcome.attempt) throw outcome.attempt.fault
    // A stale cookie: the session may live on the other system, and would live on there.
    if (!decision.certain && credential !== undefined && refusesSession(request.target.route, outcome.attempt.answer)) {
      const lives = await request.trail.waitFor(app.homes.ask(credential, askerOf(request)))
      if (lives === otherSystem(decision.to)) {
        return inTurn(request, { ...decision, to: lives, reason: 'asked' }, new Set())
      }
    }
    return outcome
  }

  async function logout(request: FastifyRequest, reply: FastifyReply, call: Call) {
    const shown = shownBy(request, call)
    const home = await request.trail.waitFor(
      app.homes.resolve(shown, cookiesOf(request).isSource, askerOf(request), null)
    )
    const { session } = home
    const outcome =
      home.system === 'both' && session !== undefined
        ? await pairs.logout(request, session, everyShownBy(request, call))
        : await logoutAt(request, shown, home)
    if ('answer' in outcome.attempt && outcome.attempt.answer.status < 502) {
      for (const ended of shown.credentials) await app.homes.forget(ended)
    }
    relay(request, reply, outcome, remoteSession?.mark(request, 'target') ?? null)
  }

  const steps = { login, refresh, logout, context: createContext(app, sessionShown) }

  app.decorate('decideLogin', decideLogin)
  app.decorate('decideRefresh', decideRefresh)
  app.decorate('answerSessionCall', async function answerSessionCall(step, request, reply) {
    await steps[step](request, reply, await app.readCall(request))
  })
}

export default fp(sessionCalls, {
  name: 'session-calls',
  fastify: '5.x',
  dependencies: ['body', 'forward', 'homes', 'paired-sessions']
})
