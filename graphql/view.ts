/**
 * One request's view of both systems: its session, what it may ask for at a time, and every call that is made for it.
 * Nothing of it outlives the request or is shared with another.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Answer, isUnavailable, refusesSession } from '../core/answer.ts'
import { callerOf } from '../core/credentials.ts'
import { decide, noFacts } from '../core/decide.ts'
import { Fault, NoSessionThere, Refusal } from '../core/faults.ts'
import { contextIn } from '../core/headers.ts'
import type { Place } from '../core/hosts.ts'
import { nameOf } from '../core/methods.ts'
import type { Reference } from '../core/references.ts'
import type { Customers, Ticket } from '../core/tickets.ts'
import type { Trail } from '../core/trail.ts'
import { type JsonObject, type System, systemNames } from '../core/words.ts'
import { isSystemsFailure, SystemFailure, Unauthenticated } from './errors.ts'
import { createGate } from './gate.ts'
import { issuerOf, routeOf, type Visitor } from './visitor.ts'

type InName = Parameters<FastifyInstance['callAs']>[0]
type FollowedPage = Awaited<ReturnType<FastifyInstance['lists']['follow']>>
type Following = Parameters<FastifyInstance['lists']['follow']>[1]

/** Which system serves an entity, and whether that was looked up. */
export interface Found {
  readonly system: System
  readonly isLocated: boolean
}

interface Setting {
  readonly restPrefix: string
  readonly inFlight: number
  readonly selected: ReadonlySet<string>
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Until a system must have begun to say whether a session lives, ms: whoever asks how the systems are waits for it. */
const pingPatienceMs = 5_000

/** Parameters without those that are not given. */
const given = (params: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined))

export class View {
  readonly visitor: Visitor
  readonly place: Place
  /** The system that the client has asked for, by the request or for the session. */
  readonly context: System | null
  /** What the request's operations select, as limits.ts tells it. */
  readonly selected: ReadonlySet<string>
  /** A system has refused the session: whatever else was read, the client must log in. */
  isRefused = false
  /** A write of this request was done: to send all of it again would be to do that again. */
  hasWritten = false
  /** Calls to the systems so far. */
  calls = 0
  /** Why systems could not answer, the first cause of each. */
  readonly failures = new Map<System, unknown>()
  readonly #app: FastifyInstance
  readonly #trail: Trail
  readonly #who: InName
  readonly #restPrefix: string
  readonly #pass: ReturnType<typeof createGate>
  #isLive: Promise<void> | null = null
  /** Of the mutation that is being made: they are made one after the other. */
  #ticket: Ticket | null = null

  constructor(
    app: FastifyInstance,
    request: FastifyRequest,
    visitor: Visitor,
    { restPrefix, inFlight, selected, signal }: Setting
  ) {
    this.#app = app
    this.#trail = request.trail
    this.#restPrefix = restPrefix
    this.#pass = createGate(inFlight)
    this.visitor = visitor
    this.place = request.place
    this.selected = selected
    const context = contextIn(request.headers) ?? visitor.home.session?.context ?? null
    this.context = context === 'auto' ? null : context
    this.#who = {
      ...visitor,
      caller: callerOf(visitor.shown, visitor.home),
      signal,
      through: (system, make) => this.#through(system, make)
    }
  }

  #through(system: System, make: () => Promise<Answer>): Promise<Answer> {
    return this.#pass(system, () => {
      this.calls++
      const trail = this.#trail
      trail.to = trail.to === null || trail.to === system ? system : 'both'
      return trail.waitFor(make())
    })
  }

  /** A system's failure, once for each system: the client is told with each field, this is for whoever watches. */
  #noteFailure(system: System, cause: unknown): void {
    if (isSystemsFailure(cause) && !this.#who.signal.aborted && !this.failures.has(system)) {
      this.failures.set(system, cause)
    }
  }

  #refuse(): never {
    this.isRefused = true
    throw new Unauthenticated()
  }

  /** Asks once whether the session lives, for what reads nothing else; throws Unauthenticated where it does not. */
  requireLive(): Promise<void> {
    this.#isLive ??= this.#askLive()
    return this.#isLive
  }

  /** The system of the host or the context is asked, else the one that has issued what the client holds. */
  async #askLive(): Promise<void> {
    const issuer = issuerOf(this.visitor)
    for (const system of new Set<System>([this.place.pinned ?? this.context ?? issuer, issuer])) {
      const credential = this.#who.caller.credentialOn(system)
      if (credential === null) continue
      try {
        await this.#ask(system, 'Session', 'ping', { [credential.kind]: credential.value }, pingPatienceMs)
        return
      } catch (error) {
        // A system that cannot tell leaves the session as it is.
        if (!(error instanceof SystemFailure)) throw error
        if (!(error.cause instanceof NoSessionThere)) return
      }
    }
  }

  #decide(system: System | null, merges: boolean, location: System | null) {
    const { place, visitor, context } = this
    if (place.pinned !== null && system && system !== place.pinned) {
      throw new Fault('malformed_request', `this host is the ${place.pinned}'s alone`)
    }
    const asked = system ?? context
    try {
      return decide({ ...noFacts, ...place, context: asked, home: visitor.home, merges, location })
    } catch (error) {
      // The session does not live on the system that is asked for.
      throw asked !== null && isSystemsFailure(error) ? new SystemFailure(asked, error) : error
    }
  }

  /** A host or a context that leaves nothing to choose. */
  get isOfOneSystem(): boolean {
    return this.place.pinned !== null || this.context !== null
  }

  /** The systems that a list is asked of. */
  systemsFor(system: System | null): readonly System[] {
    try {
      const { to } = this.#decide(system, true, null)
      return to === 'both' ? systemNames : [to]
    } catch (error) {
      // All of the list will be missing.
      if (error instanceof SystemFailure) return [error.system]
      throw error
    }
  }

  /** Before it is decided where a write goes: whoever puts up a fence waits for it. */
  beginWrite(): void {
    if (this.#app.hasDecorator('writeFence')) this.#ticket = this.#app.writeFence.take()
  }

  endWrite(): void {
    this.#ticket?.end()
    this.#ticket = null
  }

  /** Throws what a write gets that concerns a customer who is being moved. */
  async admit(references: readonly Reference[]): Promise<void> {
    const ticket = this.#ticket
    if (ticket === null) return
    const { writeFence } = this.#app
    const whose = () => this.#whose(references)
    if (writeFence.mayPass(ticket)) {
      ticket.identify = whose
      return
    }
    ticket.concern(await whose())
    writeFence.check(ticket)
  }

  async #whose(references: readonly Reference[]): Promise<Customers> {
    const all = new Set<number>()
    for (const reference of references) {
      const customers = await this.#trail.waitFor(this.#app.entityLocation.whose(reference, this.#locator()))
      if (customers === null) return null
      for (const one of customers) all.add(one)
    }
    return all
  }

  #locator() {
    const { asker, home } = this.visitor
    return {
      ...asker,
      credentialOn: (one: System) => this.#who.caller.credentialOn(one),
      session: home.session?.id ?? '',
      through: (one: System, make: () => Promise<Answer>) => this.#through(one, make)
    }
  }

  /** The system that serves these entities, by the same rules as any call that names them (contract section 5). */
  async systemFor(references: readonly Reference[], system: System | null = null): Promise<Found> {
    const { home } = this.visitor
    const isLocated = system === null && !this.isOfOneSystem && home.system === 'both' && references.length > 0
    const locating = isLocated ? this.#app.entityLocation.locate(references, this.#locator()) : null
    const location = await this.#trail.waitFor(Promise.resolve(locating))
    try {
      const { to } = this.#decide(system, false, location)
      return { system: to === 'both' ? 'target' : to, isLocated }
    } catch (error) {
      if (error instanceof SystemFailure) await this.requireLive()
      throw error
    }
  }

  /** Forgets where entities are, after an answer that says that they are not there. */
  forget(references: readonly Reference[]): Promise<void> {
    return this.#app.entityLocation.forgetReferences(references)
  }

  /**
   * Any answer of the system itself, its refusals too; throws SystemFailure or Unauthenticated. Who asks only where the
   * session does not live any more would else never hear that it has ended.
   */
  async ask(system: System, service: string, method: string, params: JsonObject): Promise<Answer> {
    try {
      return await this.#ask(system, service, method, params)
    } catch (error) {
      if (error instanceof SystemFailure && error.cause instanceof NoSessionThere) await this.requireLive()
      throw error
    }
  }

  async #ask(system: System, service: string, method: string, params: JsonObject, patienceMs?: number) {
    const route = routeOf(service, method)
    const path = `${this.#restPrefix}/${nameOf(route)}`
    const paramsText = JSON.stringify(given(params))
    const call = { route, path, paramsText, ...(patienceMs !== undefined && { patienceMs }) }
    let answer: Answer
    try {
      answer = await this.#app.callAs(this.#who, system, call)
    } catch (error) {
      if (!isSystemsFailure(error)) throw error
      throw this.#failureOf(system, error)
    }
    if (refusesSession(route, answer)) this.#refuse()
    if (isUnavailable(answer.status)) {
      const fault = answer.status === 504 ? 'system_timeout' : 'system_unavailable'
      throw this.#failureOf(system, new Fault(fault, system))
    }
    return answer
  }

  #failureOf(system: System, cause: unknown): SystemFailure {
    this.#noteFailure(system, cause)
    return new SystemFailure(system, cause)
  }

  /** An answer that says that all went well; throws the system's own fault as a Refusal. */
  async call(system: System, service: string, method: string, params: JsonObject): Promise<Answer> {
    const answer = await this.ask(system, service, method, params)
    if (answer.status !== 200) throw new Refusal(system, answer)
    return answer
  }

  /** A page of a list. */
  async list(service: string, method: string, params: JsonObject, wanted: Following): Promise<FollowedPage> {
    const route = routeOf(service, method)
    const list = this.#app.lists.of(route)
    if (list === null) throw new Fault('bad_gateway', `gateway (${nameOf(route)} is no list in this deployment)`)
    const path = `${this.#restPrefix}/${nameOf(route)}`
    const known = given(params)
    const call = { authInfo: null, params: known, paramsText: JSON.stringify(known) }
    try {
      const page = await this.#app.lists.follow({ who: this.#who, list, route, path, call }, wanted)
      for (const system of wanted.systems) this.#noteFailure(system, page.missing[system])
      const issuer = issuerOf(this.visitor)
      const hears = wanted.systems.includes(issuer) && page.missing[issuer] === undefined
      const isLost = Object.values(page.missing).some((cause) => cause instanceof NoSessionThere)
      if (isLost && !hears) await this.requireLive()
      return page
    } catch (error) {
      if (error instanceof Refusal && refusesSession(route, error.answer)) this.#refuse()
      throw error
    }
  }
}
