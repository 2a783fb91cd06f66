/**
 * Where an entity is: what each system's answer about it says, what the two together mean (contract section 5), and what a
 * word of a move says (contract section 8).
 */
import {
  type Answer,
  faultcodeOf,
  isEmptyRecord,
  isExported,
  isSessionFault,
  isUnavailable,
  jsonOf,
  saysNull
} from './answer.ts'
import { type EntityKind, entityNumberOf } from './references.ts'
import { type JsonObject, otherSystem, type System } from './words.ts'

/**
 * What one system says of an entity. `inactive`: its record is closed or was never opened here. `exported`: it has moved
 * away. `absent`: there is none that this session may see. `refused`: it does not know the session. `unclear`: another answer
 * that tells nothing. `unavailable`: none.
 */
export type Standing = 'active' | 'inactive' | 'exported' | 'absent' | 'refused' | 'unclear' | 'unavailable'

export interface Told {
  readonly standing: Standing
  /** The customer whose entity it is; null where the answer does not tell. */
  readonly iCustomer: number | null
}

const only = (standing: Standing): Told => ({ standing, iCustomer: null })

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function recordStanding(record: JsonObject): Standing {
  if (isExported(record)) return 'exported'
  return /^\s*[CD]\s*$/i.test(String(record.bill_status)) ? 'inactive' : 'active'
}

/** Reads the standing out of the answer of get_customer_info or get_account_info, and whose it is. */
export function standingOf(kind: EntityKind, answer: Answer): Told {
  if (isUnavailable(answer.status)) return only('unavailable')
  if (answer.status !== 200) {
    const faultcode = faultcodeOf(answer) ?? ''
    if (/\.exported$/i.test(faultcode)) return only('exported')
    if (isSessionFault(faultcode)) return only('refused')
    return only(/not_found|access_denied/i.test(faultcode) ? 'absent' : 'unclear')
  }
  const json = jsonOf(answer)
  if (json === null) return only(saysNull(answer) ? 'absent' : 'unclear')
  const member = `${kind}_info`
  const isNested = Object.hasOwn(json, member)
  const record = isNested ? json[member] : json
  if (isEmptyRecord(record)) return only('absent')
  if (!isObject(record) || (!isNested && entityNumberOf(record[`i_${kind}`]) === null)) return only('unclear')
  return { standing: recordStanding(record), iCustomer: entityNumberOf(record.i_customer) }
}

/**
 * `ambiguous`: both have it active. `unknown`: a system that may have it gave no answer, and the other could not tell. Null:
 * nobody has it, as far as both have said.
 */
export type Place = System | 'ambiguous' | 'unknown' | null

export interface Location {
  readonly at: Place
  /** It may be remembered. */
  readonly certain: boolean
}

export const isPlace = (at: Place): at is System => at === 'source' || at === 'target'

const certainly = (at: System): Location => ({ at, certain: true })
const perhaps = (at: Place): Location => ({ at, certain: false })

/** What it says tells nothing of the entity. */
export const cannotTell = (standing: Standing) =>
  standing === 'refused' || standing === 'unclear' || standing === 'unavailable'

export function locationOf(source: Standing, target: Standing): Location {
  // Two records in use: whichever were chosen, the other would miss the call. Never a guess.
  if (source === 'active' && target === 'active') return perhaps('ambiguous')
  // In use here and not there, or nobody can say that it is in use there: who serves it is known.
  if (source === 'active') return certainly('source')
  if (target === 'active') return certainly('target')
  // The source's record that is not exported was never moved; what the target has is the first day's copy. Only a target
  // that cannot tell could still have it in use.
  if (source === 'inactive') return cannotTell(target) ? perhaps('source') : certainly('source')
  // The source has given it away or never had it: it is the target's, closed. A source that cannot tell may well serve it,
  // since the target's copy of a customer who has not moved yet is inactive too.
  if (target === 'inactive') return cannotTell(source) ? perhaps('source') : certainly('target')
  // Nobody is known to have it. Who cannot tell is asked, against one who does not have it: its own fault says more than a
  // wrong "not found".
  if (cannotTell(source) && !cannotTell(target)) return perhaps('source')
  if (cannotTell(target) && !cannotTell(source)) return perhaps('target')
  // Exported and not yet imported: it is on its way to the other.
  if (source === 'exported' && target === 'absent') return perhaps('target')
  if (source === 'absent' && target === 'exported') return perhaps('source')
  // A target that does not know the session does nothing, and tells the client to log in again.
  if (target === 'refused') return perhaps(null)
  // The one that gave no answer may have it: what is sent to the other could find the first day's copy there.
  if (source === 'unavailable' || target === 'unavailable') return perhaps('unknown')
  // Both have exported it, neither has it, neither can tell. Nothing speaks for either.
  return perhaps(null)
}

/** Where a customer is by the last word about its move: before its end, still on the other system; null where it tells not. */
export function placeBy(state: 'started' | 'finished' | 'failed', to: System | null): System | null {
  if (to === null) return null
  return state === 'finished' ? to : otherSystem(to)
}
