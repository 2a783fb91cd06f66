/**
 * Counts and spreads that cost a request next to nothing. prom-client's own put a key together for each count, which was
 * measured to take seven times as long; so it only shows these, when somebody asks (shown.ts).
 */

/** A count for each combination of labels that has come up, reached label by label. */
export class Tally {
  count = 0
  readonly #next = new Map<string, Tally>()

  at(label: string): Tally {
    const known = this.#next.get(label)
    if (known !== undefined) return known
    const begun = new Tally()
    this.#next.set(label, begun)
    return begun
  }

  /** Every combination of so many labels, and its count. */
  *counts(
    depth: number,
    labels: readonly string[] = []
  ): Generator<readonly [labels: readonly string[], count: number]> {
    if (depth === 0) yield [labels, this.count]
    else for (const [label, next] of this.#next) yield* next.counts(depth - 1, [...labels, label])
  }
}

/** How values spread over the buckets of a histogram. */
export class Spread {
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[]
  /** How many values each bucket holds, those below it left out; the last one has what is above all bounds. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let at = 0
    // Few bounds, and most values are below the first ones: no search is faster.
    while (at < this.bounds.length && value > (this.bounds[at] as number)) at++
    this.counts[at] = (this.counts[at] as number) + 1
    this.sum += value
  }
}
