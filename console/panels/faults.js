/**
 * The last faults that clients got, and methods that a release does not have.
 */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { useFeed } from '../feed.js'
import { count } from '../format.js'
import { Choice, Empty, Panel, System, Table, Time, useFirst } from '../parts.js'
import { reasons } from '../words.js'

const filters = { all: 'All', source: 'source', target: 'target', both: 'both', none: 'gateway' }

/** Off loopback and without TLS a browser has no clipboard for pages, but the old command. */
async function copy(text) {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text)
  const box = document.createElement('textarea')
  box.value = text
  document.body.append(box)
  box.select()
  document.execCommand('copy')
  box.remove()
}

function RequestId({ id }) {
  const [isCopied, setCopied] = useState(false)
  async function take() {
    await copy(id)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return html`<span class="id"><code>${id}</code>
    <button type="button" class="quiet small" onClick=${take} aria-label="Copy the request id ${id}">${isCopied ? 'copied' : 'copy'}</button></span>`
}

const faultColumns = [
  { key: 'at', label: 'time', show: ({ at }) => html`<${Time} at=${at} />` },
  { key: 'system', label: 'system', show: ({ system }) => html`<${System} name=${system} />` },
  { key: 'call', label: 'call', head: true, show: ({ call }) => call ?? 'page' },
  { key: 'fault', label: 'fault', whole: true, show: ({ fault }) => html`<span class="fault">${fault}</span>` },
  { key: 'status', label: 'status', number: true, show: ({ status }) => status },
  {
    key: 'reason',
    label: 'reason',
    told: true,
    show: ({ reason }) => (reason === null ? '–' : html`<span title=${reasons[reason]}>${reason}</span>`)
  },
  { key: 'realm', label: 'realm', told: true, show: ({ realm }) => realm ?? '–' },
  { key: 'id', label: 'request id', whole: true, show: ({ id }) => html`<${RequestId} id=${id} />` }
]

const emptyFaults = {
  all: 'No fault yet. When a client gets one, it stands here with the request id under which the log has it.',
  none: 'No fault that the gateway gave without any system.'
}

export function Faults() {
  const all = useFeed('faults')
  const [filter, setFilter] = useState('all')
  const rows = (all ?? []).filter(({ system }) => filter === 'all' || (system ?? 'none') === filter)
  const [shown, more] = useFirst(rows, 10, 'faults')
  const choice = html`<${Choice} label="Faults of" options=${filters} chosen=${filter} onChoose=${setFilter} />`
  return html`<${Panel} id="faults" title="Faults" aside=${choice} wide>
    ${
      rows.length === 0
        ? html`<${Empty}>${emptyFaults[filter] ?? `No fault of the ${filter} among the last ${count(all?.length ?? 0)}.`}<//>`
        : html`<div class="scroll"><${Table} caption="The last faults, newest first" columns=${faultColumns} rows=${shown} rowKey=${({ id, at }) => `${id}-${at}`} /></div>`
    }
    ${more}
  <//>`
}

const missingColumns = [
  { key: 'call', label: 'method', head: true, show: ({ call }) => call },
  { key: 'system', label: 'system', show: ({ system }) => html`<${System} name=${system} />` },
  { key: 'release', label: 'release', show: ({ release }) => release },
  { key: 'count', label: 'calls', number: true, told: true, show: ({ count: number }) => count(number) },
  { key: 'at', label: 'last', told: true, show: ({ at }) => html`<${Time} at=${at} />` }
]

export function Missing() {
  const rows = useFeed('missing') ?? []
  const [shown, more] = useFirst(rows, 10, 'methods')
  return html`<${Panel} id="missing" title="Methods that a release does not have" wide>
    ${
      rows.length === 0
        ? html`<${Empty}>None was called. What a newer portal calls and an older release lacks is counted here.<//>`
        : html`<${Table} caption="Missing methods by release" columns=${missingColumns} rows=${shown} rowKey=${({ call, system }) => `${system} ${call}`} />`
    }
    ${more}
  <//>`
}
