/**
 * What other plugins know of a migration, where they are on: fences, where customers are, methods that a release lacks.
 */
import type { FastifyInstance } from 'fastify'
import type { System } from '../../core/words.ts'

export interface Fence {
  readonly iCustomer: number
  readonly to: System | null
  /** Ms since 1970. */
  readonly since: number
  readonly until: number
}

export interface Missing {
  readonly call: string
  readonly system: System
  readonly release: string
  readonly count: number
  /** The last time, ms since 1970. */
  readonly at: number
}

export interface Totals {
  readonly source: number | null
  readonly target: number | null
  readonly at: number
}

/** Fences shown; those behind them are only counted. */
const shownFences = 100

export interface Known {
  readonly moving: number
  readonly fences: readonly Fence[]
  /** Customers by where they were last found or told to be. */
  readonly seen: Readonly<Record<System, number>> | null
  /** What the systems' own lists say, where a service login asks for it. */
  readonly listed: Totals | null
  readonly missing: readonly Missing[]
}

/** Decorators that are there only where their plugins are on. */
interface Neighbours {
  readonly writeFence?: { list(): readonly Fence[] }
  readonly serviceAccount?: { totals(): Totals | null }
  readonly methodsMissing?: { list(): readonly Missing[] }
}

/** They are looked for when somebody asks: some of them stand behind this plugin in the catalogue. */
export function neighboursOf(app: FastifyInstance, feed: { readonly moving: number }) {
  const others = app as Neighbours
  const movingOf = (fences: readonly Fence[] | undefined) => fences?.length ?? feed.moving
  return {
    get moving() {
      return movingOf(others.writeFence?.list())
    },

    known(): Known {
      const fences = others.writeFence?.list()
      return {
        moving: movingOf(fences),
        fences: fences?.slice(0, shownFences) ?? [],
        seen: app.hasDecorator('entityLocation') ? { ...app.entityLocation.seen } : null,
        listed: others.serviceAccount?.totals() ?? null,
        missing: others.methodsMissing?.list() ?? []
      }
    }
  }
}
