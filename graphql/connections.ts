/**
 * A page of a list as a connection: nodes, cursors, counts, and what of it is missing.
 */
import {
  type GraphQLError,
  type GraphQLResolveInfo,
  Kind as NodeKind,
  responsePathAsArray,
  type SelectionSetNode
} from 'graphql'
import { Fault } from '../core/faults.ts'
import type { JsonObject, System } from '../core/words.ts'
import { decodeCursor, encodeCursor, listKey } from './cursors.ts'
import { BadInput, partialError, systemWord } from './errors.ts'
import { Entity, type Kind } from './records.ts'
import type { View } from './view.ts'

type FollowedPage = Awaited<ReturnType<View['calls']['list']>>

/** What the errors of partial connections are gathered in: one for each path and system. */
export interface OperationContext {
  readonly view: View
  partial?: Map<string, GraphQLError>
}

export interface PageArguments {
  readonly first: number | null
  readonly after?: string | null
}

/** The schema's defaults: a null asks for no other page than nothing does. */
const usualFirst: Readonly<Record<Kind, number>> = { customer: 50, account: 50, invoice: 50, xdr: 100 }

/** The API's list of each kind. */
const methods: Readonly<Record<Kind, readonly [service: string, method: string]>> = {
  customer: ['Customer', 'get_customer_list'],
  account: ['Account', 'get_account_list'],
  invoice: ['Invoice', 'get_invoice_list'],
  xdr: ['Customer', 'get_customer_xdrs']
}

/** A list as a field asks for it. */
export interface Listing {
  readonly kind: Kind
  readonly params: JsonObject
  /** Asked for besides, for a field that is selected: the rows are the same, and so are their cursors. */
  readonly extras?: JsonObject
  readonly systems: readonly System[]
  /** The things of one customer. */
  readonly isOfEntity: boolean
  /** Whether the systems are asked how many there are, which costs them as much as the page. */
  readonly wantsTotal: boolean
}

class Connection {
  readonly nodes: readonly Entity[]
  readonly page: FollowedPage
  readonly hasPreviousPage: boolean
  readonly #ofList: string

  constructor(kind: Kind, page: FollowedPage, ofList: string, hasPreviousPage: boolean) {
    this.page = page
    this.nodes = page.rows.map(({ system, text }) => new Entity(kind, system, text))
    this.hasPreviousPage = hasPreviousPage
    this.#ofList = ofList
  }

  cursorAt(at: number): string {
    return encodeCursor(this.page.markAt(at), this.#ofList)
  }

  get missing(): readonly System[] {
    return Object.keys(this.page.missing) as System[]
  }

  get counts(): readonly { readonly system: System; readonly totalCount: number }[] {
    return (Object.entries(this.page.totals) as [System, number][]).map(([system, totalCount]) => ({
      system,
      totalCount
    }))
  }
}

/** Reads the page of a list that a field's arguments ask for. */
export async function readConnection(view: View, listing: Listing, { first, after }: PageArguments) {
  const { kind, params, extras, systems, isOfEntity, wantsTotal } = listing
  const [service, method] = methods[kind]
  const limit = first ?? usualFirst[kind]
  if (limit < 0) throw new BadInput('first is below 0')
  // What is a customer's stays its list when it moves, and is asked of another system then.
  const ofList = listKey(service, method, JSON.stringify(params), isOfEntity ? '' : systems.join())
  const mark = after == null ? null : decodeCursor(after, ofList)
  const asked = { ...params, ...extras, ...(wantsTotal && { get_total: 1 }) }
  const page = await view.calls.list(service, method, asked, { systems, after: mark, limit, isOfEntity })
  const silent = systems.find((system) => page.totals[system] === undefined && page.missing[system] === undefined)
  if (wantsTotal && silent !== undefined) {
    throw new Fault('bad_gateway', `${silent} (no total in its answer to ${service}/${method})`)
  }
  return new Connection(kind, page, ofList, mark !== null)
}

const totals: ReadonlySet<string> = new Set(['totalCount', 'counts'])

/** Whether a selection has a total, fragments expanded. */
function hasTotal({ selections }: SelectionSetNode, fragments: GraphQLResolveInfo['fragments']): boolean {
  return selections.some((selection) => {
    if (selection.kind === NodeKind.FIELD) return totals.has(selection.name.value)
    const inside = selection.kind === NodeKind.INLINE_FRAGMENT ? selection : fragments[selection.name.value]
    return inside !== undefined && hasTotal(inside.selectionSet, fragments)
  })
}

/** Whether this very field is asked for a total. */
export const asksTotal = ({ fieldNodes, fragments }: GraphQLResolveInfo): boolean =>
  fieldNodes.some(({ selectionSet }) => selectionSet !== undefined && hasTotal(selectionSet, fragments))

/** Whether the request asks any field of that name, as limits.ts writes it, for a total: what is gathered has one answer. */
export const asksTotalOf = ({ selected }: View, field: string): boolean =>
  [...totals].some((name) => selected.has(`${field}/${name}`))

/** Each field of a connection tells of its missing parts: whichever is selected, the error is there, once. */
function notePartial({ page }: Connection, context: OperationContext, { path }: GraphQLResolveInfo): void {
  if (path.prev === undefined) return
  for (const [system, cause] of Object.entries(page.missing) as [System, unknown][]) {
    const at = responsePathAsArray(path.prev)
    context.partial?.set(`${system} ${at.join()}`, partialError(system, cause, at))
  }
}

const read =
  (of: (connection: Connection) => unknown) =>
  (connection: Connection, _arguments: unknown, context: OperationContext, info: GraphQLResolveInfo) => {
    notePartial(connection, context, info)
    return of(connection)
  }

const cursorAt = (connection: Connection, at: number) =>
  at < 0 || at >= connection.nodes.length ? null : connection.cursorAt(at)

export const connectionFields = {
  nodes: read(({ nodes }) => nodes),
  edges: read((connection) => connection.nodes.map((node, at) => ({ node, cursor: () => connection.cursorAt(at) }))),
  pageInfo: read((connection) => ({
    hasNextPage: connection.page.hasMore,
    hasPreviousPage: connection.hasPreviousPage,
    startCursor: () => cursorAt(connection, 0),
    endCursor: () => cursorAt(connection, connection.nodes.length - 1)
  })),
  totalCount: read(({ counts }) => counts.reduce((sum, { totalCount }) => sum + totalCount, 0)),
  counts: read(({ counts }) => counts.map(({ system, totalCount }) => ({ system: systemWord(system), totalCount }))),
  missing: read(({ missing }) => missing.map(systemWord))
}
