/**
 * Opens a WebSocket on both systems for one client. The target's answer is the client's, as everything that it holds is
 * the target's; a source that has none to give, or is away, leaves the target's stream alone.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Answer, refusesSession } from '../../core/answer.ts'
import { swapsFor } from '../../core/credentials.ts'
import { Fault, whyOf } from '../../core/faults.ts'
import { askerOf } from '../../core/own-call.ts'
import { clientsOwn, type Swap } from '../../core/swap.ts'
import type { Credential, Home, KeptSession, System } from '../../core/words.ts'

type Given = Awaited<ReturnType<FastifyInstance['openWebSocket']>>
export type Opened = Extract<Given, { socket: unknown }>

/** Whose connection it is, and everything that its request shows. */
export interface Asking {
  readonly home: Home
  readonly credentials: readonly Credential[]
  readonly others: readonly Credential[]
}

/** What both systems gave. */
export interface Joined {
  readonly opened: ReadonlyMap<System, Opened>
  /** What the source calls the session. */
  readonly swaps: readonly Swap[]
  /** The system whose stream is not there though it could be: it is away. */
  readonly away: System | null
}

/** What one system gave: its stream, its refusal, or the fault that there is instead. */
type Outcome = { readonly opened: Opened } | { readonly refusal: Answer } | { readonly fault: Fault }

const isOpened = (given: Given): given is Opened => 'socket' in given

export function createJoining(app: FastifyInstance) {
  async function openOn(
    request: FastifyRequest,
    reply: FastifyReply,
    system: System,
    swaps: readonly Swap[] | null
  ): Promise<Outcome> {
    try {
      const given = await app.openWebSocket(request, reply, system, swaps)
      if (!isOpened(given)) return { refusal: given }
      return { opened: given }
    } catch (error) {
      if (error instanceof Fault) return { fault: error }
      throw error
    }
  }

  /** The source may refuse its half, which is renewed once, as for a call. */
  async function openOnSource(request: FastifyRequest, reply: FastifyReply, { home, credentials, others }: Asking) {
    const swapsOf = ({ halves }: KeptSession) => (halves === null ? [] : swapsFor(halves, [...credentials, ...others]))
    const { session } = home
    if (session === undefined) throw new Error('Only a session that is kept lives on both systems')
    const swaps = swapsOf(session)
    const outcome = await openOn(request, reply, 'source', swaps)
    const isRefused = 'refusal' in outcome && isSessionRefusal(request, outcome.refusal)
    if (!isRefused) return { outcome, swaps }
    const renewed = await app.pairedSessions.renew(session, askerOf(request), app.homes.ttlMs)
    if (renewed === null) return { outcome, swaps }
    const newSwaps = swapsOf(renewed)
    return { outcome: await openOn(request, reply, 'source', newSwaps), swaps: newSwaps }
  }

  const isSessionRefusal = ({ target }: FastifyRequest, answer: Answer) =>
    answer.status === 401 || refusesSession(target.route, answer)

  function close(...outcomes: readonly Outcome[]) {
    for (const outcome of outcomes) if ('opened' in outcome) outcome.opened.socket.destroy()
  }

  const protocolOf = ({ head }: Opened) => String(head.headers['sec-websocket-protocol'] ?? '')

  /** They speak one language, or nobody could follow. */
  function agree({ headers }: FastifyRequest, target: Opened, source: Opened, swaps: readonly Swap[]): boolean {
    const offered = headers['sec-websocket-protocol'] ?? ''
    return protocolOf(target) === clientsOwn(protocolOf(source), offered, swaps)
  }

  function noteMissing({ log }: FastifyRequest, system: System, outcome: Outcome) {
    const why = 'fault' in outcome ? whyOf(outcome.fault) : 'refusal' in outcome ? `${outcome.refusal.status}` : ''
    log.warn({ missing: system, why }, 'a WebSocket of both systems has one stream alone')
  }

  /** Both streams, or one; or the target's refusal; null where the client has left. Rejects with a Fault. */
  return async function open(
    request: FastifyRequest,
    reply: FastifyReply,
    asking: Asking
  ): Promise<Joined | { readonly refusal: Answer } | null> {
    const [target, { outcome: source, swaps }] = await Promise.all([
      openOn(request, reply, 'target', null),
      openOnSource(request, reply, asking)
    ])
    if (reply.raw.destroyed) {
      close(source, target)
      return null
    }
    if ('refusal' in target) {
      close(source)
      const [credential] = asking.credentials
      if (credential !== undefined && isSessionRefusal(request, target.refusal)) await app.homes.drop(credential)
      return target
    }
    if ('opened' in target && 'opened' in source) {
      if (agree(request, target.opened, source.opened, swaps)) {
        return {
          opened: new Map([['source', source.opened] as const, ['target', target.opened] as const]),
          swaps,
          away: null
        }
      }
      close(target, source)
      throw new Fault('bad_gateway', 'source')
    }
    if ('opened' in target) {
      noteMissing(request, 'source', source)
      return { opened: new Map([['target', target.opened] as const]), swaps, away: 'fault' in source ? 'source' : null }
    }
    if (!('opened' in source)) throw target.fault
    noteMissing(request, 'target', target)
    return { opened: new Map([['source', source.opened] as const]), swaps, away: 'target' }
  }
}
