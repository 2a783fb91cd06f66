/**
 * Where customerMoved comes from, for one connection: each move is told when the connection's own session may read the
 * customer, in the order in which they were told to the gateway.
 */
import type { FastifyInstance } from 'fastify'
import { systemWord } from '../errors.ts'
import { createFeed, type Feed } from './feed.ts'

type OnMoved = FastifyInstance['entityLocation']['onMoved']
export type Move = Parameters<Parameters<OnMoved>[0]>[0]

/** Moves that may wait: a night of migration has many thousands. */
const movesAtMost = 1000
/** How many of them are looked at at a time, each with a call or two to the systems. */
const looksAtOnce = 4

interface Setting {
  readonly onMoved: OnMoved
  /** Whether the session may read the customer; never rejects. */
  readonly mayRead: (move: Move) => Promise<boolean>
  /** Called when more moves come than are looked at, or read. */
  readonly onTooMany: () => void
}

function toldOf({ iCustomer, state, to }: Move) {
  const at = `${new Date().toISOString().slice(0, 19)}Z`
  return { customerMoved: { iCustomer, state: state.toUpperCase(), to: to && systemWord(to), at } }
}
type Told = ReturnType<typeof toldOf>

export function createMoveNews({ onMoved, mayRead, onTooMany }: Setting) {
  const feeds = new Set<Feed<Told, Told>>()
  const waiting: { readonly move: Move; readonly told: Told }[] = []
  let looks = 0
  let delivery = Promise.resolve()
  let stopListening: (() => void) | null = null

  function take(move: Move) {
    if (waiting.length >= movesAtMost) {
      onTooMany()
      return
    }
    waiting.push({ move, told: toldOf(move) })
    look()
  }

  function look() {
    while (looks < looksAtOnce) {
      const next = waiting.shift()
      if (next === undefined) return
      looks++
      const verdict = mayRead(next.move)
      delivery = delivery.then(async () => {
        if (await verdict) deliver(next.told)
        looks--
        look()
      })
    }
  }

  function deliver(told: Told) {
    for (const feed of feeds) if (!feed.push(told)) onTooMany()
  }

  function stop() {
    stopListening?.()
    stopListening = null
    waiting.length = 0
  }

  return {
    open(onEnd: () => void): Feed<Told, Told> {
      const feed = createFeed<Told, Told>({
        atMost: movesAtMost,
        tell: (told) => told,
        onEnd() {
          feeds.delete(feed)
          if (feeds.size === 0) stop()
          onEnd()
        }
      })
      feeds.add(feed)
      stopListening ??= onMoved(take)
      return feed
    },
    /** Nobody is told anything any more. */
    stop
  }
}

export type MoveNews = ReturnType<typeof createMoveNews>
