/**
 * What a request of somebody leaves in the books: its mark in the ledger, its answer's kind, and what its answer says.
 */
import type { Expected, Ledger } from '../ledger.ts'
import { faultcodeOf, isSessionFault, kindOf, type Recorder } from '../recorder.ts'
import type { Actor, Session } from './actors.ts'
import type { Incoming } from './client.ts'

type Json = Readonly<Record<string, unknown>>

export interface Told extends Incoming {
  readonly json: Json | null
  readonly faultcode: string | null
  readonly sentAt: number
  readonly endedAt: number
}

export interface Question {
  readonly call: string
  readonly expected: Expected
  /** A write of the API, whose carrying out the journals show. */
  readonly isWrite?: boolean
  /** What is wrong with the contents of a success; null for nothing. */
  readonly check?: (told: Told) => string | null
  /** A system that does not know the session may be asked too, and refuse. */
  readonly isAskable?: boolean
  /** It is said on a WebSocket. */
  readonly isCommand?: boolean
  /** A merged page is judged by itself. */
  readonly isPage?: boolean
}

export interface BooksOptions {
  readonly ledger: Ledger
  readonly recorder: Recorder
  readonly now: () => number
  readonly foreseen: Foreseen
  /** Whether a session has ended, and the gateways may not know any more where it lived. */
  readonly isNobodys: (actor: Actor, session: Session) => boolean
}

/** Why the contract foresees what is no success; null where it does not. */
export interface Foreseen {
  answer(actor: Actor, session: Actor['session'], question: Question, told: Told): string | null
  /** Of a WebSocket that its client did not end. */
  close(code: number, at: number): string | null
}

export function jsonOf(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
  } catch {
    return null
  }
}

/** A session fault means to a client that it must log in again. */
function heed(actor: Actor, session: Actor['session'], faultcode: string | null, at: number) {
  if (session === null || !isSessionFault(faultcode)) return
  session.shakenAt = Math.min(session.shakenAt, at)
  if (actor.session === session) actor.session = null
}

export type Books = ReturnType<typeof createBooks>

export function createBooks({ ledger, recorder, now, foreseen, isNobodys }: BooksOptions) {
  let lastId = 0

  function examine({ call, check, isPage = false }: Question, id: number, told: Told) {
    if (told.ending !== 'answered' || told.status !== 200 || check === undefined) return
    const mistake = check(told)
    const story = () => `${call} #${id}: ${mistake}; ${told.text.slice(0, 200)}`
    if (mistake !== null) recorder.blame(isPage ? 'wrongPages' : 'wrongContents', story())
  }

  return {
    /** To be called as it is sent; then its number goes along, and its end is told. */
    begin(actor: Actor, question: Question) {
      const { call, expected, isWrite = false, isAskable = false } = question
      const { session } = actor
      const id = ++lastId
      const sentAt = now()
      const sentIn = recorder.window
      const mayBeNobodys = session !== null && isNobodys(actor, session)
      const { customer } = actor
      ledger.sent({ id, call, customer, isWrite, expected, session, sentAt, isNobodys: mayBeNobodys, isAskable })
      actor.inFlight++
      return {
        id,
        end(incoming: Incoming): Told {
          actor.inFlight--
          const { ending, status, ms } = incoming
          const endedAt = now()
          const json = jsonOf(incoming.text)
          const faultcode = (status ?? 0) >= 400 ? faultcodeOf(json, incoming.text) : null
          const isSilent = ending === 'no answer' || ending === 'unanswered'
          ledger.answered(id, { endedAt, status: ending === 'answered' ? status : null, isSilent })
          const group = session !== null && actor.isSettled && actor.customer !== null ? session.lives : null
          const told = { ...incoming, json, faultcode, sentAt, endedAt }
          const kind = kindOf(incoming, faultcode)
          recorder.note({ sentIn, group, kind, ms })
          if (kind !== 'success') {
            const reason = foreseen.answer(actor, session, question, told)
            recorder.errors.note({ cause: causeOf(told), foreseen: reason, what: `${call} #${id}`, sentAt, endedAt })
          }
          heed(actor, session, faultcode, sentAt)
          examine(question, id, told)
          return told
        }
      }
    }
  }
}

/** In the words of the table of errors: its status and fault code, or how its connection ended. */
function causeOf({ ending, status, faultcode, error }: Told): string {
  if (ending === 'answered') return `${status} ${faultcode ?? 'without a fault code'}`
  return [ending, error.split(' ', 1)[0]].filter(Boolean).join(', ')
}
