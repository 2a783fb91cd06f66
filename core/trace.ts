/**
 * Trace context (W3C Trace Context, B3): a trace that a client brings goes on as it is, any other request begins one. The
 * gateway records no span of its own, so a system's parent stays the client's span.
 */
import { randomFillSync } from 'node:crypto'

export interface Trace {
  /** For the log; hex. */
  readonly id: string
  /** A `traceparent` of the gateway's own; null where the client's trace goes on. */
  readonly begun: string | null
  /** What the client sent as `traceparent` and `tracestate` stops here: no good, or of no trace. */
  readonly replaces: boolean
}

/** A request's headers by their lower-case names; of one that came twice both values, with a comma between. */
export type TraceHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** Version, trace id, parent id, flags; only versions after 00 may say more (W3C Trace Context section 3.2.2, 4.3). */
const parentForm =
  /^(?:00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[^,]*)?)$/
/** B3 in one header: trace id and span id, perhaps a sampling state and a parent. A sampling state alone names no trace. */
const b3Form = /^([0-9a-f]{16}|[0-9a-f]{32})-[0-9a-f]{16}(?:-[01d](?:-[0-9a-f]{16})?)?$/i
const b3IdForm = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/i
const zeros = /^0+$/

/** The trace id of a `traceparent`; null for one that is malformed. */
export function traceIdOf(traceparent: string): string | null {
  if (!parentForm.test(traceparent)) return null
  const id = traceparent.slice(3, 35)
  return zeros.test(id) || zeros.test(traceparent.slice(36, 52)) ? null : id
}

function b3IdIn(headers: TraceHeaders): string | null {
  const { b3, 'x-b3-traceid': separate } = headers
  const id = typeof b3 === 'string' ? b3Form.exec(b3)?.[1] : undefined
  if (id !== undefined && !zeros.test(id)) return id
  return typeof separate === 'string' && b3IdForm.test(separate) && !zeros.test(separate) ? separate : null
}

/** Bytes of a trace id and a span id. */
const idBytes = 24
/** Of randomness taken at once: a call for each request would cost more than all the rest of this. */
const poolBytes = 4096 - (4096 % idBytes)

/** Gives a request's trace, by its headers. `fill` is where new ids come from. */
export function createTracing(fill: (pool: Buffer) => void = randomFillSync) {
  const pool = Buffer.alloc(poolBytes)
  let hex = ''
  let at = 0

  function begin(replaces: boolean): Trace {
    if (at === hex.length) {
      fill(pool)
      hex = pool.toString('hex')
      at = 0
    }
    const id = hex.slice(at, at + 32)
    const begun = `00-${id}-${hex.slice(at + 32, at + 48)}-00`
    at += 48
    return { id, begun, replaces }
  }

  return function traceOf(headers: TraceHeaders): Trace {
    const { traceparent } = headers
    if (traceparent !== undefined) {
      const id = typeof traceparent === 'string' ? traceIdOf(traceparent) : null
      if (id !== null) return { id, begun: null, replaces: false }
    }
    const id = b3IdIn(headers)
    if (id !== null) return { id, begun: null, replaces: traceparent !== undefined }
    return begin(traceparent !== undefined || headers.tracestate !== undefined)
  }
}

/** What carries a trace, in lower case. */
const carriers = ['b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'] as const
const parentCarriers = ['traceparent', 'tracestate'] as const

/** The headers that carry a request's trace into calls that are made for it, as a flat list of names and values. */
export function traceHeaders({ begun, replaces }: Trace, headers: TraceHeaders): string[] {
  if (begun !== null) return ['traceparent', begun]
  const names = replaces ? carriers : [...parentCarriers, ...carriers]
  return names.flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' ? [name, value] : []
  })
}

/** Whether a header, by its lower-case name, must not go up beside another trace. */
export const isReplaced = (name: string): boolean => name === 'traceparent' || name === 'tracestate'
