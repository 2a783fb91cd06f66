/**
 * Where systemStatus comes from: both systems' status, told to all who listen when it changes, and every now and then.
 */
import type { FastifyInstance } from 'fastify'
import { type System, systemNames } from '../../core/words.ts'
import { statusOf } from '../status.ts'
import { createFeed, type Feed } from './feed.ts'

interface Told {
  readonly systemStatus: ReturnType<typeof statusOf>
}

export function createStatusNews(app: FastifyInstance, everyMs: number) {
  const feeds = new Set<Feed<System, Told>>()
  const latest = {} as Record<System, Told>
  let stop: (() => void) | null = null

  /** A reader that is slow gets what is true when it reads: of each system one status waits, the latest. */
  function tell(system: System) {
    latest[system] = { systemStatus: statusOf(app, system) }
    for (const feed of feeds) feed.push(system)
  }

  function tellBoth() {
    for (const system of systemNames) tell(system)
  }

  function begin() {
    const ends = systemNames.map((system) => app.systems[system].onChange(() => tell(system)))
    const timer = setInterval(tellBoth, everyMs)
    return function end() {
      clearInterval(timer)
      for (const stopListening of ends) stopListening()
    }
  }

  return function open(onEnd: () => void): Feed<System, Told> {
    stop ??= begin()
    tellBoth()
    const feed = createFeed<System, Told>({
      atMost: systemNames.length,
      tell: (system) => latest[system],
      onEnd() {
        feeds.delete(feed)
        if (feeds.size === 0) {
          stop?.()
          stop = null
        }
        onEnd()
      }
    })
    feeds.add(feed)
    for (const system of systemNames) feed.push(system)
    return feed
  }
}
