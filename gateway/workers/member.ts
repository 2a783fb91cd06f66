/**
 * One worker, as its supervisor knows it.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import type { Shown } from '../../plugins/metrics/merged.ts'
import type { Config } from '../config-schema.ts'
import type { Log } from '../log.ts'
import type { Reports, Subject } from '../ops/reports.ts'
import { idleMs } from '../running.ts'
import type { ToSupervisor, ToWorker } from './messages.ts'
import { passWholeLines } from './whole-lines.ts'

/** How long a worker may take to listen, ms. */
const startMs = 60_000
/** How long one that ends may take beyond what it may take, ms. */
const marginMs = 10_000
/** How long it may take for a report; without one it is left out, ms. */
const reportMs = 1000

export interface Plan {
  readonly config: Config
  /** How many workers there should be. */
  readonly count: number
  /** Rises with each config. */
  readonly generation: number
}

export interface Place {
  readonly addresses: readonly string[]
  readonly ops: string
}

export interface Member {
  readonly id: number
  readonly pid: number
  readonly generation: number
  readonly isUp: boolean
  /** It was told to end. */
  readonly isLeaving: boolean
  /** Once it listens; rejects with why it does not. */
  readonly up: Promise<Place>
  /** Once it has ended and its last line was passed on: why. */
  readonly ended: Promise<string>
  /** The last that it said of what it has counted. */
  readonly counted: readonly Shown[]
  tell(order: ToWorker): void
  report<Of extends Subject>(subject: Of): Promise<Reports[Of] | null>
  /** Tells it to end; one that has not when it long should have is killed. */
  leave(order: 'retire' | 'stop'): void
  kill(): void
}

/** What a member asks of everybody. */
export type Answer = (subject: Subject) => Promise<readonly Reports[Subject][]>

export function startMember({ config, generation }: Plan, log: Log, answer: Answer): Member {
  const worker = cluster.fork()
  const { process: child } = worker
  const up = Promise.withResolvers<Place>()
  // Not everybody who starts one waits for it.
  up.promise.catch(() => {})
  const waiting = new Map<number, (report: unknown) => void>()
  const state = { isUp: false, isLeaving: false, why: '', counted: [] as readonly Shown[], lastAsked: 0 }
  const slow = setTimeout(() => {
    state.why = `a worker did not listen within ${startMs / 1000} s`
    child.kill('SIGKILL')
  }, startMs).unref()

  if (child.stdout !== null) passWholeLines(child.stdout, log.writeLine)
  if (child.stderr !== null) passWholeLines(child.stderr, (lines) => process.stderr.write(lines))

  function tell(order: ToWorker) {
    // One that has gone hears nothing; its end is told by itself.
    if (worker.isConnected()) worker.send(order, () => {})
  }

  async function hear(word: ToSupervisor) {
    switch (word.word) {
      case 'here':
        tell({ order: 'start', config })
        return
      case 'listening':
        clearTimeout(slow)
        state.isUp = true
        up.resolve({ addresses: word.addresses, ops: word.ops })
        return
      case 'failed':
        state.why = word.why
        return
      case 'asking':
        tell({ order: 'hear', id: word.id, reports: await answer(word.subject) })
        return
      case 'report':
        waiting.get(word.id)?.(word.report)
        return
      case 'over':
        state.counted = word.counted
    }
  }
  worker.on('message', (word: ToSupervisor) => void hear(word))
  worker.on('error', (err) => log.logger.warn({ err, worker: child.pid }, 'a worker cannot be told anything'))

  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    clearTimeout(slow)
    state.isUp = false
    const why = state.why || (signal === null ? `exit code ${code}` : `${signal}`)
    up.reject(new Error(why))
    return why
  })

  async function report<Of extends Subject>(subject: Of): Promise<Reports[Of] | null> {
    const { promise, resolve } = Promise.withResolvers<Reports[Of] | null>()
    const id = ++state.lastAsked
    const timer = setTimeout(resolve, reportMs, null)
    waiting.set(id, resolve as (report: unknown) => void)
    tell({ order: 'report', subject, id })
    const told = await promise
    clearTimeout(timer)
    waiting.delete(id)
    if (subject === 'metrics' && told !== null) state.counted = told as readonly Shown[]
    return told
  }

  return {
    id: worker.id,
    pid: child.pid ?? 0,
    generation,
    get isUp() {
      return state.isUp
    },
    get isLeaving() {
      return state.isLeaving
    },
    get counted() {
      return state.counted
    },
    up: up.promise,
    ended,
    tell,
    report,
    leave(order) {
      if (state.isLeaving) return
      state.isLeaving = true
      tell({ order })
      const timer = setTimeout(() => child.kill('SIGKILL'), idleMs + 2 * config.drain + marginMs)
      void ended.then(() => clearTimeout(timer))
    },
    kill() {
      state.isLeaving = true
      child.kill('SIGKILL')
    }
  }
}
