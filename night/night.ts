/**
 * One night from its start to its end: the fleet, everybody in, the batches under load, one more write of each who has a
 * session, and the comparison.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { cpuTimes } from '../fleet/drill/phases.ts'
import { startFleet } from '../fleet/topology.ts'
import { markOf } from '../soak/arrivals.ts'
import { now } from '../soak/company.ts'
import { createDice } from '../soak/dice.ts'
import { createClient } from '../soak/load/client.ts'
import { endOf } from '../soak/soak.ts'
import { createBook } from './book.ts'
import { createMover } from './mover.ts'
import type { NightOptions } from './options.ts'
import { createSessions, type Subject, subjectOf } from './people.ts'
import { surveyNotes } from './survey.ts'
import { createWriters } from './writers.ts'
import { type Way, ways } from './writes.ts'

export interface NightMeans {
  readonly options: NightOptions
  readonly signal: AbortSignal
  readonly print: (line: string) => void
}

const drainEveryMs = 200
/** How long the systems keep idle connections, ms. */
const idleMs = 5000
/** Of the seeded world not everybody may log in, and a third has moved before. */
const worldShare = 2.6
const atOnce = 16
/** Longer than a gateway waits for a system: clients hear what it says. */
const clientMs = 60_000

type Fleet = Awaited<ReturnType<typeof startFleet>>

const openFleet = ({ customers, seed, gateways, workers, store }: NightOptions) =>
  startFleet({
    ...{ customers: Math.ceil(customers * worldShare), seed, gateways, workers, idleMs },
    // Everybody comes from one address.
    env: { WEBDISPATCHER_LOGINS: '1000000', ...(store === 'memory' && { WEBDISPATCHER_STORE: 'memory' }) }
  })

async function whoMoves({ command }: Fleet, count: number): Promise<Subject[]> {
  const people = await command('people', { count })
  const subjects = people.filter(({ system }) => system === 'source').map(subjectOf)
  if (subjects.length < count) throw new Error(`only ${subjects.length} customers can be moved`)
  return subjects
}

const ownWay = (by: Way['by']) => ways.find((way) => way.by === by) as Way

async function runOn(fleet: Fleet, { options, signal, print }: NightMeans) {
  const { command, about } = fleet
  const { customers, writes, batch, seed, waitMs } = options
  const subjects = await whoMoves(fleet, customers)
  const client = createClient(fleet.origin, clientMs)
  const book = createBook()
  const sessions = createSessions(client, about.staff.admin, now)
  const isShort = customers < 200
  const rampMs = isShort ? 0 : 8000
  const mover = createMover({
    ...{ command, book, now, batch, token: fleet.token, dice: createDice(seed, 'moves') },
    migrations: fleet.gateways.map(({ opsUrl }) => `${opsUrl}/migrations`),
    holdMs: isShort ? 400 : 1500,
    pauseMs: isShort ? 200 : 500
  })
  const dice = createDice(seed, 'writes')
  const writers = createWriters({
    ...{ client, sessions, book, dice, now, subjects, hot: mover.hot, rate: writes, rampMs, waitMs }
  })

  async function drain() {
    for (const marked of await command('drainMarked')) book.arrived(marked)
  }

  async function keepBooks() {
    for (;;) {
      await delay(drainEveryMs, undefined, { signal })
      await drain()
    }
  }

  async function work() {
    await sessions.openAdmins()
    const own = subjects.filter(({ hasOwnSessions }) => hasOwnSessions)
    print(`${own.length} customers log in`)
    await writers.once(own, () => ownWay('customer'), atOnce)
    print('customers are moved')
    const begunAt = now()
    const before = cpuTimes()
    await writers.during(delay(rampMs, undefined, { signal }).then(() => mover.moveAll(subjects, print)))
    const seconds = (now() - begunAt) / 1000
    const cpu = cpuTimes()
    const busyShare = 1 - (cpu.idle - before.idle) / (cpu.all - before.all)
    print('whoever was told to come again comes again')
    await writers.settled()
    await writers.once(own, () => ownWay('customer'), atOnce)
    await drain()
    print('the books are compared')
    const holders = [...book.expected().keys()]
    book.close(await surveyNotes({ ports: fleet.systemPorts, admin: about.staff.admin, holders }), markOf)
    return { seconds, busyShare }
  }

  try {
    const books = keepBooks()
    books.catch(() => {})
    const measured = await Promise.race([work(), endOf(signal)])
    return { ...measured, book, moves: mover.counts, settlingMs: mover.settlingMs, logins: sessions.counts, writers }
  } finally {
    await client.close()
  }
}

export async function spendNight(means: NightMeans) {
  means.print('the fleet starts')
  const fleet = await openFleet(means.options)
  const over = new AbortController()
  try {
    return await runOn(fleet, { ...means, signal: AbortSignal.any([means.signal, over.signal]) })
  } finally {
    over.abort()
    await fleet.close()
  }
}

export type Night = Awaited<ReturnType<typeof spendNight>>
