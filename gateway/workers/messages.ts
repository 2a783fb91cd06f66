/**
 * What the supervisor and its workers tell each other.
 */

import type { Shown } from '../../plugins/metrics/merged.ts'
import type { Config } from '../config-schema.ts'
import type { Reports, Subject } from '../ops/reports.ts'

export type ToWorker =
  | { readonly order: 'start'; readonly config: Config }
  /** The whole gateway will stop. */
  | { readonly order: 'notice' }
  /** Others go on: lose nothing, and end. */
  | { readonly order: 'retire' }
  /** The whole gateway stops: finish what is in flight, and end. */
  | { readonly order: 'stop' }
  | { readonly order: 'report'; readonly subject: Subject; readonly id: number }
  /** Everybody's reports, for a worker that has asked. */
  | { readonly order: 'hear'; readonly id: number; readonly reports: readonly Reports[Subject][] }

export type ToSupervisor =
  /** It hears orders from now on. */
  | { readonly word: 'here' }
  | { readonly word: 'listening'; readonly addresses: readonly string[]; readonly ops: string }
  /** It ends, and why. */
  | { readonly word: 'failed'; readonly why: string }
  | { readonly word: 'asking'; readonly subject: Subject; readonly id: number }
  | { readonly word: 'report'; readonly id: number; readonly report: Reports[Subject] }
  /** It has done everything, and ends: what it has counted. */
  | { readonly word: 'over'; readonly counted: readonly Shown[] }
