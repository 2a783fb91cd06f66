/**
 * How answers are written for people.
 */
import type { Output } from './surroundings.ts'

/** Columns side by side. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

const barWidth = 30

/** A bar that is drawn over itself; nothing where nobody watches. */
export function createProgress(out: Output, all: number) {
  let isDrawn = false
  return {
    show(done: number, what: string) {
      if (!out.isTTY) return
      const full = all === 0 ? barWidth : Math.floor((done / all) * barWidth)
      out.write(`\r\u001b[K[${'='.repeat(full)}${' '.repeat(barWidth - full)}] ${done} of ${all} ${what}`)
      isDrawn = true
    },
    end() {
      if (isDrawn) out.write('\r\u001b[K')
      isDrawn = false
    }
  }
}
