/**
 * Writes and the fences of customers who are being moved: which requests are writes, whom each concerns, and that none
 * goes to a system while that customer is fenced (contract section 8).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bodyFormOf, readCall } from '../../core/call.ts'
import { isReadRequest, isSessionStep } from '../../core/methods.ts'
import { askerOf } from '../../core/own-call.ts'
import { type Reference, referencesIn } from '../../core/references.ts'
import type { Customers } from '../../core/tickets.ts'
import { type Call, type Credential, isSingleHome, noCall, type System } from '../../core/words.ts'
import { type Asked, createDualRealms, type Known } from './dual-realms.ts'
import { createLooking } from './looking.ts'

const nobody: ReadonlySet<number> = new Set()

/** All together; null as soon as one of them could be anybody. */
function unionOf(sets: readonly Customers[]): Customers {
  const all = new Set<number>()
  for (const set of sets) {
    if (set === null) return null
    for (const one of set) all.add(one)
  }
  return all
}

/** A body that says nothing of its form, or the wrong thing: a system may read it all the same. */
async function readUnnamed({ target }: Asked, content: Buffer): Promise<Call> {
  for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
    const call = await readCall(target.route, type, content).catch(() => null)
    if (call !== null && call.params !== null) return call
  }
  return noCall
}

export function createFencing(app: FastifyInstance) {
  const fence = app.hasDecorator('writeFence') ? app.writeFence : null
  const location = app.hasDecorator('entityLocation') ? app.entityLocation : null
  const dualRealms = createDualRealms(app)
  const { look, showAll } = createLooking(app)

  /** Before anything else is looked at: whoever puts up a fence waits for what was decided before. */
  function take(request: FastifyRequest, reply: FastifyReply) {
    if (fence === null || isReadRequest(request) || isSessionStep(request.target.route)) return
    const ticket = fence.take()
    request.ticket = ticket
    // Refused, or its client has left, before it went to a system.
    reply.raw.once('close', () => {
      if (!ticket.isSent) ticket.end()
    })
  }

  /** Of an envelope nobody knows whether it reads before it was read. */
  const mustTell = ({ target: { route }, content }: Asked): boolean =>
    fence?.isUp === true && route.wire === 'soap' && content !== null && !route.inEnvelope

  /** Whoever a host pins to one system is known here alone. */
  async function knownOf(request: FastifyRequest, known: Known | null, to: System): Promise<Known> {
    if (known !== null) return known
    const { place } = request
    const seen = look(request)
    const shown = await showAll(request, seen)
    const { credentials } = shown
    if (isSingleHome(place.realm)) return { home: { system: to, by: 'unasked' }, credentials, others: seen.others }
    const home = await app.homes.resolve(shown, seen.isSource, askerOf(request), place.realm)
    return { home, credentials, others: seen.others }
  }

  /** In a realm where the caller is implied: whoever the session is, and each other that is shown. */
  async function owners(request: FastifyRequest, { credentials, others }: Known, to: System): Promise<Customers> {
    if (fence === null) return null
    const asker = askerOf(request)
    const shown = new Map<string, Credential>()
    for (const one of [...credentials, ...others]) if (one.kind !== 'refresh_token') shown.set(one.value, one)
    // Without a session no system does anything for anybody.
    const found = await Promise.all([...shown.values()].map((one) => fence.ownerOf(one, to, asker)))
    return unionOf(
      found.map((owner) => {
        if (owner === 'unclear') return null
        return owner === 'nobody' ? nobody : new Set([owner.iCustomer])
      })
    )
  }

  /** Those whom the call names; null where it cannot be seen whom. */
  async function referencesOf(request: FastifyRequest): Promise<Reference[] | null> {
    const { target, content, headers } = request
    const { wire, method } = target.route
    if ((wire !== 'rest' && wire !== 'soap') || (wire === 'rest' && method === '')) return []
    if (wire === 'soap') {
      const call = await app.readCall(request)
      return referencesIn(request.target.route, call.params)
    }
    const isNamed = content === null || bodyFormOf(headers['content-type']) !== 'other'
    if (!isNamed && !Buffer.isBuffer(content)) return null
    const reading = isNamed ? app.readFields(request, ['params']) : readUnnamed(request, content as Buffer)
    return referencesIn(target.route, (await reading).params)
  }

  async function named(request: FastifyRequest, known: Known): Promise<Customers> {
    const references = await referencesOf(request)
    if (references === null || location === null) return null
    const locator = dualRealms.locatorFor(known, askerOf(request))
    return unionOf(await Promise.all(references.map((one) => location.whose(one, locator))))
  }

  async function whose(request: FastifyRequest, known: Known | null, to: System): Promise<Customers> {
    const found = await knownOf(request, known, to)
    return isSingleHome(request.place.realm) ? owners(request, found, to) : named(request, found)
  }

  /** Whether a request may go on at once. What it would have to be looked at for is asked when somebody waits for it. */
  function mayPass(request: FastifyRequest, known: Known | null, to: System): boolean {
    const { ticket, content } = request
    if (fence === null || ticket === null) return true
    if (!fence.mayPass(ticket)) return false
    // A body that streams is gone by then.
    const canRead = isSingleHome(request.place.realm) || content === null || Buffer.isBuffer(content)
    ticket.identify = canRead && known !== null ? () => whose(request, known, to) : null
    return true
  }

  /** Throws what a write gets that must not go on. Once it resolves, whoever puts up a fence waits for this write. */
  async function admit(request: FastifyRequest, known: Known | null, to: System): Promise<void> {
    const { ticket } = request
    if (fence === null || ticket === null) return
    ticket.identify = null
    const { route } = request.target
    if (route.wire === 'soap' && !route.inEnvelope) await app.readCall(request)
    if (isReadRequest(request) || isSessionStep(request.target.route)) {
      ticket.end()
      return
    }
    ticket.concern(await request.trail.waitFor(whose(request, known, to)))
    fence.check(ticket)
  }

  return { take, mustTell, mayPass, admit }
}

export type Fencing = ReturnType<typeof createFencing>
