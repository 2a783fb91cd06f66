/**
 * What a screen reader is told without being asked: a system that goes down or comes back, and the connection of the page.
 * The title tells the same to those who have the page in the background.
 */
import { html } from 'htm/preact'
import { useEffect, useState } from 'preact/hooks'
import { feed } from './feed.js'

const names = ['source', 'target']
const title = 'WebDispatcher console'
const words = { up: 'is up again', down: 'is down', partly: 'is up for some workers and down for others' }

/** What has changed from one look to the next; '' for nothing. */
function changesBetween(before, now) {
  if (before === undefined) return ''
  const changed = names.filter((name) => before[name].state !== now[name].state)
  return changed.map((name) => `The ${name} ${now[name].release} ${words[now[name].state]}.`).join(' ')
}

const titleFor = (systems) => {
  const away = names.filter((name) => systems[name].state !== 'up').map((name) => `${name} ${systems[name].state}`)
  return away.length === 0 ? title : `(${away.join(', ')}) ${title}`
}

const connections = {
  lost: 'The connection to the gateway is lost.',
  silent: 'The gateway says nothing.',
  refused: 'The session has ended.'
}

export function Announcements() {
  const [{ urgent, calm }, tell] = useState({ urgent: '', calm: '' })
  useEffect(() => {
    let before
    let wasLost = false
    const ends = [
      feed.on('systems', (now) => {
        const change = changesBetween(before, now)
        before = now
        document.title = titleFor(now)
        if (change === '') return
        // One empties the other, so that the same word a second time is a change too.
        tell(/down/.test(change) ? { urgent: change, calm: '' } : { urgent: '', calm: change })
      }),
      feed.on('connection', ({ state }) => {
        if (state in connections) tell({ urgent: connections[state], calm: '' })
        else if (state === 'live' && wasLost) tell({ urgent: '', calm: 'The connection to the gateway is back.' })
        wasLost = state in connections
      })
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [])
  return html`<div class="sr"><p role="alert">${urgent}</p><p role="status">${calm}</p></div>`
}
