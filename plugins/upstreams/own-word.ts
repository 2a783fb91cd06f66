/**
 * Whether a system itself speaks in an answer: 502, 503 and 504 are somebody else's, unless they carry its faultcode
 * (contract section 7).
 */
import { type Answer, faultcodeOf, isUnavailable } from '../../core/answer.ts'

/** Largest answer that is read for a faultcode, bytes. */
const faultBytes = 8192

export class OwnWord {
  readonly #head: Omit<Answer, 'body'>
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(head: Omit<Answer, 'body'>) {
    this.#head = head
  }

  /** Takes the next bytes of the answer's body. */
  add(chunk: Buffer) {
    this.#bytes += chunk.length
    if (this.#bytes <= faultBytes) this.#chunks.push(chunk)
  }

  /** Once the answer is whole. */
  isSpoken(): boolean {
    if (!isUnavailable(this.#head.status)) return true
    return this.#bytes <= faultBytes && faultcodeOf({ ...this.#head, body: Buffer.concat(this.#chunks) }) !== null
  }
}
