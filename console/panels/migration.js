/**
 * The migration: how far it is, who is just moving, and what was told last.
 */
import { html } from 'htm/preact'
import { Chart } from '../chart.js'
import { useFeed } from '../feed.js'
import { clock, count, percent, plural, span } from '../format.js'
import { Badge, Empty, Metric, Panel, Shape, System, Table, Time, useFirst, useNow } from '../parts.js'
import { moves, tellers } from '../words.js'
import { Tell } from './tell.js'

const moveSeries = [
  { key: 'moved', label: 'moved', colour: 'target', isFilled: true, value: ({ moved }) => moved },
  { key: 'moving', label: 'moving', colour: 'both', value: ({ moving }) => moving }
]

/** Customers by where they are, as one bar from the source to the target. */
function Customers({ customers, about }) {
  const { source, target, how, at } = customers
  const all = (source ?? 0) + (target ?? 0)
  const known =
    how === 'totals'
      ? `From the systems’ own lists, at ${clock(at)}.`
      : about?.account
        ? 'As far as seen in events and lookups: the service account has not counted them yet.'
        : 'As far as seen in events and lookups: plugins.console.account is not set. Name a service login there to have all counted.'
  return html`<div class="customers">
    <p class="sides">
      <span><${System} name="source" /> <b>${count(source)}</b></span>
      <span class="done">${how === 'totals' ? html`<b>${percent(target ?? 0, all)}</b> at the target` : 'as far as seen'}</span>
      <span><b>${count(target)}</b> <${System} name="target" /></span>
    </p>
    <div class="way" aria-hidden="true">
      <span class="source" style=${{ flexGrow: source ?? 0 }}></span><span class="target" style=${{ flexGrow: target ?? 0 }}></span>
    </div>
    <p class="hint">${known}</p>
  </div>`
}

function Batch({ id, at, customers, finished, failed, moving, isOver }) {
  const done = finished + failed
  const share = customers > 0 ? (100 * done) / customers : 100
  const ended = failed > 0 ? 'with failures' : 'finished'
  const text = `${count(finished)} of ${plural(customers, 'customer')} finished${failed > 0 ? `, ${count(failed)} failed` : ''}${moving > 0 ? `, ${count(moving)} moving` : ''}`
  return html`<li class="batch">
    <div class="batch-head">
      <span id="batch-${id}">Batch of <${Time} at=${at} /></span>
      <${Badge} tone=${isOver ? (failed > 0 ? 'warn' : 'good') : 'going'}>${isOver ? ended : 'under way'}<//>
    </div>
    <div class="progress" role="progressbar" aria-labelledby="batch-${id}" aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${Math.floor(share)} aria-valuetext=${text}>
      <span class="finished" style=${{ flexGrow: finished }}></span><span class="failed" style=${{ flexGrow: failed }}></span><span
        style=${{ flexGrow: Math.max(customers - done, 0) }}></span>
    </div>
    <p class="hint">${text}</p>
  </li>`
}

function Batches({ batches }) {
  const [shown, more] = useFirst(batches, 4, 'batches')
  return html`<div class="block">
    <h3>Batches</h3>
    ${
      batches.length === 0
        ? html`<${Empty}>No batch yet: tell several customers at once, here or by the command line.<//>`
        : html`<ul class="batches">${shown.map((batch) => html`<${Batch} key=${batch.id} ...${batch} />`)}</ul>`
    }
    ${more}
  </div>`
}

function fenceColumns(now) {
  return [
    { key: 'customer', label: 'customer', number: true, told: true, head: true, show: ({ iCustomer }) => iCustomer },
    { key: 'to', label: 'to', show: ({ to }) => (to === null ? 'not told' : html`<${System} name=${to} />`) },
    { key: 'since', label: 'since', told: true, show: ({ since }) => html`<${Time} at=${since} />` },
    {
      key: 'until',
      label: 'until',
      told: true,
      show: ({ until }) =>
        html`<${Time} at=${until} /> <span class="hint">${until > now ? `in ${span(until - now)}` : 'now'}</span>`
    }
  ]
}

/** `moving` counts all, and only the first hundred are listed. */
function Fences({ fences, moving }) {
  const now = useNow(5000)
  const [shown, more] = useFirst(fences, 8, 'fences')
  const others = moving - fences.length
  return html`<div class="block">
    <h3>Fences</h3>
    ${
      fences.length === 0
        ? html`<${Empty}>Nobody is held back: writes pass for every customer.<//>`
        : html`<p class="hint">Writes for these customers are refused until their move has ended, or the time is up.</p>
            <${Table} caption="Customers whose writes are held back" columns=${fenceColumns(now)} rows=${shown} rowKey=${({ iCustomer }) => iCustomer} />`
    }
    ${others > 0 && html`<p class="hint">And ${count(others)} more, begun later.</p>`}
    ${more}
  </div>`
}

const moveTones = { started: 'going', finished: 'good', failed: 'bad' }

function Told({ at, iCustomer, count: number, state, to, by }) {
  const tone = by === 'expired' ? 'warn' : moveTones[state]
  const who = number > 1 ? plural(number, 'customer') : `customer ${iCustomer}`
  return html`<li class=${tone}>
    <${Time} at=${at} /><${Shape} name=${tone ?? 'calm'} />
    <span>${who} <b>${by === 'expired' ? 'expired' : (moves[state] ?? state)}</b></span>
    <span class="hint">${by === 'told' ? '' : (tellers[by] ?? by)}</span>
    ${to && html`<${System} name=${to} />`}
  </li>`
}

function Feed() {
  const told = useFeed('feed') ?? []
  const [shown, more] = useFirst(told, 14, 'events')
  return html`<div class="block">
    <h3>Events</h3>
    ${
      told.length === 0
        ? html`<${Empty}>No word of a move yet. Tell one here, or let the systems send their provisioning events to /migrations.<//>`
        : html`<ol class="told">${shown.map((one, at) => html`<${Told} key=${at} ...${one} />`)}</ol>`
    }
    ${more}
  </div>`
}

function Counts({ migration }) {
  const { moved, moving, failed, expired } = migration
  return html`<dl class="metrics">
    <${Metric} label="moving now" value=${count(moving)} tone=${moving > 0 ? 'going' : ''} />
    <${Metric} label="moved" value=${count(moved)} />
    <${Metric} label="failed" value=${count(failed)} tone=${failed > 0 ? 'bad' : ''} />
    <${Metric} label="expired" value=${count(expired)} tone=${expired > 0 ? 'warn' : ''} />
  </dl>`
}

export function Migration() {
  const migration = useFeed('migration')
  const about = useFeed('about')
  const points = useFeed('history')?.points ?? []
  if (migration === undefined) {
    return html`<${Panel} id="migration" title="Migration" wide><${Empty}>Waiting for the gateway’s first word about the migration.<//><//>`
  }
  return html`<${Panel} id="migration" title="Migration" wide>
    <div class="overview"><${Customers} customers=${migration.customers} about=${about} /><${Counts} migration=${migration} /></div>
    <div class="thirds">
      <div class="stack">
        <${Tell} />
        <${Fences} fences=${migration.fences} moving=${migration.moving} />
      </div>
      <div class="stack">
        <${Chart} title="Moved over time" points=${points} series=${moveSeries} format=${count} isWhole />
        <${Batches} batches=${migration.batches} />
      </div>
      <${Feed} />
    </div>
  <//>`
}
