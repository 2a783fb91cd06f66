/**
 * The traffic of the last hour: who is called, how long it takes, how logins and lists end.
 */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { Chart } from '../chart.js'
import { useFeed } from '../feed.js'
import { count, durationText, percent, rate } from '../format.js'
import { Choice, Empty, Panel } from '../parts.js'
import { families, realms } from '../words.js'

const systemSeries = [
  { key: 'source', label: 'source', colour: 'source', isFilled: true, value: ({ calls }) => calls.source },
  { key: 'target', label: 'target', colour: 'target', isFilled: true, value: ({ calls }) => calls.target },
  { key: 'both', label: 'both', colour: 'both', value: ({ calls }) => calls.both },
  { key: 'none', label: 'neither', colour: 'dim', value: ({ calls }) => calls.none }
]

const seriesOf = (names, group) =>
  Object.entries(names).map(([key, label], at) => ({
    key,
    label,
    colour: `line-${at + 1}`,
    value: (point) => point[group]?.[key] ?? 0
  }))

const splits = {
  system: { text: 'System', series: systemSeries },
  realm: { text: 'Realm', series: seriesOf(realms, 'realms') },
  family: { text: 'API family', series: seriesOf(families, 'families') }
}

const latencies = {
  own: {
    text: 'Gateway’s own',
    series: [
      { key: 'own50', label: 'p50', colour: 'line-1', isFilled: true, dash: 1, value: ({ own }) => own?.p50 },
      { key: 'own99', label: 'p99', colour: 'line-4', dash: 0, value: ({ own }) => own?.p99 }
    ]
  },
  systems: {
    text: 'Systems',
    series: ['source', 'target'].flatMap((system) => [
      { key: `${system}50`, label: `${system} p50`, colour: system, value: ({ latency }) => latency[system]?.p50 },
      { key: `${system}99`, label: `${system} p99`, colour: system, value: ({ latency }) => latency[system]?.p99 }
    ])
  }
}

const textsOf = (table) => Object.fromEntries(Object.entries(table).map(([key, { text }]) => [key, text]))

const sumOf = (table) => Object.values(table).reduce((sum, value) => sum + value, 0)

function summaryOf(traffic, points) {
  if (traffic === undefined) return 'Waiting for the gateway’s first numbers.'
  const { perSecond, sessions } = traffic
  const all = sumOf(perSecond)
  if (all === 0 && points.every(({ calls }) => sumOf(calls) === 0)) {
    return 'No call yet: point a client at one of the gateway’s listeners, and its calls are here within seconds.'
  }
  const bySystem = ['source', 'target', 'both'].map((name) => `${name} ${rate(perSecond[name])}`).join(', ')
  const kept = ['source', 'target', 'both'].map((name) => `${name} ${count(sessions[name])}`).join(', ')
  return `${rate(all)} per second just now: ${bySystem}. Sessions kept: ${kept}.`
}

function Calls({ points, traffic }) {
  const [split, setSplit] = useState('system')
  return html`<${Chart}
    title="Calls per second"
    points=${points}
    series=${splits[split].series}
    format=${rate}
    summary=${summaryOf(traffic, points)}
    aside=${html`<${Choice} label="Split calls by" options=${textsOf(splits)} chosen=${split} onChoose=${setSplit} />`}
  />`
}

function Latency({ points, traffic }) {
  const [whose, setWhose] = useState('own')
  const own = traffic?.ownMs
  return html`<${Chart}
    title="Latency"
    points=${points}
    series=${latencies[whose].series}
    format=${durationText}
    summary=${own && `Of the last minute’s calls the gateway’s own share was ${durationText(own.p50)} at p50, and ${durationText(own.p99)} at p99.`}
    aside=${html`<${Choice} label="Latency of" options=${textsOf(latencies)} chosen=${whose} onChoose=${setWhose} />`}
  />`
}

const loginWords = {
  target: ['succeeded on the target', 'target'],
  forwarded: ['forwarded to the other', 'both'],
  hinted: ['sent to the source by a hint', 'source'],
  refused: ['refused by both', 'bad']
}
const listWords = {
  merged: ['merged out of both', 'good'],
  partial: ['partial: one system was missing', 'warn'],
  failed: ['failed', 'bad']
}

/** Shares of a whole as a bar, and each with its number of the last hour. */
function Outcomes({ title, words, points, group, totals, empty }) {
  const hour = Object.fromEntries(
    Object.keys(words).map((key) => [key, points.reduce((sum, point) => sum + (point[group]?.[key] ?? 0), 0)])
  )
  const all = sumOf(hour)
  return html`<div class="outcomes">
    <h3>${title}</h3>
    <div class="shares" aria-hidden="true">
      ${Object.entries(words).map(([key, [, colour]]) =>
        hour[key] > 0
          ? html`<span key=${key} style=${{ flexGrow: hour[key], background: `var(--${colour})` }}></span>`
          : null
      )}
    </div>
    <table class="legend">
      <caption class="sr">${title} by how they ended</caption>
      <thead><tr>
        <th scope="col"><span class="sr">Outcome</span></th>
        <th scope="col" class="number">last hour</th>
        <th scope="col" class="number">share</th>
        <th scope="col" class="number">since start</th>
      </tr></thead>
      <tbody>
        ${Object.entries(words).map(
          ([key, [text, colour]]) => html`<tr key=${key}>
            <th scope="row"><span class="dot" style=${{ background: `var(--${colour})` }}></span>${text}</th>
            <td class="number">${count(hour[key])}</td>
            <td class="number dim">${percent(hour[key], all)}</td>
            <td class="number dim">${count(totals?.[group]?.[key])}</td>
          </tr>`
        )}
      </tbody>
    </table>
    ${all === 0 && html`<${Empty}>${empty}<//>`}
  </div>`
}

export function Traffic() {
  const points = useFeed('history')?.points ?? []
  const traffic = useFeed('traffic')
  const totals = useFeed('totals')
  return html`<${Panel} id="traffic" title="Traffic, last hour" wide>
    <div class="charts">
      <${Calls} points=${points} traffic=${traffic} />
      <${Latency} points=${points} traffic=${traffic} />
      <${Outcomes} title="Logins" words=${loginWords} points=${points} group="logins" totals=${totals}
        empty="No login yet: let a client log in through the gateway." />
      <${Outcomes} title="Merged lists" words=${listWords} points=${points} group="lists" totals=${totals}
        empty="No list of everybody was asked for yet." />
    </div>
  <//>`
}
