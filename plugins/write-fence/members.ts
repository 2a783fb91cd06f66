/**
 * The gateways that share the store: each says that it is there, and knows for how long the others believe it. One that
 * could not say so any more is given up by the others, and so must not write for anybody until it has said it again.
 */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

/** For how long a gateway is believed to be there without a word, ms. */
const presenceMs = 15_000
const renewMs = 3_000
/** For how long it may itself rely on that: its writes need the rest to end before the others give it up, ms. */
const leaseMs = 10_000

export function createMembers(app: FastifyInstance) {
  const self = randomUUID()
  const present = app.store('fence-members')
  const { isShared } = app.storeState
  let renewedAt = Number.NEGATIVE_INFINITY
  let generation = 0
  let timer: NodeJS.Timeout | undefined
  let scanning: Promise<Set<string>> | null = null
  let next: Promise<Set<string>> | null = null

  async function renew() {
    const begun = performance.now()
    await present.setSurely([{ key: self, value: '1', ttlMs: presenceMs }])
    if (begun - renewedAt >= leaseMs) generation++
    renewedAt = begun
  }

  async function scan(): Promise<Set<string>> {
    const found = new Set<string>()
    for await (const [key] of present.entries()) if (key !== self) found.add(key)
    return found
  }

  return {
    self,

    /** Whether the others wait for this one. */
    get isBelieved(): boolean {
      return !isShared || performance.now() - renewedAt < leaseMs
    },

    /** Rises each time that the others know of this one again: what was told meanwhile was for nobody. */
    get generation(): number {
      return generation
    },

    /** Rejects while the store is away. */
    renew: () => (isShared ? renew() : Promise.resolve()),

    /** Says it again and again; `onRenewed` is called each time that the others know of this one. */
    begin(onRenewed: () => void) {
      if (!isShared) return
      const unheard = (err: unknown) =>
        app.log.debug({ err }, 'the other gateways could not be told that this one is there')
      timer = setInterval(() => renew().then(onRenewed, unheard), renewMs).unref()
    },

    /** The others, as the store has them after this call. Whoever asks meanwhile shares the next look. Rejects while it is away. */
    others(): Promise<Set<string>> {
      if (!isShared) return Promise.resolve(new Set())
      next ??= (scanning ?? Promise.resolve())
        .catch(() => {})
        .then(() => {
          next = null
          scanning = scan().finally(() => {
            scanning = null
          })
          return scanning
        })
      return next
    },

    async end(isIdle: boolean) {
      clearInterval(timer)
      // Writes that are cut off may still be at work on a system: the others wait as for one that was killed.
      if (isShared && isIdle) await present.delete(self)
    }
  }
}

export type Members = ReturnType<typeof createMembers>
