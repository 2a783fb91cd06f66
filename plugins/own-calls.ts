/**
 * own-calls
 * Adds  `app.callAs`: the calls that the gateway itself makes in a session's name, with the session's own credential on
 *       each system, whose source's half is renewed once when it is refused.
 * Needs upstreams, homes, paired-sessions; missing-methods where it is on.
 * Off   never.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Answer, refusesSession } from '../core/answer.ts'
import { type Caller, callerOf } from '../core/credentials.ts'
import { NoSessionThere } from '../core/faults.ts'
import { isRead } from '../core/methods.ts'
import { type Asker, ownCall } from '../core/own-call.ts'
import type { Credential, Home, Route, System } from '../core/words.ts'

/** In whose name the gateway calls. */
export interface InName {
  readonly asker: Asker
  readonly home: Home
  readonly shown: readonly Credential[]
  /** The session's credentials; other ones once its half on the source was renewed. */
  caller: Caller
  /** Aborted when nobody waits for reads any more; a write is let finish. */
  readonly signal: AbortSignal
  /** Makes each call, for those who count or bound them; it may refuse by throwing. */
  readonly through?: (system: System, make: () => Promise<Answer>) => Promise<Answer>
}

export interface CallAs {
  readonly route: Route
  /** The path on the systems. */
  readonly path: string
  readonly paramsText: string
  /** Until its answer must have begun, ms; the system's `timeouts.headers` otherwise. */
  readonly patienceMs?: number
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Calls one system and reads its answer whole. A refusal of a session that the system that issued the client's
     * credential refuses comes back as it is: then the client must log in again. Rejects with a Fault, or with
     * NoSessionThere where the session has no credential, or none any more, on that system.
     */
    callAs(who: InName, system: System, call: CallAs): Promise<Answer>
  }
}

/** Largest answer to one call. */
const answerBytes = 64 << 20

async function ownCalls(app: FastifyInstance) {
  async function exchange(
    { asker, caller, signal, through }: InName,
    system: System,
    { route, path, paramsText, patienceMs }: CallAs
  ): Promise<Answer> {
    const credential = caller.credentialOn(system)
    if (credential === null) throw new NoSessionThere('The session does not live there')
    const call = ownCall(path, paramsText, credential, asker.client)
    const reads = isRead(call.method, route)
    const upstream = app.upstream(system, asker.realm)
    const asked = { ...call, isRead: reads, ...(patienceMs !== undefined && { patienceMs }) }
    const make = () => upstream.exchange(asked, answerBytes, reads ? signal : undefined)
    const answer = await (through === undefined ? make() : through(system, make))
    if (answer.status === 500 && app.hasDecorator('methodsMissing')) app.methodsMissing.note(route, system, answer)
    return answer
  }

  /** What ends with time ends on both alike: a token that has expired for its own system opens the other no longer. */
  async function isRefusedByTarget({ asker, caller }: InName): Promise<boolean> {
    const credentialOn = (system: System) => (system === 'target' ? caller.credentialOn(system) : null)
    const { target } = await app.homes.livesOn({ credentialOn }, asker)
    return target === false
  }

  /** A refused call did nothing, so that a write too is made once more after the renewal (contract section 4). */
  async function afterRefusal(who: InName, system: System, call: CallAs, refused: Answer): Promise<Answer> {
    const { asker, home, shown, caller } = who
    const { session: known } = home
    const isHalf = system === 'source' && known !== undefined && known.halves !== null
    if (!isHalf || (await isRefusedByTarget(who))) {
      if (shown[0] !== undefined && known !== undefined) await app.homes.drop(shown[0])
      return refused
    }
    const session = await app.pairedSessions.renew(known, asker, app.homes.ttlMs)
    if (session === null) {
      // Whatever else is asked for in its name: the source would refuse it again, and be asked to renew it again.
      who.caller = { credentialOn: (system) => (system === 'source' ? null : caller.credentialOn(system)) }
      throw new NoSessionThere('The source does not renew the session')
    }
    who.caller = callerOf(shown, { ...home, session })
    const answer = await exchange(who, system, call)
    // What the client holds is good: the fault would have it log in again and again.
    if (!refusesSession(call.route, answer)) return answer
    throw new NoSessionThere('The source refuses the session that it has renewed')
  }

  app.decorate('callAs', async function callAs(who, system, call) {
    const answer = await exchange(who, system, call)
    return refusesSession(call.route, answer) ? afterRefusal(who, system, call, answer) : answer
  })
}

export default fp(ownCalls, {
  name: 'own-calls',
  fastify: '5.x',
  dependencies: ['upstreams', 'homes', 'paired-sessions']
})
