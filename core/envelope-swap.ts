/**
 * Puts a system's own credentials where a client wrote those of the other system in a SOAP envelope (contract section 7):
 * in the texts that the reader has found, by their bytes. Every other byte stays. A credential that stands where no text
 * can be exchanged must not reach the system that did not issue it.
 */
import { readEnvelopeXml } from './envelope.ts'
import { Fault } from './faults.ts'
import { createTextSwap, type Swap, swapBytes } from './swap.ts'
import { type Element, trimmed, withoutSpace } from './xml.ts'
import type { XmlBytes } from './xml-bytes.ts'

/** As references wherever a charset or a parser could see another character. */
const written = (text: string) =>
  text.replace(/[^\t\n\x20-\x7e]|[<>&]/gu, (character) => `&#${character.codePointAt(0)};`)

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

const refuseHidden = () =>
  new Fault('malformed_request', 'in this session a credential must be the text of an element of its own')

/** The texts to be exchanged, in their order. */
function editsIn(root: Element, source: string, swap: (text: string) => string): Edit[] {
  const edits: Edit[] = []
  const isHidden = (text: string) => swap(text) !== text
  function visit({ attributes, children, text, start, end }: Element) {
    if (attributes.some(([, value]) => isHidden(value))) throw refuseHidden()
    if (children.length > 0) {
      if (isHidden(text)) throw refuseHidden()
      for (const child of children) visit(child)
      return
    }
    const swapped = swap(text)
    if (swapped === text) return
    // The space around it is the client's own.
    const [from, to] = withoutSpace(source, start, end)
    edits.push({ start: from, end: to, text: written(trimmed(swapped)) })
  }
  visit(root)
  return edits
}

/** The envelope with its credentials swapped; the same Buffer when there are none. Throws `malformed_request`. */
export function swapEnvelope(body: Buffer, contentType: string | undefined, swaps: readonly Swap[]): Buffer {
  const swap = createTextSwap(swaps)
  const { root, comments, text, offset, bytesOf } = readEnvelopeXml(body, contentType)
  if (comments.some((comment) => swap(comment) !== comment)) throw refuseHidden()
  const done = withEdits(body, editsIn(root, text, swap), { offset, bytesOf })
  // Whatever else a client has made of it, the name of an element say.
  if (swapBytes(done, swaps) !== done) throw refuseHidden()
  return done
}

function withEdits(body: Buffer, edits: readonly Edit[], { offset, bytesOf }: Pick<XmlBytes, 'offset' | 'bytesOf'>) {
  if (edits.length === 0) return body
  const parts: Buffer[] = []
  let [at, copied] = [0, 0]
  let place = offset
  for (const edit of edits) {
    const from = place + bytesOf(at, edit.start)
    place = from + bytesOf(edit.start, edit.end)
    parts.push(body.subarray(copied, from), Buffer.from(edit.text))
    at = edit.end
    copied = place
  }
  return Buffer.concat([...parts, body.subarray(copied)])
}
