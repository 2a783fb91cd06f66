/**
 * The signals that a gateway obeys. They are listened to from the start, so that none ends a gateway that is just coming
 * up.
 */
import { setTimeout as delay } from 'node:timers/promises'

const toStop = ['SIGTERM', 'SIGINT'] as const
const toReload = ['SIGHUP', 'SIGUSR2'] as const

export interface StopSignals {
  /** The first SIGTERM or SIGINT. The next one ends the process at once. */
  readonly asked: Promise<void>
  /** Waits so long, or until the next of them, which does no more than that. */
  patience(ms: number): Promise<void>
}

export function takeStopSignals(): StopSignals {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  let isAsked = false
  let waiting: AbortController | null = null

  function obey(signal: NodeJS.Signals) {
    if (!isAsked) {
      isAsked = true
      resolve()
    } else if (waiting !== null) waiting.abort()
    else {
      for (const one of toStop) process.off(one, obey)
      process.kill(process.pid, signal)
    }
  }

  for (const one of toStop) process.on(one, obey)
  return {
    asked,
    async patience(ms) {
      waiting = new AbortController()
      await delay(ms, undefined, { signal: waiting.signal }).catch(() => {})
      waiting = null
    }
  }
}

/** Gives what takes whoever answers SIGHUP and SIGUSR2; one that comes before there is somebody is not forgotten. */
export function takeReloadSignals(): (reload: () => void) => void {
  let isWaiting = false
  let answer = () => {
    isWaiting = true
  }
  for (const one of toReload) process.on(one, () => answer())
  return (reload) => {
    answer = reload
    if (isWaiting) reload()
  }
}
