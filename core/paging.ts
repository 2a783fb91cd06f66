/**
 * Which page of a list a call asks for, and the same call for one system's part of it (contract section 6).
 */
import { Fault } from './faults.ts'
import type { ListMethod } from './methods.ts'
import type { JsonObject } from './words.ts'

export interface Paging {
  /** Null where the client leaves it to the system. */
  readonly limit: number | null
  readonly offset: number
}

/** Clients send parameters that they leave empty. */
const isNothing = (value: unknown) => value === undefined || value === null || value === ''

/** Numbers come as numbers or as strings of digits (protocol section 1). */
function countOf(params: JsonObject | null, name: 'limit' | 'offset'): number | null {
  const value = params?.[name]
  if (isNothing(value)) return null
  const count = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
  throw new Fault('malformed_request', `params.${name} is not a whole number of at least 0`)
}

export function pagingOf(params: JsonObject | null): Paging {
  const limit = countOf(params, 'limit')
  const offset = countOf(params, 'offset')
  if (limit === null && offset !== null && offset > 0) {
    throw new Fault('malformed_request', 'params.offset without params.limit')
  }
  return { limit, offset: offset ?? 0 }
}

/** Flags come as 0 and 1, as texts of these, or as `Y` and `N` (protocol section 1). */
export const isSet = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === 'string' && /^(?:1|y)$/i.test(value))

export const wantsTotal = (params: JsonObject | null): boolean => isSet(params?.get_total)

/**
 * Whether the gateway leaves exported rows out: the source's, and those of customers who were moved back. Not where the
 * client has a filter of its own on them.
 */
const leavesOut = ({ skipExported, exportedFilters }: ListMethod, params: JsonObject | null): boolean =>
  skipExported !== '' && exportedFilters.every((name) => isNothing(params?.[name]))

/** Whether nobody is in both systems' lists. */
export const isDisjoint = (list: ListMethod, params: JsonObject | null): boolean =>
  list.skipExported !== '' && (leavesOut(list, params) || isSet(params?.[list.skipExported]))

/** What is changed in the client's own params for a system's part; a probe asks for no total. */
export function partChanges(
  list: ListMethod,
  params: JsonObject | null,
  part: { readonly offset: number; readonly limit: number | null; readonly isPage: boolean }
): Record<string, string | null> {
  const { offset, limit, isPage } = part
  return {
    ...(limit !== null && { limit: String(limit), offset: String(offset) }),
    ...(!isPage && { get_total: null }),
    ...(leavesOut(list, params) && { [list.skipExported]: '1' })
  }
}
