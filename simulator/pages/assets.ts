/**
 * What the pages load: a script that calls the API as the real portals do, a style and an icon.
 */

export const script = `'use strict'
const find = (selector) => document.querySelector(selector)
const say = (text) => { find('#message').textContent = text }

async function post(path, params) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify({ params }) })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.faultstring)
  return answer
}

function onSubmit(selector, send) {
  const form = find(selector)
  form?.addEventListener('submit', (event) => {
    event.preventDefault()
    send(Object.fromEntries(new FormData(form))).catch(({ message }) => say(message))
  })
}

onSubmit('#login', async (params) => {
  await post('/rest/Session/login', params)
  location.assign(location.origin + '/dashboard')
})

onSubmit('#profile', async (params) => {
  await post('profile', params)
  say('Saved.')
})

/** Fills a table with a list of the API: a row per record, a cell per field, and what its template adds. */
async function fill(table) {
  const { call, key, fields } = table.dataset
  const answer = await post('/rest/' + call, { limit: 10 })
  for (const record of answer[key]) {
    const row = table.tBodies[0].insertRow()
    for (const field of fields.split(' ')) row.insertCell().textContent = record[field] ?? ''
    const more = table.querySelector('template')?.content.cloneNode(true)
    if (!more) continue
    more.querySelector('[name=params]').value = JSON.stringify({ i_invoice: record.i_invoice, get_pdf: 1 })
    row.insertCell().append(more)
  }
  table.dataset.filled = 'true'
}

for (const table of document.querySelectorAll('table[data-call]')) fill(table).catch(({ message }) => say(message))
`

export const style = `:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
nav a { margin-right: 1rem }
label { display: block; margin: .5rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884 }
td form { margin: 0 }
footer { margin-top: 2rem; opacity: .7 }
#message { color: #c8102e; min-height: 1.5em }
`

export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#2a6fdb"/></svg>\n'
