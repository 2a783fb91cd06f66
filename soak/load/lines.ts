/**
 * What comes through one WebSocket, and whether it is right: events from the systems where its session lives, none of
 * another session, none left out and none twice while it stands; one answer to each command.
 */
import type { WebSocket } from 'ws'
import type { System } from '../../core/words.ts'
import type { Recorder } from '../recorder.ts'
import type { Actor, Session } from './actors.ts'
import { jsonOf } from './books.ts'

type Json = Readonly<Record<string, unknown>>

/** An event of the soak's own, as the systems send it to each session that has a WebSocket, numbered without a gap. */
interface Tick {
  readonly system: System
  /** As that system names the session. */
  readonly session: string
  readonly tick: number
}

export interface Line {
  readonly actor: Actor
  /** Null while there is none. */
  socket: WebSocket | null
  /** With which it was opened. */
  session: Session | null
  isOpening: boolean
  /** The systems whose events have to come. */
  hears: readonly System[]
  readonly heard: Map<System, Tick>
  readonly waiting: Map<number, (answer: Json | null) => void>
}

export const createLine = (actor: Actor): Line => ({
  actor,
  socket: null,
  session: null,
  isOpening: false,
  hears: [],
  heard: new Map(),
  waiting: new Map()
})

/** Of a pair, the source's half has a name that its client never learns; it must stay the same. */
function mistakeOf({ session, heard }: Line, { system, session: name }: Tick): string | null {
  if (session === null) return null
  if (!session.isPair && system !== session.lives) return `an event of the ${system} for a session of ${session.lives}`
  const known = !session.isPair || system === session.lives ? session.sessionId : heard.get(system)?.session
  return known === undefined || known === name ? null : `an event of the ${system} for another session`
}

export function createHearing(recorder: Recorder) {
  function hear(line: Line, tick: Tick) {
    const { login } = line.actor
    recorder.counts.events++
    const mistake = mistakeOf(line, tick)
    if (mistake !== null) recorder.blame('wrongContents', `WebSocket of ${login}: ${mistake}`)
    const last = line.heard.get(tick.system)?.tick ?? tick.tick - 1
    const story = `WebSocket of ${login}: event ${tick.tick} of the ${tick.system} after ${last}`
    if (tick.tick <= last) recorder.blame('doubledEvents', story)
    else if (tick.tick > last + 1) recorder.blame('lostEvents', story, tick.tick - last - 1)
    line.heard.set(tick.system, tick)
  }

  return function onMessage(line: Line, text: string) {
    const message = jsonOf(text)
    if (message === null) return recorder.blame('wrongContents', `WebSocket of ${line.actor.login}: not JSON`)
    if (message.event === 'soak') return hear(line, message as unknown as Tick)
    if (!('response' in message)) return
    const answer = line.waiting.get(Number(message.id))
    if (answer !== undefined) return answer(message)
    recorder.blame('doubledEvents', `WebSocket of ${line.actor.login}: an answer to nothing that waits, ${message.id}`)
  }
}

/** Whether everything up to this event has come. */
export const hasHeard = ({ hears, heard }: Line, tick: number): boolean =>
  hears.every((system) => (heard.get(system)?.tick ?? 0) >= tick)
