/**
 * The ledger: what each client sent and got, against what arrived at which system. From both it tells requests on a wrong
 * system, writes that were lost and writes that were carried out more than once. It is pure: times come in as numbers.
 */
import type { System } from '../core/words.ts'
import type { Arrival } from './arrivals.ts'
import type { Places } from './places.ts'

/** Where a request has to go. */
export type Expected =
  /** Its session lives there, a context names it, or it is what goes to the target. */
  | { readonly kind: 'system'; readonly system: System }
  /** Where this customer is; `names` are what lookups call the entity. */
  | { readonly kind: 'located'; readonly customer: number; readonly names: readonly string[] }
  /** Both may be asked, as at a login. */
  | { readonly kind: 'any' }

export interface Wholeness {
  readonly openedAt: number
  /** Of a session on both systems: from when on its half on the source may be lost; Infinity while it is surely whole. */
  readonly shakenAt: number
}

export interface Mark {
  readonly id: number
  readonly call: string
  /** Whose session it is; null for staff and for WebSockets' own books. */
  readonly customer?: number | null
  readonly isWrite: boolean
  readonly expected: Expected
  readonly session: Wholeness | null
  /** Its session has ended, and the gateways may not know any more where it lived. */
  readonly isNobodys?: boolean
  /** Both systems may be asked where nothing tells its session: whoever does not know it refuses. */
  readonly isAskable?: boolean
  readonly sentAt: number
}

export interface Seen {
  readonly endedAt: number
  /** Null when the answer never began, or the client had left. */
  readonly status: number | null
  /** The connection ended, or the client's patience, before any answer began. */
  readonly isSilent: boolean
}

/** The end of a process that was killed: from the order to its being gone. */
export interface Kill {
  readonly orderedAt: number
  readonly goneAt: number
}

/** It was sent before the process was gone, and ended no earlier than it began to go. */
export const wasUnderWay = (
  { sentAt, endedAt }: { readonly sentAt: number; readonly endedAt: number },
  { orderedAt, goneAt }: Kill
): boolean => sentAt <= goneAt && endedAt >= orderedAt

export type Wrong = 'wrong system' | 'lost' | 'doubled' | 'sent again' | 'silent' | 'stray'

interface Line {
  readonly mark: Mark
  seen: Seen | null
  readonly arrivals: Arrival[]
}

/** A question of another session that was under way already may be shared, ms. */
const sharedQuestionMs = 6_000
/** The client may hear later than others what shakes its session, ms. */
const hearsayMs = 1_000
const keptExamples = 5
const handedOverReason = 'a page of a customer who has moved, from where the customer is'
const endedReason = 'a session that has ended and that nobody remembers'
/** What is kept of the session was out of reach. */
export const askedReason = 'a renewal for which both systems were asked'

/** Lists ask each system as often as they need to. */
const isList = (call: string) => call.endsWith('_list')

const isSuccess = (status: number | null) => status !== null && status >= 200 && status < 300

/** An answer of the API's own by which a call did nothing; after anything else it may have been carried out. */
const isRefusal = ({ executed, status }: Arrival) => !executed && (status === 500 || status === 401)

/** What may say that an entity is not there: a fault, or the record of one that has moved away. */
const maySayAbsent = ({ status }: Arrival) => status === 500 || status === 200

export function createLedger(places: Places) {
  const lines = new Map<number, Line>()
  const counts: Record<Wrong, number> = { 'wrong system': 0, lost: 0, doubled: 0, 'sent again': 0, silent: 0, stray: 0 }
  const examples: string[] = []
  const tally = { sent: 0, judged: 0, arrivals: 0, writesExecuted: 0 }
  const excused = new Map<string, number>()
  const repeated = new Map<string, number>()
  const kills: Kill[] = []

  const excuse = (reason: string) => excused.set(reason, (excused.get(reason) ?? 0) + 1)

  function blame(wrong: Wrong, what: string) {
    counts[wrong]++
    if (examples.length < keptExamples) examples.push(`${wrong}: ${what}`)
  }

  /** Why a call may be elsewhere than where it is expected (contract sections 4 and 5); null for no reason. */
  function reasonFor({ mark, seen, arrivals }: Line, arrival: Arrival, at: number): string | null {
    const { call, customer, expected, isWrite, session, sentAt, isNobodys = false, isAskable = false } = mark
    if (isNobodys && arrival.system === 'target' && !arrival.executed) return endedReason
    if (isAskable && isRefusal(arrival)) return askedReason
    const endedAt = seen?.endedAt ?? sentAt
    // Whose session was left behind gets the page of where the customer is (contract section 8).
    if (!isWrite && call.startsWith('/') && customer != null && session !== null) {
      const hasMoved = places.hasMoved(customer, session.openedAt, endedAt)
      if (hasMoved && places.mayBe(customer, arrival.system, sentAt, endedAt)) return handedOverReason
    }
    if (expected.kind !== 'located') return null
    if (!isWrite && arrivals.slice(0, at).some(maySayAbsent)) return 'a read that was told "not there"'
    if (arrival.system !== 'target') return null
    if (session !== null && session.shakenAt <= endedAt + hearsayMs) return 'half of the session may be lost'
    const isUntold = places.isUntellable(expected.names, sentAt - sharedQuestionMs, endedAt)
    return isUntold ? 'no system could tell where' : null
  }

  function isRightPlace(line: Line, arrival: Arrival, at: number): boolean {
    const { expected, sentAt } = line.mark
    if (expected.kind === 'any') return true
    if (expected.kind === 'system' && arrival.system === expected.system) return true
    const endedAt = Math.max(line.seen?.endedAt ?? sentAt, arrival.at)
    if (expected.kind === 'located' && places.mayBe(expected.customer, arrival.system, sentAt, endedAt)) return true
    const reason = reasonFor(line, arrival, at)
    if (reason !== null) excuse(reason)
    return reason !== null
  }

  const wasUnderWayAtKill = ({ sentAt }: Mark, { endedAt }: Seen) =>
    kills.some((kill) => wasUnderWay({ sentAt, endedAt }, kill))

  /** What is no write and came to one system again, though that had not refused it. */
  function noteRepeats({ mark: { call }, arrivals }: Line) {
    if (isList(call)) return
    for (const here of Object.values(Object.groupBy(arrivals, ({ system }) => system))) {
      if (!here.slice(0, -1).every(isRefusal)) repeated.set(call, (repeated.get(call) ?? 0) + 1)
    }
  }

  function judge(line: Line) {
    const { mark, seen, arrivals } = line
    tally.judged++
    arrivals.sort((a, b) => a.at - b.at)
    const story = () =>
      `${mark.call} #${mark.id}, expected ${JSON.stringify(mark.expected)}, the client got ${seen?.status ?? 'nothing'}; ` +
      arrivals
        .map(({ system, at, executed, status, faultcode }) =>
          [system, `+${Math.round(at - mark.sentAt)} ms`, executed ? 'executed' : '', status, faultcode]
            .filter(Boolean)
            .join(' ')
        )
        .join(', ')
    for (const [at, arrival] of arrivals.entries()) {
      if (!isRightPlace(line, arrival, at)) blame('wrong system', story())
    }
    // Browsers send such a request again, whatever it is: even an answer that its system broke off has to begin.
    if (seen?.isSilent) {
      if (wasUnderWayAtKill(mark, seen)) excuse('unanswered, under way when a process was killed')
      else blame('silent', story())
    }
    if (!mark.isWrite) return noteRepeats(line)
    const executed = arrivals.filter((arrival) => arrival.executed).length
    tally.writesExecuted += Math.min(executed, 1)
    if (executed > 1) blame('doubled', story())
    else if (executed === 0 && isSuccess(seen?.status ?? null)) blame('lost', story())
    if (executed <= 1 && !arrivals.slice(0, -1).every(isRefusal)) blame('sent again', story())
  }

  return {
    sent(mark: Mark) {
      tally.sent++
      lines.set(mark.id, { mark, seen: null, arrivals: [] })
    },

    answered(id: number, seen: Seen) {
      const line = lines.get(id)
      if (line !== undefined) line.seen = seen
    },

    arrived(arrival: Arrival) {
      const { id, system, about, at, call } = arrival
      if (id === null) {
        places.noteUnclear(about, at)
        return
      }
      tally.arrivals++
      const line = lines.get(id)
      // It was judged without this one, so its verdict may be wrong.
      if (line === undefined) blame('stray', `${call} #${id} at the ${system} after it had been judged`)
      else line.arrivals.push(arrival)
    },

    /** What was under way may rightly stay unanswered. */
    noteKill(kill: Kill) {
      kills.push(kill)
    },

    /** Judges what ended before this time and forgets it; Infinity judges everything. */
    settle(before: number) {
      for (const line of lines.values()) {
        if (before !== Infinity && (line.seen === null || line.seen.endedAt >= before)) continue
        judge(line)
        lines.delete(line.mark.id)
      }
    },

    counts: counts as Readonly<Record<Wrong, number>>,
    examples: examples as readonly string[],
    /** What would be wrong, by the reason that the contract has for it. */
    excused: excused as ReadonlyMap<string, number>,
    /** Calls other than writes that came to one system more than once, by name. */
    repeated: repeated as ReadonlyMap<string, number>,
    tally: tally as Readonly<typeof tally>,
    get open() {
      return lines.size
    }
  }
}

export type Ledger = ReturnType<typeof createLedger>
