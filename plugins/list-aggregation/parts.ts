/**
 * One system's part of a list: the gateway's own call, and what can come of it.
 */
import type { FastifyInstance } from 'fastify'
import { type Answer, isUnavailable, refusesSession } from '../../core/answer.ts'
import { Fault, NoSessionThere, Refusal } from '../../core/faults.ts'
import { withMembers } from '../../core/json-text.ts'
import { type ListMethod, nameOf } from '../../core/methods.ts'
import type { Order } from '../../core/order.ts'
import { partChanges } from '../../core/paging.ts'
import { type Row, type ScannedList, scanList } from '../../core/rows.ts'
import type { Call, Route, System } from '../../core/words.ts'

/** One list as a session asks for it. */
export interface Reading {
  readonly who: Parameters<FastifyInstance['callAs']>[0]
  readonly list: ListMethod
  readonly route: Route
  /** The path of the method on the systems. */
  readonly path: string
  readonly call: Call
}

export interface SystemList {
  readonly rows: readonly Row[]
  readonly scanned: ScannedList
  readonly answer: Answer
}

/** Which rows of a system; a probe is no page. */
type Part = Parameters<typeof partChanges>[2]

/** A system that cannot give its part; the cause says why. */
export class SystemMissing extends Error {
  override readonly name = 'SystemMissing'
  readonly missing: System
  constructor(missing: System, cause: unknown) {
    super(`The ${missing} gives no part of the list`, { cause })
    this.missing = missing
  }
}

/** What a system's own 502 to 504 means for a list. */
function awayFault(system: System, { status, headers }: Answer): Fault {
  if (status === 504) return new Fault('system_timeout', system)
  const seconds = String(headers['retry-after'] ?? '')
  return new Fault('system_unavailable', system, /^\d{1,6}$/.test(seconds) ? { retryAfter: Number(seconds) } : {})
}

const isSystemsFault = (error: unknown) =>
  error instanceof NoSessionThere || (error instanceof Fault && error.statusCode >= 500)

/** One system's answer to the client's own call with these rows asked for; throws Refusal or SystemMissing. */
export async function readPart(app: FastifyInstance, reading: Reading, system: System, part: Part): Promise<Answer> {
  const { who, list, route, path, call } = reading
  const paramsText = withMembers(call.paramsText, partChanges(list, call.params, part))
  const answer = await app.callAs(who, system, { route, path, paramsText }).catch((error: unknown) => {
    throw isSystemsFault(error) ? new SystemMissing(system, error) : error
  })
  if (isUnavailable(answer.status)) throw new SystemMissing(system, awayFault(system, answer))
  const isLacking = app.hasDecorator('methodsMissing') && app.methodsMissing.isSaidBy(answer)
  if (isLacking) throw new SystemMissing(system, new Refusal(system, answer))
  if (answer.status !== 200 || refusesSession(route, answer)) throw new Refusal(system, answer)
  return answer
}

export function scan({ route, list }: Reading, order: Order | null, system: System, answer: Answer): SystemList {
  const scanned = scanList(answer.body, list.arrayKey, order?.field ?? '', list.id)
  if (scanned === null) throw new Fault('bad_gateway', `${system} (no list in its answer to ${nameOf(route)})`)
  return { rows: scanned.rows, scanned, answer }
}
