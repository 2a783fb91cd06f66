/**
 * The facts of a request in a dual realm: what the client asks for, which entity or list the call is about, and where it
 * is (contract section 5).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { callerOf, everyCredentialIn, swapsFor } from '../../core/credentials.ts'
import { type Decision, decide, noFacts } from '../../core/decide.ts'
import { contextIn } from '../../core/headers.ts'
import { isBoundToHalf, type ListMethod } from '../../core/methods.ts'
import type { Asker } from '../../core/own-call.ts'
import { type Reference, referencesIn } from '../../core/references.ts'
import type { Swap } from '../../core/swap.ts'
import { type Call, type Credential, type Home, isCertain, type System } from '../../core/words.ts'

/** A request as far as the decision looks at it. */
export type Asked = Pick<FastifyRequest, 'method' | 'target' | 'place' | 'headers' | 'content' | 'isWebSocket'>

/** What is known of a request's session. */
export interface Known {
  readonly home: Home
  /** What the request shows, best first. */
  readonly credentials: readonly Credential[]
  /** What it holds besides: in cookies, and in a call whose header decides. */
  readonly others: readonly Credential[]
}

export interface Judged extends Known {
  readonly decision: Decision
  readonly references: readonly Reference[]
  /** The call, where it was read, and the list that it is. */
  readonly call: Call | null
  readonly list: ListMethod | null
}

export function createDualRealms(app: FastifyInstance) {
  const location = app.hasDecorator('entityLocation') ? app.entityLocation : null
  const lists = app.hasDecorator('lists') ? app.lists : null

  function locatorFor({ home, credentials }: Known, asker: Asker) {
    return { ...callerOf(credentials, home), ...asker, session: home.session?.id ?? '' }
  }

  async function locate(references: readonly Reference[], known: Known, asker: Asker | null) {
    if (location === null || references.length === 0) return null
    if (asker !== null) return location.locate(references, locatorFor(known, asker))
    return (await location.remembered(references)) ?? 'unasked'
  }

  const othersIn = ({ target }: Asked, { others }: Known, call: Call | null) =>
    call === null ? others : [...others, ...everyCredentialIn(target.route, call)]

  /**
   * Throws where the request contradicts itself, or its entity is active on both systems. Without an asker, which is for
   * explanations, nobody is asked.
   */
  async function judge(asked: Asked, known: Known, asker: Asker | null, open: boolean): Promise<Judged> {
    const { place, target, headers } = asked
    const { route } = target
    let { home } = known
    const context = contextIn(headers) ?? home.session?.context ?? null
    const joins = asked.isWebSocket && route.family === 'callcontrol'
    const facts = { ...noFacts, ...place, context: context === 'auto' ? null : context, joins, open }
    const plainly = async (): Promise<Judged> => {
      const decision = decide({ ...facts, home })
      const swaps = decision.to === 'source' && home.session !== undefined
      // Small bodies alone: credentials in a larger one are swapped where they are the session's own. In an envelope they
      // are swapped by where they stand.
      const reads = swaps && (route.wire === 'soap' || (route.wire === 'rest' && Buffer.isBuffer(asked.content)))
      const call = reads ? await app.readCall(asked) : null
      return { ...known, others: othersIn(asked, known, call), home, decision, references: [], call: null, list: null }
    }
    const isDecided = place.pinned !== null || facts.context !== null
    const isCall = (route.wire === 'rest' || route.wire === 'soap') && route.method !== ''
    if (isDecided || asked.isWebSocket || !isCall || isBoundToHalf(route)) return plainly()

    // A page in an envelope would have to be written anew.
    const list = route.wire === 'rest' ? (lists?.of(route) ?? null) : null
    const mayMerge = list !== null && (isCertain(home) || (home.by === 'cookie' && known.credentials.length > 0))
    if (!mayMerge && (location === null || home.system !== 'both')) return plainly()
    const call = await app.readFields(asked, ['params'])
    const references = referencesIn(route, call.params)
    const merges = mayMerge && references.length === 0
    // A cookie may be stale; half of a list would then be asked of the wrong system with the other's credential.
    if (merges && !isCertain(home)) {
      home = await app.homes.resolve({ credentials: known.credentials, together: false }, false, asker, place.realm)
    }
    const at = home.system === 'both' ? await locate(references, { ...known, home }, asker) : null
    const decision = decide({ ...facts, home, merges, location: at })
    return { ...known, others: othersIn(asked, known, call), home, decision, references, call, list }
  }

  /** The source's own names for what the client holds; null where the client holds the system's own. */
  function swapsOf({ home, credentials, others }: Known, to: System): readonly Swap[] | null {
    const halves = home.session?.halves ?? null
    return to === 'source' && halves !== null ? swapsFor(halves, [...credentials, ...others]) : null
  }

  return { judge, swapsOf, locatorFor }
}

export type DualRealms = ReturnType<typeof createDualRealms>
