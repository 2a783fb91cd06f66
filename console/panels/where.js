/**
 * "Where is ...": one customer, account or login.
 */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { useFeed } from '../feed.js'
import { clock } from '../format.js'
import { ask } from '../ops.js'
import { Panel, System, Time } from '../parts.js'
import { evidence } from '../words.js'

const kinds = {
  customer: { text: 'Customer (i_customer)', isNumber: true },
  account: { text: 'Account (i_account)', isNumber: true },
  login: { text: 'Login', isNumber: false }
}

/** The realms in which a login is somebody's who lives on one system. */
const loginRealms = ['customer', 'account']

const asSentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`

/** A sentence for a screen reader and for the eye alike. */
function sentenceOf(asked, place) {
  const what =
    asked.kind === 'login' ? 'This login' : `${asked.kind === 'account' ? 'Account' : 'Customer'} ${asked.value}`
  return place.at === null ? `${what}: not known where.` : `${what} is on the ${place.at}.`
}

function Place({ asked, place }) {
  const release = useFeed('systems')?.[place.at]?.release
  const isOther = asked.kind !== 'customer' && Number.isInteger(place.customer)
  return html`<p class="verdict">${sentenceOf(asked, place)}</p>
    <dl class="facts">
      <div><dt>system</dt><dd>${place.at === null ? 'unknown' : html`<${System} name=${place.at} release=${release} />`}</dd></div>
      ${isOther && html`<div><dt>customer</dt><dd>${place.customer}</dd></div>`}
      <div><dt>known</dt><dd>${evidence[place.how] ?? place.how}</dd></div>
      ${place.since && html`<div><dt>since</dt><dd><${Time} at=${Date.parse(place.since)} /></dd></div>`}
      ${
        place.moving &&
        html`<div><dt>moving</dt><dd>to the ${place.moving.to ?? 'other system'} since ${clock(Date.parse(place.moving.since))}: writes are held back until ${clock(Date.parse(place.moving.until))} at the latest</dd></div>`
      }
    </dl>
    ${place.hint && html`<p class="hint">${asSentence(place.hint)}</p>`}
    ${place.at === null && !place.hint && html`<p class="hint">Call anything about it through the gateway, or set plugins.console.account, so that the systems can be asked.</p>`}`
}

export function Where() {
  const [kind, setKind] = useState('customer')
  const [isBusy, setBusy] = useState(false)
  const [result, setResult] = useState(null)

  async function look(event) {
    event.preventDefault()
    if (isBusy) return
    const form = new FormData(event.currentTarget)
    const value = String(form.get('value')).trim()
    if (value === '' || (kinds[kind].isNumber && !/^[1-9]\d{0,15}$/.test(value))) {
      setResult({
        problem:
          value === '' ? 'Enter whom to look for.' : 'That is no number: an i_customer or i_account has digits alone.'
      })
      return
    }
    const query = new URLSearchParams({ [kind]: value })
    if (kind === 'login' && form.get('realm')) query.set('realm', String(form.get('realm')))
    setBusy(true)
    const { data, problem } = await ask('GET', `/where?${query}`)
    setResult(problem === '' ? { asked: { kind, value }, place: data } : { problem })
    setBusy(false)
  }
  return html`<${Panel} id="where" title="Where is …">
    <form class="line" onSubmit=${look} autocomplete="off">
      <div class="field">
        <label for="where-kind">Look for</label>
        <select id="where-kind" value=${kind} onChange=${(event) => setKind(event.currentTarget.value)}>
          ${Object.entries(kinds).map(([key, { text }]) => html`<option key=${key} value=${key}>${text}</option>`)}
        </select>
      </div>
      <div class="field grow">
        <label for="where-value">${kinds[kind].isNumber ? 'Number' : 'Login'}</label>
        <input id="where-value" name="value" autocomplete="off" spellcheck="false" autocapitalize="none"
          inputmode=${kinds[kind].isNumber ? 'numeric' : 'text'} />
      </div>
      ${
        kind === 'login' &&
        html`<div class="field">
          <label for="where-realm">Realm</label>
          <select id="where-realm" name="realm">${loginRealms.map((name) => html`<option key=${name} selected=${name === 'customer'}>${name}</option>`)}</select>
        </div>`
      }
      <button class="act" aria-disabled=${String(isBusy)}>Look</button>
    </form>
    <div role="status" class="result">
      ${result === null && html`<p class="hint">The answer says how it is known; nothing is changed.</p>`}
      ${result?.problem && html`<p class="problem">${result.problem}</p>`}
      ${result?.place && html`<${Place} ...${result} />`}
    </div>
  <//>`
}
