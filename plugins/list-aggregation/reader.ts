/**
 * Reads pages of one list by offset, from both systems or from the one that is left.
 */
import { hash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { type Answer, isExported } from '../../core/answer.ts'
import { Fault, Refusal } from '../../core/faults.ts'
import { withMembers } from '../../core/json-text.ts'
import { nameOf, orderOf } from '../../core/methods.ts'
import { createCompare } from '../../core/order.ts'
import { type MergedPage, readPage, type Split } from '../../core/pages.ts'
import { isDisjoint, pagingOf, wantsTotal } from '../../core/paging.ts'
import { type JsonObject, type System, systemNames } from '../../core/words.ts'
import { type Reading, readPart, type SystemList, SystemMissing, scan } from './parts.ts'

/** Where pages ended, so that the next one need not be searched; a wrong one is noticed and costs one call each. */
const keptSplits = 20_000
const splitTtlMs = 600_000

export function createReader(app: FastifyInstance) {
  // As a size, not as `max`: that would take the memory of all of them at the start.
  const splits = new LRUCache<string, Split>({ maxSize: keptSplits, sizeCalculation: () => 1, ttl: splitTtlMs })

  /** The sum of both totals; null where there is none and the client asked for none: some methods always have it. */
  function sumOf({ route, call }: Reading, lists: Readonly<Record<System, SystemList>>): number | null {
    const totalOf = (system: System) => lists[system].scanned.total?.value ?? null
    const without = systemNames.find((system) => totalOf(system) === null)
    if (without === undefined) return systemNames.reduce((sum, system) => sum + (totalOf(system) ?? 0), 0)
    if (!wantsTotal(call.params)) return null
    throw new Fault('bad_gateway', `${without} (no total in its answer to ${nameOf(route)})`)
  }

  async function readMerged(reading: Reading): Promise<{ page: MergedPage<SystemList>; total: number | null }> {
    const { who, list, call, path } = reading
    const { params } = call
    const { offset, limit } = pagingOf(params)
    const order = orderOf(list, params)
    const asked: Partial<Record<System, Promise<SystemList>>> = {}
    async function readList(system: System, from: number, count: number | null, isPage: boolean) {
      return scan(reading, order, system, await readPart(app, reading, system, { offset: from, limit: count, isPage }))
    }
    // One list is one session's view by one set of parameters; only the place in it differs from page to page.
    const view = `${who.home.session?.id}\0${path}\0${withMembers(call.paramsText, { limit: null, offset: null, get_total: null })}`
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
    const { offset, limit } = pagingOf(reading.call.params)
    return readPart(app, reading, system, { offset, limit, isPage: true })
  }

  /** Throws what the only system of a session says when it refuses: that the session has ended, say. */
  async function hearAlone(reading: Reading, system: System): Promise<void> {
    try {
      await readPart(app, reading, system, { offset: 0, limit: 1, isPage: false })
    } catch (error) {
      if (error instanceof Refusal) throw error
    }
  }

  return { readMerged, readAlone, hearAlone }
}

/** Both are asked at once, and either may be faster: what the source lacks is not told before a refusal by the target. */
async function heedTarget(error: unknown, byTarget: Promise<unknown> | undefined): Promise<never> {
  if (error instanceof Refusal || error instanceof SystemMissing) {
    await byTarget?.catch((own: unknown) => {
      const isRefusal = own instanceof Refusal || (own instanceof SystemMissing && own.cause instanceof Refusal)
      if (isRefusal) throw own
    })
  }
  throw error
}

/** Read whole, which only the target's rows are that the source has as well. */
export function isExportedRow({ scanned, rows }: SystemList, at: number): boolean {
  const row = rows[at]
  if (row === undefined) return false
  try {
    const record: unknown = JSON.parse(scanned.body.toString('utf8', row.start, row.end))
    return typeof record === 'object' && record !== null && isExported(record as JsonObject)
  } catch {
    return false
  }
}
