/**
 * "Why": where a pasted request would go, and the reason. Nothing is sent to a system, and nothing that was pasted is shown
 * again or kept: the text goes from the box to the gateway and out of the box.
 */
import { html } from 'htm/preact'
import { useRef, useState } from 'preact/hooks'
import { useFeed } from '../feed.js'
import { ask } from '../ops.js'
import { Panel, System } from '../parts.js'
import { parsePasted } from '../pasted/request.js'
import { Unreadable } from '../pasted/unreadable.js'
import { reasons } from '../words.js'

function Decision({ decision, notes }) {
  const systems = useFeed('systems')
  const { to, reason, realm, family, call, otherwise, missing } = decision
  return html`<p class="verdict">
      ${to === null ? 'To no system' : html`To <${System} name=${to} release=${systems?.[to]?.release} />`}
      <code>${reason}</code>
    </p>
    <p>${reasons[reason] ?? 'See docs/operations.md for this reason.'} Nothing was sent.</p>
    <dl class="facts">
      <div><dt>call</dt><dd>${call ?? 'none: not an API call'}</dd></div>
      <div><dt>realm</dt><dd>${realm}</dd></div>
      <div><dt>API family</dt><dd>${family}</dd></div>
      ${otherwise && html`<div><dt>otherwise</dt><dd>the ${otherwise}, if the first refuses it or is unavailable</dd></div>`}
      ${missing && html`<div><dt>left out</dt><dd>the ${missing}: its part of the list cannot be had, since the session does not live there</dd></div>`}
    </dl>
    ${notes.map((note) => html`<p key=${note} class="hint">${note}</p>`)}`
}

/** @returns {{ request: import('../pasted/request.js').Described, notes: string[] } | { problem: string }} */
function read(text) {
  try {
    return parsePasted(text, null)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { problem: error.message }
  }
}

export function Why() {
  const box = useRef(null)
  const [isBusy, setBusy] = useState(false)
  const [result, setResult] = useState(null)

  async function explain(event) {
    event.preventDefault()
    if (isBusy) return
    const { request, notes, problem } = read(box.current.value)
    if (problem !== undefined) {
      setResult({ problem })
      box.current.focus()
      return
    }
    setBusy(true)
    const answer = await ask('POST', '/explain', request)
    // Where it could not be explained it stays, to be corrected.
    if (answer.problem === '') box.current.value = ''
    setResult(answer.problem === '' ? { decision: answer.data, notes } : { problem: answer.problem })
    setBusy(false)
  }
  function clear() {
    box.current.value = ''
    setResult(null)
    box.current.focus()
  }
  return html`<${Panel} id="why" title="Why …">
    <form class="why" onSubmit=${explain} autocomplete="off">
      <label for="why-text">A request: a curl line, its HTTP text, or an address</label>
      <textarea id="why-text" ref=${box} rows="5" autocomplete="off" spellcheck="false" autocapitalize="none" aria-describedby="why-hint"
        placeholder="curl 'https://www.customer.example/rest/Customer/get_customer_info' -H 'Authorization: Bearer …'"></textarea>
      <p id="why-hint" class="hint">It is explained by the gateway, sent nowhere, kept nowhere, and taken out of the box afterwards: it may hold a credential.</p>
      <div class="buttons">
        <button class="act" aria-disabled=${String(isBusy)}>Explain</button>
        <button type="button" onClick=${clear}>Clear</button>
      </div>
    </form>
    <div role="status" class="result">
      ${result?.problem && html`<p class="problem">${result.problem}</p>`}
      ${result?.decision && html`<${Decision} ...${result} />`}
    </div>
  <//>`
}
