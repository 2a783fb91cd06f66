/**
 * A command in this process, as tests need it: what it writes, and how it ends.
 */
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { runCommand } from '../../cli/index.ts'

interface Given {
  readonly env?: Readonly<Record<string, string>>
  /** What stands at the input; a person sits there without. */
  readonly input?: string
  readonly isTTY?: boolean
  readonly signal?: AbortSignal
}

export async function command(args: readonly string[], { env = {}, input, isTTY = false, signal }: Given = {}) {
  const text = { out: '', err: '' }
  const outputTo = (name: 'out' | 'err') => ({
    isTTY,
    write(more: string) {
      text[name] += more
    }
  })
  const [name = '', ...rest] = args
  const code = await runCommand(name, rest, {
    env,
    out: outputTo('out'),
    err: outputTo('err'),
    isTyped: input === undefined,
    readInput: async () => input ?? '',
    signal: signal ?? new AbortController().signal
  })
  return { code, ...text }
}

export interface Heard {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: unknown
}

/** An ops listener that answers what a test wants, one answer after the other; the last one goes on. */
export async function startOps(
  t: Pick<TestContext, 'after'>,
  answers: readonly (readonly [status: number, body: unknown, headers?: Record<string, string>])[]
) {
  const heard: Heard[] = []
  async function answer(request: IncomingMessage, response: ServerResponse) {
    let text = ''
    for await (const chunk of request) text += chunk
    const { url = '', headers } = request
    heard.push({ path: url, authorization: headers.authorization, body: text === '' ? null : JSON.parse(text) })
    const [status, body, more = {}] = answers[heard.length - 1] ?? answers.at(-1) ?? [500, {}]
    // Zero: an ops that breaks off.
    if (status === 0) request.socket.destroy()
    else response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body))
  }
  const server = http.createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard }
}
