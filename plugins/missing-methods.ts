/**
 * missing-methods
 * Adds  `app.methodsMissing`: which methods a system was asked for and does not have, by its own fault, counted by method
 *       and system. Answers go on as they are: of those with status 500 the first bytes are copied on their way.
 * Needs upstreams; metrics where it is on.
 * Off   nobody counts them; a merged list that a system does not have is refused by that system's own fault, whatever the
 *       client prefers.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Answer, lackingWords, lacksMethod, mayLackMethod } from '../core/answer.ts'
import { createListeners } from '../core/listeners.ts'
import { type MissingMethod, MissingMethods, missingNameOf } from '../core/missing-methods.ts'
import { type Static, Type } from '../core/schema.ts'
import type { Route, System } from '../core/words.ts'

export const MissingMethodsOptions = Type.Object(
  {
    words: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'Further last words of faultcodes that mean "there is no such method".'
    })
  },
  { additionalProperties: false }
)

/** Follows one answer on its way. */
export interface Watch {
  take(chunk: Buffer): void
  end(): void
}

type Head = Omit<Answer, 'body' | 'statusMessage'>

declare module 'fastify' {
  interface FastifyInstance {
    methodsMissing: {
      /** By method and system, the last one first. */
      list(): (MissingMethod & { readonly release: string })[]
      /** Calls a listener when the list has changed. What it throws is logged. Returns what ends it. */
      onChanged(listener: () => void): () => void
      /** Whether an answer says so. */
      isSaidBy(answer: Answer): boolean
      /** Counts the answer where it says so. */
      note(route: Route, system: System, answer: Pick<Answer, 'status' | 'headers' | 'body'>): void
      /** The same for an answer that streams; null for one that cannot say so. */
      watch(route: Route, system: System, head: Head): Watch | null
    }
  }
}

async function missingMethods(app: FastifyInstance, { words: further }: Static<typeof MissingMethodsOptions>) {
  const words = [...lackingWords, ...further]
  const missing = new MissingMethods()
  const listeners = createListeners<[]>((err) => app.log.error({ err }, 'a listener of missing methods failed'))

  function note(route: Route, system: System, answer: Pick<Answer, 'status' | 'headers' | 'body'>) {
    if (route.service === '' || !lacksMethod(answer, words)) return
    const call = missingNameOf(route)
    const isFirst = missing.note(call, system, Date.now())
    const { release } = app.systems[system]
    if (isFirst) app.log.warn({ call, system, release }, 'a system does not have a method that it was asked for')
    listeners.tell()
  }

  app.decorate('methodsMissing', {
    list: () => missing.list().map((row) => ({ ...row, release: app.systems[row.system].release })),
    onChanged: listeners.add,
    isSaidBy: (answer) => lacksMethod(answer, words),
    note,
    watch(route, system, { status, headers }) {
      const most = route.service === '' ? 0 : mayLackMethod(status)
      if (most === 0 || Number(headers['content-length'] ?? 0) > most) return null
      let chunks: Buffer[] = []
      let bytes = 0
      return {
        take(chunk) {
          bytes += chunk.length
          if (bytes <= most) chunks.push(chunk)
          else chunks = []
        },
        end() {
          if (bytes <= most) note(route, system, { status, headers, body: Buffer.concat(chunks) })
        }
      }
    }
  })

  if (!app.hasDecorator('metrics')) return
  const help = 'Calls of methods that a system does not have.'
  app.metrics.showCounter({ name: 'missing_methods_total', help, labels: ['system', 'method'] }, () =>
    missing.list().map(({ system, call, count }) => [[system, call], count] as const)
  )
}

export default fp(missingMethods, { name: 'missing-methods', fastify: '5.x', dependencies: ['upstreams'] })
