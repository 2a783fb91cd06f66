/**
 * A fault as a page for whoever looks at a portal in a browser: what has happened, and what to do, in a customer's words.
 * It is whole in itself: a system that is away could not give it a style or a picture.
 */

/** What the page tells of a fault, and of the request that met it. */
export interface PageOfFault {
  readonly status: number
  readonly faultcode: string
  /** Seconds. */
  readonly retryAfter: number | undefined
  /** By which the request is found in the log; '' where it is in none. */
  readonly requestId: string
  /** False for a form that was sent: nobody knows what became of it, and to send it again is no way to find out. */
  readonly isRead: boolean
}

/** For this page and no other: nothing is loaded, run, sent or framed. */
export const faultPageHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff'
}

type Words = readonly [title: string, what: string]

const away: Words = [
  'We are not available right now',
  'This part of the service cannot be reached at the moment. It is not your fault, and your password is not the reason.'
]

const words: Readonly<Record<number, Words>> = {
  400: [
    'We could not read that',
    'Your browser sent something that we cannot make sense of. Please go back and try again.'
  ],
  404: ['There is no such page', 'The address may be mistyped, or the page is gone.'],
  413: ['That is too large', 'What you sent is larger than we accept.'],
  421: ['Nothing is served at this address', 'Please check the address that you have typed or followed.'],
  429: ['Too many attempts', 'Please wait a moment before you try again.'],
  502: ['Something went wrong on our side', away[1]],
  504: ['This takes too long', 'We got no answer in time. It is not your fault, and your password is not the reason.']
}

/** The longest that the link lets somebody wait, seconds: a page must not be a dead end. */
const longestWait = 60

const secondsIn = (count: number) => (count === 1 ? 'one second' : `${count} seconds`)

/** Shown once it is time: by the style alone, since nothing may run here, and nothing asks by itself. */
function again({ retryAfter = 0, isRead, status }: PageOfFault): string {
  if (status < 500 && status !== 429) return '<p><a href="/">Go to the start page</a></p>'
  if (!isRead) return '<p>Please go back and look whether what you sent has arrived before you send it once more.</p>'
  const wait = Math.min(retryAfter, longestWait)
  const hint = wait === 0 ? '' : `<p>You can try again in ${secondsIn(wait)}.</p>`
  return `${hint}<p><a class="again" href="" style="animation-delay:${wait}s">Try again</a></p>`
}

const style = `:root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--text:#1d2530;--dim:#5a6675;--line:#d9dee5;--act:#0b57d0;--on:#fff}
@media (prefers-color-scheme:dark){:root{--back:#12161c;--card:#1b212a;--text:#e8ecf1;--dim:#a3aebb;--line:#343d49;--act:#a8c7fa;--on:#0b1d3a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--back);color:var(--text);font:1rem/1.55 system-ui,sans-serif}
main{width:100%;max-width:34rem;padding:clamp(1.25rem,5vw,2.5rem);background:var(--card);border:1px solid var(--line);border-radius:.75rem}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}
p{margin:0 0 1rem}
a{color:var(--act)}
.again{display:inline-block;padding:.6rem 1.2rem;border-radius:.5rem;background:var(--act);color:var(--on);font-weight:600;text-decoration:none;animation:come 0s both}
a:focus-visible{outline:3px solid var(--act);outline-offset:3px}
@keyframes come{from{visibility:hidden}to{visibility:visible}}
small{display:block;margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--dim);font-size:.85rem;overflow-wrap:anywhere}`

/** Every text in it is a word of ours. */
export function faultPage(fault: PageOfFault): string {
  const [title, what] = words[fault.status] ?? (fault.status >= 500 ? away : (words[400] as Words))
  const number = fault.requestId === '' ? '' : `number <b>${fault.requestId}</b>, `
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>${title}</title><link rel="icon" href="data:,"><style>${style}</style></head>
<body><main>
<h1>${title}</h1>
<p>${what}</p>
${again(fault)}
<small>If this goes on, please tell our support: ${number}${fault.status} ${fault.faultcode}</small>
</main></body>
</html>
`
}
