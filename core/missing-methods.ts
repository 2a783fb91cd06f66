/**
 * Which methods a system was found not to have, how often and when last. Whoever has logged in can ask for a method by any
 * name, so that names are few, and look like the API's own; whatever else is asked for is one row.
 */
import type { Route, System } from './words.ts'

export interface MissingMethod {
  /** `Service/method`; `Service/*` of a SOAP call whose envelope was not read. */
  readonly call: string
  readonly system: System
  readonly count: number
  /** The last time, ms since 1970. */
  readonly at: number
}

/** Names are kept of so many. */
export const keptMissing = 200

/** What has no name that is shown, or has lost its place to another. */
export const otherMethods = 'others'

const serviceForm = /^[A-Za-z]{1,40}$/
/** Words as the API joins them: what somebody took for a method by mistake, a session id say, does not look like that. */
const methodForm = /^(?=.{1,60}$)[a-z]+\d{0,3}(?:_[a-z]+\d{0,3})*$/

/** The name under which a call is counted. */
export function missingNameOf({ service, method }: Pick<Route, 'service' | 'method'>): string {
  if (!serviceForm.test(service)) return otherMethods
  if (method === '') return `${service}/*`
  return methodForm.test(method) ? `${service}/${method}` : otherMethods
}

export class MissingMethods {
  readonly #rows = new Map<string, MissingMethod>()

  /** Counts one; true where it is a method that was not found missing there before, and had a place. */
  note(call: string, system: System, at: number): boolean {
    const key = `${system} ${call}`
    const known = this.#rows.get(key)
    const isNew = known === undefined && call !== otherMethods
    const hadPlace = this.#rows.size < keptMissing
    if (isNew && !hadPlace) this.#giveUpOne()
    this.#rows.set(key, { call, system, count: (known?.count ?? 0) + 1, at })
    return isNew && hadPlace
  }

  /** Of those that were asked for least the one that was asked for longest ago: names by mistake go before methods. */
  #giveUpOne() {
    let least: MissingMethod | null = null
    for (const row of this.#rows.values()) {
      if (row.call === otherMethods) continue
      if (least === null || row.count < least.count || (row.count === least.count && row.at < least.at)) least = row
    }
    if (least === null) return
    this.#rows.delete(`${least.system} ${least.call}`)
    const others = `${least.system} ${otherMethods}`
    const count = (this.#rows.get(others)?.count ?? 0) + least.count
    this.#rows.set(others, { call: otherMethods, system: least.system, count, at: least.at })
  }

  /** The last one first. */
  list(): MissingMethod[] {
    return [...this.#rows.values()].sort((one, other) => other.at - one.at)
  }
}
