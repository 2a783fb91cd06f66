/**
 * Events on their way to one reader: an async iterator with a bound, whose end is immediate. An async generator's is not:
 * its `return()` waits until the event has come for which it waits.
 */

interface Setting<Event, Told> {
  /** Events that may wait. One that waits already takes no second place. */
  readonly atMost: number
  /** What the reader gets of an event; asked when it is read. */
  readonly tell: (event: Event) => Told
  /** Called once, when nobody reads any more. */
  readonly onEnd: () => void
}

export interface Feed<Event, Told> extends AsyncIterableIterator<Told, undefined> {
  /** Whether there was room for the event. */
  push(event: Event): boolean
  return(): Promise<IteratorReturnResult<undefined>>
}

const over: IteratorReturnResult<undefined> = { value: undefined, done: true }

export function createFeed<Event, Told>({ atMost, tell, onEnd }: Setting<Event, Told>): Feed<Event, Told> {
  const events = new Set<Event>()
  const readers: ((result: IteratorResult<Told, undefined>) => void)[] = []
  let isOver = false

  function end() {
    if (isOver) return
    isOver = true
    events.clear()
    for (const read of readers.splice(0)) read(over)
    onEnd()
  }

  return {
    push(event) {
      const read = isOver ? undefined : readers.shift()
      if (read !== undefined) read({ value: tell(event), done: false })
      else if (!isOver && events.size >= atMost && !events.has(event)) return false
      else if (!isOver) events.add(event)
      return true
    },
    async next() {
      for (const event of events) {
        events.delete(event)
        return { value: tell(event), done: false }
      }
      return isOver ? over : new Promise((resolve) => readers.push(resolve))
    },
    async return() {
      end()
      return over
    },
    async throw(error) {
      end()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
