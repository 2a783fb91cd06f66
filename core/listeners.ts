/**
 * Who wants to hear of something: listeners that come and go, none of which can break the one who tells.
 */
export type Listener<Args extends readonly unknown[]> = (...told: Args) => void

export function createListeners<Args extends readonly unknown[]>(onError: (error: unknown) => void) {
  const listeners = new Set<Listener<Args>>()
  return {
    /** Returns what ends it. One listener may be given twice: each time has its own end. */
    add(listener: Listener<Args>): () => void {
      const own: Listener<Args> = (...told) => listener(...told)
      listeners.add(own)
      return function stopListening() {
        listeners.delete(own)
      }
    },

    tell(...told: Args): void {
      for (const listener of [...listeners]) {
        try {
          listener(...told)
        } catch (error) {
          onError(error)
        }
      }
    },

    get size(): number {
      return listeners.size
    }
  }
}
