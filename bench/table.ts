/**
 * Figures of several rounds as one Markdown table, so that a run's output is what results.md shows.
 */
import { cpus } from 'node:os'

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** `61 (58-64)`: the median, or another middle, and the least and the most behind it. */
export function spreadOf(values: readonly number[], digits: number, middleOf = medianOf): string {
  const [middle, least, most] = [middleOf(values), Math.min(...values), Math.max(...values)].map((value) =>
    value.toFixed(digits)
  )
  return `${middle} (${least}-${most})`
}

export function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

/** What was run, and where: figures mean nothing without it. */
export function surroundings(part: string, flags: string): string {
  const all = cpus()
  return [
    `command: npm run bench -- ${part} ${flags}`,
    `node ${process.version}, ${all.length} cores, ${all[0]?.model.trim() ?? 'unknown processor'}`
  ].join('\n')
}
