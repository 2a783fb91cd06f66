/**
 * Reads XML as far as SOAP may use it (SOAP 1.1 section 3: no DTD, no processing instructions): elements, their texts and
 * where these stand. No entities but XML's own five; depth, elements and attributes are bounded, so that nothing costs
 * more than its bytes. What the parser says of a mistake is not passed on: it quotes the client.
 */
import { SaxesParser } from 'saxes'

export interface Element {
  /** Without its prefix: what that stands for is anybody's choice. */
  readonly name: string
  readonly attributes: readonly (readonly [name: string, value: string])[]
  readonly children: readonly Element[]
  /** The text directly inside, of all pieces, CDATA sections and references included. */
  readonly text: string
  /** Where its content begins and ends, in UTF-16 units. */
  readonly start: number
  readonly end: number
}

export interface XmlDocument {
  readonly root: Element
  readonly comments: readonly string[]
}

/** Why a text is not read; a sentence of ours. */
export class UnreadableXml extends Error {
  override readonly name = 'UnreadableXml'
}

const refuse = (why: string): never => {
  throw new UnreadableXml(why)
}

/** An envelope has some ten levels. */
const depthLimit = 64
/** Of everything together, attributes and comments too: a write with a thousand records has fewer. */
const nodeLimit = 20_000

interface Open {
  readonly name: string
  readonly attributes: [name: string, value: string][]
  readonly children: Element[]
  text: string
  start: number
}

export const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

const isSpace = (code: number) => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d

/** A part of a text without the space around it, which is less of it than JavaScript's: where it begins and ends. */
export function withoutSpace(text: string, from = 0, to = text.length): readonly [start: number, end: number] {
  let [start, end] = [from, to]
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return [start, end]
}

export const trimmed = (text: string): string => text.slice(...withoutSpace(text))

/** Throws `UnreadableXml`. */
export function readXml(text: string): XmlDocument {
  const parser = new SaxesParser({ xmlns: false, position: false })
  const comments: string[] = []
  const path: Open[] = [{ name: '', attributes: [], children: [], text: '', start: 0 }]
  let nodes = 0
  const count = () => ++nodes > nodeLimit && refuse('the XML has too many parts')
  const innermost = () => path.at(-1) as Open

  parser.on('error', () => refuse('it is not well-formed XML'))
  parser.on('doctype', () => refuse('a document type is not allowed'))
  parser.on('processinginstruction', () => refuse('a processing instruction is not allowed'))
  parser.on('xmldecl', ({ version }) => {
    // In 1.1 other characters end a line, and more of them are characters at all.
    if (version !== '1.0') refuse('it is not XML 1.0')
  })
  parser.on('comment', (comment) => {
    count()
    comments.push(comment)
  })
  parser.on('opentagstart', ({ name }) => {
    count()
    if (path.length > depthLimit) refuse('the XML is too deep')
    path.push({ name: localName(name), attributes: [], children: [], text: '', start: 0 })
  })
  parser.on('attribute', ({ name, value }) => {
    count()
    innermost().attributes.push([name, value])
  })
  parser.on('opentag', () => {
    innermost().start = parser.position
  })
  const addText = (more: string) => {
    innermost().text += more
  }
  parser.on('text', addText)
  parser.on('cdata', (more) => {
    count()
    addText(more)
  })
  parser.on('closetag', ({ isSelfClosing }) => {
    const closed = path.pop() as Open
    // A closing tag has no other "</" in it.
    const end = isSelfClosing ? closed.start : text.lastIndexOf('</', parser.position - 1)
    innermost().children.push({ ...closed, end })
  })
  parser.write(text).close()
  const [root] = innermost().children
  return { root: root ?? refuse('it has no element'), comments }
}
