/**
 * A WebSocket's client, ended with its test, that misses no message.
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { type ClientOptions, WebSocket } from 'ws'

export const callControl = '/callcontrol/ws'
export const portal = '/portal/ws'

export interface SocketOptions extends ClientOptions {
  path?: string
  protocols?: string[]
}

export interface Message {
  data: Buffer
  isBinary: boolean
}

export interface SocketClient {
  readonly socket: WebSocket
  /** The headers with which it was accepted. */
  readonly headers: IncomingMessage['headers']
  /** The next message that has not been read yet. */
  next(): Promise<Message>
  /** The same as JSON. */
  nextJson(): Promise<Record<string, unknown>>
  /** Sends a command and gives what comes next. */
  command(command: string, params?: object, id?: unknown): Promise<Record<string, unknown>>
  /** Close code and reason, once it has ended. */
  readonly ended: Promise<{ code: number; reason: string }>
}

export interface Refusal {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

/** Begins a handshake at an origin of `http:` or `https:`, and waits for nothing. */
export function begin(t: Pick<TestContext, 'after'>, origin: string, options: SocketOptions = {}): WebSocket {
  const { path = callControl, protocols = [], ...rest } = options
  const socket = new WebSocket(origin.replace('http', 'ws') + path, protocols, rest)
  t.after(() => socket.terminate())
  return socket
}

export async function openSocket(
  t: Pick<TestContext, 'after'>,
  origin: string,
  options?: SocketOptions
): Promise<SocketClient> {
  const socket = begin(t, origin, options)
  const arrived: Message[] = []
  const waiting: ((message: Message) => void)[] = []
  socket.on('message', (data, isBinary) => {
    const message = { data: data as Buffer, isBinary }
    const taker = waiting.shift()
    if (taker === undefined) arrived.push(message)
    else taker(message)
  })
  const ended = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  let headers: IncomingMessage['headers'] = {}
  socket.once('upgrade', (response) => {
    headers = response.headers
  })
  await once(socket, 'open')
  // 'close' tells of errors too.
  socket.on('error', () => {})
  const next = () => {
    const message = arrived.shift()
    return message === undefined ? new Promise<Message>((resolve) => waiting.push(resolve)) : Promise.resolve(message)
  }
  const nextJson = async () => JSON.parse((await next()).data.toString()) as Record<string, unknown>
  return {
    socket,
    headers,
    next,
    nextJson,
    command(command, params = {}, id) {
      socket.send(JSON.stringify({ command, id, params }))
      return nextJson()
    },
    ended
  }
}

/** The answer of a handshake that is refused. */
export function refusalOf(t: Pick<TestContext, 'after'>, origin: string, options?: SocketOptions): Promise<Refusal> {
  const socket = begin(t, origin, options)
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it opened')))
    socket.once('error', reject)
    socket.once('unexpected-response', async (_request, response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
  })
}
