/**
 * Sends one request as somebody: marks it, enters it in the ledger, counts its answer and looks at what it says.
 */
import { idHeader } from '../arrivals.ts'
import type { Expected, Ledger } from '../ledger.ts'
import { faultcodeOf, isSessionFault, kindOf, type Recorder } from '../recorder.ts'
import type { Actor } from './actors.ts'
import type { Client, Incoming, Leaving, Outgoing } from './client.ts'

type Json = Readonly<Record<string, unknown>>

export interface Told extends Incoming {
  readonly json: Json | null
  readonly faultcode: string | null
  readonly sentAt: number
  readonly endedAt: number
}

export interface Asking {
  readonly call: string
  readonly outgoing: Outgoing
  readonly expected: Expected
  /** A write of the API, whose carrying out the journals show. */
  readonly isWrite?: boolean
  readonly leaving?: Leaving | null
  /** What is wrong with the contents of a success; null for nothing. */
  readonly check?: (told: Told) => string | null
  /** A merged page is judged by itself. */
  readonly isPage?: boolean
}

export interface SpeakerOptions {
  readonly client: () => Client
  readonly ledger: Ledger
  readonly recorder: Recorder
  readonly now: () => number
}

export type Speaker = ReturnType<typeof createSpeaker>

function jsonOf(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
  } catch {
    return null
  }
}

export function createSpeaker({ client, ledger, recorder, now }: SpeakerOptions) {
  let lastId = 0

  /** A session fault means to a client that it must log in again. */
  function heed(actor: Actor, session: Actor['session'], faultcode: string | null, at: number) {
    if (session === null || !isSessionFault(faultcode)) return
    session.shakenAt = Math.min(session.shakenAt, at)
    if (actor.session === session) actor.session = null
  }

  function examine({ call, check, isPage = false }: Asking, id: number, told: Told) {
    if (told.ending !== 'answered' || told.status !== 200 || check === undefined) return
    const mistake = check(told)
    const story = () => `${call} #${id}: ${mistake}; ${told.text.slice(0, 200)}`
    if (mistake !== null) recorder.blame(isPage ? 'wrongPages' : 'wrongContents', story())
  }

  return async function speak(actor: Actor, asking: Asking): Promise<Told> {
    const { call, outgoing, expected, isWrite = false, leaving = null } = asking
    const { session } = actor
    const id = ++lastId
    const sentAt = now()
    const sentIn = recorder.window
    ledger.sent({ id, call, isWrite, expected, session, sentAt })
    actor.inFlight++
    const headers = { ...outgoing.headers, [idHeader]: String(id) }
    const incoming = await client().send({ ...outgoing, headers }, leaving)
    actor.inFlight--
    const endedAt = now()
    const json = jsonOf(incoming.text)
    const faultcode = (incoming.status ?? 0) >= 400 ? faultcodeOf(json) : null
    const { ending } = incoming
    const isSilent = ending === 'no answer' || ending === 'unanswered'
    ledger.answered(id, { endedAt, status: ending === 'answered' ? incoming.status : null, isSilent })
    const group = session !== null && actor.isSettled && actor.customer !== null ? session.lives : null
    recorder.note(sentIn, group, kindOf(incoming, faultcode), incoming.ms)
    heed(actor, session, faultcode, sentAt)
    const told = { ...incoming, json, faultcode, sentAt, endedAt }
    examine(asking, id, told)
    return told
  }
}
