/**
 * What a soak must hold to, and whether it did.
 */
import { faultKinds } from './faults.ts'
import { type Figures, figuresOf, megabytes, ms } from './figures.ts'
import { type SoakOptions, timetableOf } from './options.ts'
import { healthMs } from './settings.ts'
import type { Soaked } from './soak.ts'
import { type Limit, none } from './verdicts.ts'

const risesAtMost = 1.1
/** By chance it would be higher in so many of ten times once in eighteen runs; in fewer, noise may be all there is. */
const surelyHigher = 0.8
/** The p99 of a call with nothing in its way, above which the machine has no time for the gateway and its clients, ms. */
const busyMs = 20
const sourceFaultMs = 50
/** Two probes may take all of two intervals; service shows with the call that comes next. */
const nextCallMs = 100

const percent = (ratio: number) => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`

/** Counts are whole: of five sockets, one more is within. */
function within(name: string, before: number, after: number, show: (value: number) => string): Limit {
  return { name, found: `${show(before)} -> ${show(after)}`, isKept: after <= Math.ceil(before * risesAtMost) }
}

function rise({ ratios, medianRatio }: Figures): Limit {
  const higher = ratios.filter((ratio) => ratio > risesAtMost).length
  const isSure = higher >= ratios.length * surelyHigher
  return {
    name: 'p99 of target customers rises by at most 10 % with the source dead, median of all times',
    found: `${percent(medianRatio)}; it rose by more in ${higher} of ${ratios.length}`,
    isKept: medianRatio <= risesAtMost || (isSure ? false : 'the machine is too noisy')
  }
}

function latencyLimits(figures: Figures, isLong: boolean): Limit[] {
  const isBusy = !(figures.aliveP99 < busyMs)
  const judged = (limit: Limit): Limit => {
    if (!isLong) return { ...limit, isKept: 'too short' }
    return isBusy ? { ...limit, isKept: 'the machine is too busy' } : limit
  }
  const slowest = Math.max(...figures.returnsMs)
  return [
    judged(rise(figures)),
    none('target customers get nothing but success while the source dies and returns', figures.targetFailures),
    judged({
      name: `source customers get their fault in under ${sourceFaultMs} ms, p99`,
      found: `${ms(figures.sourceFaultP99)}, most ${ms(figures.sourceFaultMax)}`,
      isKept: figures.sourceFaultP99 < sourceFaultMs
    }),
    {
      name: 'source customers get 503 system_unavailable and nothing else while the source is dead',
      found: figures.sourceOthers.join(', ') || `${figures.sourceFaults} of them`,
      // A source that is dead for a moment may be missed by all, on a slow machine.
      isKept: figures.sourceOthers.length === 0 && (figures.sourceFaults > 0 || (isLong ? false : 'too short'))
    },
    {
      name: `service returns within two health intervals (${2 * healthMs} ms, and ${nextCallMs} for the next call)`,
      found: ms(slowest),
      isKept: slowest <= 2 * healthMs + nextCallMs
    }
  ]
}

export function limitsOf({ run, ledger, recorder }: Soaked, options: SoakOptions): Limit[] {
  const { before, after, faultHits } = run
  const { counts } = ledger
  const { isLong } = timetableOf(options)
  const unmet = faultKinds.filter((kind) => (faultHits[kind] ?? 0) === 0)
  const ifLong = (limit: Limit): Limit => (isLong ? limit : { ...limit, isKept: 'too short' })
  return [
    none('wrong-system arrivals', counts['wrong system']),
    none('answers of a wrong system or customer', recorder.counts.wrongContents),
    none('wrong merged pages', recorder.counts.wrongPages),
    none('events lost on WebSockets that stood', recorder.counts.lostEvents),
    none('events and answers doubled on WebSockets', recorder.counts.doubledEvents),
    none('writes lost', counts.lost),
    none('writes doubled', counts.doubled),
    none('writes sent again that may have been carried out', counts['sent again']),
    none('arrivals too late to be judged', counts.stray),
    none('requests that were never answered', counts.silent),
    ...latencyLimits(figuresOf(run), isLong),
    ifLong(within('resident memory back within 10 %', before.residentBytes, after.residentBytes, megabytes)),
    within('sockets back within 10 %', before.sockets, after.sockets, String),
    within('timers back within 10 %', before.timers, after.timers, String),
    ifLong({ name: 'every kind of fault was met', found: unmet.join(', ') || 'all', isKept: unmet.length === 0 })
  ]
}
