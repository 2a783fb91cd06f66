/**
 * Every request that arrived, in order of arrival. Tests read it to prove what reached a system and what did not,
 * and wait on it instead of sleeping.
 */
import { createHash, type Hash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { RealmName } from './realms.ts'

const keptBodyBytes = 262_144

export interface JournalEntry {
  readonly seq: number
  readonly at: number
  readonly realm: RealmName
  /** Empty for a command that came in a WebSocket; `url` and `rawHeaders` are its handshake's, `body` is the message. */
  readonly httpMethod: string
  /** As it came, query and percent signs included. */
  readonly url: string
  /** Names and values in turn, in the client's own spelling. */
  readonly rawHeaders: readonly string[]
  readonly service: string | null
  /** Of a SOAP call whose URL ends at its service, the one that its envelope names. */
  method: string | null
  /** The first 256 KiB; `bodyBytes` and `bodySha256` speak of all of it. */
  body: Buffer
  bodyBytes: number
  bodySha256: string
  /** The client went away before it had the whole answer. */
  aborted: boolean
  status: number | null
  faultcode: string | null
  sessionId: string | null
  write: boolean
  iCustomer: number | null
}

export type Arrival = Pick<JournalEntry, 'realm' | 'httpMethod' | 'url' | 'rawHeaders' | 'service' | 'method' | 'write'>

type Predicate = (entry: JournalEntry) => boolean

export class Journal {
  /** Entries kept; the oldest go first. */
  limit = 10_000
  /** Off, nothing is kept, hashed or awaited: for benchmarks. */
  recording = true
  #entries: JournalEntry[] = []
  #seq = 0
  #waiting = new Set<{ matches: Predicate; resolve: (entry: JournalEntry) => void }>()

  get entries(): readonly JournalEntry[] {
    return this.#entries
  }

  /** Entries of one call, by its name such as `Customer/get_customer_info`. */
  of(call: string): JournalEntry[] {
    return this.#entries.filter(({ service, method }) => `${service}/${method}` === call)
  }

  /** How many arrived: of one call, of those that a predicate accepts, or of all. */
  count(what?: string | Predicate): number {
    if (what === undefined) return this.#entries.length
    return typeof what === 'string' ? this.of(what).length : this.#entries.filter(what).length
  }

  clear(): void {
    this.#entries = []
  }

  /**
   * The next entry that matches. Each entry is looked at three times: on arrival, once its body is read, and once it
   * is over, so that a predicate may ask for the body, `status` or `aborted`.
   */
  next(matches: Predicate = () => true): Promise<JournalEntry> {
    return new Promise((resolve) => {
      this.#waiting.add({ matches, resolve })
    })
  }

  /** Opens the entry of an arriving request; null while recording is off. */
  arrive(arrival: Arrival): OpenEntry | null {
    if (!this.recording) return null
    const entry: JournalEntry = {
      ...arrival,
      seq: ++this.#seq,
      at: Date.now(),
      body: Buffer.alloc(0),
      bodyBytes: 0,
      bodySha256: '',
      aborted: false,
      status: null,
      faultcode: null,
      sessionId: null,
      iCustomer: null
    }
    this.#entries.push(entry)
    // Dropping in blocks keeps a full journal cheap: one splice per hundred arrivals.
    if (this.#entries.length > this.limit + 100) this.#entries.splice(0, this.#entries.length - this.limit)
    this.#tell(entry)
    return new OpenEntry(entry, () => this.#tell(entry))
  }

  #tell(entry: JournalEntry): void {
    for (const waiting of this.#waiting) {
      if (!waiting.matches(entry)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(entry)
    }
  }
}

export class OpenEntry {
  readonly entry: JournalEntry
  readonly #changed: () => void
  readonly #hash: Hash = createHash('sha256')
  #chunks: Buffer[] = []

  constructor(entry: JournalEntry, changed: () => void) {
    this.entry = entry
    this.#changed = changed
  }

  bodyChunk(chunk: Buffer): void {
    const room = keptBodyBytes - this.entry.bodyBytes
    if (room > 0) this.#chunks.push(room < chunk.length ? chunk.subarray(0, room) : chunk)
    this.entry.bodyBytes += chunk.length
    this.#hash.update(chunk)
  }

  bodyEnd(): void {
    this.entry.body = Buffer.concat(this.#chunks)
    this.entry.bodySha256 = this.#hash.digest('hex')
    this.#chunks = []
    this.#changed()
  }

  /** Settles once an answer has left, or its client. */
  settleWith(res: ServerResponse): void {
    res.once('close', () =>
      this.settle({ status: res.headersSent ? res.statusCode : null, aborted: !res.writableFinished })
    )
  }

  settle(outcome: { status: number | null; aborted: boolean }): void {
    Object.assign(this.entry, outcome)
    this.#changed()
  }
}
