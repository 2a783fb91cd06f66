/**
 * Writes at a steady rate, whatever the answers do: most of them for those who are moved now or next. A customer's own
 * writes follow each other, as one client's do.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Dice } from '../soak/dice.ts'
import type { Client } from '../soak/load/client.ts'
import { understand } from './answers.ts'
import type { Book } from './book.ts'
import type { Sessions, Subject } from './people.ts'
import { holderOf, type Way, wayFor } from './writes.ts'

export interface WritersOptions {
  readonly client: Client
  readonly sessions: Sessions
  readonly book: Book
  readonly dice: Dice
  readonly now: () => number
  readonly subjects: readonly Subject[]
  /** Who is moved now or next. */
  readonly hot: () => readonly Subject[]
  readonly rate: number
  /** Until the rate is reached, ms. */
  readonly rampMs: number
  /** Most that a client waits before it comes again, ms. */
  readonly waitMs: number
}

const turnMs = 10
const hotShare = 0.6
/** Of picks until somebody is found who is not writing already. */
const picks = 12
/** Without a word of when to come again, and when a gateway is busy. */
const waitsMs = 1000
/** A write that has not succeeded by then is given up. */
const patienceMs = 120_000

/** How many writes are to be begun by then: the rate rises for a while, as no night begins with everybody at once. */
export const dueAfter = (ms: number, rate: number, rampMs: number): number =>
  (rate / 1000) * (ms < rampMs ? (ms * ms) / (2 * rampMs) : ms - rampMs / 2)

export function createWriters({
  client,
  sessions,
  book,
  dice,
  now,
  subjects,
  hot,
  rate,
  rampMs,
  waitMs
}: WritersOptions) {
  const underWay = new Set<Promise<void>>()
  const counts = { begun: 0, skipped: 0 }
  let reached = { at: 0, begun: 0 }
  let endedAt = 0

  async function write(subject: Subject, way: Way) {
    const mark = book.begin({ iCustomer: subject.iCustomer, holder: holderOf(subject, way), way: way.name })
    const by = now() + patienceMs
    while (now() < by) {
      const session = await sessions.of(subject, way, by)
      const sentAt = now()
      const { end, cause, retryAfterMs } = understand(await client.send(way.tell(subject, mark, session), null))
      book.tried(mark, { sentAt, endedAt: now(), end, cause })
      if (end === 'done' || end === 'wrong' || end === 'late') return
      // Staff stay logged in the whole night.
      if (end === 'ended' && way.by === 'admin') return
      if (end === 'ended') sessions.forget(subject, way)
      else await delay(Math.min(retryAfterMs ?? waitsMs, waitMs))
    }
  }

  function start(subject: Subject, way: Way) {
    subject.isBusy = true
    const writing = write(subject, way)
      .catch(() => {
        // Its line in the book tells that it never succeeded.
      })
      .finally(() => {
        subject.isBusy = false
        underWay.delete(writing)
      })
    underWay.add(writing)
  }

  function startOne() {
    for (let pick = 0; pick < picks; pick++) {
      const from = dice.chance(hotShare) && hot().length > 0 ? hot() : subjects
      const subject = dice.pick(from)
      if (subject.isBusy) continue
      counts.begun++
      start(subject, wayFor(subject, dice))
      return
    }
    counts.skipped++
  }

  return {
    counts,

    /** Until the work is over. */
    async during<Result>(work: Promise<Result>): Promise<Result> {
      let isOver = false
      const over = () => {
        isOver = true
      }
      work.then(over, over)
      let started = 0
      for (const begun = now(); !isOver; await delay(turnMs)) {
        const due = dueAfter(now() - begun, rate, rampMs)
        for (; started < due; started++) startOne()
        if (reached.at === 0 && now() - begun >= rampMs) reached = { at: now(), begun: counts.begun }
      }
      endedAt = now()
      return work
    },

    /** Writes that were begun each second, once the rate was reached. */
    rate: () => ((counts.begun - reached.begun) * 1000) / (endedAt - reached.at),

    /** Every write that was begun has ended. */
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay)
    },

    /** One more write of each, as many at once as are allowed, when nobody moves any more. */
    async once(each: readonly Subject[], wayOf: (subject: Subject) => Way, atOnce: number) {
      const left = [...each]
      async function next() {
        for (let subject = left.pop(); subject !== undefined; subject = left.pop()) await write(subject, wayOf(subject))
      }
      await Promise.all(Array.from({ length: atOnce }, next))
    }
  }
}
