/**
 * What the clients saw, counted: answers by kind, contents that were wrong, and latencies in named windows of time.
 */
import type { System } from '../core/words.ts'
import { createErrors } from './errors.ts'
import type { Incoming } from './load/client.ts'

/** Whose latency it is: established customers who live there for the whole run; null is anybody else. */
export type Group = System | null

export interface Sample {
  readonly group: System
  readonly kind: string
  readonly ms: number
  /** Whole seconds between the window's beginning and the sending. */
  readonly second: number
  /** It ended when the window had ended already. */
  readonly isLate: boolean
}

/** A stretch of time whose requests are looked at together, by when they were sent. */
export interface Window {
  readonly name: string
  /** By performance.now(). */
  readonly openedAt: number
  readonly samples: Sample[]
  /** Of the gateway, as a share of one core. */
  cpuShare: number
}

/** Of a browser's page it stands at its end (core/fault-page.ts). */
const faultOfPage = /\d{3} ((?:Client|Server)\.[\w.]+)<\/small>/

export function faultcodeOf(json: Readonly<Record<string, unknown>> | null, text: string): string | null {
  if (json === null) return faultOfPage.exec(text)?.[1] ?? null
  return typeof json.faultcode === 'string' ? json.faultcode : null
}

const sessionFault = /^(?:Server|Client)\.(?:Session\.)?check_auth\.|\.ping\.failed_to_process/

export const isSessionFault = (faultcode: string | null) => faultcode !== null && sessionFault.test(faultcode)

/** What an answer is, in the words of the table. */
export function kindOf({ ending, status }: Pick<Incoming, 'ending' | 'status'>, faultcode: string | null): string {
  if (ending !== 'answered') return ending
  const code = status ?? 0
  if (code < 400) return 'success'
  if (faultcode === null) return `${code} without a fault code`
  if (faultcode.includes('.Dispatcher.')) return `${code} ${faultcode.split('.').at(-1)}`
  return isSessionFault(faultcode) ? 'session fault of a system' : 'other fault of a system'
}

/** One request's end. */
export interface Ended {
  readonly sentIn: Window | null
  readonly group: Group
  readonly kind: string
  readonly ms: number
}

const keptExamples = 5

export function createRecorder() {
  const kinds = new Map<string, number>()
  const examples: string[] = []
  const counts = {
    requests: 0,
    /** That opened a session. */
    logins: 0,
    wrongContents: 0,
    wrongPages: 0,
    skipped: 0,
    /** Of WebSockets: messages that came, and that did not come though their connection stood, or came twice. */
    events: 0,
    lostEvents: 0,
    doubledEvents: 0
  }
  /** WebSockets that others than their clients have ended, by close code. */
  const closes = new Map<number, number>()
  let window: Window | null = null
  let onServed: ((group: System) => void) | null = null

  return {
    counts,
    errors: createErrors(),
    closes: closes as ReadonlyMap<number, number>,
    kinds: kinds as ReadonlyMap<string, number>,
    examples: examples as readonly string[],

    /** The window in which what is sent from now on counts; null for none. */
    open(name: string): Window {
      window = { name, openedAt: performance.now(), samples: [], cpuShare: Number.NaN }
      return window
    },
    close() {
      window = null
    },
    get window() {
      return window
    },

    /** Called with the next success of an established customer. */
    whenServed(listener: ((group: System) => void) | null) {
      onServed = listener
    },

    note({ sentIn, group, kind, ms }: Ended) {
      counts.requests++
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      if (group === null) return
      if (sentIn !== null) {
        const second = Math.floor((performance.now() - ms - sentIn.openedAt) / 1000)
        sentIn.samples.push({ group, kind, ms, second, isLate: sentIn !== window })
      }
      if (kind === 'success') onServed?.(group)
    },

    noteClose(code: number) {
      closes.set(code, (closes.get(code) ?? 0) + 1)
    },

    blame(what: 'wrongContents' | 'wrongPages' | 'lostEvents' | 'doubledEvents', story: string, count = 1) {
      counts[what] += count
      if (examples.length < keptExamples) examples.push(story)
    }
  }
}

export type Recorder = ReturnType<typeof createRecorder>
