/**
 * XML as bytes: in which characters they are written, and where a place in the text stands in them.
 */
import { TextDecoder } from 'node:util'
import { readXml, UnreadableXml, type XmlDocument } from './xml.ts'

export interface XmlBytes extends XmlDocument {
  readonly text: string
  /** How many bytes this part of the text takes. */
  bytesOf(from: number, to: number): number
  /** Bytes before the text. */
  readonly offset: number
}

/** Charsets in which the characters of ASCII are its bytes, and each byte above them one character; or UTF-8. */
const readableCharset = /^(?:utf-?8|us-ascii|ascii|iso-8859-\d+|latin1|windows-125\d)$/i

const byteOrderMark = [0xef, 0xbb, 0xbf]

const charsetOf = (contentType: string | undefined) => /;\s*charset="?([^\s;"]+)/i.exec(contentType ?? '')?.[1] ?? null

/** As the XML declaration names it, before anything is decoded: it is written in ASCII. */
const declaredIn = (bytes: Buffer) =>
  /^\s*<\?xml\s[^>]*?\sencoding\s*=\s*["']([\w.-]+)["']/.exec(bytes.toString('latin1', 0, 200))?.[1] ?? null

/** Throws for a charset in which bytes and characters do not go together as above, and for one that nobody knows. */
function decoderFor(charset: string): TextDecoder {
  try {
    if (readableCharset.test(charset)) return new TextDecoder(charset, { fatal: true, ignoreBOM: true })
  } catch {
    // There are gaps among the numbers.
  }
  throw new UnreadableXml('its charset cannot be read')
}

/** By the charset on which all agree who name one; where no byte is above ASCII they cannot disagree. */
function decoderIn(bytes: Buffer, contentType: string | undefined, isMarked: boolean): TextDecoder {
  const named = [isMarked ? 'utf-8' : null, charsetOf(contentType), declaredIn(bytes.subarray(isMarked ? 3 : 0))]
  const [first = decoderFor('utf-8'), ...others] = named.flatMap((name) => (name === null ? [] : [decoderFor(name)]))
  const isPlain = () => bytes.every((byte, at) => byte < 0x80 || (isMarked && at < 3))
  if (others.some(({ encoding }) => encoding !== first.encoding) && !isPlain()) {
    throw new UnreadableXml('it names more than one charset')
  }
  return first
}

/** Reads XML out of its bytes; throws `UnreadableXml`. */
export function readXmlBytes(bytes: Buffer, contentType: string | undefined): XmlBytes {
  const isMarked = byteOrderMark.every((byte, at) => bytes[at] === byte)
  const decoder = decoderIn(bytes, contentType, isMarked)
  const offset = isMarked ? byteOrderMark.length : 0
  let text: string
  try {
    text = decoder.decode(bytes.subarray(offset))
  } catch {
    throw new UnreadableXml('it has bytes that its charset has not')
  }
  const isUtf8 = decoder.encoding === 'utf-8'
  return {
    ...readXml(text),
    text,
    offset,
    bytesOf: (from, to) => (isUtf8 ? Buffer.byteLength(text.slice(from, to)) : to - from)
  }
}
