/**
 * What processes tell each other through Redis, as compact JSON: who, their count of messages, and what. The count shows
 * a listener that it has missed something, whatever the reason: at a sender's next beat, at the latest.
 */
import { randomUUID } from 'node:crypto'

export type Message = Beat | Changed | Cleared | Told

interface Beat {
  readonly kind: 'beat'
}
interface Changed {
  readonly kind: 'changed'
  readonly purpose: string
  readonly keys: readonly string[]
}
interface Cleared {
  readonly kind: 'cleared'
  readonly purpose: string
  readonly generation: number
}
interface Told {
  readonly kind: 'told'
  readonly purpose: string
  readonly text: string
}

export interface Heard {
  readonly message: Message
  readonly isOwn: boolean
  /** At least one message of the same sender has not come. */
  readonly hasGap: boolean
}

/** Senders that have not been heard for so long are forgotten. */
const silentMs = 60_000

const isText = (value: unknown): value is string => typeof value === 'string'

function messageOf([purpose, what]: readonly unknown[]): Message | null {
  if (purpose === undefined) return { kind: 'beat' }
  if (!isText(purpose)) return null
  if (isText(what)) return { kind: 'told', purpose, text: what }
  if (typeof what === 'number') return { kind: 'cleared', purpose, generation: what }
  return Array.isArray(what) && what.every(isText) ? { kind: 'changed', purpose, keys: what } : null
}

function contentOf(message: Message): unknown[] {
  switch (message.kind) {
    case 'beat':
      return []
    case 'changed':
      return [message.purpose, message.keys]
    case 'cleared':
      return [message.purpose, message.generation]
    case 'told':
      return [message.purpose, message.text]
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export function createMessages() {
  const origin = randomUUID()
  const senders = new Map<string, { count: number; at: number }>()
  let sent = 0

  function isNext(sender: string, count: number): boolean {
    const known = senders.get(sender)
    senders.set(sender, { count, at: Date.now() })
    return known === undefined || count === known.count + 1
  }

  return {
    /** To be sent in the order of these calls. */
    write: (message: Message): string => JSON.stringify([origin, ++sent, ...contentOf(message)]),
    /** Null for what no process of this release has written. */
    read(text: string): Heard | null {
      const parts = parsed(text)
      if (!Array.isArray(parts)) return null
      const [sender, count, ...content] = parts as unknown[]
      if (!isText(sender) || typeof count !== 'number') return null
      const message = messageOf(content)
      const isOwn = sender === origin
      const hasGap = !isNext(sender, count) && !isOwn
      return message === null ? null : { message, isOwn, hasGap }
    },
    forgetSilent() {
      for (const [sender, { at }] of senders) if (Date.now() - at > silentMs) senders.delete(sender)
    },
    /** After a break: whatever comes first is in order. */
    forgetAll: () => senders.clear()
  }
}
