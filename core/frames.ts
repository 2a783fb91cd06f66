/**
 * WebSocket frames (RFC 6455 section 5.2): where they end in a stream of bytes whose frames pass unchanged, and the few
 * that the gateway makes itself.
 */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Close codes (RFC 6455 section 7.4.1, and its registry). */
export const closeCodes = {
  goingAway: 1001,
  protocolError: 1002,
  tooBig: 1009,
  serviceRestart: 1012
} as const

/** A control frame's payload has at most so many bytes (RFC 6455 section 5.5). */
export const controlBytes = 125

export const isControl = (opcode: number): boolean => opcode >= opcodes.close

const maskBytes = 4

/** Where the fields of a head end that has `second` as its second byte. */
function headLengthOf(second: number): number {
  const length = second & 0x7f
  const extended = length === 126 ? 2 : length === 127 ? 8 : 0
  return 2 + extended + (second >= 0x80 ? maskBytes : 0)
}

/**
 * Follows a stream from frame to frame, whatever pieces it comes in. It copies nothing and judges nothing: what is wrong
 * with a frame is for the one who gets it to say.
 */
export class FrameReader {
  /** The head of the frame that is at hand: two bytes, a longer length, a mask. */
  readonly #head = Buffer.alloc(14)
  #headLength = 0
  #wanted = 2
  #left = 0
  #isWhole = true
  #isWithin = false

  /** Of the frame at hand, or the last one, once its head has passed. */
  get first(): number {
    return this.#head[0] as number
  }

  get opcode(): number {
    return this.first & 0x0f
  }

  get isFinal(): boolean {
    return this.first >= 0x80
  }

  get isMasked(): boolean {
    return (this.#head[1] as number) >= 0x80
  }

  /** The head has passed, and the payload is what comes. */
  get hasHead(): boolean {
    return this.#headLength === this.#wanted && this.#headLength > 1
  }

  get headLength(): number {
    return this.#headLength
  }

  /** What the payload is masked with; a copy. */
  get mask(): Buffer {
    return Buffer.from(this.#head.subarray(this.#wanted - maskBytes, this.#wanted))
  }

  get payloadLength(): number {
    const length = (this.#head[1] as number) & 0x7f
    if (length === 126) return this.#head.readUInt16BE(2)
    // Beyond what a number holds exactly no stream of ours ever gets.
    return length === 127 ? this.#head.readUInt32BE(2) * 2 ** 32 + this.#head.readUInt32BE(6) : length
  }

  /** Nothing of a next frame has come: here another one may begin. */
  get isBetween(): boolean {
    return this.#isWhole
  }

  /** A message has begun whose last frame has not ended: only control frames may come between. */
  get isWithin(): boolean {
    return this.#isWithin
  }

  /** Takes what of `chunk` from `at` on belongs to one frame; returns where that ends: `isBetween` tells whether it is whole. */
  take(chunk: Buffer, at: number): number {
    if (this.#isWhole) this.#begin()
    let position = at
    while (this.#headLength < this.#wanted) {
      if (position === chunk.length) return position
      this.#head[this.#headLength++] = chunk[position++] as number
      if (this.#headLength === 2) this.#wanted = headLengthOf(this.#head[1] as number)
      if (this.#headLength === this.#wanted) this.#left = this.payloadLength
    }
    const taken = Math.min(this.#left, chunk.length - position)
    this.#left -= taken
    if (this.#left === 0) this.#end()
    return position + taken
  }

  #begin() {
    this.#isWhole = false
    this.#headLength = 0
    this.#wanted = 2
  }

  #end() {
    this.#isWhole = true
    if (!isControl(this.opcode)) this.#isWithin = !this.isFinal
  }
}

/** Masks, or unmasks, in place; `offset` is how much of the frame's payload came before (RFC 6455 section 5.3). */
export function mask(bytes: Buffer, key: Buffer, offset = 0): Buffer {
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (bytes[at] as number) ^ (key[(at + offset) & 3] as number)
  }
  return bytes
}

/** A whole frame; a client's has a mask of four bytes, a server's none. */
export function frameOf(opcode: number, payload: Buffer, key: Buffer | null): Buffer {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extended)
  head[0] = 0x80 | opcode
  head[1] = (key === null ? 0 : 0x80) | (extended === 0 ? length : extended === 2 ? 126 : 127)
  if (extended === 2) head.writeUInt16BE(length, 2)
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2)
  return key === null ? Buffer.concat([head, payload]) : Buffer.concat([head, key, mask(Buffer.from(payload), key)])
}

/** The payload of a close frame (RFC 6455 section 5.5.1); the reason is a word of ours, and short. */
export function closePayload(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code, 0)
  payload.write(reason, 2)
  return payload
}
