/**
 * Telling the gateway of a move: started, finished or failed, for one customer or many.
 */
import { html } from 'htm/preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useFeed } from '../feed.js'
import { count, plural } from '../format.js'
import { ask } from '../ops.js'
import { customersIn } from '../pasted/customers.js'

const states = {
  started: { text: 'Start', sure: 'Hold back the writes of' },
  finished: { text: 'Finish', sure: 'Send to the new system all calls of' },
  failed: { text: 'Failed', sure: 'Send back to the old system all calls of' }
}

const other = { source: 'target', target: 'source' }

/** What an operator may do now. */
function answerTo(state, to, number) {
  const who = plural(number, 'customer')
  return {
    started: `Started for ${who}. None of their writes is under way any more: the export may begin.`,
    finished: `Finished for ${who}: all their calls go to the ${to} from now on.`,
    failed: `Told as failed for ${who}: all their calls go to the ${other[to]} again.`
  }[state]
}

function readingOf({ ids, doubles, mistakes }) {
  if (mistakes.length > 0)
    return `${plural(mistakes.length, 'entry', 'entries')} cannot be a customer’s number: correct or remove before anything is told.`
  if (ids.length === 0)
    return 'Customers’ numbers (i_customer): one or many, with spaces, commas or line breaks between.'
  const first = ids.slice(0, 6).join(', ')
  const twice = doubles > 0 ? ` ${plural(doubles, 'number')} came twice and count once.` : ''
  return `${plural(ids.length, 'customer')}: ${first}${ids.length > 6 ? ' …' : ''}.${twice}`
}

/** A native dialog: it keeps the focus inside, and Escape cancels. */
function Confirm({ wish, onAnswer }) {
  const dialog = useRef(null)
  useEffect(() => {
    if (wish !== null && !dialog.current.open) dialog.current.showModal()
  }, [wish])
  const answer = (isSure) => () => {
    dialog.current.close()
    onAnswer(isSure)
  }
  return html`<dialog ref=${dialog} aria-labelledby="sure-title" onCancel=${() => onAnswer(false)}>
    ${
      wish !== null &&
      html`<h3 id="sure-title">${states[wish.state].text}: ${plural(wish.ids.length, 'customer')}?</h3>
        <p>${states[wish.state].sure} ${plural(wish.ids.length, 'customer')}, who move to the ${wish.to}. The first: ${wish.ids.slice(0, 8).join(', ')}${wish.ids.length > 8 ? ' …' : ''}</p>
        <div class="buttons">
          <button type="button" class="act" onClick=${answer(true)}>${states[wish.state].text} ${count(wish.ids.length)}</button>
          <button type="button" onClick=${answer(false)}>Cancel</button>
        </div>`
    }
  </dialog>`
}

/** Tells it, and what came of it. */
async function tell({ ids, state, to }) {
  const words = ids.map((id) => ({ i_customer: id, state, to }))
  const { problem, faultcode } = await ask('POST', '/migrations', words.length === 1 ? words[0] : words)
  if (problem === '') return { isGood: true, text: answerTo(state, to, ids.length) }
  const isUnsettled = faultcode.endsWith('.fence_unsettled')
  const advice = isUnsettled ? ' The fence stands, but do not export yet: press Start again to go on waiting.' : ''
  return { isGood: false, text: `${problem}${advice}` }
}

export function Tell() {
  const systems = useFeed('systems')
  const [text, setText] = useState('')
  const [to, setTo] = useState('target')
  const [wish, setWish] = useState(null)
  const [busy, setBusy] = useState(null)
  const [answer, setAnswer] = useState(null)
  const entry = useRef(null)
  const read = customersIn(text)
  const isWrong = read.mistakes.length > 0
  const isReady = read.ids.length > 0 && !isWrong

  async function send(what) {
    setWish(null)
    setAnswer(null)
    setBusy(what.state)
    setAnswer(await tell(what))
    setBusy(null)
  }
  function press(state) {
    if (busy !== null) return
    if (!isReady) {
      setAnswer({ isGood: false, text: isWrong ? readingOf(read) : 'Enter a customer’s number first.' })
      entry.current.focus()
      return
    }
    const what = { ids: read.ids, state, to }
    if (read.ids.length > 1) setWish(what)
    else send(what)
  }
  return html`<form class="block tell" onSubmit=${(event) => event.preventDefault()}>
    <h3>Tell a move</h3>
    <label for="tell-customers">Customers</label>
    <textarea id="tell-customers" ref=${entry} rows="2" autocomplete="off" spellcheck="false" inputmode="numeric"
      aria-describedby="tell-reading" aria-invalid=${String(isWrong)} value=${text}
      onInput=${(event) => setText(event.currentTarget.value)}></textarea>
    <p id="tell-reading" class="hint ${isWrong ? 'problem' : ''}">${readingOf(read)}</p>
    <label for="tell-to">They move to</label>
    <select id="tell-to" value=${to} onChange=${(event) => setTo(event.currentTarget.value)}>
      ${['target', 'source'].map((name) => html`<option key=${name} value=${name}>${name} ${systems?.[name].release ?? ''}</option>`)}
    </select>
    <div class="buttons">
      ${Object.entries(states).map(
        ([state, { text: label }]) =>
          html`<button key=${state} type="button" class=${state === 'started' ? 'act' : ''} aria-disabled=${String(busy !== null)}
            onClick=${() => press(state)}>${label}</button>`
      )}
    </div>
    <p role="status" class="answer ${answer === null ? '' : answer.isGood ? 'good' : 'bad'}">
      ${busy === 'started' ? 'Waiting until no write of theirs is under way …' : busy !== null ? 'Telling …' : answer?.text}
    </p>
    <${Confirm} wish=${wish} onAnswer=${(isSure) => (isSure ? send(wish) : setWish(null))} />
  </form>`
}
