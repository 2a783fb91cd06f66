/**
 * Everything that a soak is made of, put together: the processes, the people, the ledger and the load.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createDice } from './dice.ts'
import { createDisturbances } from './disturbances.ts'
import { createLedger } from './ledger.ts'
import { castOf, createSigner } from './load/actors.ts'
import { createClient } from './load/client.ts'
import { createLoad } from './load/index.ts'
import { peopleCalls } from './load/people.ts'
import { createSessions } from './load/sessions.ts'
import { createSpeaker } from './load/speaker.ts'
import { staffCalls } from './load/staff.ts'
import type { SoakOptions } from './options.ts'
import { createPlaces } from './places.ts'
import { createRecorder } from './recorder.ts'
import { locationMs } from './settings.ts'
import { openStage, type Stage } from './stage.ts'

const drainEveryMs = 200
/** A request is judged so long after its end: by then every system is through with it. */
const judgedAfterMs = 6_000
/** A request that a move explains may have been on its way for so long, ms. */
const graceMs = 500

const now = () => performance.timeOrigin + performance.now()

export type World = Awaited<ReturnType<typeof openWorld>>

export async function openWorld(options: SoakOptions) {
  const stage = await openStage(options)
  try {
    return await worldOn(stage, options)
  } catch (error) {
    await stage.close()
    throw error
  }
}

async function worldOn(stage: Stage, { customers, seed, rate }: SoakOptions) {
  const { command, about, origin } = stage
  const people = await command('people', { count: customers })
  const cast = castOf(people, about.staff, createDice(seed, 'cast'))
  const initial = new Map(people.map(({ customer, system }) => [customer.i_customer, system]))
  const places = createPlaces(initial, { memoryMs: locationMs + 1500, graceMs })
  const ledger = createLedger(places)
  const recorder = createRecorder()
  let client = createClient(origin)

  const dice = {
    faults: createDice(seed, 'faults'),
    moves: createDice(seed, 'moves'),
    restarts: createDice(seed, 'stops')
  }
  const disturbances = createDisturbances({ stage, places, movers: cast.known.movers, dice, now })
  const speak = createSpeaker({ client: () => client, ledger, recorder, now })
  const signerOf = createSigner(about.publicKeys)
  const { isDisturbed } = disturbances
  const sessions = createSessions({ speak, places, recorder, signerOf, isDisturbed })
  const { known } = cast
  const aboutStaff = { places, customers, releases: about.releases }
  const load = createLoad({
    cast,
    people: peopleCalls(about.releases),
    staff: staffCalls({ ...aboutStaff, known }),
    steadyStaff: staffCalls({ ...aboutStaff, known: { ...known, movers: [] } }),
    sessions,
    speak,
    recorder,
    dice: createDice(seed, 'load'),
    rate
  })

  async function drain() {
    for (const arrival of await command('drain')) ledger.arrived(arrival)
  }

  return {
    stage,
    ledger,
    recorder,
    load,
    disturbances,

    /** Empties the journals into the ledger again and again, so that neither grows. */
    async keepBooks(signal: AbortSignal) {
      for (;;) {
        await delay(drainEveryMs, undefined, { signal })
        await drain()
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
      await client.close()
      client = createClient(origin)
    },

    async close() {
      await client.close()
      await stage.close()
    }
  }
}
