/**
 * Single customers and accounts: read where they are active, or as one system has them, and written where they are active.
 */
import { type Answer, faultcodeOf, jsonOf, missesEntity } from '../core/answer.ts'
import { Fault, Refusal } from '../core/faults.ts'
import { memberText } from '../core/json-text.ts'
import { standingOf } from '../core/location.ts'
import type { Reference } from '../core/references.ts'
import { entityNumberOf } from '../core/references.ts'
import type { JsonObject, System } from '../core/words.ts'
import { SystemFailure, UnreadWrite } from './errors.ts'
import { Entity } from './records.ts'
import type { View } from './view.ts'
import { routeOf } from './visitor.ts'

type EntityKind = Reference['kind']

const services = { customer: 'Customer', account: 'Account' } as const

/** Where the record stands: in a member of its own, or at the top. */
function recordIn(kind: EntityKind, answer: Answer): string {
  const text = answer.body.toString()
  return memberText(text, `${kind}_info`) ?? text
}

/** For whoever looks for an entity that is as good as none; who asks for it is told. */
const deniesAccess = (answer: Answer) => /access_denied/i.test(faultcodeOf(answer) ?? '')

/** An entity as one system has it; null where that has none. */
export async function readOn(view: View, system: System, { kind, keys }: Reference): Promise<Entity | null> {
  const answer = await view.calls.ask(system, services[kind], `get_${kind}_info`, keys)
  const { standing } = standingOf(kind, answer)
  if (standing === 'absent' && !deniesAccess(answer)) return null
  if (answer.status !== 200) throw new Refusal(system, answer)
  if (standing === 'unclear') throw new SystemFailure(system, new Fault('bad_gateway', system))
  return new Entity(kind, system, recordIn(kind, answer), true)
}

const isHere = (entity: Entity | null): entity is Entity => entity !== null && entity.at === entity.from

/** What the system says of an entity; a fault that says that it has moved away is as good as none. */
async function readUnlessMoved(view: View, system: System, reference: Reference): Promise<Entity | null> {
  try {
    return await readOn(view, system, reference)
  } catch (error) {
    const isMoved = error instanceof Refusal && missesEntity(routeOf('', ''), error.answer)
    if (isMoved) return null
    throw error
  }
}

/** An entity where it is active: one that is not where it was remembered is looked up anew, once. */
export async function readEntity(view: View, reference: Reference, asked: System | null): Promise<Entity | null> {
  const { system, isLocated } = await view.systemFor([reference], asked)
  if (!isLocated) return readOn(view, system, reference)
  const entity = await readUnlessMoved(view, system, reference)
  if (isHere(entity)) return entity
  await view.forget([reference])
  const { system: now } = await view.systemFor([reference])
  return now === system ? entity : readOn(view, now, reference)
}

/** Makes a write unless a fence is in its way; where its entity is not there any more, that is not remembered longer. */
export async function write(
  view: View,
  system: System,
  [service, method]: readonly [string, string],
  params: JsonObject,
  references: readonly Reference[]
): Promise<Answer> {
  await view.fencing.admit(references)
  try {
    const answer = await view.calls.call(system, service, method, params)
    view.hasWritten = true
    return answer
  } catch (error) {
    if (error instanceof Refusal && missesEntity(routeOf(service, method), error.answer)) await view.forget(references)
    throw error
  }
}

/** The record that a write has left, as its system has it. */
export async function afterWrite(view: View, system: System, referenceOf: () => Reference): Promise<Entity> {
  try {
    const entity = await readOn(view, system, referenceOf())
    if (entity !== null) return entity
    throw new SystemFailure(system, new Fault('bad_gateway', `${system} (no record)`))
  } catch (error) {
    throw new UnreadWrite(error)
  }
}

/** The number of what a creation has made. */
export function createdNumber(system: System, answer: Answer, key: string): number {
  const number = entityNumberOf(jsonOf(answer)?.[key])
  if (number === null) throw new SystemFailure(system, new Fault('bad_gateway', `${system} (no ${key} in its answer)`))
  return number
}

/** Keys of a record in which the two systems' records differ: an amount written in another way is the same amount. */
export function differencesOf(source: Entity, target: Entity) {
  const names = [...new Set([...Object.keys(source.fields), ...Object.keys(target.fields)])]
  return names.filter((name) => !areSame(source, target, name)).map((name) => ({ field: name, source, target, name }))
}

function areSame(source: Entity, target: Entity, name: string): boolean {
  const one = memberText(source.text, name)
  const other = memberText(target.text, name)
  if (one === other) return true
  const isLong = (text: string | undefined) => text !== undefined && /\d{16}/.test(text)
  if (one === undefined || other === undefined || isLong(one) || isLong(other)) return false
  return JSON.stringify(source.fields[name]) === JSON.stringify(target.fields[name])
}
