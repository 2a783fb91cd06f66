/**
 * The self-care pages of a system: a login form that calls the API, and a dashboard that names the release.
 */
import { type Answer, textAnswer } from './answers.ts'
import { ApiFault } from './api-fault.ts'
import { type Exchange, sessionOf } from './calls.ts'
import type { Session } from './sessions.ts'

const html = 'text/html; charset=UTF-8'

const script = `'use strict'
const form = document.querySelector('form')
form?.addEventListener('submit', async (event) => {
  event.preventDefault()
  const params = Object.fromEntries(new FormData(form))
  const response = await fetch('/rest/Session/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ params })
  })
  const answer = await response.json()
  if (response.ok) location.assign('/dashboard')
  else document.querySelector('#message').textContent = answer.faultstring
})
`
const style = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
label { display: block; margin: .5rem 0 }
#message { color: #b00020; min-height: 1.5em }
`

export function answerPage(exchange: Exchange): Answer {
  const { target, req } = exchange
  if (req.method !== 'GET' && req.method !== 'HEAD') return textAnswer('text/plain', 'Method not allowed\n', 405)
  switch (target.path) {
    case '/':
      return redirect(exchange, liveSession(exchange) === null ? '/login' : '/dashboard')
    case '/login':
      return loginPage(exchange)
    case '/dashboard':
      return dashboard(exchange)
    case '/logout':
      return logout(exchange)
    case '/static/app.js':
      return textAnswer('text/javascript; charset=UTF-8', script)
    case '/static/style.css':
      return textAnswer('text/css; charset=UTF-8', style)
    default:
      return textAnswer(html, pageOf(exchange, 'Not found', '<p>There is no such page.</p>'), 404)
  }
}

/** Absolute and on its own origin, as the real portals redirect. */
function redirect({ req }: Exchange, path: string): Answer {
  const scheme = 'encrypted' in req.socket ? 'https' : 'http'
  return textAnswer('text/plain', '', 302).with(['Location', `${scheme}://${req.headers.host ?? ''}${path}`])
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
  const form = `<form><label>Login <input name="login" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Log in</button><p id="message" role="alert"></p></form><script src="/static/app.js"></script>`
  return textAnswer(html, pageOf(exchange, 'Login', form))
}

function dashboard(exchange: Exchange): Answer {
  const session = liveSession(exchange)
  if (session === null) return redirect(exchange, '/login')
  const { data } = exchange.system
  const row = session.iCustomer === null ? undefined : data.row('customers', 'i_customer', session.iCustomer)
  const body = `<p>Welcome, <b>${escapeHtml(row?.name ?? session.login)}</b>.</p>
<p>Logged in as ${escapeHtml(session.login)}, realm ${session.realm}.</p><p><a href="/logout">Log out</a></p>`
  return textAnswer(html, pageOf(exchange, 'Dashboard', body))
}

function logout(exchange: Exchange): Answer {
  const session = liveSession(exchange)
  if (session !== null) exchange.system.sessions.end(session)
  const { cookieDomain } = exchange.system
  const domain = cookieDomain === null ? '' : `; Domain=${cookieDomain}`
  const ended = (name: string): [string, string] => ['Set-Cookie', `${name}=; Path=/; HttpOnly${domain}; Max-Age=0`]
  return redirect(exchange, '/login').with(ended('access_token'), ended('session_id'))
}

function pageOf({ system, realm }: Exchange, title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} - ${system.release}</title>
<link rel="stylesheet" href="/static/style.css"></head>
<body><h1>${title}</h1>${body}
<footer>Release ${system.release}, ${realm} portal</footer></body></html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
