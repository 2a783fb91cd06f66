/**
 * Whoever moves the customers: tells the gateways that a batch starts, exports and imports it once they answer, and tells
 * them how it ended. Some customers are not exported: they stay.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import type { Dice } from '../soak/dice.ts'
import type { Command } from '../soak/stage.ts'
import type { Book } from './book.ts'
import type { Subject } from './people.ts'

export interface MoverOptions {
  readonly command: Command
  readonly book: Book
  readonly dice: Dice
  readonly now: () => number
  /** Where each gateway hears of moves. */
  readonly migrations: readonly string[]
  readonly token: string
  readonly batch: number
  /** A batch is on its way for so long at least, ms: what a move takes. */
  readonly holdMs: number
  /** Between two batches. */
  readonly pauseMs: number
}

type State = 'started' | 'finished' | 'failed'

const failShare = 0.04
/** Writes that the source answers late, so that some are under way when their customers' batch starts. */
const slowMs = 900
const slowWrites = 3
/** "started" is told again when it could not wait for a write that was under way. */
const tellings = 5

/** How the same is told: by JSON for all, line by line, or each for itself. */
const tongues = ['array', 'lines', 'single'] as const
type Tongue = (typeof tongues)[number]

const contentTypes = { array: 'application/json', lines: 'application/x-ndjson', single: 'application/json' } as const

function bodiesOf(words: readonly object[], tongue: Tongue): string[] {
  if (tongue === 'single') return words.map((word) => JSON.stringify(word))
  return tongue === 'array' ? [JSON.stringify(words)] : [words.map((word) => JSON.stringify(word)).join('\n')]
}

export function createMover(options: MoverOptions) {
  const { command, book, dice, now, migrations, token, batch, holdMs, pauseMs } = options
  const counts = { batches: 0, moved: 0, failed: 0, toldAgain: 0, refusedWords: 0 }
  const settlingMs: number[] = []
  let hot: readonly Subject[] = []
  let turn = 0

  async function post(where: string, body: string, tongue: Tongue): Promise<number> {
    const headers = { 'content-type': contentTypes[tongue], authorization: `Bearer ${token}` }
    const answer = await request(where, { method: 'POST', headers, body, reset: true, headersTimeout: 60_000 })
    await answer.body.dump()
    return answer.statusCode
  }

  async function say(where: string, body: string, tongue: Tongue) {
    for (let telling = 1; ; telling++) {
      const status = await post(where, body, tongue)
      if (status === 200) return
      if (status !== 504 || telling === tellings) {
        counts.refusedWords++
        return
      }
      counts.toldAgain++
    }
  }

  /** Each word goes to the next gateway. */
  async function tell(state: State, subjects: readonly Subject[], tongue: Tongue) {
    if (subjects.length === 0) return
    const where = migrations[turn++ % migrations.length] ?? ''
    const words = subjects.map(({ iCustomer }) => ({ i_customer: iCustomer, state, to: 'target' }))
    await Promise.all(bodiesOf(words, tongue).map((body) => say(where, body, tongue)))
  }

  async function slowDown() {
    for (const method of ['update_customer', 'update_account']) {
      const fault = { kind: 'delay', ms: slowMs } as const
      const match = { method }
      await command('switchFault', { kind: 'slow', system: 'source', match, fault, times: slowWrites })
    }
  }

  async function moveBatch(subjects: readonly Subject[]) {
    const ids = (some: readonly Subject[]) => some.map(({ iCustomer }) => iCustomer)
    const tongue = tongues[counts.batches % tongues.length] ?? 'array'
    await slowDown()
    await delay(slowMs / 3)
    const begun = now()
    await tell('started', subjects, tongue)
    const answeredAt = now()
    settlingMs.push(answeredAt - begun)
    book.depart(ids(subjects), answeredAt)
    const staying = new Set(subjects.filter(() => dice.chance(failShare)))
    const leaving = subjects.filter((subject) => !staying.has(subject))
    for (const { iCustomer } of leaving) await command('move', { customer: iCustomer, to: 'target', events: null })
    await delay(Math.max(0, holdMs - (now() - answeredAt)))
    book.arrive(ids(leaving), now(), true)
    await tell('finished', leaving, tongue)
    book.arrive(ids([...staying]), now(), false)
    await tell('failed', [...staying], tongue)
    counts.moved += leaving.length
    counts.failed += staying.size
    counts.batches++
  }

  return {
    counts,
    /** How long "started" took to be answered, ms. */
    settlingMs: settlingMs as readonly number[],
    hot: () => hot,

    async moveAll(subjects: readonly Subject[], print: (line: string) => void) {
      for (let from = 0; from < subjects.length; from += batch) {
        hot = subjects.slice(from, from + 2 * batch)
        await delay(pauseMs)
        await moveBatch(subjects.slice(from, from + batch))
        print(`${Math.min(from + batch, subjects.length)} of ${subjects.length} customers`)
      }
      await delay(pauseMs)
      await command('clearFaults')
      hot = []
    }
  }
}
