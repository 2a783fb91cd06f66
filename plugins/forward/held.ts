/**
 * An answer that is held back until it is judged, or is more than can be.
 */
import type { Answer } from '../../core/answer.ts'
import type { Head } from './head.ts'

export class Held {
  readonly head: Head
  readonly chunks: Buffer[] = []
  readonly #most: number
  #bytes = 0

  /** `most`: bytes that can be judged. */
  constructor(head: Head, most: number) {
    this.head = head
    this.#most = most
  }

  /** Whether there are no more than can be judged. */
  keep(chunk: Buffer): boolean {
    this.chunks.push(chunk)
    this.#bytes += chunk.length
    return this.#bytes <= this.#most
  }

  get answer(): Answer {
    return { ...this.head, body: Buffer.concat(this.chunks) }
  }
}
