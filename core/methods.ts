/**
 * What is known of API methods by their names (protocol section 1: POST serves reads and writes alike, the name tells),
 * and the table of lists (protocol section 4). A deployment corrects and extends the table by configuration.
 */
import type { Direction, Order, ValueKind } from './order.ts'
import { isSingleHome, type JsonObject, type RealmName, type Route, type Upgrade, upgrade } from './words.ts'

const readVerbs: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

type Named = Pick<Route, 'service' | 'method'> & Partial<Pick<Route, 'wire' | 'inEnvelope'>>

/**
 * A read changes nothing, so it may be cancelled, and sent again. Whatever is not surely a read is a write: so is a SOAP
 * call whose envelope nobody had to read, whatever its URL says, since a system may do what its Body says.
 */
export function isRead(httpMethod: string, { service, method, wire, inEnvelope }: Named): boolean {
  if (method === '') return readVerbs.has(httpMethod)
  if (wire === 'soap' && inEnvelope === undefined) return false
  return method.startsWith('get_') || (service === 'Session' && method === 'ping')
}

/** A client's request as far as it tells whether it changes anything. */
interface Requested {
  readonly method: string
  readonly raw: { readonly [upgrade]?: Upgrade }
  readonly target: { readonly route: Pick<Route, 'service' | 'method'> }
}

/** Whether a request is a read. To open a WebSocket changes nothing, whatever is said on it later. */
export const isReadRequest = ({ method, raw, target }: Requested): boolean =>
  raw[upgrade] !== undefined || isRead(method, target.route)

/** The calls that open, renew and end sessions: the gateway reads their answers. A context it answers by itself. */
export type SessionStep = 'login' | 'refresh' | 'logout' | 'context'

const sessionSteps: Readonly<Record<string, SessionStep>> = {
  login: 'login',
  refresh_access_token: 'refresh',
  logout: 'logout',
  set_session_context: 'context'
}

/** Whether a call opens, renews, ends or pins a session, wherever that is: it changes nothing of a customer's. */
export const isSessionStep = ({ family, service, method }: Pick<Route, 'family' | 'service' | 'method'>): boolean =>
  service === 'Session' && family === 'billing' && Object.hasOwn(sessionSteps, method)
/** Their names. */
export const sessionCalls: readonly string[] = Object.keys(sessionSteps).map((method) => `Session/${method}`)

export function sessionStepOf(
  { family, wire, service, method }: Route,
  { realm, pinned }: { readonly realm: RealmName; readonly pinned: unknown }
): SessionStep | null {
  if (service !== 'Session' || (wire !== 'rest' && wire !== 'soap') || family !== 'billing') return null
  const step = Object.hasOwn(sessionSteps, method) ? (sessionSteps[method] ?? null) : null
  // Where a session lives on one system, or the host pins one, there is nothing to choose.
  return step === 'context' && (isSingleHome(realm) || pinned !== null) ? null : step
}

/**
 * State that one half of a session holds (protocol section 3): such calls follow the context, else the target, whatever
 * entity they name, so that a password is verified where it was made.
 */
const boundToHalf: ReadonlySet<string> = new Set(['AccessControl/create_otp', 'AccessControl/verify_otp'])

export const nameOf = ({ service, method }: Pick<Route, 'service' | 'method'>): string => `${service}/${method}`

export const isBoundToHalf = (route: Route): boolean => boundToHalf.has(nameOf(route))

/** One list of the API. */
export interface ListMethod {
  /** The key of the array in its answer; '' takes the answer's only array. */
  readonly arrayKey: string
  /** The field that is unique in one system; '' when it is not known. */
  readonly id: string
  /** What it is ordered by when the request does not say; '' when that is not known: then it is not merged but joined. */
  readonly orderBy: string
  readonly direction: Direction
  /** How rows of one value follow each other, by id. */
  readonly ties: Direction | 'none'
  /** Fields whose values do not tell how they compare. */
  readonly compare: Readonly<Record<string, ValueKind>>
  /** The parameter that leaves exported rows out; '' where there is none: then offsets count rows of both systems. */
  readonly skipExported: string
  /** A client's own filters on exported rows: with one of these the gateway adds none. */
  readonly exportedFilters: readonly string[]
}

/** A list that the table does not know: the target's rows, then the source's. */
const unknownList: ListMethod = {
  arrayKey: '',
  id: '',
  orderBy: '',
  direction: 'asc',
  ties: 'asc',
  compare: {},
  skipExported: '',
  exportedFilters: []
}

const listed = (arrayKey: string, id: string, more: Partial<ListMethod> = {}): ListMethod => ({
  ...unknownList,
  arrayKey,
  id,
  orderBy: id,
  ...more
})
const newestFirst = (orderBy: string) => ({ orderBy, direction: 'desc' }) as const

/** By `Service/method`. Null: no list of everybody, whatever its name says. */
export const lists: Readonly<Record<string, ListMethod | null>> = {
  'Customer/get_customer_list': listed('customer_list', 'i_customer', {
    skipExported: 'skip_exported',
    exportedFilters: ['skip_exported', 'bill_status']
  }),
  'Account/get_account_list': listed('account_list', 'i_account'),
  'Account/get_alias_list': listed('alias_list', 'i_account'),
  'Invoice/get_invoice_list': listed('invoice_list', 'i_invoice', newestFirst('issue_date')),
  'Customer/get_customer_xdrs': listed('xdr_list', 'i_xdr', newestFirst('bill_time')),
  'Account/get_xdr_list': listed('xdr_list', 'i_xdr', newestFirst('bill_time')),
  'Customer/get_extensions_list': listed('extensions_list', 'i_account'),
  'Customer/get_huntgroup_list': listed('huntgroup_list', 'i_c_group'),
  'DID/get_number_list': listed('number_list', 'i_did_number'),
  'BillingSession/get_active_sessions_list': listed('active_session_list', 'i_active_session'),
  'Account/get_mailbox_message_list': listed('messages', 'message_uid', newestFirst('delivery_date')),
  'WebLog/get_web_log_list': listed('web_log_list', 'i_web_log', newestFirst('timestamp')),
  'Subscription/get_subscription_list': listed('subscription_list', 'i_subscription'),
  'Product/get_product_list': listed('product_list', 'i_product'),
  // Lives and dies with the half of the session that asked for it.
  'CallControl/get_sip_calls_list': null
}

export type ListChanges = Readonly<Record<string, Partial<ListMethod> | false>>

/** The table as a deployment has it; its changes name keys of a row, or are false for what is no list of everybody. */
export function createListTable(changes: ListChanges): (route: Route) => ListMethod | null {
  const table = new Map<string, ListMethod | null>(Object.entries(lists))
  for (const [name, change] of Object.entries(changes)) {
    table.set(name, change === false ? null : { ...(table.get(name) ?? unknownList), ...change })
  }
  return function listOf(route) {
    const known = table.get(nameOf(route))
    if (known !== undefined) return known
    return /^get_\w+_list$/.test(route.method) ? unknownList : null
  }
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** The order that a request asks for; null for a list whose order nobody knows. */
export function orderOf(list: ListMethod, params: JsonObject | null): Order | null {
  const explicit = textOf(params?.order_by)
  const field = explicit ?? list.orderBy
  if (field === '') return null
  const wanted = textOf(params?.order_direction)?.toLowerCase()
  const otherwise = explicit === undefined ? list.direction : 'asc'
  const direction = wanted === 'asc' || wanted === 'desc' ? wanted : otherwise
  return { field, direction, id: list.id, ties: list.id === '' ? 'none' : list.ties, kind: list.compare[field] ?? null }
}
