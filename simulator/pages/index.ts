/**
 * The self-care pages of a system: a login that calls the API, pages behind it that name the release, and a logout.
 */
import { type Answer, type HeaderList, jsonAnswer, textAnswer } from '../answers.ts'
import { ApiFault } from '../api-fault.ts'
import { answering, type Exchange, sessionOf } from '../calls.ts'
import { endedCookie, isSecure } from '../session-cookies.ts'
import type { Session } from '../sessions.ts'
import { icon, script, style } from './assets.ts'
import { insidePages, saveProfile } from './inside.ts'
import { htmlAnswer, originOf, pagesOf, redirect } from './layout.ts'

const assets: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/static/app.js': ['text/javascript; charset=UTF-8', script],
  '/static/style.css': ['text/css; charset=UTF-8', style],
  '/static/icon.svg': ['image/svg+xml', icon],
  '/favicon.ico': ['image/svg+xml', icon]
}

export function answerPage(exchange: Exchange): Answer {
  const { target, req } = exchange
  const { path } = target
  if (req.method === 'POST' && path === '/profile') return postProfile(exchange)
  if (req.method !== 'GET' && req.method !== 'HEAD') return textAnswer('text/plain', 'Method not allowed\n', 405)
  const asset = assets[path]
  if (asset !== undefined) return textAnswer(...asset).with(['Content-Location', originOf(exchange) + path])
  if (path === '/login') return loginPage(exchange)
  if (path === '/logout') return logout(exchange)
  const session = liveSession(exchange)
  if (path === '/') return redirect(exchange, session === null ? '/login' : '/dashboard')
  const page = pagesOf(exchange.realm).includes(path) ? insidePages[path] : undefined
  if (page === undefined) return htmlAnswer(exchange, 'Not found', '<p>There is no such page.</p>', 404)
  return session === null ? redirect(exchange, '/login') : page(exchange, session)
}

function liveSession(exchange: Exchange): Session | null {
  try {
    return sessionOf(exchange)
  } catch (error) {
    if (error instanceof ApiFault) return null
    throw error
  }
}

function loginPage(exchange: Exchange): Answer {
  const form = `<form id="login"><label>Login <input name="login" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Log in</button></form>`
  return htmlAnswer(exchange, 'Login', form)
}

/** A write by cookie is taken from this system's own pages alone: another site could have the browser send one as well. */
function postProfile(exchange: Exchange): Answer {
  const { origin, referer } = exchange.req.headers
  const from = origin ?? (URL.canParse(referer ?? '') ? new URL(referer ?? '').origin : 'nowhere')
  const own = originOf(exchange)
  if (from !== own || !(referer ?? `${own}/`).startsWith(`${own}/`)) {
    return jsonAnswer({ faultcode: 'forged', faultstring: `Not from a page of ours, but from ${from}` }, 403)
  }
  return answering(exchange, () => {
    saveProfile(exchange, sessionOf(exchange))
    return jsonAnswer({ success: 1 })
  })
}

/** The older release answers with a page that goes on by itself, the newer one redirects. */
function logout(exchange: Exchange): Answer {
  const { system, req } = exchange
  const session = liveSession(exchange)
  if (session !== null) system.sessions.end(session)
  const ended: HeaderList = (['access_token', 'session_id'] as const).map((name) =>
    endedCookie(system, name, isSecure(req))
  )
  if (system.role === 'target') return redirect(exchange, '/login').with(...ended)
  const page = htmlAnswer(exchange, 'Logged out', '<p><a href="/login">Log in again</a></p>')
  return page.with(['Refresh', `0; url=${originOf(exchange)}/login`], ...ended)
}
