/**
 * Keeps a line to Redis open for as long as the process lives: opens another when one has ended, and ends one on which its
 * own beats do not come round any more, whatever the reason: a server that hangs, a network that lost the connection
 * without a word, a listener that the server has cut off.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs, type Line } from './client.ts'

const beatMs = 1000
/** Beats that have not come round when the next is due: the oldest was sent two seconds ago, the last that came, three. */
const mostUnheard = 2
/** How long the start waits for a Redis that is away, ms. */
const patienceMs = 2000
/** What no try will mend: the config and Redis do not agree. */
const hopeless =
  /^(?:WRONGPASS|NOAUTH|NOPERM)|without any password configured|DB index is out of range|cluster support disabled|SELECT is not allowed in cluster/

export interface Care {
  openLine(): Promise<Line>
  /** Looks at what is there, before anybody else uses the line. */
  welcome(line: Line): Promise<void>
  /** Sends a beat, and looks again. */
  beat(line: Line): Promise<void>
  /** The line is open from now on, or is not any more. */
  onOpen(isOpen: boolean): void
  onTrouble(error: Error): void
}

export function createKeeper(care: Care) {
  const closing = new AbortController()
  const first = Promise.withResolvers<void>()
  let line: Line | null = null
  let unheard = 0
  let lastError: Error | undefined
  let isOpenedOnce = false
  let running: Promise<void> | undefined

  function trouble(error: Error) {
    if (closing.signal.aborted) return
    lastError = error
    care.onTrouble(error)
    if (!isOpenedOnce && hopeless.test(error.message)) first.reject(error)
  }

  /** Beats until the line has ended. */
  async function attend(open: Line) {
    unheard = 0
    function beatOnce() {
      if (unheard >= mostUnheard) return open.end(new Error('Redis does not answer any more'))
      unheard++
      care.beat(open).catch(trouble)
    }
    beatOnce()
    const timer = setInterval(beatOnce, beatMs).unref()
    const reason = await open.ended
    clearInterval(timer)
    trouble(reason)
  }

  async function tryOnce() {
    const open = await care.openLine()
    try {
      await care.welcome(open)
      if (closing.signal.aborted) return
      line = open
      isOpenedOnce = true
      care.onOpen(true)
      first.resolve()
      await attend(open)
    } finally {
      open.end(new Error('the line is given up'))
      if (line !== null) {
        line = null
        care.onOpen(false)
      }
    }
  }

  async function run() {
    for (let tries = 0; !closing.signal.aborted; tries++) {
      try {
        await tryOnce()
        tries = 0
      } catch (error) {
        trouble(error as Error)
      }
      await delay(backoffMs(tries), undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  async function close() {
    closing.abort()
    line?.end(new Error('the store is closed'))
    await running
  }

  return {
    close,
    /** Its own beat has come round. */
    heardOwn() {
      unheard = 0
    },
    /** The line, if there is one now. */
    line(): Line {
      if (line === null) throw new Error('Redis is away', { cause: lastError })
      return line
    },
    /** Begins; waits a little for the first line. Rejects for what no try will mend. */
    async start() {
      running = run()
      const patience = new AbortController()
      try {
        await Promise.race([first.promise, delay(patienceMs, undefined, { signal: patience.signal })])
      } catch (error) {
        await close()
        throw error
      } finally {
        patience.abort()
        // Too late to tell anybody at the start.
        first.promise.catch(() => {})
      }
    }
  }
}
