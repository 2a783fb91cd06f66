/**
 * What is counted of a client's request when it is over. The labels are words of ours, never a client's.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import { Fault, faults } from '../../core/faults.ts'
import { isLogin, listOutcome, listOutcomes, reachedBy } from '../../core/outcomes.ts'
import { Spread, Tally } from '../../core/tally.ts'
import type { Family } from '../../core/words.ts'
import { showCounter, showHistogram } from './shown.ts'

type Ended = Parameters<Parameters<FastifyInstance['onRequestEnded']>[0]>[2]
type Trail = FastifyRequest['trail']
type Counts = ReturnType<typeof createCounts>

const families: readonly Family[] = ['billing', 'portasip', 'callcontrol', 'page']
const homes = ['source', 'target', 'both'] as const

/** Upper bounds, seconds: the gateway's own share is well below a millisecond as long as it is well. */
const ownBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]

const statusClasses = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'] as const
const classOf = (status: number) => statusClasses[Math.floor(status / 100)] ?? 'other'

function loginOutcome({ fault }: Trail, status: string, code: number): string {
  if (status === 'aborted') return 'aborted'
  if (status === '2xx') return 'accepted'
  if (code === 429) return 'limited'
  if (code >= 502) return 'unavailable'
  return fault === null ? 'refused' : 'malformed'
}

/** Its host is of no realm. */
const strangersFault = new Fault('unknown_realm').faultcode

/** With these at 0 from the start, so that their first event is a rise. */
function tallyOf(names: readonly string[]): Tally {
  const tally = new Tally()
  for (const name of names) tally.at(name)
  return tally
}

const createCounts = () => ({
  requests: new Tally(),
  own: new Map(families.map((family) => [family, new Spread(ownBounds)])),
  faults: tallyOf(Object.keys(faults)),
  logins: new Tally(),
  opened: tallyOf(homes),
  lists: tallyOf(listOutcomes)
})

function showCounts(registry: Registry, { requests, own, faults: faultCounts, logins, opened, lists }: Counts) {
  const counter = (name: string, help: string, labels: readonly string[], tally: Tally) =>
    showCounter(registry, { name, help, labels }, () => tally.counts(labels.length))
  const ofRequest = ['realm', 'system', 'family', 'status', 'reason']
  counter('requests_total', 'Requests of clients that are over.', ofRequest, requests)
  counter('faults_total', "The gateway's own faults.", ['fault'], faultCounts)
  counter('logins_total', 'Logins.', ['realm', 'system', 'outcome', 'forwarded'], logins)
  counter('sessions_opened_total', 'Sessions that logins have opened.', ['home'], opened)
  counter('lists_total', 'Lists for which both systems are asked.', ['outcome'], lists)
  const help = "The gateway's own share of a request's time."
  showHistogram(registry, { name: 'own_seconds', help, labels: ['family'] }, () =>
    [...own].map(([family, spread]) => [[family], spread] as const)
  )
}

/** Shows the counts; gives what must be called with each request's end. */
export function countRequests(registry: Registry) {
  const counts = createCounts()
  showCounts(registry, counts)

  function countLogin(realm: string, trail: Trail, status: string, code: number) {
    const to = trail.to ?? 'none'
    const outcome = loginOutcome(trail, status, code)
    const forwarded = trail.reason === 'login_forwarded' ? 'true' : 'false'
    counts.logins.at(realm).at(to).at(outcome).at(forwarded).count++
    if (outcome === 'accepted') counts.opened.at(to).count++
  }

  return function countRequest({ trail, target, place }: FastifyRequest, { raw }: FastifyReply, ended: Ended) {
    const { route } = target
    const { reason, fault } = trail
    const to = trail.to ?? 'none'
    const realm = fault === strangersFault ? 'none' : place.realm
    const status = ended.aborted ? 'aborted' : classOf(raw.statusCode)
    const why = reason ?? 'none'
    counts.requests.at(realm).at(to).at(route.family).at(status).at(why).count++
    counts.own.get(route.family)?.observe(ended.ownMs / 1000)
    if (fault !== null) counts.faults.at(fault.slice(fault.lastIndexOf('.') + 1)).count++
    if (isLogin(route)) countLogin(realm, trail, status, raw.statusCode)
    if (reason === 'merged_list') {
      counts.lists.at(listOutcome(trail, reachedBy(raw.statusCode, ended.aborted))).count++
    }
  }
}
