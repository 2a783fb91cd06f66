/**
 * What is merged, as the events that a console hears.
 */
import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { type RealmName, realmNames, type System } from '../../../core/words.ts'
import {
  answeredIn,
  answersIn,
  familiesIn,
  listsIn,
  loginsIn,
  ownIn,
  realmsIn,
  waysIn
} from '../../../plugins/console/cells.ts'
import { stepMs } from '../../../plugins/console/history.ts'
import type { Config } from '../../config-schema.ts'
import { versionOf } from '../../version.ts'
import type { Merged, Step } from './merge.ts'

/** The kinds that come when they have changed, and those that come each second. */
export const changingKinds = ['about', 'totals', 'migration', 'feed', 'faults', 'missing'] as const
export const steadyKinds = ['systems', 'traffic'] as const
export type Kind = (typeof changingKinds)[number] | (typeof steadyKinds)[number]

const tenths = (value: number) => Math.round(value * 10) / 10

export function pointOf({ at, ms, cells, moved, moving }: Step) {
  const seconds = ms / 1000
  return {
    at,
    calls: waysIn(cells, seconds),
    realms: realmsIn(cells, seconds),
    families: familiesIn(cells, seconds),
    own: ownIn(cells),
    latency: { source: answersIn(cells, 'source'), target: answersIn(cells, 'target') },
    logins: loginsIn(cells),
    lists: listsIn(cells),
    moved,
    moving
  }
}

export const historyOf = (steps: readonly Step[]) => ({ stepMs, points: steps.map(pointOf) })

/** What does not change as long as the process runs. */
function lastingOf(app: FastifyInstance, { systems, store, plugins, teamPlugins }: Config) {
  const [kind = 'memory'] = store.split(':', 1)
  const urls = (system: System) =>
    Object.fromEntries(realmNames.map((realm) => [realm, app.upstream(system, realm).origin])) as Record<
      RealmName,
      string
    >
  return {
    systems: {
      source: { release: systems.source.release, urls: urls('source') },
      target: { release: systems.target.release, urls: urls('target') }
    },
    about: {
      version: versionOf(),
      host: hostname(),
      store: kind === 'memory' || kind === 'file' ? kind : ('redis' as const),
      isStoreShared: app.storeState.isShared,
      plugins: [
        ...plugins.map(({ name, options }) => ({ name, isOn: options !== null })),
        ...teamPlugins.map(({ name }) => ({ name, isOn: true }))
      ],
      account: app.console.hasAccount
    }
  }
}

/** Where customers are: by the systems' lists, else by what was seen, and since when it has been so many. */
function createCustomers(now: () => number) {
  let last = { source: null as number | null, target: null as number | null, how: 'seen' as const, at: now() }
  return function customersIn({ listed, seen }: Merged) {
    if (listed !== null) return { source: listed.source, target: listed.target, how: 'totals' as const, at: listed.at }
    const { source = null, target = null } = seen ?? {}
    if (source !== last.source || target !== last.target) last = { source, target, how: 'seen', at: now() }
    return last
  }
}

/** Makes the data of each kind. */
export function createComposer(app: FastifyInstance, config: Config, now: () => number = Date.now) {
  const lasting = lastingOf(app, config)
  const customersIn = createCustomers(now)

  function systemNow({ systems, transitions, minute, rate }: Merged, system: System) {
    const { state, breaker, inFlight, queued, attempts } = systems[system]
    const { unavailable, no_connection, timeout, reset, broken_off } = attempts
    return {
      ...lasting.systems[system],
      state,
      breaker,
      transitions: transitions[system],
      inFlight,
      queued,
      latencyMs: answersIn(minute, system),
      perSecond: tenths(answeredIn(rate, system)),
      errors: { unavailable, no_connection, timeout, reset, broken_off }
    }
  }

  const kinds: { readonly [Name in Kind]: (merged: Merged) => unknown } = {
    about: ({ workers, startedAt, isStoreUp }) => ({ ...lasting.about, workers, startedAt, isStoreUp }),
    systems: (merged) => ({ source: systemNow(merged, 'source'), target: systemNow(merged, 'target') }),
    traffic: ({ rate, minute, sessions }) => ({ perSecond: waysIn(rate, 1), ownMs: ownIn(minute), sessions }),
    totals: ({ totals }) => ({ logins: loginsIn(totals), lists: listsIn(totals) }),
    migration(merged) {
      const { moving, fences, moved, failed, expired, batches } = merged
      return { customers: customersIn(merged), moving, fences, moved, failed, expired, batches }
    },
    feed: ({ feed }) => feed,
    faults: ({ faults }) => faults,
    missing: ({ missing }) => missing
  }
  return (kind: Kind, merged: Merged): string => JSON.stringify(kinds[kind](merged))
}
