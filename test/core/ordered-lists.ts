/** Two systems that hold an ordered list each, and what the merged list is when it is written down naively. */
import fc from 'fast-check'
import type { Compare, RowKey } from '../../core/order.ts'
import type { FetchRows } from '../../core/pages.ts'
import type { System } from '../../core/words.ts'

/** A list by index, so that it need not be there as a whole. */
export interface List {
  readonly length: number
  at(index: number): RowKey | undefined
}
export type Lists = Record<System, List>
export type WrittenLists = Record<System, readonly RowKey[]>

export const row = (value: RowKey['value'], id: number | string = String(value)): RowKey => ({ value, id: String(id) })
export const rows = (...values: number[]) => values.map((value) => row(value))

const byNumber = (a: RowKey, b: RowKey) => Number(a.value) - Number(b.value)
const byId = (a: RowKey, b: RowKey) => Number(a.id) - Number(b.id)

/** By the value alone, so that there are ties; with the id as well, so that there are none but copies. */
export const ascending: Compare = byNumber
export const descending: Compare = (a, b) => byNumber(b, a)
export const ascendingThenId: Compare = (a, b) => byNumber(a, b) || byId(a, b)
export const descendingThenId: Compare = (a, b) => byNumber(b, a) || byId(b, a)

export interface Served {
  /** One entry a call: system, offset, limit, and whether it was for the page. */
  readonly calls: readonly (readonly [System, number, number | null, boolean])[]
  readonly rowsGiven: () => number
  readonly fetch: FetchRows<{ readonly rows: readonly RowKey[] }>
}

export interface Manners {
  /** Rows that a system gives at most when it is asked without a limit. */
  readonly cap?: number
  /** Rows that a system gives at most, whatever it is asked for. */
  readonly mostRows?: number
  readonly ignoresPaging?: readonly System[]
  /** Called before the call of this number (from 1 on) is answered, with the lists to change. */
  readonly before?: (call: number) => void
}

/** Serves the lists as they are at the time of each call. */
export function serve(
  lists: Lists,
  { cap = 100, mostRows = Number.POSITIVE_INFINITY, ignoresPaging = [], before }: Manners = {}
): Served {
  const calls: [System, number, number | null, boolean][] = []
  let given = 0
  const fetch: Served['fetch'] = async (system, offset, limit, isPage) => {
    calls.push([system, offset, limit, isPage])
    before?.(calls.length)
    const { length } = lists[system]
    const ignores = ignoresPaging.includes(system)
    const first = ignores ? 0 : offset
    const end = ignores ? length : Math.min(first + Math.min(limit ?? cap, mostRows), length)
    const found: RowKey[] = []
    for (let index = first; index < end; index++) found.push(lists[system].at(index) ?? row(null, ''))
    given += found.length
    return { rows: found }
  }
  return { calls, rowsGiven: () => given, fetch }
}

export interface Place {
  readonly system: System
  readonly row: RowKey
}

/** All places of the merged list: a stable sort of the target's rows before the source's gives ties to the target. */
export function mergedWhole(lists: WrittenLists, compare: Compare | null): Place[] {
  const places = (['target', 'source'] as const).flatMap((system) => lists[system].map((one) => ({ system, row: one })))
  return compare === null ? places : places.toSorted((a, b) => compare(a.row, b.row))
}

/**
 * What a page shows: the places of the slice without doubles. Of two that are on it the target's stays; one whose double
 * is the other system's last row before the page was shown before.
 */
export function shownOf(whole: readonly Place[], offset: number, limit: number): Place[] {
  const slice = whole.slice(offset, offset + limit)
  const lastBefore = (system: System) => whole.slice(0, offset).findLast((place) => place.system === system)?.row.id
  const met = {
    source: [lastBefore('target'), ...slice.filter(({ system }) => system === 'target').map((place) => place.row.id)],
    target: [lastBefore('source')]
  }
  return slice.filter((place) => place.row.id === '' || !met[place.system].includes(place.row.id))
}

export const orders = { ascending, descending, ascendingThenId, descendingThenId, unknown: null } as const
export type OrderName = keyof typeof orders
export const anyOrder = fc.constantFrom<OrderName>(...(Object.keys(orders) as OrderName[]))

const sorted = (list: readonly RowKey[], compare: Compare | null) => (compare ? list.toSorted(compare) : list)

/** Two lists in one order that have no row in common; few values, so that many are tied. */
export const disjointLists = (compare: Compare | null, maxLength = 10): fc.Arbitrary<WrittenLists> =>
  fc
    .array(fc.record({ value: fc.nat({ max: Math.ceil(maxLength / 2) }), isTargets: fc.boolean() }), { maxLength })
    .map((entries) => {
      const of = (isTargets: boolean) =>
        entries.flatMap((entry, id) => (entry.isTargets === isTargets ? [row(entry.value, id)] : []))
      return { source: sorted(of(false), compare), target: sorted(of(true), compare) }
    })

/** Lists in which some rows are on both systems; `changed` copies have another value there. */
export const copiedLists = (compare: Compare | null, changed: boolean, maxLength = 10): fc.Arbitrary<WrittenLists> => {
  const value = fc.nat({ max: Math.ceil(maxLength / 2) })
  const entry = fc.record({ value, copy: value, on: fc.constantFrom('source', 'target', 'both') })
  return fc.array(entry, { maxLength }).map((entries) => {
    const source = entries.flatMap((one, id) => (one.on === 'target' ? [] : [row(one.value, id)]))
    const target = entries.flatMap((one, id) => (one.on === 'source' ? [] : [row(changed ? one.copy : one.value, id)]))
    return { source: sorted(source, compare), target: sorted(target, compare) }
  })
}
