/**
 * A screenshot with 256 colours: a fifth of the bytes, and nobody sees the difference. PNG as in RFC 2083, 8 bits, not
 * interlaced, which is what a browser writes.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

interface Picture {
  readonly width: number
  readonly height: number
  /** Red, green and blue of each pixel. */
  readonly pixels: Buffer
}

const paeth = (left: number, up: number, corner: number) => {
  const guess = left + up - corner
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

/** What a line's filter has taken away from a byte (section 6). */
const filters: readonly ((left: number, up: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_left, up) => up,
  (left, up) => (left + up) >> 1,
  paeth
]

function unfilter(raw: Buffer, stride: number, depth: number, height: number): Buffer {
  const lines = Buffer.alloc(stride * height)
  for (let y = 0; y < height; y += 1) {
    const from = y * (stride + 1)
    const filter = filters[raw[from] ?? 0] as (typeof filters)[number]
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x
      const left = x < depth ? 0 : (lines[at - depth] ?? 0)
      const up = y === 0 ? 0 : (lines[at - stride] ?? 0)
      const corner = x < depth || y === 0 ? 0 : (lines[at - stride - depth] ?? 0)
      lines[at] = (raw[from + 1 + x] ?? 0) + filter(left, up, corner)
    }
  }
  return lines
}

function decode(png: Buffer): Picture {
  const data: Buffer[] = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  }
  const [width, height, depth] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 6 ? 4 : 3]
  const lines = unfilter(inflateSync(Buffer.concat(data)), width * depth, depth, height)
  const pixels = Buffer.alloc(width * height * 3)
  for (let pixel = 0; pixel < width * height; pixel += 1)
    lines.copy(pixels, pixel * 3, pixel * depth, pixel * depth + 3)
  return { width, height, pixels }
}

interface Colour {
  readonly parts: readonly [number, number, number]
  count: number
}

/** Colours that agree in the upper six bits of each part are one. */
const keyOf = (pixels: Buffer, at: number) =>
  (((pixels[at] ?? 0) >> 2) << 12) | (((pixels[at + 1] ?? 0) >> 2) << 6) | ((pixels[at + 2] ?? 0) >> 2)

/** Boxes of colours are cut in half where they are longest, the most used first (median cut). */
function boxesOf(colours: readonly Colour[], most: number): Colour[][] {
  const boxes = [[...colours]]
  const spreadOf = (box: readonly Colour[]) =>
    [0, 1, 2].map((part) => {
      const values = box.map(({ parts }) => parts[part] ?? 0)
      return values.reduce((a, b) => Math.max(a, b), 0) - values.reduce((a, b) => Math.min(a, b), 255)
    })
  const weightOf = (box: readonly Colour[]) =>
    box.length < 2 ? 0 : Math.max(...spreadOf(box)) * Math.sqrt(box.reduce((sum, { count }) => sum + count, 0))
  const weights = boxes.map(weightOf)
  while (boxes.length < most) {
    const at = weights.indexOf(Math.max(...weights))
    const box = boxes[at] as Colour[]
    if (weights[at] === 0) break
    const spread = spreadOf(box)
    const part = spread.indexOf(Math.max(...spread))
    box.sort((a, b) => (a.parts[part] ?? 0) - (b.parts[part] ?? 0))
    const other = box.splice(Math.ceil(box.length / 2))
    weights[at] = weightOf(box)
    boxes.push(other)
    weights.push(weightOf(other))
  }
  return boxes
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const frame = Buffer.alloc(4)
  frame.writeUInt32BE(data.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([frame, body, sum])
}

export function withFewColours(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png)
  const colours = new Map<number, Colour>()
  for (let at = 0; at < pixels.length; at += 3) {
    const key = keyOf(pixels, at)
    const known = colours.get(key)
    if (known !== undefined) known.count += 1
    else colours.set(key, { parts: [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0], count: 1 })
  }
  const palette = Buffer.alloc(256 * 3)
  const indexOf = new Map<Colour, number>()
  for (const [index, box] of boxesOf([...colours.values()], 256).entries()) {
    // The one that is used most stands for its box: large planes keep their colour.
    const first = box.reduce((a, b) => (b.count > a.count ? b : a))
    palette.set(first.parts, index * 3)
    for (const colour of box) indexOf.set(colour, index)
  }
  const lines = Buffer.alloc((width + 1) * height)
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const colour = colours.get(keyOf(pixels, pixel * 3)) as Colour
    lines[pixel + Math.floor(pixel / width) + 1] = indexOf.get(colour) ?? 0
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8)
  const chunks = [
    chunk('IHDR', head),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0))
  ]
  return Buffer.concat([png.subarray(0, 8), ...chunks])
}
