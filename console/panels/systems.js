/**
 * The two systems side by side.
 */
import { html } from 'htm/preact'
import { useFeed } from '../feed.js'
import { count, duration, rate } from '../format.js'
import { Badge, Empty, Metric, Panel, Shape, Time, useFirst } from '../parts.js'
import { breakerMeaning, breakers, errorKinds, transitions } from '../words.js'

const states = {
  up: { tone: 'good', text: 'up' },
  partly: { tone: 'warn', text: 'partly up' },
  down: { tone: 'bad', text: 'down' }
}
const breakerTones = { off: 'calm', closed: 'good', half_open: 'warn', open: 'bad' }
const transitionTones = { up: 'good', closed: 'good', half_open: 'warn', down: 'bad', open: 'bad' }
const roles = { source: 'customers leave it', target: 'customers arrive here' }

const stateOf = ({ state }) => states[state] ?? { tone: 'warn', text: state }

/** Realms at the same address are one line. */
function addressesOf(urls) {
  const byUrl = Map.groupBy(Object.keys(urls), (realm) => urls[realm])
  return [...byUrl].map(([url, realms]) => ({ url, realms: realms.join(', ') }))
}

function Addresses({ urls }) {
  const addresses = addressesOf(urls)
  return html`<div class="block addresses">
    <h4>Addresses</h4>
    <dl>
      ${addresses.map(({ url, realms }) => html`<div key=${url}><dt>${realms}</dt><dd>${url}</dd></div>`)}
    </dl>
  </div>`
}

function Transitions({ transitions: all }) {
  const [shown, more] = useFirst(all, 4, 'changes')
  return html`<div class="block">
    <h4>Last changes</h4>
    ${
      all.length === 0
        ? html`<${Empty}>None since the start.<//>`
        : html`<ol class="changes">
            ${shown.map(
              ({ at, to }, index) =>
                html`<li key=${index} class=${transitionTones[to]}>
                  <${Shape} name=${transitionTones[to] ?? 'calm'} /><span>${transitions[to] ?? to}</span><${Time} at=${at} />
                </li>`
            )}
          </ol>`
    }
    ${more}
  </div>`
}

function Errors({ errors }) {
  return html`<div class="block">
    <h4>Errors since the start</h4>
    <dl class="errors">
      ${Object.entries(errors).map(
        ([kind, number]) =>
          html`<div key=${kind} class=${number > 0 ? 'some' : ''}><dt>${errorKinds[kind] ?? kind}</dt><dd>${count(number)}</dd></div>`
      )}
    </dl>
  </div>`
}

function SystemCard({ name, system }) {
  const { tone, text } = stateOf(system)
  const [p50, p50Unit] = duration(system.latencyMs?.p50)
  const [p99, p99Unit] = duration(system.latencyMs?.p99)
  return html`<article class="system-card ${name} ${system.state}" aria-labelledby="${name}-title">
    <div class="system-head">
      <h3 id="${name}-title"><span class="role"><${Shape} name=${name} />${name}</span> <b>${system.release}</b></h3>
      <span class="hint">${roles[name]}</span>
      <div class="badges">
        <span title=${breakerMeaning[system.breaker]}><${Badge} tone=${breakerTones[system.breaker] ?? 'calm'}>${breakers[system.breaker] ?? system.breaker}<//></span>
        <span class="state"><${Badge} tone=${tone}>${text}<//></span>
      </div>
    </div>
    <dl class="metrics">
      <${Metric} label="calls/s" value=${rate(system.perSecond)} />
      <${Metric} label="in flight" value=${count(system.inFlight)} />
      <${Metric} label="queued" value=${count(system.queued)} tone=${system.queued > 0 ? 'warn' : ''} />
      <${Metric} label="p50" value=${p50} unit=${p50Unit} />
      <${Metric} label="p99" value=${p99} unit=${p99Unit} />
    </dl>
    <div class="blocks">
      <${Errors} errors=${system.errors} />
      <${Transitions} transitions=${system.transitions} />
      <${Addresses} urls=${system.urls} />
    </div>
  </article>`
}

export function Systems() {
  const systems = useFeed('systems')
  return html`<${Panel} id="systems" title="Systems" wide>
    ${
      systems === undefined
        ? html`<${Empty}>Waiting for the gateway’s first word about the systems.<//>`
        : html`<div class="pair">
            <${SystemCard} name="source" system=${systems.source} />
            <${SystemCard} name="target" system=${systems.target} />
          </div>`
    }
  <//>`
}
