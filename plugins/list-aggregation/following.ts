/**
 * Reads pages of one list by key: what follows a row, wherever that is by now, of each system that can tell.
 */
import type { FastifyInstance } from 'fastify'
import { missesEntity, refusesSession } from '../../core/answer.ts'
import { Fault, Refusal } from '../../core/faults.ts'
import { type Mark, readFollowing } from '../../core/following.ts'
import { nameOf, orderOf } from '../../core/methods.ts'
import { createCompare } from '../../core/order.ts'
import { ListDisorder } from '../../core/pages.ts'
import { type Route, type System, systemNames } from '../../core/words.ts'
import { type Reading, readPart, type SystemList, SystemMissing, scan } from './parts.ts'
import { isExportedRow } from './reader.ts'

export interface FollowedPage {
  /** In order; the text of each row as its system wrote it. */
  readonly rows: readonly { readonly system: System; readonly text: string }[]
  /** Whether more rows follow. */
  readonly hasMore: boolean
  /** Where the walk has come to with the row at this index. */
  markAt(at: number): Mark
  /** `total` of each system that has told one. */
  readonly totals: Readonly<Partial<Record<System, number>>>
  /** Why systems that were asked gave nothing: a Fault, a Refusal's answer, NoSessionThere. */
  readonly missing: Readonly<Partial<Record<System, unknown>>>
}

export interface Following {
  readonly systems: readonly System[]
  readonly after: Mark | null
  readonly limit: number
  /** True for the things of one customer: a system that does not have the customer has none of them. */
  readonly isOfEntity: boolean
}

/** What a system without the customer has. */
const nothing = Buffer.from('{}')

function emptyList(answer: SystemList['answer']): SystemList {
  const total = { start: 0, end: 0, value: 0 }
  return { rows: [], scanned: { body: nothing, rows: [], arrayStart: 0, arrayEnd: 0, total }, answer }
}

export function createFollower(app: FastifyInstance) {
  return async function follow(reading: Reading, wanted: Following): Promise<FollowedPage> {
    const { list, route, call } = reading
    const order = orderOf(list, call.params)
    if (order === null || order.id === '' || order.ties === 'none') {
      throw new Fault('list_out_of_order', `${nameOf(route)} has no order by which rows can be told apart`)
    }

    async function fetch(system: System, offset: number, limit: number | null, isPage: boolean): Promise<SystemList> {
      try {
        return scan(reading, order, system, await readPart(app, reading, system, { offset, limit, isPage }))
      } catch (error) {
        const isAbsent = wanted.isOfEntity && error instanceof Refusal && missesEntity(route, error.answer)
        if (isAbsent) return emptyList(error.answer)
        throw error
      }
    }

    const { picks, lists, missing, hasMore, markAt } = await readFollowing<SystemList>(fetch, {
      systems: wanted.systems,
      after: wanted.after,
      limit: wanted.limit,
      compare: createCompare(order),
      isExported: isExportedRow,
      // The end of the session is nobody's missing part: the client must log in again.
      isMissing: (error) =>
        error instanceof SystemMissing ||
        error instanceof ListDisorder ||
        (error instanceof Refusal && !refusesSession(route, error.answer)) ||
        (error instanceof Fault && error.statusCode >= 500)
    })
    const totals = systemNames.flatMap((system) => {
      const total = lists[system]?.scanned.total?.value
      return typeof total === 'number' ? [[system, total] as const] : []
    })
    return {
      rows: picks.map(({ system, at }) => ({ system, text: textAt(lists[system], at) })),
      hasMore,
      markAt,
      totals: Object.fromEntries(totals),
      missing: Object.fromEntries(Object.entries(missing).map(([system, error]) => [system, causeOf(route, error)]))
    }
  }
}

function textAt(list: SystemList | undefined, at: number): string {
  const row = list?.rows[at]
  return row === undefined || list === undefined ? '{}' : list.scanned.body.toString('utf8', row.start, row.end)
}

/** Rows that are not in order are merged with nobody's; it is that system's fault, and the other's rows stand. */
function causeOf(route: Route, error: unknown): unknown {
  if (error instanceof SystemMissing) return error.cause
  if (!(error instanceof ListDisorder)) return error
  return new Fault('list_out_of_order', `${nameOf(route)}, system ${error.system}`, { cause: error })
}
