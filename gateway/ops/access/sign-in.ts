/**
 * The page that asks for the ops token, once a browser: a plain form, without a script.
 */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Fault } from '../../../core/faults.ts'
import { contentSecurityPolicy } from './headers.ts'
import type { ConsoleSessions } from './sessions.ts'
import { consolePath } from './sites.ts'
import type { IsRightToken } from './tokens.ts'

const sessionPath = `${consolePath}/session`
const formLimitBytes = 4096

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 24rem; margin: 15vh auto 0; padding: 0 1rem }
input, button { box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; margin-top: .5rem }
[role=alert] { border-left: .25rem solid light-dark(#b3261e, #ff8a80); padding-left: .75rem }
`
const policy = contentSecurityPolicy({ styles: [`'sha256-${createHash('sha256').update(style).digest('base64')}'`] })

/** `wrong` is a sentence of ours. */
const pageOf = (wrong: string | null) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - WebDispatcher console</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>WebDispatcher console</h1>
${wrong === null ? '' : `<p role="alert">${wrong}</p>\n`}<form method="post" action="${sessionPath}">
<label for="token">Ops token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
</form>
<p>It is <code>ops.token</code> of the config. If you have signed in already, <a href="${consolePath}">open the console</a>.</p>
</main>
</body>
</html>
`

export function sendSignIn(reply: FastifyReply, status = 401, wrong: string | null = null): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policy)
    .send(pageOf(wrong))
}

/** Where the form goes. */
export function addSignIn(scope: FastifyInstance, sessions: ConsoleSessions, isRightToken: IsRightToken) {
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done: (error: null, fields: URLSearchParams) => void) =>
      done(null, new URLSearchParams(String(body)))
  )
  scope.post(sessionPath, { bodyLimit: formLimitBytes }, async function signIn(request, reply) {
    const shown = request.body instanceof URLSearchParams ? (request.body.get('token') ?? '') : ''
    try {
      if (!(await isRightToken(shown, request.ip))) return sendSignIn(reply, 401, 'That is not the ops token.')
    } catch (error) {
      if (!(error instanceof Fault) || error.retryAfter === undefined) throw error
      reply.header('retry-after', error.retryAfter)
      const wait = `Try again in ${error.retryAfter} seconds.`
      return sendSignIn(reply, error.statusCode, `Too many wrong tokens came from this address. ${wait}`)
    }
    await sessions.begin(request)
    return reply.redirect(consolePath, 303)
  })
}

/** The end of a session: for who is admitted, as everything else. */
export function addSignOut(scope: FastifyInstance, sessions: ConsoleSessions) {
  scope.delete(sessionPath, async function signOut(request, reply) {
    await sessions.end(request, reply)
    return reply.code(204).send()
  })
}
