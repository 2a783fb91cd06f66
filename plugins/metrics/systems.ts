/**
 * What is shown of the two systems, and of what the gateway knows of sessions and entities: read where it is kept.
 */
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { Spread } from '../../core/tally.ts'
import { type System, systemNames } from '../../core/words.ts'
import { type Described, showCounter, showGauge, showHistogram } from './shown.ts'

type State = FastifyInstance['systems'][System]
type Series = readonly [labels: readonly string[], value: number]

/** Upper bounds, seconds: `timeouts.headers` is 30 by default. */
const upstreamBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const breakerStates = ['closed', 'half_open', 'open', 'off'] as const

/** A series for each key of a table of counts. */
const each = (counts: Readonly<Record<string, number>>): Series[] =>
  Object.entries(counts).map(([key, count]) => [[key], count])

export function showSystems(app: FastifyInstance, registry: Registry) {
  const ofBoth = (read: (state: State) => readonly Series[]) => () =>
    systemNames.flatMap((system) =>
      read(app.systems[system]).map(([labels, value]): Series => [[system, ...labels], value])
    )
  const counter = (name: string, help: string, label: string, read: (state: State) => readonly Series[]) =>
    showCounter(registry, { name, help, labels: ['system', label] }, ofBoth(read))
  const gauge = (name: string, help: string, labels: readonly string[], read: (state: State) => readonly Series[]) =>
    showGauge(registry, { name, help, labels: ['system', ...labels] }, ofBoth(read))
  /** Of several workers the least or the most. */
  const flag = (
    aggregator: 'min' | 'max',
    { name, help, labels }: Described,
    read: (state: State) => readonly Series[]
  ) => showGauge(registry, { name, help, labels: ['system', ...labels], aggregator }, ofBoth(read))
  const one = (value: number): Series[] => [[[], value]]

  const up = '1 while requests are sent to the system.'
  flag('min', { name: 'system_up', help: up, labels: [] }, ({ reachable }) => one(Number(reachable)))
  const ofBreaker = '1 for the state of its breaker, 0 for the others.'
  flag('max', { name: 'breaker_state', help: ofBreaker, labels: ['state'] }, ({ breaker }) =>
    breakerStates.map((state) => [[state], Number(state === breaker)])
  )
  gauge('in_flight', 'Requests to it that are under way.', [], ({ inFlight }) => one(inFlight))
  gauge('queued', 'Requests to it that wait for their turn.', [], ({ queued }) => one(queued))
  gauge('connections', 'Sockets to it.', ['state'], (state) => each(state.connections()))

  counter('breaker_transitions_total', 'How often its breaker came into a state.', 'to', ({ counts }) =>
    each(counts.transitions)
  )
  counter('upstream_attempts_total', 'What came of what was sent to it.', 'outcome', ({ counts }) =>
    each(counts.attempts)
  )
  counter('refused_total', 'Requests to it that were not sent.', 'why', ({ counts }) => each(counts.refused))
  counter('probes_total', 'Probes of it.', 'outcome', ({ counts }) => each(counts.probes))
  const retries = { name: 'retries_total', help: 'Requests that were sent to it once more.', labels: ['system'] }
  showCounter(
    registry,
    retries,
    ofBoth(({ counts }) => one(counts.retries))
  )

  const spreads = systemNames.map((system) => {
    const spread = new Spread(upstreamBounds)
    app.systems[system].onAnswer((ms) => spread.observe(ms / 1000))
    return [[system], spread] as const
  })
  const help = "From sending to the headers of a system's answer, whoever asked."
  showHistogram(registry, { name: 'upstream_seconds', help, labels: ['system'] }, () => spreads)
}

export function showLookups(app: FastifyInstance, registry: Registry) {
  const inUse = 'Sessions that were used within the last minute.'
  showGauge(registry, { name: 'sessions_in_use', help: inUse, labels: ['home'] }, () => each(app.homes.inUse()))

  const kinds = [
    ['session', app.homes.counts],
    ...(app.hasDecorator('entityLocation') ? [['entity', app.entityLocation.counts] as const] : [])
  ] as const
  const help = 'How the system of a session or an entity was found.'
  showCounter(registry, { name: 'lookups_total', help, labels: ['what', 'outcome'] }, () =>
    kinds.flatMap(([what, counts]) => each(counts).map(([labels, count]): Series => [[what, ...labels], count]))
  )
}
