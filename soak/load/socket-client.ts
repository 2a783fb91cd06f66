/**
 * The client's side of a WebSocket: its handshake as a request like others, then its messages and its end.
 */
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { type Incoming, patienceMs } from './client.ts'

export interface Handshake {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly protocols: readonly string[]
}

export interface Heard {
  onMessage(text: string): void
  /** Of a connection that had opened. */
  onClose(code: number): void
}

export interface Opened {
  readonly incoming: Incoming
  /** Null where it did not open. */
  readonly socket: WebSocket | null
}

const codeOf = (error: Error) => `${(error as { code?: string }).code ?? ''} ${error.message}`

/** Messages may come at once behind the answer: who listens is known before it is sent. */
export function openSocket(origin: string, { path, headers, protocols }: Handshake, heard: Heard): Promise<Opened> {
  const startedAt = performance.now()
  const socket = new WebSocket(origin.replace('http', 'ws') + path, [...protocols], {
    headers,
    handshakeTimeout: patienceMs
  })
  let answer: IncomingMessage | null = null
  let hasOpened = false
  const ended = (more: Pick<Incoming, 'ending'> & Partial<Incoming>): Incoming => ({
    status: answer?.statusCode ?? null,
    headers: answer?.headers ?? {},
    text: '',
    ms: performance.now() - startedAt,
    error: '',
    ...more
  })
  socket.once('upgrade', (response) => {
    answer = response
  })
  socket.on('message', (data) => heard.onMessage(String(data)))
  socket.once('close', (code) => {
    if (hasOpened) heard.onClose(code)
  })
  return new Promise((resolve) => {
    socket.once('open', () => {
      hasOpened = true
      resolve({ incoming: ended({ ending: 'answered' }), socket })
    })
    socket.once('unexpected-response', (_request, response) => {
      answer = response
      text(response)
        .then((body) => ended({ ending: 'answered', text: body }))
        .catch((error: Error) => ended({ ending: 'cut off', error: codeOf(error) }))
        .then((incoming) => {
          resolve({ incoming, socket: null })
          socket.terminate()
        })
    })
    // Behind the opening, 'close' tells of it too.
    socket.on('error', (error) => {
      if (answer === null) resolve({ incoming: ended({ ending: 'no answer', error: codeOf(error) }), socket: null })
    })
  })
}
