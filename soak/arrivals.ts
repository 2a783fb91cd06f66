/**
 * What a system's journal says of one request, as little as the ledger needs: entries are folded into this where they
 * are kept, so that bodies never travel and a long run does not grow.
 */
import type { System } from '../core/words.ts'
import type { JournalEntry } from '../simulator/index.ts'

/** Carries a request's number through the gateway into the journal. */
export const idHeader = 'x-soak-id'

export interface Arrival {
  /** The request's number; null for a question of the gateway's own. */
  readonly id: number | null
  readonly system: System
  /** ms since 1970. */
  readonly at: number
  /** `Service/method`, or the path of a page. */
  readonly call: string
  /** A write that was carried out, however its answer fared. */
  readonly executed: boolean
  /** Null for an answer that never began. */
  readonly status: number | null
  readonly faultcode: string | null
  /** Whom a question of the gateway's own was about, such as `customer:7`; null for anybody. */
  readonly about: string | null
}

/** An entry is written at arrival and completed at the end of the exchange. */
export const isOver = ({ status, aborted }: Pick<JournalEntry, 'status' | 'aborted'>): boolean =>
  status !== null || aborted

/**
 * The system notes the session once it begins to carry a call out and the fault code when that fails. What a switched
 * fault replaced has no session; a reset or a delay after the call has both.
 */
const isExecuted = ({
  write,
  sessionId,
  faultcode
}: Pick<JournalEntry, 'write' | 'sessionId' | 'faultcode'>): boolean =>
  write && sessionId !== null && faultcode === null

/** A command's own, by which the client tells its answer too. */
function idInCommand(body: Buffer): number | null {
  try {
    const { id } = JSON.parse(body.toString()) as { id?: unknown }
    return typeof id === 'number' ? id : null
  } catch {
    return null
  }
}

/** The number that a request brought; null for none. */
export function idOf({ httpMethod, rawHeaders, body }: JournalEntry): number | null {
  // The headers are the handshake's.
  if (httpMethod === '') return idInCommand(body)
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === idHeader)
  return at === -1 ? null : Number(rawHeaders[at + 1])
}

/** A write that is told by what it writes: not every way to a system takes a header along. */
export interface Marked {
  readonly mark: number
  readonly system: System
  /** ms since 1970. */
  readonly at: number
  readonly executed: boolean
  readonly status: number | null
  readonly faultcode: string | null
}

/** Stands in the field that such a write changes, with its number. */
export const markOf = (mark: number) => `mark-${mark}-`
const markForm = /mark-(\d+)-/

/** Null for what is no such write. */
export function markedOf(system: System, entry: JournalEntry): Marked | null {
  const { at, status, faultcode, body, url, write } = entry
  const [, mark] = (write ? (markForm.exec(body.toString()) ?? markForm.exec(url)) : null) ?? []
  return mark === undefined ? null : { mark: Number(mark), system, at, executed: isExecuted(entry), status, faultcode }
}

const isLookup = (method: string | null) => method === 'get_customer_info' || method === 'get_account_info'

function aboutOf(body: Buffer): string | null {
  try {
    const { params } = JSON.parse(body.toString()) as { params?: { i_customer?: number; i_account?: number } }
    if (params?.i_account !== undefined) return `account:${params.i_account}`
    return params?.i_customer === undefined ? null : `customer:${params.i_customer}`
  } catch {
    return null
  }
}

/** Null for what the ledger has no use for: of the gateway's own questions only failed lookups explain anything. */
export function arrivalOf(system: System, entry: JournalEntry): Arrival | null {
  const { service, method, url, at, status, faultcode, body } = entry
  const id = idOf(entry)
  const isClear = status === 200 || faultcode !== null
  if (id === null && (!isLookup(method) || isClear)) return null
  return {
    id,
    system,
    at,
    call: service === null ? url.split('?', 1).join().slice(0, 40) : `${service}/${method}`,
    executed: isExecuted(entry),
    status,
    faultcode,
    about: id === null ? aboutOf(body) : null
  }
}
