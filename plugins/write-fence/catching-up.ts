/**
 * Fences that went up or came down while this gateway was not there, or did not hear: they are read when it starts, and
 * again after each gap.
 */
import type { FastifyInstance } from 'fastify'
import type { Fence, Fences } from '../../core/fences.ts'
import type { Members } from './members.ts'
import type { Ended } from './raising.ts'
import { type Sharing, setOf } from './sharing.ts'

/** Until it is looked whether a fence that is kept no more has ended: its end is told right after, ms. */
const endsLateMs = 300

interface Parts {
  readonly fences: Fences
  readonly members: Members
  readonly sharing: Sharing
  readonly putUp: (fences: readonly Fence[]) => void
  /** Remembers where the customers are now. */
  readonly place: (words: readonly Ended[]) => Promise<void>
  /** Fences have gone up or come down. */
  readonly change: () => void
}

export function createCatchingUp(app: FastifyInstance, { fences, members, sharing, putUp, place, change }: Parts) {
  const { entityLocation } = app
  /** `members.generation` when all that is kept was last read. */
  let loaded = -1
  let late: NodeJS.Timeout | undefined
  const doubtful = new Set<number>()

  /** One that is kept no more has ended if a word says so; else the store has lost it, and it stands. */
  async function endMissed(iCustomer: number) {
    const fence = fences.get(iCustomer)
    if (fence === undefined) return
    const word = await entityLocation.lastWordOf(iCustomer)
    if (word === undefined || word.state === 'started' || word.by !== 'told' || word.at < fence.since) return
    const { state, to } = word
    await place([{ iCustomer, state, to }])
    if (fences.get(iCustomer)?.token === fence.token) fences.end(iCustomer)
    change()
  }

  async function reconcile(customers: Iterable<number>) {
    for (const iCustomer of customers) {
      if (fences.get(iCustomer) !== undefined && !(await sharing.isKept(iCustomer))) await endMissed(iCustomer)
    }
  }

  /** What was told while this gateway was not there, or did not hear. */
  async function load() {
    const { generation } = members
    const kept = await sharing.load()
    const now = Date.now()
    putUp(kept.filter(({ until }) => until > now))
    loaded = Math.max(loaded, generation)
    const isKept = setOf(kept)
    const missing = () => fences.list().filter(({ iCustomer, since }) => since < now && !isKept.has(iCustomer))
    await reconcile(setOf(missing()))
    // The store has lost them; who starts later must find them there.
    await sharing.restore(missing())
  }

  const loadAgain = () =>
    load().catch((err: unknown) => app.log.debug({ err }, 'the fences could not be read yet: no write is let through'))

  function lookLate() {
    late = undefined
    const customers = [...doubtful]
    doubtful.clear()
    reconcile(customers).catch((err: unknown) =>
      app.log.debug({ err }, 'it could not be read whether fences have ended')
    )
  }

  sharing.onChanged((customers) => {
    if (loaded < 0) return
    if (customers === null) {
      loadAgain()
      return
    }
    for (const iCustomer of customers) if (fences.get(iCustomer) !== undefined) doubtful.add(iCustomer)
    if (doubtful.size > 0) late ??= setTimeout(lookLate, endsLateMs).unref()
  })

  return {
    /** Whether all fences that there are were ever known here. */
    get isLoaded(): boolean {
      return loaded >= 0
    },
    /** The same since the others last knew of this gateway. */
    get isCurrent(): boolean {
      return loaded === members.generation
    },

    async begin() {
      try {
        await members.renew()
        await load()
      } catch (err) {
        app.log.warn(
          { err },
          'the store does not tell which customers are being moved: no write is let through until it does'
        )
      }
      members.begin(() => {
        if (loaded !== members.generation) loadAgain()
      })
    },

    stop: () => clearTimeout(late)
  }
}
