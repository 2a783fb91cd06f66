/**
 * Stands between the gateway and a store that may be slow or away: each question is bounded, a breaker of its own ends
 * them while they fail, and what could not be written is owed and written when the store is back.
 */
import Circuit from 'opossum'
import { Fault } from '../../core/faults.ts'
import { Spread } from '../../core/tally.ts'
import type { Backend, Change } from './backend.ts'
import { createOwed } from './owed.ts'

/** How long a request waits for the store, ms. */
const patienceMs = 50
/** How long what is owed may take, ms: nobody waits for it. */
const settlingMs = 5_000
/** From the breaker's opening to the next trial, and between trials of what is owed, ms. */
const trialMs = 1_000
const windowMs = 5_000
/** How often what must be written is tried. */
const triesAtMost = 3
/** Fewer questions than this within the window do not open it: each of them waits at most as long as said above. */
const volumeThreshold = 5
const errorThresholdPercentage = 50

/** Upper bounds, seconds. */
const bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05]

export type Operation = 'read' | 'write' | 'count'
const createCounts = () => ({ read: 0, write: 0, count: 0 })

interface Log {
  warn(details: object, message: string): void
  info(details: object, message: string): void
}

class TooSlow extends Error {
  override readonly name = 'TooSlow'
}

async function within<T>(ms: number, ask: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new TooSlow('The store did not answer in time')), ms)
  try {
    return await Promise.race([ask(), promise])
  } finally {
    clearTimeout(timer)
  }
}

export const storeAway = (cause?: unknown) => new Fault('store_unavailable', '', { retryAfter: 1, cause })

export function createGuard(backend: Backend, log: Log) {
  const done = createCounts()
  const failed = createCounts()
  const spreads = { read: new Spread(bounds), write: new Spread(bounds), count: new Spread(bounds) }
  const owed = createOwed(backend)
  let settling: Promise<void> | null = null
  let isClosed = false

  const circuit = new Circuit((ask: () => Promise<unknown>) => ask(), {
    timeout: false,
    errorThresholdPercentage,
    volumeThreshold,
    resetTimeout: trialMs,
    rollingCountTimeout: windowMs,
    rollingCountBuckets: 5,
    rollingPercentilesEnabled: false,
    enableSnapshots: false
  })
  circuit.on('open', () => log.warn({}, 'the store is away: the gateway goes on with what it knows, and by asking'))
  circuit.on('close', () => log.info({}, 'the store is back'))
  // The trial is ours: a client's question would be refused while it lasts, and what is owed comes before any reading.
  circuit.on('halfOpen', () => {
    circuit.fire(() => within(settlingMs, settleOnce)).catch(() => {})
  })

  /** Throws what the store throws, or that it is away. */
  async function ask<T>(operation: Operation, question: () => Promise<T>, waitsMs = patienceMs): Promise<T> {
    const begun = performance.now()
    try {
      const answer = await circuit.fire(() => within(waitsMs, question))
      done[operation]++
      spreads[operation].observe((performance.now() - begun) / 1000)
      return answer as T
    } catch (error) {
      failed[operation]++
      throw error
    }
  }

  /** Rejects as long as the store is away. */
  async function settleAll() {
    await owed.settle()
    // With nothing owed it still has to prove itself.
    await backend.get('trial', 'trial')
  }

  function settleOnce(): Promise<void> {
    settling ??= settleAll().finally(() => {
      settling = null
    })
    return settling
  }

  /** One write that was too slow is owed while the breaker stays closed. */
  function settleSoon() {
    setTimeout(() => {
      if (!isClosed && owed.size > 0 && circuit.closed) settleOnce().catch(settleSoon)
    }, trialMs).unref()
  }

  return {
    ask,

    /** Never rejects: what cannot be written now is written when the store is back. */
    async write(purpose: string, changes: readonly Change[]) {
      const writing = owed.begin(purpose, changes)
      try {
        await ask('write', () => backend.write(purpose, changes))
        owed.end(writing, true)
      } catch {
        owed.end(writing, false)
        settleSoon()
      }
    },

    /** Rejects with `store_unavailable` for what may not have been written; it is not owed either. */
    async writeSurely(purpose: string, changes: readonly Change[]) {
      const writing = owed.begin(purpose, changes)
      try {
        for (let tries = 1; ; tries++) {
          try {
            await ask('write', () => backend.write(purpose, changes), settlingMs)
            return
          } catch (cause) {
            // Others may be writing to the file at the same time.
            if (tries === triesAtMost || !circuit.closed) throw storeAway(cause)
          }
        }
      } finally {
        owed.end(writing, true)
      }
    },

    async clear(purpose: string) {
      owed.drop(purpose)
      try {
        await ask('write', () => backend.clear(purpose))
      } catch {
        owed.noteClear(purpose)
        settleSoon()
      }
    },

    owedOf: owed.of,

    get isUp() {
      return circuit.closed
    },
    get owed() {
      return owed.size
    },
    done,
    failed,
    spreads,
    close() {
      isClosed = true
      circuit.shutdown()
    }
  }
}

export type Guard = ReturnType<typeof createGuard>
