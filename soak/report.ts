/**
 * What a soak prints at its end: the table, and each limit with what was found.
 */
import { tableOf } from '../bench/table.ts'
import { type Figures, figuresOf, megabytes, ms } from './figures.ts'
import { limitsOf } from './limits.ts'
import type { SoakOptions } from './options.ts'
import type { Recorder } from './recorder.ts'
import type { Soaked } from './soak.ts'
import { isPassed, verdictsOf } from './verdicts.ts'

type Row = readonly [figure: string, value: string]

const percentOf = (share: number) => `${(share * 100).toFixed(0)} %`
const listOf = (values: readonly number[], digits: number) => values.map((value) => value.toFixed(digits)).join(', ')

const footprintRows = ({ run: { before, after }, peakBytes }: Soaked): Row[] => [
  [
    'resident memory',
    `${megabytes(before.residentBytes)} -> ${megabytes(after.residentBytes)}, peak ${megabytes(peakBytes)}`
  ],
  ['heap in use', `${megabytes(before.heapBytes)} -> ${megabytes(after.heapBytes)}`],
  ['outside of the heap', `${megabytes(before.externalBytes)} -> ${megabytes(after.externalBytes)}`],
  ['sockets', `${before.sockets} -> ${after.sockets}`],
  ['timers', `${before.timers} -> ${after.timers}`]
]

const latencyRows = (figures: Figures): Row[] => [
  ['calm, target customers', `p50 ${ms(figures.calmP50)}, p99 ${ms(figures.calmP99)}`],
  [
    'source alive / dead, p99 of target customers',
    `${ms(figures.aliveP99)} / ${ms(figures.deadP99)} in the median second, ${figures.targetSamples} requests`
  ],
  ['  CPU of the gateway', `${percentOf(figures.aliveCpu)} / ${percentOf(figures.deadCpu)} of a core`],
  ['  dead over alive, each time', listOf(figures.ratios, 2)],
  ['  answers to them other than success', String(figures.targetFailures)],
  [
    'source dead, faults of source customers',
    `${figures.sourceFaults}, p99 ${ms(figures.sourceFaultP99)}, most ${ms(figures.sourceFaultMax)}`
  ],
  ['  answers other than system_unavailable', figures.sourceOthers.join(', ') || '0'],
  ['source back in service after', `${listOf(figures.returnsMs, 0)} ms`]
]

/** By close code. */
const closesOf = ({ closes }: Pick<Recorder, 'closes'>) =>
  [...closes].map(([code, count]) => `${code}: ${count}`).join(', ') || '0'

function countRows({ run, ledger, recorder, disturbances }: Soaked): Row[] {
  const { counts, kinds } = recorder
  const { tally } = ledger
  return [
    ['requests', `${counts.requests} in ${run.loadSeconds.toFixed(0)} s and the warm-up`],
    ...[...kinds].toSorted(([, a], [, b]) => b - a).map(([kind, count]): Row => [`  ${kind}`, String(count)]),
    ['  not sent, too many under way', String(counts.skipped)],
    ['arrivals at the systems', String(tally.arrivals)],
    ['wrong-system arrivals', String(ledger.counts['wrong system'])],
    ...[...ledger.excused].map(([reason, count]): Row => [`  excused: ${reason}`, String(count)]),
    ['answers of a wrong system or customer', String(counts.wrongContents)],
    ['wrong merged pages', String(counts.wrongPages)],
    ['events on WebSockets', `${counts.events}, lost ${counts.lostEvents}, doubled ${counts.doubledEvents}`],
    ['WebSockets ended by others', closesOf(recorder)],
    ['writes carried out', String(tally.writesExecuted)],
    ['writes lost', String(ledger.counts.lost)],
    ['writes doubled', String(ledger.counts.doubled)],
    ['writes sent again', String(ledger.counts['sent again'])],
    [
      'faults met',
      Object.entries(run.faultHits)
        .map(([kind, hits]) => `${kind} ${hits}`)
        .join(', ')
    ],
    ['restarts', String(disturbances.restarts)],
    ['moves', `${disturbances.moves}, untold ${disturbances.untold}, failed ${disturbances.failedMoves}`],
    ['CPU of the gateway', `${percentOf(run.cpuSeconds / run.loadSeconds)} of a core`]
  ]
}

export function reportOf(soaked: Soaked, options: SoakOptions): { text: string; isPassed: boolean } {
  const limits = limitsOf(soaked, options)
  const rows = [...countRows(soaked), ...latencyRows(figuresOf(soaked.run)), ...footprintRows(soaked)]
  const examples = [...soaked.ledger.examples, ...soaked.recorder.examples]
  return {
    text: `${tableOf(['figure', 'value'], rows)}\n\n${verdictsOf(limits, examples)}`,
    isPassed: isPassed(limits)
  }
}
