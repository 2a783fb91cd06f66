/** WebSocket frames in streams of bytes: where they end, whatever pieces they come in, and the gateway's own. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import * as ws from 'ws'
import { closePayload, FrameReader, frameOf, mask, opcodes } from '../../core/frames.ts'

interface Made {
  readonly opcode: number
  readonly isFinal: boolean
  readonly payload: Buffer
  readonly key: Buffer | null
}

function bytesOf({ opcode, isFinal, payload, key }: Made): Buffer {
  const whole = frameOf(opcode, payload, key)
  if (!isFinal) whole[0] = opcode
  return whole
}

// ws exports it, and its types leave it out.
const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } }

/** Sizes at which the form of the length changes, and those beside them. */
const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]

const made = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
  isFinal: fc.boolean(),
  payload: fc.constantFrom(...sizes).map((size) => Buffer.alloc(size, size % 251)),
  key: fc.option(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((key) => Buffer.from(key)),
    { nil: null }
  )
})

/** The stream in pieces that end at these shares of it. */
function piecesOf(stream: Buffer, shares: readonly number[]): Buffer[] {
  const cuts = [0, ...shares.map((share) => Math.floor(share * stream.length)), stream.length].toSorted((a, b) => a - b)
  return cuts.slice(1).map((cut, at) => stream.subarray(cuts[at], cut))
}

suite('a stream of frames', () => {
  test('is followed from frame to frame, whatever pieces it comes in', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.array(made, { maxLength: 6 }), fc.array(share, { maxLength: 12 }), (frames, shares) => {
        const reader = new FrameReader()
        const ends: number[] = []
        let passed = 0
        for (const piece of piecesOf(Buffer.concat(frames.map(bytesOf)), shares)) {
          for (let at = 0; at < piece.length; ) {
            const end = reader.take(piece, at)
            assert.ok(end > at, 'each step takes something')
            passed += end - at
            at = end
            if (!reader.isBetween) continue
            const frame = frames[ends.length]
            assert.deepEqual(
              [reader.opcode, reader.isFinal, reader.isMasked, reader.payloadLength],
              [frame?.opcode, frame?.isFinal, frame?.key !== null, frame?.payload.length]
            )
            if (frame?.key) assert.deepEqual(reader.mask, frame.key)
            ends.push(passed)
          }
        }
        let sum = 0
        assert.deepEqual(
          ends,
          frames.map((frame) => (sum += bytesOf(frame).length))
        )
      })
    )
  })

  test('byte by byte', () => {
    const reader = new FrameReader()
    const key = Buffer.from([1, 2, 3, 4])
    const stream = Buffer.concat([frameOf(1, Buffer.alloc(300), key), frameOf(8, closePayload(1001, 'x'), null)])
    const ends: number[] = []
    for (let at = 0; at < stream.length; at++) {
      assert.equal(reader.take(stream.subarray(at, at + 1), 0), 1)
      if (reader.isBetween) ends.push(at + 1)
    }
    assert.deepEqual(ends, [308, 313])
  })

  test('is within a message from its first frame to its last, whatever control frames come between', () => {
    const reader = new FrameReader()
    const steps: [opcode: number, isFinal: boolean, isWithin: boolean][] = [
      [opcodes.text, true, false],
      [opcodes.text, false, true],
      [opcodes.ping, true, true],
      [opcodes.continuation, false, true],
      [opcodes.pong, true, true],
      [opcodes.continuation, true, false]
    ]
    for (const [opcode, isFinal, isWithin] of steps) {
      const frame = bytesOf({ opcode, isFinal, payload: Buffer.from('abc'), key: null })
      reader.take(frame, 0)
      assert.equal(reader.isWithin, isWithin, `${opcode}`)
    }
  })

  test('of a length that nobody sends is one frame without an end', () => {
    const reader = new FrameReader()
    const head = Buffer.from([0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    assert.equal(reader.take(Buffer.concat([head, Buffer.alloc(1000)]), 0), 1010)
    assert.equal(reader.isBetween, false)
  })
})

suite("the gateway's own frames", () => {
  for (const size of sizes) {
    for (const isMasked of [false, true]) {
      test(`of ${size} bytes${isMasked ? ', masked' : ''}, are as ws makes them`, () => {
        const payload = Buffer.alloc(size, 7)
        const key = Buffer.from([9, 8, 7, 6])
        // ws masks what it is given in place.
        const options = {
          fin: true,
          rsv1: false,
          opcode: 2,
          mask: isMasked,
          maskBuffer: Buffer.alloc(4),
          readOnly: true
        }
        const generated = { ...options, generateMask: (into: Buffer) => key.copy(into) }
        const expected = Buffer.concat(Sender.frame(Buffer.from(payload), generated))
        assert.deepEqual(frameOf(opcodes.binary, payload, isMasked ? key : null), expected)
        assert.deepEqual(payload, Buffer.alloc(size, 7), 'what is framed is left as it is')
      })
    }
  }

  test('unmasked in pieces, a payload is what it was', () => {
    const key = Buffer.from([1, 2, 3, 4])
    const payload = Buffer.from('a payload of some length')
    const masked = mask(Buffer.from(payload), key)
    const pieces = [masked.subarray(0, 7), masked.subarray(7)]
    assert.deepEqual(
      Buffer.concat([mask(Buffer.from(pieces[0] ?? ''), key), mask(Buffer.from(pieces[1] ?? ''), key, 7)]),
      payload
    )
  })
})
