/**
 * Fences go up and come down by an operator's words, told to any gateway.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { Fault } from '../../core/faults.ts'
import type { Fence, Fences } from '../../core/fences.ts'
import { placeBy } from '../../core/location.ts'
import type { Tickets } from '../../core/tickets.ts'
import type { System } from '../../core/words.ts'
import { createCatchingUp } from './catching-up.ts'
import { createExpiring } from './expiring.ts'
import type { Members } from './members.ts'
import { createSharing, type Raise, setOf } from './sharing.ts'

export interface Started {
  readonly iCustomer: number
  readonly to: System | null
}

export interface Ended extends Started {
  readonly state: 'finished' | 'failed'
}

interface Setting {
  /** How long a fence stands that nobody ends, ms. */
  readonly expiry: number
  /** How long a start waits for writes that are under way, ms. */
  readonly patience: number
}

const endsOf = (fences: readonly Fence[]) => fences.map(({ iCustomer, token }) => [iCustomer, token] as const)

export function createRaising(
  app: FastifyInstance,
  {
    fences,
    tickets,
    members,
    onChanged
  }: Readonly<{
    fences: Fences
    tickets: Tickets
    members: Members
    onChanged: () => void
  }>,
  { expiry, patience }: Setting
) {
  const { entityLocation, storeState } = app
  const counts = { raised: 0, finished: 0, failed: 0, expired: 0 }
  /** Raised here: of several gateways one counts what becomes of them. */
  const own = new Set<number>()

  const expiring = createExpiring(app, {
    fences,
    onExpired(due) {
      counts.expired += due.filter(({ iCustomer }) => own.delete(iCustomer)).length
    },
    change
  })

  const sharing = createSharing(app, members, {
    raise(told) {
      putUp(told)
      return tickets.settle(setOf(told))
    },
    end(ends) {
      for (const [iCustomer, token] of ends) {
        fences.noteOver(iCustomer, token)
        own.delete(iCustomer)
        if (fences.get(iCustomer)?.token === token) fences.end(iCustomer)
      }
      change()
    }
  })

  function change() {
    expiring.plan()
    onChanged()
  }

  function putUp(told: readonly Fence[]) {
    for (const fence of told) fences.put(fence)
    change()
  }

  const fencesFor = (words: readonly Started[]): Fence[] => {
    const since = Date.now()
    const token = randomUUID()
    const until = since + expiry
    return words.map(({ iCustomer, to }) => {
      const known = fences.get(iCustomer)
      return known === undefined
        ? { iCustomer, to, since, until, token }
        : { ...known, to: to ?? known.to, until: Math.max(until, known.until) }
    })
  }

  /** Nobody but this gateway would keep to them. */
  async function takeBack(raised: readonly Fence[]) {
    const fresh = raised.filter(({ iCustomer, token }) => fences.get(iCustomer)?.token === token)
    for (const { iCustomer } of fresh) fences.end(iCustomer)
    change()
    await sharing.end(endsOf(raised))
  }

  async function raise(words: readonly Started[]): Promise<readonly Raise[]> {
    const unraised = words.filter(({ iCustomer }) => fences.get(iCustomer) === undefined)
    const wanted = fencesFor(words)
    putUp(wanted)
    const isFresh = new Set(unraised.map(({ iCustomer }) => iCustomer))
    try {
      const raises = await sharing.raise(wanted)
      counts.raised += unraised.length
      for (const iCustomer of isFresh) own.add(iCustomer)
      return raises
    } catch (error) {
      // One that stood before stands on: it may be why somebody exports at this moment.
      await takeBack(wanted.filter(({ iCustomer }) => isFresh.has(iCustomer)))
      throw error
    }
  }

  async function isSettled(words: readonly Started[], raises: readonly Raise[]): Promise<boolean> {
    const by = performance.now() + patience
    const bound = new AbortController()
    const customers = new Set(words.map(({ iCustomer }) => iCustomer))
    const here = tickets.settle(customers).then(() => true)
    const late = delay(patience, false, { signal: bound.signal }).catch(() => false)
    try {
      const [others, mine] = await Promise.all([sharing.settled(raises, by), Promise.race([here, late])])
      return others && mine
    } finally {
      bound.abort()
    }
  }

  async function place(words: readonly Ended[]) {
    const places = Map.groupBy(words, ({ state, to }) => placeBy(state, to))
    for (const [at, group] of places) {
      const customers = group.map(({ iCustomer }) => iCustomer)
      if (at === null) await entityLocation.forgetCustomers(customers)
      else await entityLocation.placeCustomers(customers, at)
    }
  }

  const catchingUp = createCatchingUp(app, { fences, members, sharing, putUp, place, change })

  return {
    counts,
    catchingUp,

    async start(words: readonly Started[]) {
      if (storeState.isShared && !storeState.isUp) throw new Fault('store_unavailable', '', { retryAfter: 1 })
      const raises = await raise(words)
      await entityLocation.forgetCustomers(words.map(({ iCustomer }) => iCustomer))
      entityLocation.noteMoves(
        words.map(({ iCustomer, to }) => ({ iCustomer, state: 'started', to: fences.get(iCustomer)?.to ?? to }))
      )
      if (!(await isSettled(words, raises))) throw new Fault('fence_unsettled')
    },

    async end(words: readonly Ended[]) {
      const told = words.map((word) => {
        const fence = fences.get(word.iCustomer)
        // Of one that nobody has told the start of, the systems are asked: it may have been moved back.
        const otherwise = fence !== undefined && word.state === 'finished' ? 'target' : null
        return { ...word, to: word.to ?? fence?.to ?? otherwise }
      })
      await place(told)
      const ended: Fence[] = []
      const others: number[] = []
      for (const { iCustomer, state } of told) {
        const fence = fences.end(iCustomer)
        own.delete(iCustomer)
        if (fence === undefined) {
          others.push(iCustomer)
          continue
        }
        ended.push(fence)
        counts[state]++
      }
      change()
      entityLocation.noteMoves(told)
      await sharing.end(endsOf(ended), others)
    },

    stop() {
      expiring.stop()
      catchingUp.stop()
    }
  }
}

export type Raising = ReturnType<typeof createRaising>
