/**
 * The book of a night: every write with what its client was told, what the systems' journals say of it, and when each
 * customer was on its way. At the end it counts what is wrong, with examples. It is pure: times come in as numbers, ms
 * since 1970.
 */
import type { System } from '../core/words.ts'
import type { Marked } from '../soak/arrivals.ts'
import { isUnclear, type Journey, type Line, type Try, type Wrong, wrongs, wrongsOf } from './judgement.ts'

/** What the systems have of a note at the end: of each system that has its holder active. */
export type Holding = Readonly<Partial<Record<System, string>>>

/** Of each wrong. */
const keptExamples = 4

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
        for (const wrong of wrongsOf(line, journeys.get(line.iCustomer))) blame(wrong, () => storyOf(line))
        if (isUnclear(line)) unclear.add(`${line.holder} ${noteOf(line.mark)}`)
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
        all.filter((line) => !isUnclear(line) && line.tries.some(({ end }) => ends.includes(end)))
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

export type Book = ReturnType<typeof createBook>
