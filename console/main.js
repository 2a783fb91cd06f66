/**
 * The console: one page that shows what the gateway tells, and passes on what an operator tells it.
 */
import { html, render } from 'htm/preact'
import { Announcements } from './announce.js'
import { feed } from './feed.js'
import { Faults, Missing } from './panels/faults.js'
import { Footer, Header } from './panels/header.js'
import { Migration } from './panels/migration.js'
import { Systems } from './panels/systems.js'
import { Traffic } from './panels/traffic.js'
import { Where } from './panels/where.js'
import { Why } from './panels/why.js'

const parts = {
  systems: 'Systems',
  traffic: 'Traffic',
  migration: 'Migration',
  where: 'Where is …',
  why: 'Why …',
  faults: 'Faults',
  missing: 'Missing methods'
}

function App() {
  return html`<a class="skip" href="#main">Skip to the systems</a>
    <${Header} />
    <nav class="parts" aria-label="Parts of this page">
      ${Object.entries(parts).map(([id, text]) => html`<a key=${id} href="#${id}">${text}</a>`)}
    </nav>
    <main id="main" tabindex="-1">
      <${Systems} /><${Traffic} /><${Migration} /><${Where} /><${Why} /><${Faults} /><${Missing} />
    </main>
    <${Footer} />
    <${Announcements} />`
}

const place = document.getElementById('console')
place.replaceChildren()
render(html`<${App} />`, place)
feed.start()
// A page that a browser keeps for "back" must not come back with a pasted credential in its box.
addEventListener('pagehide', () => {
  document.getElementById('why-text').value = ''
})
