/**
 * Every call that is made to the systems for one request: in its session's name, so many at a time, and counted; and what
 * came out by the way: that the session has ended, or why a system could not answer.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Answer, isUnavailable, refusesSession } from '../core/answer.ts'
import { callerOf } from '../core/credentials.ts'
import { Fault, NoSessionThere, Refusal } from '../core/faults.ts'
import { nameOf } from '../core/methods.ts'
import type { Trail } from '../core/trail.ts'
import type { JsonObject, System } from '../core/words.ts'
import { isSystemsFailure, SystemFailure, Unauthenticated } from './errors.ts'
import { createGate } from './gate.ts'
import { issuerOf, routeOf, type Visitor } from './visitor.ts'

type InName = Parameters<FastifyInstance['callAs']>[0]
type FollowedPage = Awaited<ReturnType<FastifyInstance['lists']['follow']>>
type Following = Parameters<FastifyInstance['lists']['follow']>[1]

export interface CallSetting {
  readonly restPrefix: string
  readonly inFlight: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Until a system must have begun to say whether a session lives, ms: whoever asks how the systems are waits for it. */
const pingPatienceMs = 5_000

/** Parameters without those that are not given. */
const given = (params: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined))

export class Calls {
  /** A system has refused the session: whatever else was read, the client must log in. */
  isRefused = false
  /** How many there were so far. */
  count = 0
  /** Why systems could not answer, the first cause of each. */
  readonly failures = new Map<System, unknown>()
  readonly #app: FastifyInstance
  readonly #trail: Trail
  readonly #visitor: Visitor
  readonly #who: InName
  readonly #restPrefix: string
  readonly #pass: ReturnType<typeof createGate>
  readonly #chosen: System | null
  #isLive: Promise<void> | null = null

  /** `chosen`: the system of the host, or of the context; null where there is none. */
  constructor(
    app: FastifyInstance,
    { trail }: FastifyRequest,
    visitor: Visitor,
    { restPrefix, inFlight, signal }: CallSetting,
    chosen: System | null
  ) {
    this.#app = app
    this.#trail = trail
    this.#visitor = visitor
    this.#restPrefix = restPrefix
    this.#pass = createGate(inFlight)
    this.#chosen = chosen
    this.#who = {
      ...visitor,
      caller: callerOf(visitor.shown, visitor.home),
      signal,
      through: (system, make) => this.#through(system, make)
    }
  }

  #through(system: System, make: () => Promise<Answer>): Promise<Answer> {
    return this.#pass(system, () => {
      this.count++
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

  /** The chosen system is asked, else the one that has issued what the client holds. */
  async #askLive(): Promise<void> {
    const issuer = issuerOf(this.#visitor)
    for (const system of new Set<System>([this.#chosen ?? issuer, issuer])) {
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

  /** How entities are located in the session's name. */
  locator() {
    const { asker, home } = this.#visitor
    return {
      ...asker,
      credentialOn: (one: System) => this.#who.caller.credentialOn(one),
      session: home.session?.id ?? '',
      through: (one: System, make: () => Promise<Answer>) => this.#through(one, make)
    }
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
      const issuer = issuerOf(this.#visitor)
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
