/**
 * How long things took, counted in cells of one fixed scale, so that what several have counted adds up, and quantiles can be
 * told without keeping each value. Four cells an octave: a quantile is wrong by less than a fifth.
 */

/** What is below it needs no telling apart, ms. */
const leastMs = 1 / 64
const perOctave = 4
/** Up to half a minute: no system is waited for longer by default. */
const octaves = 21

/** How many cells hold one spread; the last one has all that is longer. */
export const spanCells = perOctave * octaves + 2

/** The cell of a time. */
export function spanCell(ms: number): number {
  if (!(ms > leastMs)) return 0
  return Math.min(1 + Math.floor(Math.log2(ms / leastMs) * perOctave), spanCells - 1)
}

/** Where a cell begins, ms. */
const startOf = (cell: number) => (cell === 0 ? 0 : leastMs * 2 ** ((cell - 1) / perOctave))

export interface Quantiles {
  readonly p50: number
  readonly p99: number
}

const threeDigits = (value: number) => Number(value.toPrecision(3))

/** Of the spread that begins there, ms; null where nothing was counted. */
export function quantilesOf(cells: ArrayLike<number>, from = 0): Quantiles | null {
  let total = 0
  for (let cell = 0; cell < spanCells; cell++) total += cells[from + cell] ?? 0
  if (total === 0) return null

  function at(share: number): number {
    const rank = share * total
    let below = 0
    for (let cell = 0; cell < spanCells; cell++) {
      const count = cells[from + cell] ?? 0
      if (count > 0 && below + count >= rank) {
        return threeDigits(startOf(cell) + ((startOf(cell + 1) - startOf(cell)) * (rank - below)) / count)
      }
      below += count
    }
    return threeDigits(startOf(spanCells))
  }
  return { p50: at(0.5), p99: at(0.99) }
}
