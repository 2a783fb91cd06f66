/**
 * Fences of all gateways that share the store: kept there for those who start later, told to those who are there, and
 * each of these says when none of its own writes of before is under way.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Fence } from '../../core/fences.ts'
import type { System } from '../../core/words.ts'
import type { Members } from './members.ts'

/** Customers that are written, or told of, at a time. */
const chunk = 500
/** Until one that has not said anything is told again, and it is looked whether it is still there, ms. */
const againMs = 1_000
/** Words of others that were answered lately: they may be told again. */
const keptWords = 1_000

/** As they are told: `[iCustomer, to, since, until, token]`. */
type Row = readonly [number, System | null, number, number, string]
type Ends = readonly (readonly [iCustomer: number, token: string])[]

type Message =
  | { readonly kind: 'raise'; readonly id: string; readonly rows: readonly Row[] }
  | { readonly kind: 'settled'; readonly id: string; readonly by: string }
  | { readonly kind: 'end'; readonly ends: Ends }

const rowOf = ({ iCustomer, to, since, until, token }: Fence): Row => [iCustomer, to, since, until, token]
const fenceOf = ([iCustomer, to, since, until, token]: Row): Fence => ({ iCustomer, to, since, until, token })

export const setOf = (fences: readonly Fence[]) => new Set(fences.map(({ iCustomer }) => iCustomer))

/** A word that others must have answered. */
export interface Raise {
  readonly id: string
  readonly fences: readonly Fence[]
}

interface Hearing {
  /** Fences of another gateway; resolves once no write of before is under way here. */
  raise(fences: readonly Fence[]): Promise<void>
  /** Another gateway has ended these. */
  end(ends: Ends): void
}

const keyOf = (iCustomer: number) => String(iCustomer)

export function createSharing(app: FastifyInstance, members: Members, hearing: Hearing) {
  const kept = app.store('fences', { lasting: true })
  /** Who has answered each of this gateway's words that are waited for. */
  const answered = new Map<string, Set<string>>()
  let heard = Promise.withResolvers<void>()
  /** What was answered to words of others, or will be. */
  const answers = new Map<string, Promise<void>>()

  const tell = (message: Message) => kept.tell(JSON.stringify(message))
  const tellRaise = ({ id, fences }: Raise) => tell({ kind: 'raise', id, rows: fences.map(rowOf) })

  function answer(id: string, rows: readonly Row[]) {
    const known = answers.get(id) ?? hearing.raise(rows.map(fenceOf))
    answers.set(id, known)
    const [oldest] = answers.keys()
    if (answers.size > keptWords && oldest !== undefined) answers.delete(oldest)
    known.then(() => tell({ kind: 'settled', id, by: members.self }))
  }

  kept.onTold((text) => {
    const message = JSON.parse(text) as Message
    if (message.kind === 'raise') answer(message.id, message.rows)
    else if (message.kind === 'end') hearing.end(message.ends)
    else if (answered.get(message.id)?.add(message.by) !== undefined) {
      heard.resolve()
      heard = Promise.withResolvers<void>()
    }
  })

  function chunksOf<One>(all: readonly One[]): One[][] {
    const chunks: One[][] = []
    for (let at = 0; at < all.length; at += chunk) chunks.push(all.slice(at, at + chunk))
    return chunks
  }

  /** Whether all others that are there have answered; they are told again until then. Rejects while the store is away. */
  async function areAnswered(raises: readonly Raise[], by: number): Promise<boolean> {
    for (;;) {
      const others = [...(await members.others())]
      const lookAgainAt = performance.now() + againMs
      for (;;) {
        const missing = raises.filter(({ id }) => others.some((one) => answered.get(id)?.has(one) !== true))
        if (missing.length === 0) return true
        const now = performance.now()
        if (now >= by) return false
        if (now >= lookAgainAt) {
          for (const one of missing) tellRaise(one)
          break
        }
        const bound = new AbortController()
        const waited = delay(Math.min(by, lookAgainAt) - now + 1, undefined, { signal: bound.signal }).catch(() => {})
        await Promise.race([heard.promise, waited])
        bound.abort()
      }
    }
  }

  const entryOf = (fence: Fence, now: number) => ({
    key: keyOf(fence.iCustomer),
    value: JSON.stringify(rowOf(fence)),
    ttlMs: Math.max(fence.until - now, 1)
  })

  return {
    /** Keeps fences that the store has lost; whoever is there knows them. Rejects while it is away. */
    async restore(fences: readonly Fence[]) {
      const now = Date.now()
      for (const some of chunksOf(fences)) await kept.setSurely(some.map((fence) => entryOf(fence, now)))
    },

    /** Keeps these fences for all, and tells them. Rejects with `store_unavailable`: then some may be kept. */
    async raise(fences: readonly Fence[]): Promise<readonly Raise[]> {
      const raises = chunksOf(fences).map((some) => ({ id: randomUUID(), fences: some }))
      const now = Date.now()
      for (const raise of raises) {
        await kept.setSurely(raise.fences.map((fence) => entryOf(fence, now)))
        answered.set(raise.id, new Set())
        tellRaise(raise)
      }
      return raises
    },

    /** Resolves to whether every other gateway has let its writes of before finish by then, as `performance.now()` tells it. */
    async settled(raises: readonly Raise[], by: number): Promise<boolean> {
      try {
        return await areAnswered(raises, by)
      } catch (err) {
        app.log.warn({ err }, 'it cannot be known whether all gateways have heard of a fence')
        return false
      } finally {
        for (const { id } of raises) answered.delete(id)
      }
    },

    /**
     * The fences are over, here and everywhere, and those of the other customers too, should another gateway have one. A
     * store that is away is told later.
     */
    async end(ends: Ends, others: readonly number[] = []): Promise<void> {
      for (const some of chunksOf(others)) await kept.delete(...some.map(keyOf))
      for (const some of chunksOf(ends)) {
        await kept.delete(...some.map(([iCustomer]) => keyOf(iCustomer)))
        tell({ kind: 'end', ends: some })
      }
    },

    /** All that are kept. Rejects while the store is away. */
    async load(): Promise<Fence[]> {
      const fences: Fence[] = []
      for await (const [, value] of kept.entries()) fences.push(fenceOf(JSON.parse(value) as Row))
      return fences
    },

    /** What is kept of a customer's fence; rejects while the store is away. */
    async isKept(iCustomer: number): Promise<boolean> {
      return (await kept.get(keyOf(iCustomer))) !== undefined
    },

    /** Called with the customers of whose fences another gateway has written something; null: of any, or words were missed. */
    onChanged(listener: (customers: readonly number[] | null) => void) {
      kept.onChanged((keys) => listener(keys === null ? null : keys.map(Number)))
    }
  }
}

export type Sharing = ReturnType<typeof createSharing>
