/**
 * What a client says on a WebSocket whose messages must be read: each message goes whole to the system that it is for,
 * with the credentials that are known there, in the order in which it came.
 */
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { closeCodes, controlBytes, FrameReader, frameOf, isControl, mask, opcodes } from '../../core/frames.ts'
import { type Swap, swapBytes } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'

export interface Reading {
  readonly client: Duplex
  readonly systems: ReadonlyMap<System, Duplex>
  /** What the source calls the session. */
  readonly swaps: readonly Swap[] | null
  /** Largest message. */
  readonly messageBytes: number
  /** Where a message goes, its text null where it is binary; null for one that goes nowhere. */
  route(text: string | null): Promise<System | null>
  /** The client does not keep the protocol. */
  refuse(code: number, reason: string): void
  onBytes(): void
  onClosing(): void
}

const drained = (socket: Duplex) =>
  new Promise<void>((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
  })

/** A reserved bit: no extension was agreed on. */
const reserved = 0x70

export class Commands {
  readonly #reading: Reading
  readonly #reader = new FrameReader()
  /** Bytes of the frame at hand. */
  #pieces: Buffer[] = []
  /** Frames of the message at hand, and what they say. */
  #frames: Buffer[] = []
  #payloads: Buffer[] = []
  #bytes = 0
  #opcode: number = opcodes.text
  #isOver = false

  constructor(reading: Reading) {
    const { client } = reading
    this.#reading = reading
    client.on('data', (chunk: Buffer) => {
      reading.onBytes()
      if (this.#isOver) return
      client.pause()
      this.#read(chunk).then(
        () => client.resume(),
        (error: unknown) => client.destroy(error as Error)
      )
    })
    client.resume()
  }

  /** Throws away what still comes; ends each system's side by this frame. */
  end(frameFor: () => Buffer) {
    if (this.#isOver) return
    this.#isOver = true
    for (const socket of this.#reading.systems.values()) if (socket.writable) socket.write(frameFor())
  }

  async #read(chunk: Buffer) {
    const reader = this.#reader
    for (let at = 0; at < chunk.length && !this.#isOver; ) {
      const end = reader.take(chunk, at)
      this.#pieces.push(chunk.subarray(at, end))
      at = end
      if (reader.hasHead && !this.#isAcceptable()) return
      if (!reader.isBetween) continue
      const frame = Buffer.concat(this.#pieces)
      this.#pieces = []
      if (isControl(reader.opcode)) await this.#passControl(frame)
      else await this.#takeFrame(frame)
    }
  }

  /** What a system may never see, since it would be read otherwise than here, ends the connection. */
  #isAcceptable(): boolean {
    const { first, isMasked, opcode, payloadLength, isFinal } = this.#reader
    const isWrong = !isMasked || (first & reserved) !== 0 || (opcode === opcodes.continuation) !== this.#isWithin
    if (isControl(opcode) ? !isMasked || payloadLength > controlBytes || !isFinal : isWrong) {
      this.#reading.refuse(closeCodes.protocolError, 'Protocol error')
    } else if (!isControl(opcode) && this.#bytes + payloadLength > this.#reading.messageBytes) {
      this.#reading.refuse(closeCodes.tooBig, 'Message too big')
    }
    return !this.#isOver
  }

  get #isWithin() {
    return this.#frames.length > 0
  }

  /** Pings and pongs are about connections, and a close is about all of them. */
  async #passControl(frame: Buffer) {
    if (this.#reader.opcode === opcodes.close) this.#reading.onClosing()
    await Promise.all([...this.#reading.systems.values()].map((socket) => this.#write(socket, frame)))
  }

  async #takeFrame(frame: Buffer) {
    const { opcode, isFinal, headLength, mask: key } = this.#reader
    if (!this.#isWithin) this.#opcode = opcode
    const payload = mask(Buffer.from(frame.subarray(headLength)), key)
    this.#frames.push(frame)
    this.#payloads.push(payload)
    this.#bytes += payload.length
    if (!isFinal) return
    const [frames, message] = [this.#frames, Buffer.concat(this.#payloads)]
    this.#frames = []
    this.#payloads = []
    this.#bytes = 0
    await this.#pass(Buffer.concat(frames), message, this.#opcode)
  }

  async #pass(frames: Buffer, message: Buffer, opcode: number) {
    const { route, systems, swaps } = this.#reading
    const to = await route(opcode === opcodes.text ? message.toString() : null)
    const socket = to === null ? undefined : systems.get(to)
    if (socket === undefined || this.#isOver) return
    const swapped = to === 'source' && swaps !== null ? swapBytes(message, swaps) : message
    // As it came, unless it holds what only the other system may know.
    await this.#write(socket, swapped === message ? frames : frameOf(opcode, swapped, randomBytes(4)))
  }

  async #write(socket: Duplex, bytes: Buffer) {
    if (socket.writable && !socket.write(bytes)) await drained(socket)
  }
}
