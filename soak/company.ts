/**
 * Who takes part in a run and what they ask, with the books that are kept on it: all that stands between the clients'
 * side and the systems, whatever the gateway is made of.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createDice } from './dice.ts'
import { createForeseen } from './foreseen.ts'
import { createLedger } from './ledger.ts'
import { type Actor, castOf, createSigner, type Session } from './load/actors.ts'
import { createBooks, type Foreseen } from './load/books.ts'
import { createClient } from './load/client.ts'
import { createLoad } from './load/index.ts'
import { peopleCalls } from './load/people.ts'
import { createSessions } from './load/sessions.ts'
import { createSpeaker } from './load/speaker.ts'
import { staffCalls } from './load/staff.ts'
import { createWebSockets } from './load/web-sockets.ts'
import { createPlaces, type PlacesOptions } from './places.ts'
import { createRecorder } from './recorder.ts'
import type { About, Command } from './stage.ts'

export interface CompanyOptions {
  readonly command: Command
  readonly about: About
  /** Where clients go. */
  readonly origin: string
  readonly customers: number
  readonly seed: number
  /** Requests per second. */
  readonly rate: number
  readonly memory: PlacesOptions
  /** Whether something is made to go wrong with the systems at the time. */
  readonly isDisturbed: () => boolean
  /** Whether the gateways may have lost what they keep of a session. */
  readonly isForgotten?: (session: Session) => boolean
  /** Whether what they keep may be out of reach at any time. */
  readonly isStoreShared?: boolean
  /** What else than the contract's own reasons explains what clients see. */
  readonly foreseen?: Foreseen
}

const drainEveryMs = 200
/** So many rounds of the books, and each WebSocket is sent an event. */
const roundsPerTick = 3
/** A request is judged so long after its end: by then every system is through with it. */
const judgedAfterMs = 6_000

export const now = () => performance.timeOrigin + performance.now()

const either = (one: Foreseen, other: Foreseen | undefined): Foreseen => ({
  answer: (...args) => one.answer(...args) ?? other?.answer(...args) ?? null,
  close: (code, at) => one.close(code, at) ?? other?.close(code, at) ?? null
})

export type Company = Awaited<ReturnType<typeof gather>>

export async function gather(options: CompanyOptions) {
  const {
    command,
    about,
    origin,
    customers,
    seed,
    rate,
    memory,
    isDisturbed,
    isForgotten = () => false,
    isStoreShared = false
  } = options
  const everybody = await command('people', { count: customers })
  const cast = castOf(everybody, about.staff, createDice(seed, 'cast'))
  const initial = new Map(everybody.map(({ customer, system }) => [customer.i_customer, system]))
  const places = createPlaces(initial, memory)
  const ledger = createLedger(places)
  const recorder = createRecorder()
  let client = createClient(origin)

  const foreseen = either(createForeseen(places), options.foreseen)
  const isNobodys = ({ customer }: Actor, { openedAt }: Session) =>
    customer !== null && places.hasMoved(customer, openedAt, now())
  const books = createBooks({ ledger, recorder, now, foreseen, isNobodys })
  const speak = createSpeaker({ client: () => client, books })
  const signerOf = createSigner(about.publicKeys)
  const sessions = createSessions({ speak, places, recorder, signerOf, isDisturbed, isForgotten, isStoreShared })
  const { known } = cast
  const { releases } = about
  const webSockets = createWebSockets({
    cast,
    sessions,
    books,
    recorder,
    foreseen,
    origin,
    releases,
    dice: createDice(seed, 'web sockets'),
    now,
    isDisturbed
  })
  const aboutStaff = { places, customers, releases }
  const people = peopleCalls(releases)
  const staff = staffCalls({ ...aboutStaff, known })
  const load = createLoad({
    cast,
    people,
    staff,
    steadyStaff: staffCalls({ ...aboutStaff, known: { ...known, movers: [] } }),
    sessions,
    speak,
    talk: webSockets.talk,
    recorder,
    dice: createDice(seed, 'load'),
    rate
  })

  async function drain() {
    for (const arrival of await command('drain')) ledger.arrived(arrival)
  }

  return {
    cast,
    places,
    ledger,
    recorder,
    load,
    people,
    staff,
    sessions,
    speak,
    webSockets,
    /** Why an answer other than success is foreseen; null where it is not. */
    reasonFor: foreseen.answer,

    /** Empties the journals into the ledger again and again, so that neither grows. */
    async keepBooks(signal: AbortSignal) {
      for (let round = 0; ; round++) {
        await delay(drainEveryMs, undefined, { signal })
        await drain()
        if (round % roundsPerTick === 0) await command('tick')
        ledger.settle(now() - judgedAfterMs)
      }
    },

    /** For when nothing is under way any more. */
    async closeBooks() {
      await drain()
      ledger.settle(Infinity)
    },

    /** Closes every client's connection; who comes next opens new ones. */
    async leave() {
      await webSockets.leave(await command('tick'))
      await client.close()
      client = createClient(origin)
    },

    /** For good. */
    disband: () => client.close()
  }
}
