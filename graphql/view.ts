/**
 * One request's view of both systems: its session, which system serves what it asks for, and by what it is asked. Nothing
 * of it outlives the request or is shared with another.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { decide, noFacts } from '../core/decide.ts'
import { Fault } from '../core/faults.ts'
import { contextIn } from '../core/headers.ts'
import type { Place } from '../core/hosts.ts'
import type { Reference } from '../core/references.ts'
import type { Trail } from '../core/trail.ts'
import { type System, systemNames } from '../core/words.ts'
import { type CallSetting, Calls } from './calls.ts'
import { isSystemsFailure, SystemFailure } from './errors.ts'
import { Fencing } from './fencing.ts'
import type { Visitor } from './visitor.ts'

/** Which system serves an entity, and whether that was looked up. */
export interface Found {
  readonly system: System
  readonly isLocated: boolean
}

interface Setting extends CallSetting {
  readonly selected: ReadonlySet<string>
}

export class View {
  readonly visitor: Visitor
  readonly place: Place
  /** The system that the client has asked for, by the request or for the session. */
  readonly context: System | null
  /** What the request's operations select, as limits.ts tells it. */
  readonly selected: ReadonlySet<string>
  /** A write of this request was done: to send all of it again would be to do that again. */
  hasWritten = false
  readonly calls: Calls
  readonly fencing: Fencing
  readonly #app: FastifyInstance
  readonly #trail: Trail

  constructor(app: FastifyInstance, request: FastifyRequest, visitor: Visitor, setting: Setting) {
    this.#app = app
    this.#trail = request.trail
    this.visitor = visitor
    this.place = request.place
    this.selected = setting.selected
    const context = contextIn(request.headers) ?? visitor.home.session?.context ?? null
    this.context = context === 'auto' ? null : context
    this.calls = new Calls(app, request, visitor, setting, this.place.pinned ?? this.context)
    this.fencing = new Fencing(app, request.trail, this.calls)
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

  /** The system that serves these entities, by the same rules as any call that names them (contract section 5). */
  async systemFor(references: readonly Reference[], system: System | null = null): Promise<Found> {
    const { home } = this.visitor
    const isLocated = system === null && !this.isOfOneSystem && home.system === 'both' && references.length > 0
    const locating = isLocated ? this.#app.entityLocation.locate(references, this.calls.locator()) : null
    const location = await this.#trail.waitFor(Promise.resolve(locating))
    try {
      const { to } = this.#decide(system, false, location)
      return { system: to === 'both' ? 'target' : to, isLocated }
    } catch (error) {
      if (error instanceof SystemFailure) await this.calls.requireLive()
      throw error
    }
  }

  /** Forgets where entities are, after an answer that says that they are not there. */
  forget(references: readonly Reference[]): Promise<void> {
    return this.#app.entityLocation.forgetReferences(references)
  }
}
