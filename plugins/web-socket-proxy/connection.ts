/**
 * One client's WebSocket and what it has on the systems, from their opening until all of them are closed. Whichever side
 * goes, however it goes, takes the others along.
 */
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { closeCodes, closePayload, frameOf, opcodes } from '../../core/frames.ts'
import type { Swap } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import { Commands, type Reading } from './commands.ts'
import { Outlet } from './outlet.ts'

/**
 * Why a WebSocket ended: who closed it or went first (`client`, `source`, `target`), or what ended it here. `protocol`: the
 * client does not keep to RFC 6455, or sent too large a message. `incomplete`: one of two systems went, or came back.
 */
export const ends = ['client', 'source', 'target', 'idle', 'lifetime', 'stop', 'protocol', 'incomplete'] as const
export type End = (typeof ends)[number]

/** How messages are read on their way; without it all bytes pass as they are. */
export type Reads = Pick<Reading, 'route' | 'messageBytes'> & { readonly swaps: readonly Swap[] | null }

interface Given {
  readonly client: Duplex
  readonly systems: ReadonlyMap<System, Duplex>
  readonly reads: Reads | null
  /** Whether it is time to have the client come again. */
  readonly isDue: (now: number) => boolean
  /** All sides are closed. */
  onOver(end: End): void
}

/** How long the other sides may take to close once one has, ms; and to take the next of what they are still owed. */
const closingMs = 5_000
const takingMs = 60_000

const closeFrame = (code: number, reason: string, key: Buffer | null) =>
  frameOf(opcodes.close, closePayload(code, reason), key)

export class Connection {
  readonly #client: Duplex
  readonly #systems: ReadonlyMap<System, Duplex>
  readonly #down: Outlet
  readonly #up: { close(code: number, reason: string): void }
  readonly #onOver: Given['onOver']
  readonly #isDue: Given['isDue']
  readonly #since = performance.now()
  #lastAt = this.#since
  #end: End | null = null
  #endedAt = 0
  /** Bytes that one side or another has not taken yet, at the last look. */
  #owed = 0
  /** A close frame of the gateway's own has gone out. */
  #isClosing = false
  #open: number

  constructor({ client, systems, reads, isDue, onOver }: Given) {
    this.#client = client
    this.#systems = systems
    this.#onOver = onOver
    this.#isDue = isDue
    this.#open = systems.size + 1
    const onBytes = () => {
      this.#lastAt = performance.now()
    }
    this.#watch(client, 'client')
    for (const [system, socket] of systems) this.#watch(socket, system)
    this.#down = new Outlet(client, { onBytes, onClosing: (from) => this.#note(this.#systemOf(from)) })
    const heard = { onBytes, onClosing: () => this.#note('client') }
    this.#up = reads === null ? this.#pipeUp(heard) : this.#readUp(reads, heard)
    for (const socket of systems.values()) this.#down.join(socket)
  }

  /** The bytes of the client as they are, to its one system. */
  #pipeUp(heard: { onBytes(): void; onClosing(): void }) {
    const [socket] = this.#systems.values()
    const outlet = new Outlet(socket as Duplex, heard)
    outlet.join(this.#client)
    return { close: (code: number, reason: string) => outlet.end(closeFrame(code, reason, randomBytes(4))) }
  }

  #readUp(reads: Reads, heard: { onBytes(): void; onClosing(): void }) {
    const commands = new Commands({
      ...reads,
      ...heard,
      client: this.#client,
      systems: this.#systems,
      refuse: (code, reason) => this.close('protocol', code, reason)
    })
    return {
      close: (code: number, reason: string) => commands.end(() => closeFrame(code, reason, randomBytes(4)))
    }
  }

  #watch(socket: Duplex, side: 'client' | System) {
    // What is wrong with a connection shows in its end.
    socket.on('error', () => socket.destroy())
    socket.once('end', () => this.#sideEnded(side))
    const close = () => {
      this.#sideEnded(side)
      this.#open--
      if (this.#open === 0) this.#onOver(this.#end ?? 'client')
    }
    // One that was opened first may have gone while the other was still asked.
    if (socket.closed) setImmediate(close)
    else socket.once('close', close)
  }

  #sideEnded(side: 'client' | System) {
    if (side === 'client') {
      for (const socket of this.#systems.values()) socket.end()
    } else {
      // It would miss one system's events from now on, and nobody has told it.
      if (this.#end === null && this.#systems.size > 1) this.#askToComeAgain()
      if (!this.#down.waitsBehindOtherThan(this.#systems.get(side))) this.#client.end()
    }
    this.#note(side)
  }

  #askToComeAgain() {
    this.close('incomplete', closeCodes.serviceRestart, 'Service restart')
  }

  #systemOf(socket: Duplex): End {
    for (const [system, own] of this.#systems) if (own === socket) return system
    return 'client'
  }

  /** From here on all sides have a moment to close. */
  #note(end: End) {
    if (this.#end !== null) return
    this.#end = end
    this.#endedAt = performance.now()
  }

  /** A text of the gateway's own, between the systems' messages. */
  tell(text: string) {
    this.#down.insert(frameOf(opcodes.text, Buffer.from(text), null))
  }

  /** Says to all sides that it ends, and why; whoever does not close soon is cut. */
  close(end: End, code: number, reason: string) {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#note(end)
    this.#up.close(code, reason)
    this.#down.end(closeFrame(code, reason, null))
  }

  /** Looks whether its time is over; called now and then. */
  look(now: number, limits: { readonly idle: number; readonly lifetime: number }) {
    if (this.#end !== null) {
      const owed = [this.#client, ...this.#systems.values()].reduce(
        (sum, { writableLength }) => sum + writableLength,
        0
      )
      // Slow is not gone.
      if (owed !== this.#owed) this.#endedAt = now
      this.#owed = owed
      if (now - this.#endedAt > (owed === 0 ? closingMs : takingMs)) this.destroy()
    } else if (now - this.#lastAt > limits.idle) this.close('idle', closeCodes.goingAway, 'Idle')
    else if (now - this.#since > limits.lifetime) this.close('lifetime', closeCodes.goingAway, 'Lifetime over')
    else if (this.#isDue(now)) this.#askToComeAgain()
  }

  destroy() {
    this.#client.destroy()
    for (const socket of this.#systems.values()) socket.destroy()
  }
}
