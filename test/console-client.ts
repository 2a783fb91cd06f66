/**
 * A console that listens, as tests need it: what it was told of each kind, and what comes next.
 */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'

/** A point comes every ten seconds. */
const patienceMs = 15_000

// biome-ignore lint/suspicious/noExplicitAny: what each kind holds is what the tests look at
type Data = any

export interface ConsoleClient {
  readonly response: IncomingMessage
  /** Everything that came, as it came. */
  readonly text: () => string
  /** The kinds in the order in which they came. */
  readonly kinds: readonly string[]
  /** The last of a kind, once there is one for which it holds; looks again at each that comes. */
  told(kind: string, holds?: (data: Data) => boolean): Promise<Data>
  /** The next of a kind. */
  next(kind: string): Promise<Data>
  readonly ended: Promise<void>
  close(): void
}

export async function listenTo(
  t: Pick<TestContext, 'after'>,
  opsUrl: string,
  headers: Record<string, string> = {}
): Promise<ConsoleClient> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = http.get(`${opsUrl}/console/events`, { agent: false, headers }, resolve).on('error', reject)
  t.after(() => request.destroy())
  const response = await promise
  const last = new Map<string, Data>()
  const kinds: string[] = []
  const came = new EventEmitter().setMaxListeners(0)
  let text = ''
  let rest = ''
  response.setEncoding('utf8')
  response.on('error', () => {})
  response.on('data', (chunk: string) => {
    text += chunk
    rest += chunk
    if (!chunk.includes('\n\n')) return
    const whole = rest.split('\n\n')
    rest = whole.pop() ?? ''
    for (const one of whole) {
      const [, kind = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(one) ?? []
      if (kind === '') continue
      kinds.push(kind)
      last.set(kind, JSON.parse(data))
      came.emit(kind)
    }
  })
  // Not `once`: one that was cut off is an end too.
  const ended = new Promise<void>((resolve) => {
    response.on('close', resolve)
  })

  async function next(kind: string) {
    const signal = AbortSignal.timeout(patienceMs)
    const late = () => assert.fail(`not told of ${kind} in time; the last: ${JSON.stringify(last.get(kind))}`)
    const gone = ended.then(() => assert.fail(`the stream ended before ${kind}`))
    await Promise.race([once(came, kind, { signal }).catch(late), gone])
    return last.get(kind)
  }
  return {
    response,
    text: () => text,
    kinds,
    next,
    async told(kind, holds = () => true) {
      for (let data = last.get(kind); ; data = await next(kind)) if (data !== undefined && holds(data)) return data
    },
    ended,
    close: () => request.destroy()
  }
}
