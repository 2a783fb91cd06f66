/**
 * What other plugins know of a migration, where they are on: fences, where customers are, methods that a release lacks.
 */
import type { FastifyInstance } from 'fastify'
import type { System } from '../../core/words.ts'

export type Fence = ReturnType<FastifyInstance['writeFence']['list']>[number]
export type Missing = ReturnType<FastifyInstance['methodsMissing']['list']>[number]
export type Totals = NonNullable<ReturnType<FastifyInstance['serviceAccount']['totals']>>

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

/** They are looked for when somebody asks: some of them stand behind this plugin in the catalogue. */
export function neighboursOf(app: FastifyInstance, feed: { readonly moving: number }) {
  const fencesUp = () => (app.hasDecorator('writeFence') ? app.writeFence.list() : null)
  const movingOf = (fences: readonly Fence[] | null) => fences?.length ?? feed.moving
  return {
    get moving() {
      return movingOf(fencesUp())
    },

    known(): Known {
      const fences = fencesUp()
      return {
        moving: movingOf(fences),
        fences: fences?.slice(0, shownFences) ?? [],
        seen: app.hasDecorator('entityLocation') ? { ...app.entityLocation.seen } : null,
        listed: app.serviceAccount.totals(),
        missing: app.hasDecorator('methodsMissing') ? app.methodsMissing.list() : []
      }
    }
  }
}
