/**
 * Who may use ops. A script shows the token. A browser shows it once and has a session then; on loopback, without a token,
 * whoever is on this machine is admitted, but no page of a stranger that runs in a browser here.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../../../core/faults.ts'
import { refuseTwoAuthorizations } from '../../../core/headers.ts'
import { refuseRepeated } from '../../../core/unclear.ts'
import type { Config } from '../../config-schema.ts'
import { isConsoleOn } from '../console.ts'
import { createHostCheck, hostsOf } from './hosts.ts'
import { addSessions, type ConsoleSessions, requireCsrf } from './sessions.ts'
import { addSignIn, addSignOut, sendSignIn } from './sign-in.ts'
import { isForConsole, isRead, refuseForms, refuseOtherSites } from './sites.ts'
import { bearerIn, createTokenCheck, type IsRightToken } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether it has shown the ops token itself. */
    showsOpsToken: boolean
  }
}

/** What is behind the guard; `csrfOf` tells what a page's requests must show. */
type AddGuarded = (scope: FastifyInstance, csrfOf: (request: FastifyRequest) => string) => unknown

/** Whom a browser may have been led to, and by whom: before anything else is looked at. */
function refuseStrangers(scope: FastifyInstance, { ops }: Config, isRightToken: IsRightToken) {
  const isOwnHost = createHostCheck([ops.host, ...ops.hosts])
  scope.decorateRequest('showsOpsToken', false)
  scope.addHook('onRequest', async function refuseStranger(request) {
    refuseRepeated(request.raw.rawHeaders)
    refuseTwoAuthorizations(request.raw.rawHeaders)
    const { authorization = '' } = request.headers
    if (ops.token !== '' && authorization !== '') {
      // Before the host is: it must not tell at once which token is right.
      if (!(await isRightToken(bearerIn(authorization), request.ip))) throw new Fault('unauthorized')
      request.showsOpsToken = true
      return
    }
    if (!hostsOf(request).every(isOwnHost)) throw new Fault('unknown_ops_host')
    refuseOtherSites(request)
  })
}

const wantsPage = (request: FastifyRequest) =>
  isForConsole(request) && (request.headers.accept?.includes('text/html') ?? false)

/** The last hook before whatever is guarded, unknown paths as well. */
function createGuard(token: string, sessions: ConsoleSessions | null) {
  return async function requireAccess(request: FastifyRequest, reply: FastifyReply) {
    if (request.showsOpsToken) return
    if (token === '') {
      if (!isRead(request)) refuseForms(request)
      return
    }
    if (sessions !== null && (await sessions.isOpen(request, reply))) {
      if (!isRead(request)) requireCsrf(request, sessions.csrfOf(request))
      return
    }
    if (sessions !== null && wantsPage(request)) return sendSignIn(reply)
    throw new Fault('unauthorized')
  }
}

export function addAccess(ops: FastifyInstance, app: FastifyInstance, config: Config, addGuarded: AddGuarded) {
  const { token } = config.ops
  ops.register(async function faced(scope) {
    const isRightToken = createTokenCheck(token, scope.log)
    refuseStrangers(scope, config, isRightToken)
    const sessions = token !== '' && isConsoleOn(config) ? await addSessions(scope, app, config) : null
    if (sessions !== null) addSignIn(scope, sessions, isRightToken)

    scope.register(async function guarded(inner) {
      inner.addHook('onRequest', createGuard(token, sessions))
      inner.setNotFoundHandler(() => {
        throw new Fault('not_found')
      })
      if (sessions !== null) addSignOut(inner, sessions)
      await addGuarded(inner, sessions === null ? () => '' : sessions.csrfOf)
    })
  })
}
