/**
 * What all pages have in common: the release's name, the way between them, and redirects.
 */
import { type Answer, type HeaderList, textAnswer } from '../answers.ts'
import type { Exchange } from '../calls.ts'
import type { RealmName } from '../realms.ts'

const links: Readonly<Record<string, string>> = {
  '/dashboard': 'Dashboard',
  '/invoices': 'Invoices',
  '/calls': 'Calls',
  '/profile': 'Profile'
}

/** The pages that a realm has, besides its dashboard. */
export function pagesOf(realm: RealmName): string[] {
  if (realm === 'customer') return ['/dashboard', '/invoices', '/calls', '/profile']
  return realm === 'account' ? ['/dashboard', '/calls', '/profile'] : ['/dashboard']
}

/** Where this system itself is reached: it knows of no gateway. */
export function originOf({ req }: Exchange): string {
  const scheme = 'encrypted' in req.socket ? 'https' : 'http'
  return `${scheme}://${req.headers.host ?? ''}`
}

/** Absolute and on its own origin, as the real portals redirect. */
export function redirect(exchange: Exchange, path: string): Answer {
  return textAnswer('text/plain', '', 302).with(['Location', originOf(exchange) + path])
}

/** A page that shows a session must not come out of a cache once that is over. */
const notKept: HeaderList = [['Cache-Control', 'no-store']]

export function htmlAnswer(exchange: Exchange, title: string, body: string, status = 200): Answer {
  return textAnswer('text/html; charset=UTF-8', pageOf(exchange, title, body), status).with(...notKept)
}

/** With the ways to the other pages: to its neighbours by relative links. */
export function insideAnswer(exchange: Exchange, title: string, body: string): Answer {
  const ways = pagesOf(exchange.realm).map(
    (path, at) => `<a href="${at === 0 ? path : path.slice(1)}">${links[path]}</a>`
  )
  return htmlAnswer(exchange, title, `<nav>${ways.join(' ')} <a href="/logout">Log out</a></nav>${body}`)
}

function pageOf({ system, realm }: Exchange, title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} - ${system.release}</title>
<link rel="icon" href="/static/icon.svg"><link rel="stylesheet" href="/static/style.css"></head>
<body><h1>${title}</h1>${body}<p id="message" role="alert"></p>
<footer>Release ${system.release}, ${realm} portal</footer><script src="/static/app.js"></script></body></html>
`
}

export function escapeHtml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
