/**
 * Clients of call control's WebSockets: each comes with its session, sends commands, hears events, and comes again when
 * its connection was ended.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type System, systemNames } from '../../core/words.ts'
import { idHeader } from '../arrivals.ts'
import type { Dice } from '../dice.ts'
import type { Recorder } from '../recorder.ts'
import { hosts } from '../settings.ts'
import type { Actor, Cast, Session } from './actors.ts'
import type { Books, Foreseen, Question } from './books.ts'
import { type Incoming, patienceMs } from './client.ts'
import { createHearing, createLine, hasHeard, type Line } from './lines.ts'
import type { Turn } from './mixes.ts'
import { anywhere, only, type Sessions } from './sessions.ts'
import { type Handshake, openSocket } from './socket-client.ts'
import { located, whereOr } from './staff.ts'

export interface WebSocketsOptions {
  readonly cast: Cast
  readonly sessions: Sessions
  readonly books: Books
  readonly recorder: Recorder
  readonly foreseen: Foreseen
  readonly origin: string
  readonly releases: Readonly<Record<System, string>>
  readonly dice: Dice
  readonly now: () => number
  /** Whether something is made to go wrong with the systems at the time. */
  readonly isDisturbed: () => boolean
}

interface Command extends Question {
  readonly params: object
}

type Json = Readonly<Record<string, unknown>>

const path = '/callcontrol/ws'
const hearsWithinMs = 2000
const lookEveryMs = 20

/** A token in a header, in the URL, in a subprotocol, and what a browser would send. */
function handshakeOf({ realm }: Actor, { accessToken, cookie }: Session, id: number, dice: Dice): Handshake {
  const headers = { host: hosts[realm], [idHeader]: String(id) }
  const plain = { path, headers, protocols: [] }
  return dice.pick([
    { ...plain, headers: { ...headers, authorization: `Bearer ${accessToken}` } },
    { ...plain, path: `${path}?access_token=${accessToken}` },
    { ...plain, protocols: ['callcontrol.v1', `access_token.${accessToken}`] },
    { ...plain, headers: { ...headers, cookie } }
  ])
}

const isWhole = ({ isPair, lives, shakenAt }: Session) => isPair && lives === 'target' && shakenAt === Infinity

export type WebSockets = ReturnType<typeof createWebSockets>

export function createWebSockets(options: WebSocketsOptions) {
  const { cast, sessions, books, recorder, foreseen, origin, releases, dice, now, isDisturbed } = options
  const lines = cast.listening.map(createLine)
  const onMessage = createHearing(recorder)
  const isOpen = ({ socket }: Line) => socket !== null
  const withCustomers = [...cast.known.settled, ...cast.known.movers]

  function forget(line: Line) {
    line.socket = null
    line.session = null
    line.heard.clear()
    for (const answer of line.waiting.values()) answer(null)
    line.waiting.clear()
  }

  function onClose(line: Line, openedAt: number, code: number) {
    // It was closed from here.
    if (line.socket === null) return
    recorder.noteClose(code)
    const cause = `WebSocket closed with ${code}`
    const what = `${line.actor.realm} ${line.actor.login}`
    const endedAt = now()
    recorder.errors.note({ cause, foreseen: foreseen.close(code, endedAt), what, sentAt: openedAt, endedAt })
    forget(line)
  }

  /** Of a session on both systems, the answer says which one is away; a source that refuses is left out in silence. */
  function hearsOf(session: Session, { headers }: Pick<Incoming, 'headers'>): System[] {
    if (!isWhole(session) || isDisturbed()) return [session.lives]
    const missing = String(headers['x-dispatcher-partial'] ?? '')
    return systemNames.filter((system) => !missing.includes(system))
  }

  async function open(line: Line, session: Session) {
    const { actor } = line
    line.isOpening = true
    const expected = session.isPair ? anywhere : only(session.lives)
    const { id, end } = books.begin(actor, { call: 'WebSocket', expected })
    line.session = session
    const openedAt = now()
    const wasDisturbed = isDisturbed()
    const heard = {
      onMessage: (text: string) => onMessage(line, text),
      onClose: (code: number) => onClose(line, openedAt, code)
    }
    const { incoming, socket } = await openSocket(origin, handshakeOf(actor, session, id, dice), heard)
    line.isOpening = false
    // A source that refuses its half then, and to renew it, ends that half, and nobody is told.
    if (session.isPair && (wasDisturbed || isDisturbed())) session.shakenAt = Math.min(session.shakenAt, openedAt)
    line.socket = socket
    line.hears = hearsOf(session, incoming)
    const { sentAt, endedAt } = end(incoming)
    if (socket === null) return forget(line)
    if (!isWhole(session) || isDisturbed() || line.hears.length === systemNames.length) return
    const what = `WebSocket of ${actor.login}, #${id}`
    recorder.errors.note({ cause: `WebSocket with the ${line.hears} alone`, foreseen: null, what, sentAt, endedAt })
  }

  function commandOf({ actor }: Line, session: Session): Command {
    if (dice.chance(0.3) && actor.customer !== null) {
      const call = 'CallControl/disable_api_notifications'
      return { call, params: {}, expected: only(session.lives), isWrite: true }
    }
    const call = 'CallControl/originate_call'
    const params = { from: '1', to: '2' }
    if (actor.customer !== null) {
      const isOurs = (id: unknown) => String(id).startsWith(`${releases[session.lives]} `)
      const check = ({ json }: { json: Json | null }) =>
        isOurs(json?.tracking_id) ? null : 'a call of another release'
      return { call, params, expected: only(session.lives), isWrite: true, check }
    }
    const person = dice.pick(withCustomers)
    const about = { i_customer: person.customer.i_customer, ...params }
    return { call, params: about, expected: whereOr(session, located(person)), isWrite: true }
  }

  async function say(line: Line, session: Session) {
    const { params, ...question } = commandOf(line, session)
    const { id, end } = books.begin(line.actor, { ...question, isCommand: true })
    const begun = performance.now()
    const answered = Promise.withResolvers<Json | null>()
    line.waiting.set(id, answered.resolve)
    line.socket?.send(JSON.stringify({ command: question.call.split('/')[1], id, params }))
    const patience = new AbortController()
    const unanswered = delay(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined)
    const answer = await Promise.race([answered.promise, unanswered])
    patience.abort()
    line.waiting.delete(id)
    const nothing = { status: null, headers: {}, text: '', error: '', ms: performance.now() - begun }
    if (answer === undefined) return end({ ...nothing, ending: 'unanswered' })
    if (answer === null) return end({ ...nothing, ending: 'its WebSocket ended' })
    const { fault, data } = answer
    const text = JSON.stringify(fault ?? data ?? {})
    return end({ ...nothing, ending: 'answered', status: fault === undefined ? 200 : 500, text })
  }

  function hangUp(line: Line) {
    const { socket } = line
    forget(line)
    socket?.close(1000)
  }

  /** Whoever has no connection comes first. */
  const talk: Turn = () => {
    const away = lines.filter((line) => !isOpen(line) && !line.isOpening)
    const line = dice.pick(away.length > 0 ? away : lines)
    const { session } = line.actor
    if (line.isOpening) return null
    if (session === null) return line.actor.isLoggingIn ? null : sessions.login(line.actor)
    if (!isOpen(line)) return open(line, session)
    if (line.session === session) return say(line, session)
    hangUp(line)
    return null
  }

  return {
    talk,
    get open() {
      return lines.filter(isOpen).length
    },

    /** Whether each connection that stands has brought all of its systems' events up to this one; then all hang up. */
    async leave(tick: number) {
      const by = performance.now() + hearsWithinMs
      const deaf = () => lines.filter((line) => isOpen(line) && !hasHeard(line, tick))
      while (deaf().length > 0 && performance.now() < by) await delay(lookEveryMs)
      for (const { actor, hears, heard } of deaf()) {
        const last = hears.map((system) => `${system} ${heard.get(system)?.tick ?? 'none'}`)
        recorder.blame(
          'lostEvents',
          `WebSocket of ${actor.login}: event ${tick} has not come; the last: ${last.join(', ')}`
        )
      }
      for (const line of lines) hangUp(line)
    }
  }
}
