/**
 * A limit, whether it was kept, and how that is told.
 */

/** What keeps a limit from being judged: it has then been neither kept nor passed. */
type Doubt = 'too short' | 'the machine is too busy' | 'the machine is too noisy'

export interface Limit {
  readonly name: string
  readonly found: string
  readonly isKept: boolean | Doubt
}

export const none = (name: string, count: number): Limit => ({ name, found: String(count), isKept: count === 0 })

function verdictOf({ isKept }: Pick<Limit, 'isKept'>): string {
  if (typeof isKept === 'string') return `not judged, ${isKept}`
  return isKept ? 'PASS' : 'FAIL'
}

export const isPassed = (limits: readonly Limit[]) => limits.every(({ isKept }) => isKept !== false)

/** What was found, limit by limit, and examples of what was wrong. */
export function verdictsOf(
  limits: readonly Limit[],
  examples: readonly string[],
  title = 'the first of what was wrong'
): string {
  const lines = limits.map((limit) => `${verdictOf(limit)}  ${limit.name}: ${limit.found}`)
  const told = examples.length === 0 ? [] : ['', `${title}:`, ...examples.map((one) => `  ${one}`)]
  return [...lines, ...told].join('\n')
}
