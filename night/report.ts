/**
 * What a night prints at its end: figures, what clients were told, and each limit with what was found.
 */
import { tableOf } from '../bench/table.ts'
import { isPassed, type Limit, none, verdictsOf } from '../soak/verdicts.ts'
import { type Wrong, wrongs } from './judgement.ts'
import type { Night } from './night.ts'
import type { NightOptions } from './options.ts'

type Judged = Pick<Night, 'book' | 'moves' | 'busyShare'>

/** A machine that is busier lets clients wait for longer than they want to. */
const busiest = 0.8

/** What shows that the night was one. */
function workLimits({ book, moves }: Judged, { customers }: Pick<NightOptions, 'customers'>): Limit[] {
  const { fenced, fencedDone, handed, handedDone } = book.figures()
  return [
    {
      name: 'customers whose move ended',
      found: `${moves.moved} moved, ${moves.failed} stayed, of ${customers}`,
      isKept: moves.moved > 0 && moves.moved + moves.failed === customers
    },
    none('words of moves that a gateway refused', moves.refusedWords),
    {
      name: 'writes that met the fence and succeeded after Retry-After',
      found: `${fencedDone} of ${fenced}`,
      isKept: fenced > 0 && fenced === fencedDone
    },
    {
      name: 'writes that met an ended session and succeeded after a new login',
      found: `${handedDone} of ${handed}`,
      isKept: handed > 0 && handed === handedDone
    }
  ]
}

function wrongLimit({ book, busyShare }: Judged, wrong: Wrong): Limit {
  const limit = none(wrongs[wrong], book.counts[wrong])
  const isDoubtful = wrong === 'late' && limit.isKept === false && busyShare > busiest
  return isDoubtful ? { ...limit, isKept: 'the machine is too busy' } : limit
}

export const nightLimits = (night: Judged, options: Pick<NightOptions, 'customers'>): Limit[] => [
  ...(Object.keys(wrongs) as Wrong[]).map((wrong) => wrongLimit(night, wrong)),
  ...workLimits(night, options)
]

function figureRows({ book, moves, settlingMs, logins, seconds, busyShare, writers }: Night): string[][] {
  const { writes, done, executed } = book.figures()
  const sorted = settlingMs.toSorted((one, other) => one - other)
  const settled = [sorted[Math.floor(sorted.length / 2)] ?? 0, sorted.at(-1) ?? 0].map((ms) => `${ms.toFixed(0)} ms`)
  return [
    ['seconds with moves', seconds.toFixed(1)],
    ['processors busy', `${(busyShare * 100).toFixed(0)} %`],
    ['batches', String(moves.batches)],
    ['"started" answered after, median and most', settled.join(', ')],
    ['"started" told again', String(moves.toldAgain)],
    ['writes begun each second, once the rate was reached', writers.rate().toFixed(0)],
    ['writes', String(writes)],
    ['  accepted', String(done)],
    ['  not begun, everybody was writing', String(writers.counts.skipped)],
    ['  carried out by the source', String(executed.source)],
    ['  carried out by the target', String(executed.target)],
    ['logins', String(logins.logins)],
    ['  refused and tried again', String(logins.refusedLogins)]
  ]
}

function causeRows({ book }: Night): string[][] {
  return [...book.causes].toSorted().map(([key, count]) => [...key.split('\0'), String(count)])
}

export function nightReport(night: Night, options: NightOptions): { text: string; isPassed: boolean } {
  const limits = nightLimits(night, options)
  const text = [
    tableOf(['figure', 'value'], figureRows(night)),
    tableOf(['who writes', 'and is told', 'times'], causeRows(night)),
    verdictsOf(limits, night.book.examples)
  ].join('\n\n')
  return { text, isPassed: isPassed(limits) }
}
