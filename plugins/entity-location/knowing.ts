/**
 * What is known of an entity's place without asking anybody: by the last word about its customer, or by a lookup.
 */
import { placeBy } from '../../core/location.ts'
import type { Reference } from '../../core/references.ts'
import type { System } from '../../core/words.ts'
import type { Memory } from './memory.ts'
import type { Move, Moves } from './moves.ts'

export interface Known {
  readonly at: System | null
  /** told: by the last word about the customer; found: by a lookup. */
  readonly how: 'told' | 'found' | 'unknown'
  /** Since when, ms since 1970; null where only the place is remembered. */
  readonly since: number | null
  /** The customer whose entity it is; null where nobody has said. */
  readonly iCustomer: number | null
}

/** What a word says of a place. A fence that nobody has ended leaves open where its customer is. */
function toldBy(word: Move | undefined): Pick<Known, 'at' | 'how' | 'since'> | null {
  const at = word === undefined || word.by === 'expired' ? null : placeBy(word.state, word.to)
  if (word === undefined || at === null) return null
  return { at, how: word.by === 'found' ? 'found' : 'told', since: word.at }
}

export function createKnowing(memory: Memory, moves: Moves) {
  return async function known(reference: Reference): Promise<Known> {
    const { at, iCustomer: owner } = await memory.recall(memory.keyFor(reference))
    const named = reference.keys.i_customer
    const iCustomer = typeof named === 'number' ? named : (owner ?? null)
    const told = iCustomer === null ? null : toldBy(await moves.lastWordOf(iCustomer))
    // What a lookup has found since counts: calls go there.
    if (told !== null && (at === undefined || at === told.at)) return { ...told, iCustomer }
    const place = iCustomer === null ? undefined : moves.placeOf(iCustomer)
    const found = at ?? place?.at
    if (found === undefined) return { at: null, how: 'unknown', since: null, iCustomer }
    const since = place?.at === found ? Math.round(performance.timeOrigin + place.since) : null
    return { at: found, how: 'found', since, iCustomer }
  }
}
