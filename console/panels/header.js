/**
 * On top: which gateway this is, and whether what is below is alive.
 */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { useFeed } from '../feed.js'
import { clock, plural, span } from '../format.js'
import { ask, hasSession } from '../ops.js'
import { Badge, useNow } from '../parts.js'

const connections = {
  connecting: { tone: 'going', text: 'connecting' },
  live: { tone: 'good', text: 'live' },
  silent: { tone: 'warn', text: 'no word' },
  lost: { tone: 'bad', text: 'reconnecting' },
  refused: { tone: 'bad', text: 'signed out' }
}

/** What is wrong, and what to do; nothing where all is well. */
function Notice({ connection }) {
  const { state, heardAt } = connection
  const asOf = heardAt > 0 ? `What is shown is of ${clock(heardAt)}.` : 'Nothing has come yet.'
  const sentences = {
    silent: `The gateway has not said anything for more than 3 seconds. ${asOf} Look whether it is busy, or the network slow.`,
    lost: `The connection to the gateway is lost. ${asOf} The page connects again by itself as soon as the gateway answers.`,
    refused: `The session has ended. ${asOf} Reload the page and sign in again.`
  }
  if (!(state in sentences)) return null
  return html`<p class="notice ${state}">${sentences[state]} <a href="/console">Reload</a></p>`
}

function Store({ about }) {
  const { store, isStoreUp, isStoreShared } = about
  const what = `store: ${store}${isStoreShared ? ', shared' : ''}`
  return isStoreUp ? html`<span>${what}</span>` : html`<${Badge} tone="bad">${what}, unreachable<//>`
}

function About({ about }) {
  const now = useNow(30_000)
  if (about === undefined) return null
  const off = about.plugins.filter(({ isOn }) => !isOn).map(({ name }) => name)
  return html`<p class="about">
    <span>${about.host}</span>
    <span>version ${about.version}</span>
    <span>${plural(about.workers, 'worker')}</span>
    <span>up for <span title="since ${clock(about.startedAt)}">${span(now - about.startedAt)}</span></span>
    <${Store} about=${about} />
    ${off.length > 0 && html`<details class="off"><summary>${plural(off.length, 'plugin')} off</summary><span>${off.join(', ')}</span></details>`}
  </p>`
}

function SignOut() {
  const [problem, setProblem] = useState('')
  async function signOut() {
    const { problem: refused } = await ask('DELETE', '/console/session')
    if (refused === '') location.reload()
    else setProblem(refused)
  }
  return html`<button type="button" class="quiet" onClick=${signOut}>Sign out</button>
    <span role="status" class="problem">${problem}</span>`
}

export function Header() {
  const about = useFeed('about')
  const connection = useFeed('connection') ?? { state: 'connecting', heardAt: 0 }
  const { tone, text } = connections[connection.state]
  return html`<header class="top">
    <div class="bar">
      <img src="/console/icon.svg" alt="" width="28" height="28" />
      <h1>WebDispatcher</h1>
      <${About} about=${about} />
      <div class="right">
        <span class="connection"><${Badge} tone=${tone}>${text}<//></span>
        ${hasSession && html`<${SignOut} />`}
      </div>
    </div>
    <${Notice} connection=${connection} />
  </header>`
}

export function Footer() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  return html`<footer class="bottom">
    <span>Times are yours: ${zone}.</span>
    <a href="/console/licences.txt">Licences of preact, htm and uPlot</a>
  </footer>`
}
