/**
 * What the gateway tells by server-sent events: the newest of each kind, and whether it still tells.
 */
import { useEffect, useState } from 'preact/hooks'

/** Kinds whose data stand for themselves; `point` goes into `history`. */
const kinds = ['about', 'systems', 'traffic', 'history', 'totals', 'migration', 'feed', 'faults', 'missing']

/** Something comes each second: silence for longer means that nothing is known any more. ms. */
const patienceMs = 3000
/** A browser connects again by itself, except after an answer that refuses: then we do. ms. */
const againMs = 3000
const longestHistory = 360

/** The history with one more point, or with its last one replaced. */
function withPoint(history, point) {
  const points = history?.points ?? []
  const kept = points.filter(({ at }) => at < point.at).slice(1 - longestHistory)
  return { stepMs: history?.stepMs ?? 10_000, points: [...kept, point] }
}

function createFeed(url) {
  const newest = new Map()
  const listeners = new Map()
  let source = null
  let heardAt = 0
  let isWaiting = false

  function tell(kind, value) {
    newest.set(kind, value)
    for (const listener of listeners.get(kind) ?? []) listener(value)
  }

  /** `connecting` at first, then `live`; `silent` with an open connection, `lost` without, `refused` without a session. */
  function setConnection(state) {
    if (newest.get('connection')?.state !== state) tell('connection', { state, heardAt })
  }

  function heard(kind, text) {
    heardAt = Date.now()
    setConnection('live')
    const data = JSON.parse(text)
    if (kind === 'point') tell('history', withPoint(newest.get('history'), data))
    else tell(kind, data)
  }

  /** An answer other than 200 ends an EventSource for good, and does not say which answer it was. */
  async function afterRefusal() {
    if (isWaiting) return
    isWaiting = true
    setConnection('lost')
    const answer = await fetch('/systems', { headers: { accept: 'application/json' } }).catch(() => null)
    if (answer?.status === 401 || answer?.status === 403) setConnection('refused')
    setTimeout(() => {
      isWaiting = false
      connect()
    }, againMs)
  }

  function connect() {
    source?.close()
    source = new EventSource(url)
    for (const kind of [...kinds, 'point']) source.addEventListener(kind, ({ data }) => heard(kind, data))
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) afterRefusal()
      else if (heardAt > 0) setConnection('lost')
    })
  }

  return {
    start() {
      setConnection('connecting')
      connect()
      setInterval(() => {
        const isSilent = heardAt > 0 && Date.now() - heardAt > patienceMs
        if (isSilent && newest.get('connection').state === 'live') setConnection('silent')
      }, 500)
    },
    newest: (kind) => newest.get(kind),
    /** Returns what ends it. */
    on(kind, listener) {
      if (!listeners.has(kind)) listeners.set(kind, new Set())
      listeners.get(kind).add(listener)
      return () => listeners.get(kind).delete(listener)
    }
  }
}

export const feed = createFeed('/console/events')

/** The newest of a kind; undefined before the first. */
export function useFeed(kind) {
  const [value, setValue] = useState(() => feed.newest(kind))
  useEffect(() => {
    // It may have come between the first look and now.
    setValue(feed.newest(kind))
    return feed.on(kind, setValue)
  }, [kind])
  return value
}
