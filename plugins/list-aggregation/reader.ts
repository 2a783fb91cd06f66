/**
 * Reads pages of one list from both systems: the gateway's own calls, with the session's credentials on each.
 */
import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { type Answer, isExported, isUnavailable, refusesSession } from '../../core/answer.ts'
import { type Caller, callerOf } from '../../core/credentials.ts'
import { Fault } from '../../core/faults.ts'
import { withMembers } from '../../core/json-text.ts'
import { isRead, type ListMethod, nameOf, orderOf } from '../../core/methods.ts'
import { createCompare, type Order } from '../../core/order.ts'
import { askerOf, ownCall } from '../../core/own-call.ts'
import { type MergedPage, readPage, type Split } from '../../core/pages.ts'
import { isDisjoint, pagingOf, partChanges, wantsTotal } from '../../core/paging.ts'
import { type Row, type ScannedList, scanList } from '../../core/rows.ts'
import { type Call, type Credential, type Home, type JsonObject, type System, systemNames } from '../../core/words.ts'

/** One list as a session asks for it. */
export interface Reading {
  readonly request: FastifyRequest
  readonly list: ListMethod
  readonly call: Call
  readonly home: Home
  readonly shown: readonly Credential[]
  /** In whose name the systems are asked; another one once the source's half was renewed. */
  caller: Caller
  /** Aborted when nobody waits for the list any more. */
  readonly signal: AbortSignal
}

export interface SystemList {
  readonly rows: readonly Row[]
  readonly scanned: ScannedList
  readonly answer: Answer
}

/** A system that cannot give its part; the cause says why. */
export class SystemMissing extends Error {
  override readonly name = 'SystemMissing'
  readonly missing: System
  constructor(missing: System, cause: unknown) {
    super(`The ${missing} gives no part of the list`, { cause })
    this.missing = missing
  }
}

/** The session does not live on a system, or the system does not know its half any more. */
export class NoSessionThere extends Error {
  override readonly name = 'NoSessionThere'
}

/** A system that refuses the list in its own words. */
export class RefusedList extends Error {
  override readonly name = 'RefusedList'
  readonly system: System
  readonly answer: Answer
  constructor(system: System, answer: Answer) {
    super(`The ${system} refuses the list`)
    this.system = system
    this.answer = answer
  }
}

/** Largest answer of one system to one list call. */
const listBytes = 64 << 20
/** Where pages ended, so that the next one need not be searched; a wrong one is noticed and costs one call each. */
const keptSplits = 20_000
const splitTtlMs = 600_000

export function createReader(app: FastifyInstance) {
  const splits = new LRUCache<string, Split>({ max: keptSplits, ttl: splitTtlMs })

  /** The path of the call without what a URL-path call has behind its method. */
  function pathOf({ url, prefix, route }: FastifyRequest['target']) {
    const name = `/${nameOf(route)}`
    return url.slice(0, url.indexOf(name, prefix.length) + name.length)
  }

  async function exchange(reading: Reading, system: System, paramsText: string, credential: Credential | null) {
    const { request, signal } = reading
    const { realm, client } = askerOf(request)
    const call = ownCall(pathOf(request.target), paramsText, credential, client)
    const asked = { ...call, isRead: isRead(call.method, request.target.route) }
    try {
      return await app.upstream(system, realm).exchange(asked, listBytes, signal)
    } catch (error) {
      if (error instanceof Fault && error.statusCode >= 500) throw new SystemMissing(system, error)
      throw error
    }
  }

  /** A session fault: the source's half is renewed and its part asked for once more; the target's is the client's own. */
  async function afterRefusal(reading: Reading, system: System, paramsText: string, refused: Answer): Promise<Answer> {
    const { request, home, shown } = reading
    if (system === 'target' || home.session === undefined) {
      if (shown[0] !== undefined && home.session !== undefined) await app.homes.drop(shown[0])
      throw new RefusedList(system, refused)
    }
    const session = await app.pairedSessions.renew(home.session, askerOf(request), app.homes.ttlMs)
    if (session === null) throw new SystemMissing('source', new NoSessionThere('The source does not renew the session'))
    reading.caller = callerOf(shown, { ...home, session })
    const answer = await exchange(reading, system, paramsText, reading.caller.credentialOn(system))
    // What the client holds is good: the fault would have it log in again and again.
    if (!refusesSession(request.target.route, answer)) return answer
    throw new SystemMissing('source', new NoSessionThere('The source refuses the session that it has renewed'))
  }

  async function readPart(reading: Reading, system: System, changes: Record<string, string | null>): Promise<Answer> {
    const { request, call, caller } = reading
    const paramsText = withMembers(call.paramsText, changes)
    const { route } = request.target
    const first = await exchange(reading, system, paramsText, caller.credentialOn(system))
    const answer = refusesSession(route, first) ? await afterRefusal(reading, system, paramsText, first) : first
    if (isUnavailable(answer.status)) throw new SystemMissing(system, awayFault(system, answer))
    if (answer.status !== 200) throw new RefusedList(system, answer)
    return answer
  }

  function scan({ request, list }: Reading, order: Order | null, system: System, answer: Answer): SystemList {
    const scanned = scanList(answer.body, list.arrayKey, order?.field ?? '', list.id)
    if (scanned === null) {
      throw new Fault('bad_gateway', `${system} (no list in its answer to ${nameOf(request.target.route)})`)
    }
    return { rows: scanned.rows, scanned, answer }
  }

  /** The sum of both totals; null where there is none and the client asked for none: some methods always have it. */
  function sumOf({ request, call }: Reading, lists: Readonly<Record<System, SystemList>>): number | null {
    const totalOf = (system: System) => lists[system].scanned.total?.value ?? null
    const without = systemNames.find((system) => totalOf(system) === null)
    if (without === undefined) return systemNames.reduce((sum, system) => sum + (totalOf(system) ?? 0), 0)
    if (!wantsTotal(call.params)) return null
    throw new Fault('bad_gateway', `${without} (no total in its answer to ${nameOf(request.target.route)})`)
  }

  async function readMerged(reading: Reading): Promise<{ page: MergedPage<SystemList>; total: number | null }> {
    const { list, call, home, request } = reading
    const { params } = call
    const { offset, limit } = pagingOf(params)
    const order = orderOf(list, params)
    const asked: Partial<Record<System, Promise<SystemList>>> = {}
    async function readList(system: System, from: number, count: number | null, isPage: boolean) {
      const part = { offset: from, limit: count, isPage }
      return scan(reading, order, system, await readPart(reading, system, partChanges(list, params, part)))
    }
    // One list is one session's view by one set of parameters; only the place in it differs from page to page.
    const view = `${home.session?.id}\0${request.target.prefix}\0${nameOf(request.target.route)}\0${withMembers(call.paramsText, { limit: null, offset: null, get_total: null })}`
    const keyAt = (place: number) => hash('sha256', `${place}\0${view}`, 'base64url')
    const page = await readPage<SystemList>(
      (system, ...part) => {
        const listed = readList(system, ...part)
        asked[system] = listed
        return listed
      },
      {
        offset,
        limit,
        known: offset === 0 ? null : (splits.get(keyAt(offset)) ?? null),
        compare: order === null ? null : createCompare(order),
        isDisjoint: isDisjoint(list, params),
        isExported: isExportedRow
      }
    ).catch((error: unknown) => heedTarget(error, asked.target))
    if (limit !== null && limit > 0) {
      if (offset > 0) splits.set(keyAt(offset), page.begins)
      splits.set(keyAt(offset + limit), page.ends)
    }
    return { page, total: sumOf(reading, page.lists) }
  }

  /** One system's own page, where the other's part cannot be had: its bytes as they are. */
  async function readAlone(reading: Reading, system: System): Promise<Answer> {
    const { list, call } = reading
    const { offset, limit } = pagingOf(call.params)
    return readPart(reading, system, partChanges(list, call.params, { offset, limit, isPage: true }))
  }

  /** Throws what the only system of a session says when it refuses: that the session has ended, say. */
  async function hearAlone(reading: Reading, system: System): Promise<void> {
    const { list, call } = reading
    try {
      await readPart(reading, system, partChanges(list, call.params, { offset: 0, limit: 1, isPage: false }))
    } catch (error) {
      if (error instanceof RefusedList) throw error
    }
  }

  return { readMerged, readAlone, hearAlone }
}

/** Both are asked at once, and either may be faster: what the source lacks is not told before a refusal by the target. */
async function heedTarget(error: unknown, byTarget: Promise<unknown> | undefined): Promise<never> {
  if (error instanceof RefusedList || error instanceof SystemMissing) {
    await byTarget?.catch((own: unknown) => {
      if (own instanceof RefusedList) throw own
    })
  }
  throw error
}

/** Read whole, which only the target's rows are that the source has as well. */
function isExportedRow({ scanned, rows }: SystemList, at: number): boolean {
  const row = rows[at]
  if (row === undefined) return false
  try {
    const record: unknown = JSON.parse(scanned.body.toString('utf8', row.start, row.end))
    return typeof record === 'object' && record !== null && isExported(record as JsonObject)
  } catch {
    return false
  }
}

/** What a system's own 502 to 504 means for a list. */
function awayFault(system: System, { status, headers }: Answer): Fault {
  if (status === 504) return new Fault('system_timeout', system)
  const seconds = String(headers['retry-after'] ?? '')
  return new Fault('system_unavailable', system, /^\d{1,6}$/.test(seconds) ? { retryAfter: Number(seconds) } : {})
}
