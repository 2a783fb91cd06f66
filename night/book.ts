/**
 * The book of a night: every write with what its client was told, what the systems' journals say of it, and when each
 * customer was on its way. From these it tells what is wrong. It is pure: times come in as numbers, ms since 1970.
 */
import type { System } from '../core/words.ts'
import type { Marked } from '../soak/arrivals.ts'
import type { Understood } from './answers.ts'

export interface Try extends Pick<Understood, 'end' | 'cause'> {
  readonly sentAt: number
  readonly endedAt: number
}

interface Line {
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

/** What the systems have of a note at the end: of each system that has its holder active. */
export type Holding = Readonly<Partial<Record<System, string>>>

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
const keptExamples = 4
/** A refusal by which the source says that the session has ended: the customer's client begins anew. */
const isHandoff = ({ executed, faultcode }: Marked) => !executed && /check_auth/.test(faultcode ?? '')

/** Whether it was carried out cannot be told from the answer. */
const isUnclearLine = ({ tries }: Line) => tries.some(({ end }) => end === 'wrong' || end === 'late')

export type Book = ReturnType<typeof createBook>

export function createBook() {
  const lines = new Map<number, Line>()
  const journeys = new Map<number, Journey>()
  /** The mark of the last accepted write. */
  const last = new Map<string, Line>()
  const counts = Object.fromEntries(Object.keys(wrongs).map((name) => [name, 0])) as Record<Wrong, number>
  const causes = new Map<string, number>()
  const examples: string[] = []
  let latest = 0

  const storyOf = ({ mark, iCustomer, way, tries, arrivals }: Line) => {
    const { answeredAt, toldAt, hasMoved } = journeys.get(iCustomer) ?? { answeredAt: 0, toldAt: 0, hasMoved: false }
    const origin = answeredAt || (tries[0]?.sentAt ?? 0)
    const at = (time: number) => (Number.isFinite(time) ? `${Math.round(time - origin)} ms` : 'never')
    const told = tries.map(({ cause, sentAt, endedAt }) => `${cause} (${at(sentAt)} to ${at(endedAt)})`)
    const here = arrivals.map((one) => `${one.system} at ${at(one.at)}: ${one.executed ? 'executed' : one.faultcode}`)
    const fence = answeredAt === 0 ? 'not moved' : `fenced 0 to ${at(toldAt)}, ${hasMoved ? 'moved' : 'not moved'}`
    return `#${mark} for ${iCustomer}, ${way}; ${fence}; told ${told.join(', ')}; ${here.join(', ') || 'no arrival'}`
  }

  function blame(wrong: Wrong, story: () => string) {
    counts[wrong]++
    if (counts[wrong] <= keptExamples) examples.push(`${wrongs[wrong]}: ${story()}`)
  }

  /** Where a customer's writes belong at a time. */
  function isPlace(iCustomer: number, { system, at }: Marked): boolean {
    const journey = journeys.get(iCustomer)
    if (journey === undefined) return system === 'source'
    const { answeredAt, toldAt, hasMoved } = journey
    // The clock of a journal has whole milliseconds.
    if (system === 'target') return hasMoved && at + 1 >= toldAt
    return hasMoved ? at <= answeredAt : at <= answeredAt || at + 1 >= toldAt
  }

  function judgeFence(line: Line) {
    const { answeredAt = Infinity, toldAt = Infinity } = journeys.get(line.iCustomer) ?? {}
    const isBehind = (arrival: Marked) => arrival.at > answeredAt && arrival.at + 1 < toldAt && !isHandoff(arrival)
    if (line.arrivals.some(isBehind)) blame('passed', () => storyOf(line))
    const wasUnderWay = line.tries.some(
      ({ end, sentAt, endedAt }) => end === 'done' && sentAt < answeredAt && endedAt > answeredAt + hearingMs
    )
    if (wasUnderWay && line.arrivals.some(({ executed, at }) => executed && at <= answeredAt)) {
      blame('early', () => storyOf(line))
    }
  }

  function judge(line: Line) {
    const { tries, arrivals, iCustomer } = line
    const executed = arrivals.filter((arrival) => arrival.executed)
    const done = tries.find(({ end }) => end === 'done')
    const on = new Set(executed.map(({ system }) => system))
    if (on.size > 1) blame('both', () => storyOf(line))
    else if (executed.length > 1) blame('doubled', () => storyOf(line))
    if (done !== undefined && executed.length === 0) blame('lost', () => storyOf(line))
    const isUnclear = isUnclearLine(line)
    const isOutside = ({ at }: Marked) => done === undefined || at + 1 < done.sentAt || at > done.endedAt
    if (!isUnclear && executed.some(isOutside)) blame('against', () => storyOf(line))
    if (executed.some((arrival) => !isPlace(iCustomer, arrival))) blame('astray', () => storyOf(line))
    if (tries.some(({ end }) => end === 'late')) blame('late', () => storyOf(line))
    else if (isUnclear) blame('unexplained', () => storyOf(line))
    else if (done === undefined) blame('givenUp', () => storyOf(line))
    judgeFence(line)
  }

  return {
    counts: counts as Readonly<Record<Wrong, number>>,
    /** What clients were told, by how they wrote. */
    causes: causes as ReadonlyMap<string, number>,
    examples: examples as readonly string[],
    journeys: journeys as ReadonlyMap<number, Journey>,

    begin(write: Pick<Line, 'iCustomer' | 'holder' | 'way'>): number {
      const mark = ++latest
      lines.set(mark, { mark, ...write, tries: [], arrivals: [] })
      return mark
    },

    tried(mark: number, tried: Try) {
      const line = lines.get(mark)
      if (line === undefined) return
      line.tries.push(tried)
      const told = `${line.way}\0${tried.cause}`
      causes.set(told, (causes.get(told) ?? 0) + 1)
      if (tried.end === 'done') last.set(line.holder, line)
    },

    arrived(marked: Marked) {
      lines.get(marked.mark)?.arrivals.push(marked)
    },

    depart(iCustomers: readonly number[], answeredAt: number) {
      for (const one of iCustomers) journeys.set(one, { answeredAt, toldAt: Infinity, hasMoved: false })
    },

    arrive(iCustomers: readonly number[], toldAt: number, hasMoved: boolean) {
      for (const one of iCustomers) Object.assign(journeys.get(one) ?? {}, { toldAt, hasMoved })
    },

    /** Marks of the notes that the systems must have at the end, by their holder. */
    expected: (): ReadonlyMap<string, { readonly mark: number; readonly at: System }> =>
      new Map(
        [...last].map(([holder, { mark, iCustomer }]) => {
          return [holder, { mark, at: journeys.get(iCustomer)?.hasMoved ? 'target' : 'source' }]
        })
      ),

    /** Compares everything, once. */
    close(holdings: ReadonlyMap<string, Holding>, noteOf: (mark: number) => string) {
      /** Notes of writes that may have been carried out after the last accepted one. */
      const unclear = new Set<string>()
      for (const line of lines.values()) {
        judge(line)
        if (isUnclearLine(line)) unclear.add(`${line.holder} ${noteOf(line.mark)}`)
      }
      for (const [holder, line] of last) {
        const at: System = journeys.get(line.iCustomer)?.hasMoved ? 'target' : 'source'
        const holding = holdings.get(holder) ?? {}
        const active = Object.keys(holding)
        const story = () => `${holder}, which should be on the ${at}: ${JSON.stringify(holding)}; ${storyOf(line)}`
        if (active.length !== 1 || active[0] !== at) blame('split', story)
        else if (holding[at] !== noteOf(line.mark) && !unclear.has(`${holder} ${holding[at]}`)) blame('stale', story)
      }
    },

    figures() {
      const all = [...lines.values()]
      const withEnd = (...ends: readonly Try['end'][]) =>
        all.filter((line) => !isUnclearLine(line) && line.tries.some(({ end }) => ends.includes(end)))
      const isDone = ({ tries }: Line) => tries.some(({ end }) => end === 'done')
      const fenced = withEnd('fenced')
      const handed = withEnd('ended')
      return {
        writes: all.length,
        done: all.filter(isDone).length,
        fenced: fenced.length,
        fencedDone: fenced.filter(isDone).length,
        handed: handed.length,
        handedDone: handed.filter(isDone).length,
        executed: {
          source: all.filter(({ arrivals }) => arrivals.some((one) => one.executed && one.system === 'source')).length,
          target: all.filter(({ arrivals }) => arrivals.some((one) => one.executed && one.system === 'target')).length
        }
      }
    }
  }
}
