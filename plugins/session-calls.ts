/**
 * session-calls
 * Adds  `app.answerSessionCall`: logins, refreshes and logouts, whose answers the gateway reads to keep its records and
 *       the routing cookie (contract section 4).
 * Needs body, forward, homes; remote-session and login-forwarding where they are on.
 * Off   never.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { refusesSession, sessionOf } from '../core/answer.ts'
import { type Shown, shownCredentials } from '../core/credentials.ts'
import { type Decision, decide } from '../core/decide.ts'
import { Fault } from '../core/faults.ts'
import { asksOther, chooseAttempt, type LoginAttempt, type LoginResult, loginResult } from '../core/login.ts'
import type { SessionStep } from '../core/methods.ts'
import { type Call, type Home, otherSystem, type System } from '../core/words.ts'

declare module 'fastify' {
  interface FastifyInstance {
    answerSessionCall(step: SessionStep, request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** Where a login would go; nothing is counted and nobody is asked. */
    decideLogin(place: FastifyRequest['place'], call: Call): Promise<Decision>
    /** The same for a refresh. */
    decideRefresh(asked: Asked, call: Call): Promise<Decision>
  }
}

type Asked = Pick<FastifyRequest, 'target' | 'place' | 'headers'>

interface Outcome {
  readonly to: System
  readonly attempt: LoginAttempt
  readonly result: LoginResult
}

const loginNameOf = ({ params }: Call): string => (typeof params?.login === 'string' ? params.login : '')
const noHome: Home = { system: 'target', by: 'no_credential' }

async function sessionCalls(app: FastifyInstance) {
  const remoteSession = app.hasDecorator('remoteSession') ? app.remoteSession : null
  const loginForwarding = app.hasDecorator('loginForwarding') ? app.loginForwarding : null

  async function attempt(request: FastifyRequest, to: System): Promise<LoginAttempt> {
    try {
      return { answer: await app.exchange(request, to) }
    } catch (error) {
      if (error instanceof Fault && error.statusCode >= 500) return { fault: error }
      throw error
    }
  }

  /** Asks the decision's system, then the other one where the first refuses or is away. `forwardOn` null: any fault refuses. */
  async function inTurn(
    request: FastifyRequest,
    decision: Decision,
    forwardOn: ReadonlySet<string> | null
  ): Promise<Outcome> {
    const { to, reason, otherwise } = decision
    request.trail.reason = reason
    const tried = await attempt(request, to)
    const first: Outcome = { to, attempt: tried, result: loginResult(tried, forwardOn) }
    // A body that was not kept is gone with the first attempt.
    const isKept = request.content === null || Buffer.isBuffer(request.content)
    if (otherwise === null || !isKept || !asksOther(first.result)) return first
    const triedNext = await attempt(request, otherwise)
    const second: Outcome = { to: otherwise, attempt: triedNext, result: loginResult(triedNext, forwardOn) }
    const byTarget = to === 'target' ? first : second
    const bySource = to === 'target' ? second : first
    const chosen =
      chooseAttempt({ source: bySource.result, target: byTarget.result }) === 'target' ? byTarget : bySource
    request.trail.to = chosen.to
    if (chosen === second) request.trail.reason = 'login_forwarded'
    return chosen
  }

  function relay(request: FastifyRequest, reply: FastifyReply, { to, attempt }: Outcome, setCookie: string | null) {
    if ('fault' in attempt) throw attempt.fault
    app.relay(request, reply, to, attempt.answer, setCookie === null ? [] : [setCookie])
  }

  /** Keeps the session that an answer opened or renewed; false when it holds none. */
  async function keep({ to, attempt }: Outcome): Promise<boolean> {
    const session = 'answer' in attempt ? sessionOf(attempt.answer) : null
    if (session !== null) await app.homes.remember(session, to)
    return session !== null
  }

  async function decideLogin({ realm, pinned }: FastifyRequest['place'], call: Call): Promise<Decision> {
    const hint = (await loginForwarding?.hintFor(realm, loginNameOf(call))) ?? null
    const login = { hint, forwards: loginForwarding !== null }
    return decide({ realm, pinned, login, context: null, home: noHome, location: null })
  }

  async function login(request: FastifyRequest, reply: FastifyReply, call: Call) {
    const { place } = request
    const name = loginNameOf(call)
    await loginForwarding?.admit(request, name)
    const leave = await loginForwarding?.enter(place.realm, name)
    try {
      const decision = await decideLogin(place, call)
      const outcome = await inTurn(request, decision, loginForwarding?.forwardOn ?? new Set())
      const accepted = await keep(outcome)
      if (accepted) await loginForwarding?.noteLogin(place.realm, name, outcome.to)
      // A versioned host needs no cookie: it decides by itself.
      const marks = accepted && place.pinned === null
      relay(request, reply, outcome, marks ? (remoteSession?.mark(request, outcome.to) ?? null) : null)
    } finally {
      leave?.()
    }
  }

  const shownBy = ({ headers, target }: Asked, call: Call): Shown => {
    const inCookies = remoteSession?.read(headers).credentials ?? []
    return shownCredentials(headers.authorization, target.route, call, inCookies)
  }

  async function decideRefresh(asked: Asked, call: Call): Promise<Decision> {
    const { pinned, realm } = asked.place
    const home = await app.homes.resolve(shownBy(asked, call), false, null)
    const isKnown = home.by === 'record' || home.by === 'signature'
    // Nobody can be asked about a refresh token: without a record it is tried as a login is.
    const login = isKnown ? null : { hint: null, forwards: true }
    return decide({ realm, pinned, login, context: null, home, location: null })
  }

  async function refresh(request: FastifyRequest, reply: FastifyReply, call: Call) {
    const outcome = await inTurn(request, await decideRefresh(request, call), null)
    await keep(outcome)
    relay(request, reply, outcome, null)
  }

  async function logout(request: FastifyRequest, reply: FastifyReply, call: Call) {
    const { pinned, realm } = request.place
    const shown = shownBy(request, call)
    const asker = { realm, address: request.ip }
    const isSource = remoteSession?.read(request.headers).isSource ?? false
    const home = await app.homes.resolve(shown, isSource, asker)
    const decision = decide({ realm, pinned, login: null, context: null, home, location: null })
    let outcome = await inTurn(request, decision, new Set())
    const [credential] = shown.credentials
    if ('fault' in outcome.attempt) throw outcome.attempt.fault
    // A stale cookie: the session may live on the other system, and would live on there.
    if (!decision.certain && credential !== undefined && refusesSession(request.target.route, outcome.attempt.answer)) {
      const lives = await app.homes.ask(credential, asker)
      if (lives === otherSystem(decision.to))
        outcome = await inTurn(request, { ...decision, to: lives, reason: 'asked' }, new Set())
    }
    if ('answer' in outcome.attempt && outcome.attempt.answer.status < 502) {
      for (const ended of shown.credentials) await app.homes.forget(ended)
    }
    relay(request, reply, outcome, remoteSession?.mark(request, 'target') ?? null)
  }

  app.decorate('decideLogin', decideLogin)
  app.decorate('decideRefresh', decideRefresh)
  app.decorate('answerSessionCall', async function answerSessionCall(step, request, reply) {
    const call = await app.readCall(request)
    if (step === 'login') await login(request, reply, call)
    else if (step === 'refresh') await refresh(request, reply, call)
    else await logout(request, reply, call)
  })
}

export default fp(sessionCalls, { name: 'session-calls', fastify: '5.x', dependencies: ['body', 'forward', 'homes'] })
