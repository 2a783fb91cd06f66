/**
 * Fault switches: make chosen requests go wrong in chosen ways. The newest rule that matches wins. A WebSocket's handshake
 * is such a request, call control's named `CallControl/ws`; what is sent inside one is none.
 */
import type { RealmName } from './realms.ts'

export type SimulatedFault =
  /** The true answer, later. */
  | { kind: 'delay'; ms: number }
  /** The body is read and then nothing happens, until the client goes or the simulator stops. */
  | { kind: 'hang' }
  /** A TCP reset: before the body is read, after the call was executed, or between headers and body. */
  | { kind: 'reset'; at: 'request' | 'before-headers' | 'after-headers' }
  /** All headers, half of the promised body, then a closed connection; a WebSocket ends as soon as it is open. */
  | { kind: 'half' }
  /** This answer instead; the call is not executed. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** The API's own fault instead; the call is not executed. */
  | { kind: 'fault'; faultcode: string; faultstring?: string }
  /** Bytes that are not HTTP; the call is not executed. */
  | { kind: 'garbage' }
  /** The true answer with these raw headers added, whatever they are. */
  | { kind: 'headers'; headers: [name: string, value: string][] }

export interface FaultMatch {
  service?: string
  method?: string
  realm?: RealmName
  /** Tested against the raw URL. */
  path?: RegExp
}

export interface FaultRule {
  match: FaultMatch
  fault: SimulatedFault
  /** Requests that it applies to; without it, all until removed. */
  times?: number
}

export interface FaultHandle {
  readonly hits: number
  remove(): void
}

interface FaultSubject {
  service: string | null
  method: string | null
  realm: RealmName
  url: string
}

export class Faults {
  #rules: { rule: FaultRule; hits: number }[] = []

  add(rule: FaultRule): FaultHandle {
    const added = { rule, hits: 0 }
    this.#rules.unshift(added)
    return {
      get hits() {
        return added.hits
      },
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== added)
      }
    }
  }

  clear(): void {
    this.#rules = []
  }

  /** The fault for a request, counted as one hit. */
  take(subject: FaultSubject): SimulatedFault | null {
    for (const entry of this.#rules) {
      const { match, fault, times } = entry.rule
      if (times !== undefined && entry.hits >= times) continue
      if (!isMatch(match, subject)) continue
      entry.hits++
      return fault
    }
    return null
  }
}

function isMatch(match: FaultMatch, subject: FaultSubject): boolean {
  if (match.service !== undefined && match.service !== subject.service) return false
  if (match.method !== undefined && match.method !== subject.method) return false
  if (match.realm !== undefined && match.realm !== subject.realm) return false
  return match.path === undefined || subject.url.search(match.path) !== -1
}
