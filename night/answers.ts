/**
 * What a client understands of the answer to its write, however it was written.
 */
import type { Incoming } from '../soak/load/client.ts'

export type End =
  /** The write was accepted. */
  | 'done'
  /** The customer is being moved: come again. */
  | 'fenced'
  /** The session has ended: log in again. */
  | 'ended'
  /** Too much is under way, and nothing was sent: come again. */
  | 'busy'
  /** Nobody knows whether it was carried out: no answer came in time. */
  | 'late'
  /** Anything else. */
  | 'wrong'

export interface Understood {
  readonly end: End
  /** Such as `503 Server.Dispatcher.migration_in_progress`. */
  readonly cause: string
  /** Null where the answer does not say when to come again. */
  readonly retryAfterMs: number | null
}

const ends: Readonly<Record<string, End>> = {
  'Server.Dispatcher.migration_in_progress': 'fenced',
  'Server.Session.check_auth.auth_failed': 'ended',
  'Client.Session.check_auth.failed_to_process_access_token': 'ended',
  'Server.Dispatcher.store_unavailable': 'busy',
  'Server.Dispatcher.system_unavailable': 'busy',
  'Server.Dispatcher.system_timeout': 'late'
}

interface GraphqlError {
  readonly message?: string
  readonly extensions?: { readonly faultcode?: string; readonly code?: string }
}

function faultIn(text: string): string | null {
  if (text.startsWith('<')) return /<faultcode>([^<]*)<\/faultcode>/.exec(text)?.[1] ?? null
  const json = JSON.parse(text) as { faultcode?: string; errors?: readonly GraphqlError[] }
  const [error] = json.errors ?? []
  if (error === undefined) return json.faultcode ?? null
  return error.extensions?.faultcode ?? error.extensions?.code ?? error.message ?? 'an error'
}

export function understand({ ending, status, text, headers }: Incoming): Understood {
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null
  if (ending !== 'answered') return { end: ending === 'unanswered' ? 'late' : 'wrong', cause: ending, retryAfterMs }
  try {
    const faultcode = faultIn(text)
    if (faultcode === null) return { end: status === 200 ? 'done' : 'wrong', cause: String(status), retryAfterMs }
    return { end: ends[faultcode] ?? 'wrong', cause: `${status} ${faultcode}`, retryAfterMs }
  } catch {
    return { end: 'wrong', cause: `${status} that cannot be read`, retryAfterMs }
  }
}
