/**
 * console
 * Adds  `app.console`: what the live page of the ops listener shows of this process. Requests are counted where they end; a
 *       row of counts is kept each second and each step, so that all of it has a fixed size.
 * Needs way, store, upstreams, homes; entity-location where it is on.
 * Off   nothing is gathered, and the page is gone.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type System, systemNames } from '../../core/words.ts'
import { answersCountingIn, cellCount, countingIn } from './cells.ts'
import { createChanges, type Transition } from './changes.ts'
import { createFeed } from './feed.ts'
import { createHistory, type Recent, type Step } from './history.ts'
import { type Known, neighboursOf } from './neighbours.ts'
import type { ConsoleOptions } from './options.ts'
import { createTroubles, type Trouble } from './troubles.ts'

type Feed = ReturnType<typeof createFeed>

/** What one process has to show now. */
export interface ConsoleReport extends Known {
  /** Ms since 1970. */
  readonly startedAt: number
  readonly isStoreUp: boolean
  readonly recent: Recent
  /** Everything that was counted since the start. */
  readonly totals: readonly number[]
  /** The last whole step. */
  readonly step: Step | null
  /** Sessions that were used within the last minute. */
  readonly sessions: Readonly<Record<System | 'both', number>>
  readonly transitions: Readonly<Record<System, readonly Transition[]>>
  readonly moved: number
  readonly failed: number
  readonly expired: number
  readonly batches: ReturnType<Feed['batches']>
  readonly feed: ReturnType<Feed['entries']>
  readonly faults: readonly Trouble[]
}

declare module 'fastify' {
  interface FastifyInstance {
    console: {
      /** Whether a service login is configured. */
      readonly hasAccount: boolean
      report(): ConsoleReport
      /** The steps of the last hour, oldest first. */
      steps(): readonly Step[]
    }
  }
}

const everyMs = 1000

function watchMoves(app: FastifyInstance) {
  const feed = createFeed()
  const stop = app.hasDecorator('entityLocation') ? app.entityLocation.onMoved(feed.hear) : () => {}
  return { feed, stop }
}

async function consolePlugin(app: FastifyInstance, { account }: ConsoleOptions) {
  const startedAt = Date.now()
  const cells = new Float64Array(cellCount)
  const { feed, stop } = watchMoves(app)
  const neighbours = neighboursOf(app, feed)
  const history = createHistory(cells, () => ({ moved: feed.moved, moving: neighbours.moving }))
  const troubles = createTroubles()
  app.onRequestEnded(countingIn(cells))
  app.onRequestEnded(troubles.note)
  const changes = { source: createChanges(app.systems.source), target: createChanges(app.systems.target) }
  for (const system of systemNames) app.systems[system].onAnswer(answersCountingIn(cells, system))
  const clock = setInterval(history.advance, everyMs).unref()

  app.decorate('console', {
    hasAccount: account !== undefined,
    report() {
      history.advance()
      return {
        startedAt,
        isStoreUp: app.storeState.isUp,
        recent: history.recent(),
        totals: Array.from(cells),
        step: history.lastStep(),
        sessions: app.homes.inUse(),
        transitions: { source: changes.source.transitions, target: changes.target.transitions },
        moved: feed.moved,
        failed: feed.failed,
        expired: feed.expired,
        batches: feed.batches(),
        feed: feed.entries(),
        faults: troubles.list(),
        ...neighbours.known()
      }
    },
    steps() {
      history.advance()
      return history.steps()
    }
  })

  app.addHook('onClose', async function stopGathering() {
    clearInterval(clock)
    stop()
    for (const system of systemNames) changes[system].stop()
  })
}

export default fp(consolePlugin, {
  name: 'console',
  fastify: '5.x',
  dependencies: ['way', 'store', 'upstreams', 'homes']
})
