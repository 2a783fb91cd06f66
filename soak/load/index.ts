/**
 * The load: an open loop that sends at its rate whatever the answers do, with a bound on what is under way.
 */
import type { Recorder } from '../recorder.ts'
import { fullMix, isHalf, type MixOptions, steadyMix, type Turns } from './mixes.ts'

const mixes = { full: fullMix, steady: steadyMix }

export interface LoadOptions extends MixOptions {
  readonly recorder: Recorder
  /** Requests per second. */
  readonly rate: number
}

const inFlightMost = 200
const tickMs = 2
const loginsAtOnce = 8

export function createLoad(options: LoadOptions) {
  const { cast, sessions, recorder, dice, rate } = options
  let inFlight = 0
  const whenIdle: (() => void)[] = []

  async function take(turns: Turns) {
    if (inFlight >= inFlightMost) {
      recorder.counts.skipped++
      return
    }
    inFlight++
    try {
      await dice.weighted(turns)()
    } finally {
      inFlight--
      if (inFlight === 0) for (const resolve of whenIdle.splice(0)) resolve()
    }
  }

  async function everyoneIn() {
    for (const actor of [...cast.staff, ...cast.listening]) {
      if (actor.session !== null && isHalf(actor.session)) await sessions.logout(actor, actor.session, 'bearer')
    }
    const waiting = [...cast.settled, ...cast.moving, ...cast.staff, ...cast.listening].filter(
      ({ session }) => session === null
    )
    const logInNext = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await sessions.login(next)
    }
    await Promise.all(Array.from({ length: loginsAtOnce }, logInNext))
  }

  return {
    everyoneIn,

    /** Runs until the promise of `over` is there and everything that was sent has ended. */
    async run(mix: keyof typeof mixes, over: Promise<unknown>): Promise<void> {
      const turns = mixes[mix](options)
      const begun = performance.now()
      let taken = 0
      let failure: unknown
      const timer = setInterval(() => {
        const due = Math.floor(((performance.now() - begun) / 1000) * rate)
        for (; taken < due; taken++) {
          take(turns).catch((error) => {
            failure ??= error
          })
        }
      }, tickMs)
      try {
        await over
      } finally {
        clearInterval(timer)
      }
      if (inFlight > 0) await new Promise<void>((resolve) => whenIdle.push(resolve))
      if (failure !== undefined) throw failure
    }
  }
}
