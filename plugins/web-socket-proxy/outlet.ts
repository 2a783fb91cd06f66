/**
 * One side of a WebSocket as it is written: frames of one stream or of two, unchanged, and never one message within
 * another. What it cannot take waits where it comes from.
 */
import type { Duplex } from 'node:stream'
import { FrameReader, opcodes } from '../../core/frames.ts'

interface Stream {
  readonly socket: Duplex
  readonly reader: FrameReader
  /** What has come while another stream had the outlet. */
  parked: Buffer | null
}

/** No frame of it is at hand, and none of its messages: another stream may have the outlet. */
const isAtRest = ({ reader }: Stream) => reader.isBetween && !reader.isWithin

export interface Heard {
  /** Bytes have come. */
  onBytes(): void
  /** A close frame of this connection passes. */
  onClosing(from: Duplex): void
}

export class Outlet {
  readonly #to: Duplex
  readonly #heard: Heard
  readonly #streams: Stream[] = []
  /** Whose message is at hand. */
  #holder: Stream | null = null
  /** Frames of the gateway's own that wait for the end of a message. */
  #inserts: Buffer[] = []
  /** The frame that ends everything, as soon as none is at hand. */
  #last: Buffer | null = null
  #isOver = false
  #isFull = false

  constructor(to: Duplex, heard: Heard) {
    this.#to = to
    this.#heard = heard
    to.on('drain', () => this.#resume())
  }

  /** Everything that comes from this connection goes out here. */
  join(socket: Duplex) {
    const stream: Stream = { socket, reader: new FrameReader(), parked: null }
    this.#streams.push(stream)
    socket.on('data', (chunk: Buffer) => this.#take(stream, chunk)).resume()
  }

  /** A whole frame of the gateway's own, between the messages. */
  insert(frame: Buffer) {
    if (this.#isOver) return
    if (this.#holder === null) this.#write(frame)
    else this.#inserts.push(frame)
  }

  /** Ends it by this frame, between two others; what comes behind is thrown away. */
  end(frame: Buffer) {
    if (this.#isOver || this.#last !== null) return
    this.#last = frame
    if (this.#holder === null || this.#holder.reader.isBetween) this.#finish()
  }

  /** Whether its last frame waits for the end of one that is not from this connection, and so will come. */
  waitsBehindOtherThan(socket: Duplex | undefined): boolean {
    return this.#last !== null && !this.#isOver && this.#holder?.socket !== socket
  }

  #take(stream: Stream, chunk: Buffer) {
    this.#heard.onBytes()
    if (this.#isOver) return
    if (this.#holder === null || this.#holder === stream) this.#pass(stream, chunk)
    else {
      stream.parked = chunk
      stream.socket.pause()
    }
  }

  #pass(stream: Stream, chunk: Buffer) {
    const { reader } = stream
    this.#holder = stream
    for (let at = 0; at < chunk.length; ) {
      at = reader.take(chunk, at)
      if (!reader.isBetween) continue
      if (this.#last !== null) {
        this.#write(chunk.subarray(0, at))
        this.#finish()
        return
      }
      if (reader.opcode === opcodes.close) this.#heard.onClosing(stream.socket)
    }
    this.#write(chunk)
    if (isAtRest(stream)) this.#release()
  }

  #release() {
    this.#holder = null
    for (const frame of this.#inserts.splice(0)) this.#write(frame)
    const next = this.#streams.find(({ parked }) => parked !== null)
    if (next === undefined || next.parked === null) return
    const { parked } = next
    next.parked = null
    this.#pass(next, parked)
    if (!this.#isFull && next.parked === null) next.socket.resume()
  }

  #write(bytes: Buffer) {
    // It may have ended its half, and the other side still talks.
    if (!this.#to.writable || this.#to.write(bytes) || this.#isFull) return
    this.#isFull = true
    for (const { socket } of this.#streams) socket.pause()
  }

  #resume() {
    this.#isFull = false
    for (const { socket, parked } of this.#streams) if (parked === null) socket.resume()
  }

  #finish() {
    if (this.#last !== null) this.#write(this.#last)
    this.#isOver = true
    this.#inserts = []
    // What still comes is read, so that its end is noticed.
    for (const stream of this.#streams) {
      stream.parked = null
      stream.socket.resume()
    }
  }
}
