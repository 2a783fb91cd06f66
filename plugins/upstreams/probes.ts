/**
 * Asks a system from time to time whether it is there: on a connection of its own, whatever its breaker says, and in no
 * customer's name.
 */
import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher, Pool } from 'undici'
import { GivenUp } from '../../core/faults.ts'
import type { HeaderValues } from '../../core/headers.ts'
import type { System } from '../../core/words.ts'
import type { SystemOptions } from './options.ts'
import { OwnWord } from './own-word.ts'
import type { KeptState } from './state.ts'

/** Asked where `health` is false: then only once the breaker has opened. */
const defaultPath = '/rest/Generic/get_version'
const defaultIntervalMs = 5000

const headers = ['Content-Type', 'application/json']
const body = Buffer.from('{"params":{}}')

/** One question; any answer that is the system's own word is a sign of life. */
class Probe implements Dispatcher.DispatchHandler {
  readonly #tell: (good: boolean) => void
  readonly #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | null = null
  #word: OwnWord | null = null
  #isOver = false

  constructor(patienceMs: number, tell: (good: boolean) => void) {
    this.#tell = (good) => {
      if (this.#isOver) return
      this.#isOver = true
      clearTimeout(this.#timer)
      tell(good)
    }
    this.#timer = setTimeout(() => this.giveUp(), patienceMs).unref()
  }

  giveUp() {
    this.#controller?.abort(new GivenUp('The probe took too long'))
    this.#tell(false)
  }

  onRequestStart(controller: Dispatcher.DispatchController) {
    this.#controller = controller
    // It was given up while there was no connection yet.
    if (this.#isOver) this.giveUp()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, answered: HeaderValues) {
    this.#word = new OwnWord({ status, statusMessage: '', headers: answered })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#word?.add(chunk)
  }

  onResponseEnd() {
    this.#tell(this.#word?.isSpoken() ?? false)
  }

  onResponseError() {
    this.#tell(false)
  }
}

export interface Probes {
  close(): void
}

/**
 * Asks at each of a system's URLs, one pool each: the first alone, and the others only when there is no answer there. A
 * sign of life at any of them is one of the system: an administrators' page that is down is no reason to leave its
 * customers outside.
 */
function createRound(path: string, patienceMs: number, [first, ...others]: readonly Pool[]) {
  const under = new Set<Probe>()
  const eachMs = others.length === 0 ? patienceMs : patienceMs / 2

  function askAt(pool: Pool): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const probe = new Probe(eachMs, (good) => {
      under.delete(probe)
      resolve(good)
    })
    under.add(probe)
    pool.dispatch({ method: 'POST', path, headers, body }, probe)
    return promise
  }

  return {
    async ask(): Promise<boolean> {
      if (first === undefined || (await askAt(first))) return true
      return (await Promise.all(others.map(askAt))).includes(true)
    },
    giveUp() {
      for (const probe of under) probe.giveUp()
    }
  }
}

export function startProbes(
  system: System,
  { health }: Pick<SystemOptions, 'health'>,
  state: KeptState,
  pools: readonly Pool[],
  log: FastifyBaseLogger
): Probes {
  const { path, interval } = health === false ? { path: defaultPath, interval: defaultIntervalMs } : health
  const round = createRound(path, interval, pools)
  let isAsking = false
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  function hear(good: boolean, afterMs: number) {
    const was = state.reachable
    state.counts.probes[good ? 'good' : 'bad']++
    state.answers = good
    state.guard?.noteProbe(good)
    if (state.reachable !== was) log.warn({ system, reachable: state.reachable }, 'reachability of a system changed')
    // A system that comes back is not kept waiting for long, and not believed at its first word.
    const pauseMs = good && !state.admits ? interval / 2 : interval
    wait(Math.max(pauseMs - afterMs, 0))
  }

  async function ask() {
    if (isAsking) return
    isAsking = true
    clearTimeout(timer)
    const askedAt = performance.now()
    const good = await round.ask()
    isAsking = false
    if (!isClosed) hear(good, performance.now() - askedAt)
  }

  function wait(ms: number) {
    clearTimeout(timer)
    timer = setTimeout(() => {
      // Without health reads nobody asks before the breaker has opened.
      if (health !== false || !state.admits) ask()
      else wait(interval)
    }, ms).unref()
  }

  if (state.guard !== null) state.guard.onTrial = ask
  if (health !== false) wait(0)

  return {
    close() {
      isClosed = true
      clearTimeout(timer)
      round.giveUp()
    }
  }
}
