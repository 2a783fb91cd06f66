/**
 * How a request goes to a system, and what may become of its answer: the words of those who have it forwarded.
 */
import type { Answer } from '../../core/answer.ts'
import type { Swap } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import type { Head } from './head.ts'

/** How a request goes to a system. */
export interface Way {
  readonly to: System
  /** A cookie of the gateway's own for the answer. */
  readonly setCookie: string | null
  /** The client's credentials and what the system calls them; null where it holds the system's own. */
  readonly swaps: readonly Swap[] | null
}

/** Looks at an answer before the client gets it. */
export interface Review {
  /** Most bytes of an answer with this head that are held back to be judged; 0 lets it pass. */
  holds(head: Head): number
  /** Another way to send the request once more, instead of this answer; null relays it. */
  judge(answer: Answer): Promise<Way | null>
}

export interface Forwarding extends Way {
  /** Null when no answer is to be questioned. */
  readonly review: Review | null
  /** Another way for a request to which the system gives no answer; it is used once. */
  readonly otherwise?: () => Way
  /** A further cookie of the gateway's own, by what the answer does with the client's session. */
  readonly cookieFor?: ((head: Head) => string | null) | undefined
}
