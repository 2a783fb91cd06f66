/**
 * A client's side of the wire: kept connections, one request on each, and how each request ended.
 */
import { Readable } from 'node:stream'
import { Pool } from 'undici'

export interface Outgoing {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
}

/** A client that leaves: so long after it has sent everything, or in the middle of its body. */
export type Leaving = { readonly afterMs: number } | 'within body'

export type Ending =
  /** The whole answer came. */
  | 'answered'
  /** The connection ended within the answer. */
  | 'cut off'
  /** It ended before the answer began. */
  | 'no answer'
  /** Nothing came within the client's patience. */
  | 'unanswered'
  /** A command whose WebSocket ended before it was answered. */
  | 'its WebSocket ended'
  | 'left'

export interface Incoming {
  readonly ending: Ending
  readonly status: number | null
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly ms: number
  readonly error: string
}

export const patienceMs = 10_000
const connections = 256

export type Client = ReturnType<typeof createClient>

/** Half of the body, and then nothing until the client is gone. */
async function* halfOf(body: Buffer, left: AbortSignal) {
  yield body.subarray(0, Math.floor(body.length / 2))
  await new Promise((resolve) => left.addEventListener('abort', resolve, { once: true }))
}

/** `mostMs` is the client's patience. */
export function createClient(origin: string, mostMs = patienceMs) {
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

  async function send({ method, path, headers, body }: Outgoing, leaving: Leaving | null): Promise<Incoming> {
    const gone = new AbortController()
    const isWithin = leaving === 'within body' && body !== null
    const afterMs = leaving === null ? mostMs : leaving === 'within body' ? 20 : leaving.afterMs
    const timer = setTimeout(() => gone.abort(), afterMs)
    const startedAt = performance.now()
    let status: number | null = null
    let got: Incoming['headers'] = {}
    const ended = (ending: Ending, text: string, error = '') =>
      ({ ending, status, headers: got, text, ms: performance.now() - startedAt, error }) satisfies Incoming
    try {
      const all = isWithin ? { ...headers, 'content-length': String(body.length) } : headers
      const sent = isWithin ? Readable.from(halfOf(body, gone.signal)) : body
      const answer = await pool.request({ method, path, headers: all, body: sent, signal: gone.signal })
      status = answer.statusCode
      got = answer.headers
      return ended('answered', await answer.body.text())
    } catch (error) {
      const why = `${(error as { code?: string }).code ?? ''} ${(error as Error).message}`
      if (gone.signal.aborted) return ended(leaving === null ? 'unanswered' : 'left', '', why)
      return ended(status === null ? 'no answer' : 'cut off', '', why)
    } finally {
      clearTimeout(timer)
    }
  }

  return { send, close: () => pool.destroy() }
}
