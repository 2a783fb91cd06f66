/**
 * Where customers are and were: the truth that the ledger compares with. It knows of moves because the soak makes them.
 */
import { otherSystem, type System } from '../core/words.ts'

export interface Move {
  readonly customer: number
  readonly to: System
  /** Whether the gateway heard of it. */
  readonly isTold: boolean
  readonly begunAt: number
  /** Infinity while it is under way. */
  endedAt: number
  succeeded: boolean
}

export interface PlacesOptions {
  /** How long the gateway may remember where an entity is, ms: so long a move that nobody tells may stay unnoticed. */
  readonly memoryMs: number
  /** For how long after a move that it heard of it may still have requests on their way, ms. */
  readonly graceMs: number
}

/** Older than this, ms, nothing explains a request any more. */
const keptMs = 60_000

export type Places = ReturnType<typeof createPlaces>

export function createPlaces(initial: ReadonlyMap<number, System>, { memoryMs, graceMs }: PlacesOptions) {
  const current = new Map(initial)
  let moves: Move[] = []
  /** Of each customer that ever moved. */
  const lastMoves = new Map<number, Move>()
  /** Lookups that a system left without a clear answer. */
  let unclear: { readonly about: string | null; readonly at: number }[] = []

  const tailOf = ({ isTold }: Move) => (isTold ? graceMs : memoryMs + graceMs)
  const overlaps = (begun: number, ended: number, from: number, to: number) => begun <= to && from <= ended

  const movesDuring = (from: number, to: number): Move[] =>
    moves.filter(({ begunAt, endedAt }) => overlaps(begunAt, endedAt, from, to))

  /** Requests are judged later than they end: what has moved since was elsewhere then. */
  function at(customer: number, time: number): System {
    const next = moves.find((move) => move.customer === customer && move.succeeded && move.begunAt > time)
    return next === undefined ? (current.get(customer) as System) : otherSystem(next.to)
  }

  return {
    of: (customer: number): System => current.get(customer) as System,
    movesDuring,

    begin(customer: number, to: System, isTold: boolean, at: number): Move {
      moves = moves.filter(({ endedAt }) => endedAt > at - keptMs)
      const move: Move = { customer, to, isTold, begunAt: at, endedAt: Infinity, succeeded: false }
      moves.push(move)
      lastMoves.set(customer, move)
      return move
    },

    end(move: Move, at: number, succeeded: boolean) {
      move.endedAt = at
      move.succeeded = succeeded
      if (succeeded) current.set(move.customer, move.to)
    },

    /** Whether a request between these times may have had to do with the customer on this system. */
    mayBe(customer: number, system: System, from: number, to: number): boolean {
      if (at(customer, to) === system) return true
      return moves.some(
        (move) => move.customer === customer && overlaps(move.begunAt, move.endedAt + tailOf(move), from, to)
      )
    },

    /** Whether a move of the customer was under way, or not yet noticed, at some time between these. */
    hasMoved(customer: number, from: number, to: number): boolean {
      // Of those that are kept any, since a request is judged later: the last may have come after it.
      const last = lastMoves.get(customer)
      const own = moves.filter((move) => move.customer === customer)
      const all = last === undefined || own.includes(last) ? own : [...own, last]
      return all.some((move) => overlaps(move.begunAt, move.endedAt + tailOf(move), from, to))
    },

    noteUnclear(about: string | null, at: number) {
      unclear = unclear.filter((one) => one.at > at - keptMs)
      unclear.push({ about, at })
    },

    /**
     * Whether the gateway may have been unable to learn where an entity is: a system gave no clear answer. One that was
     * away alone is no reason, since the other then tells.
     */
    isUntellable: (names: readonly string[], from: number, to: number): boolean =>
      unclear.some(({ about, at }) => at >= from && at <= to && (about === null || names.includes(about)))
  }
}
