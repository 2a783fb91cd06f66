/**
 * What is made of the figures: the table, and whether the goal is reached.
 */
import { medianOf, spreadOf, tableOf } from '../table.ts'
import type { Call } from './gateways.ts'
import type { Figures, Turn } from './turns.ts'

const goal = 1.7
/** Where two processes that only count are worth less, no second worker has a core of its own. */
const leastCeiling = 1.8
/** Fewer say nothing: a shared machine is too noisy. */
const judgedRounds = 5

/** What speaks against a verdict; null when nothing does. */
function whyUnjudged({ ratio, ceiling }: Figures): string | null {
  if (ratio.length < judgedRounds) return `not judged below ${judgedRounds} rounds`
  const worth = medianOf(ceiling)
  return worth < leastCeiling
    ? `not judged: two processes were worth ${worth.toFixed(2)} of one, others use the cores`
    : null
}

export function judge(figures: Figures, print: (text: string) => void): boolean {
  const ratio = medianOf(figures.alone)
  const why = whyUnjudged(figures)
  const isJudged = why === null
  const verdict = why ?? (ratio >= goal ? 'reached' : 'MISSED')
  print(`\ngoal ${goal} x one worker, on two cores: ${ratio.toFixed(2)}, ${verdict}`)
  return !isJudged || ratio >= goal
}

export function show({ name }: Call, { one, two, ratio, alone, ceiling }: Figures, print: (text: string) => void) {
  const columnsOf = (turns: readonly Turn[]) => [
    spreadOf(
      turns.map(({ perSecond }) => perSecond),
      0
    ),
    spreadOf(
      turns.map(({ cpuMicroseconds }) => cpuMicroseconds),
      0
    )
  ]
  const rows = [
    ['workers: 1', ...columnsOf(one), '1'],
    ['workers: 2', ...columnsOf(two), spreadOf(ratio, 2)],
    ['workers: 2, with two cores of their own', '', '', spreadOf(alone, 2)],
    ['two processes that count, against one', '', '', spreadOf(ceiling, 2)]
  ]
  print(`\n${tableOf([name, 'requests/s', 'CPU us/request', 'x one'], rows)}`)
}
