/**
 * What a drill prints at its end: its phases, what clients saw other than success, and each limit with what was found.
 */
import { tableOf } from '../../bench/table.ts'
import type { ClientError } from '../../soak/errors.ts'
import { ms, p99Of, percentileOf } from '../../soak/figures.ts'
import { isPassed, verdictsOf } from '../../soak/verdicts.ts'
import type { Drill } from './drill.ts'
import { drillLimits } from './limits.ts'
import type { Phase } from './phases.ts'

/** Of each phase and cause. */
const shownEach = 2

type Row = readonly string[]

function phaseRow({ name, seconds, requests, logins, window, busyShare }: Phase): Row {
  const all = window.samples.map((sample) => sample.ms)
  const latencies = all.length === 0 ? ['-', '-'] : [ms(percentileOf(all, 0.5)), ms(p99Of(all))]
  return [name, seconds.toFixed(1), String(requests), String(logins), ...latencies, `${(busyShare * 100).toFixed(0)} %`]
}

const errorTable = ({ recorder }: Drill) =>
  tableOf(
    ['phase', 'what clients saw', 'foreseen as', 'times'],
    recorder.errors
      .rows()
      .map(({ phase, cause, foreseen, count }) => [phase, cause, foreseen ?? 'ERROR', String(count)])
  )

function countRows({ ledger, recorder, run, moves }: Drill): Row[] {
  const { counts } = recorder
  const { tally } = ledger
  const repeated = [...ledger.repeated].map(([call, count]) => `${call} ${count}`)
  return [
    ['requests', String(counts.requests)],
    ['  not sent, too many under way', String(counts.skipped)],
    ['arrivals at the systems', String(tally.arrivals)],
    ['writes carried out', String(tally.writesExecuted)],
    ...[...ledger.excused].map(([reason, count]): Row => [`excused: ${reason}`, String(count)]),
    ['reads sent again, lists aside', repeated.join(', ') || '0'],
    ['events on WebSockets', String(counts.events)],
    ['moves, each told to one gateway', String(moves.moves)],
    ['under way on the killed gateway, at most', String(run.kill.underWay)]
  ]
}

const storyOf = ({ phase, cause, what, sentAt, endedAt }: ClientError) =>
  `${phase}: ${cause}, ${what}, at ${new Date(endedAt).toISOString()} after ${(endedAt - sentAt).toFixed(0)} ms`

function storiesOf({ recorder: { errors } }: Drill): string[] {
  const kinds = Map.groupBy(errors.unforeseen, ({ phase, cause }) => `${phase}\0${cause}`)
  return [...kinds.values()].flatMap((kind) => kind.slice(0, shownEach).map(storyOf))
}

export function drillReport(drill: Drill): { text: string; isPassed: boolean } {
  const { run, ledger, recorder } = drill
  const limits = drillLimits(drill)
  const examples = [...ledger.examples, ...recorder.examples, ...storiesOf(drill)]
  const text = [
    tableOf(['phase', 's', 'requests', 'logins', 'p50', 'p99', 'CPUs'], run.phases.map(phaseRow)),
    errorTable(drill),
    tableOf(['figure', 'value'], countRows(drill)),
    verdictsOf(limits, examples, 'the first of what was wrong, and of each error')
  ].join('\n\n')
  return { text, isPassed: isPassed(limits) }
}
