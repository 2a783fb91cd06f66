/**
 * Where a request would go that is only described: by the same rules, with nothing sent and nobody asked.
 */
import type { FastifyInstance } from 'fastify'
import { type Decision, noFacts } from '../../core/decide.ts'
import { type Home, isSingleHome } from '../../core/words.ts'
import type { Asked, DualRealms } from './dual-realms.ts'
import { type Looking, mustTell, stepOf } from './looking.ts'

interface Parts extends Looking {
  readonly dualRealms: DualRealms
  readonly decideFor: (asked: Asked, home: Home) => Decision
}

/** `to` is null for what the gateway answers by itself. */
export type Explanation = Omit<Decision, 'to'> & { readonly to: Decision['to'] | null }

export function createExplaining(app: FastifyInstance, { look, showAll, isOpen, dualRealms, decideFor }: Parts) {
  return async function explain(asked: Asked): Promise<Explanation> {
    const { place } = asked
    if (mustTell(asked)) await app.readCall(asked)
    const step = stepOf(asked)
    if (step === 'login') return app.decideLogin(place, await app.readCall(asked))
    if (step === 'refresh') return app.decideRefresh(asked, await app.readCall(asked))
    if (place.pinned !== null) return decideFor(asked, noFacts.home)
    const seen = look(asked)
    const shown = await showAll(asked, seen)
    const home = await app.homes.resolve(shown, seen.isSource, null, place.realm)
    if (isSingleHome(place.realm)) return decideFor(asked, home)
    if (step === 'context') return { ...decideFor(asked, home), to: null, reason: 'context' as const }
    // A session is ended wherever it lives, whatever its context.
    if (step === 'logout' && home.system === 'both') {
      return { ...decideFor(asked, home), to: 'both' as const, reason: 'session_record' as const }
    }
    const known = { home, credentials: shown.credentials, others: seen.others }
    return (await dualRealms.judge(asked, known, null, isOpen(asked))).decision
  }
}
