/**
 * What is wrong with one write of a night: by what its client was told, where it arrived, and when its customer was on its
 * way. It is pure: times come in as numbers, ms since 1970.
 */
import type { Marked } from '../soak/arrivals.ts'
import type { Understood } from './answers.ts'

export interface Try extends Pick<Understood, 'end' | 'cause'> {
  readonly sentAt: number
  readonly endedAt: number
}

/** A write. */
export interface Line {
  readonly mark: number
  readonly iCustomer: number
  /** Whose note it changes. */
  readonly holder: string
  readonly way: string
  readonly tries: Try[]
  readonly arrivals: Marked[]
}

/** One customer's way to the other system. */
export interface Journey {
  /** "started" was answered: no write is under way any more, and none may begin. */
  readonly answeredAt: number
  /** "finished" or "failed" was sent. */
  toldAt: number
  hasMoved: boolean
}

/** What can be wrong, as the report words it. */
export const wrongs = {
  lost: 'writes lost: accepted, and carried out by nobody',
  doubled: 'writes carried out twice on one system',
  both: 'writes carried out on both systems',
  against: 'writes carried out that were refused',
  astray: 'writes carried out where their customer was not',
  passed: 'writes that reached a system behind the fence',
  early: '"started" answered while a write was under way',
  late: 'writes without an answer in time',
  unexplained: 'writes refused otherwise than by the fence or the handoff',
  givenUp: 'writes that never succeeded',
  stale: 'notes other than the last accepted write, where their customer ended',
  split: 'customers or accounts active on both systems or on none'
} as const

export type Wrong = keyof typeof wrongs

/** Between the gateway's end of an answer and the client's. */
const hearingMs = 400
/** A refusal by which the source says that the session has ended: the customer's client begins anew. */
const isHandoff = ({ executed, faultcode }: Marked) => !executed && /check_auth/.test(faultcode ?? '')

/** Whether it was carried out cannot be told from the answer. */
export const isUnclear = ({ tries }: Line): boolean => tries.some(({ end }) => end === 'wrong' || end === 'late')

/** Whether a customer's writes belong there at that time. */
function isPlace({ system, at }: Marked, journey: Journey | undefined): boolean {
  if (journey === undefined) return system === 'source'
  const { answeredAt, toldAt, hasMoved } = journey
  // The clock of a journal has whole milliseconds.
  if (system === 'target') return hasMoved && at + 1 >= toldAt
  return hasMoved ? at <= answeredAt : at <= answeredAt || at + 1 >= toldAt
}

/** What it has done that the fence forbids. */
function wrongsAtFence({ tries, arrivals }: Line, { answeredAt, toldAt }: Journey): Wrong[] {
  const found: Wrong[] = []
  const isBehind = (arrival: Marked) => arrival.at > answeredAt && arrival.at + 1 < toldAt && !isHandoff(arrival)
  if (arrivals.some(isBehind)) found.push('passed')
  const wasUnderWay = tries.some(
    ({ end, sentAt, endedAt }) => end === 'done' && sentAt < answeredAt && endedAt > answeredAt + hearingMs
  )
  if (wasUnderWay && arrivals.some(({ executed, at }) => executed && at <= answeredAt)) found.push('early')
  return found
}

export function wrongsOf(line: Line, journey: Journey | undefined): Wrong[] {
  const { tries, arrivals } = line
  const found: Wrong[] = []
  const executed = arrivals.filter((arrival) => arrival.executed)
  const done = tries.find(({ end }) => end === 'done')
  const on = new Set(executed.map(({ system }) => system))
  if (on.size > 1) found.push('both')
  else if (executed.length > 1) found.push('doubled')
  if (done !== undefined && executed.length === 0) found.push('lost')
  const isOutside = ({ at }: Marked) => done === undefined || at + 1 < done.sentAt || at > done.endedAt
  if (!isUnclear(line) && executed.some(isOutside)) found.push('against')
  if (executed.some((arrival) => !isPlace(arrival, journey))) found.push('astray')
  if (tries.some(({ end }) => end === 'late')) found.push('late')
  else if (isUnclear(line)) found.push('unexplained')
  else if (done === undefined) found.push('givenUp')
  return journey === undefined ? found : [...found, ...wrongsAtFence(line, journey)]
}
