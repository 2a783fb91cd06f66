/**
 * Answers that go on for as long as a page is open, by session: they end with it. A page that only listens asks for nothing
 * more, so that nobody would look again.
 */
import type { ServerResponse } from 'node:http'

export function createStreams() {
  const open = new Map<string, Set<ServerResponse>>()
  return {
    note(id: string, answer: ServerResponse) {
      const answers = open.get(id) ?? new Set()
      open.set(id, answers.add(answer))
      answer.once('close', () => {
        answers.delete(answer)
        if (answers.size === 0 && open.get(id) === answers) open.delete(id)
      })
    },
    ids: (): Iterable<string> => open.keys(),
    /** An answer that has not begun yet is let finish: what was asked for was done. */
    end(id: string) {
      for (const answer of open.get(id) ?? []) if (answer.headersSent) answer.destroy()
    }
  }
}

export type Streams = ReturnType<typeof createStreams>
