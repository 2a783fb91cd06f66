/**
 * The WebSockets that are open on one system: what tests see of them, and send through them.
 */
import type { WebSocket } from 'ws'
import type { RealmName } from './realms.ts'

export interface SocketConnection {
  /** Null for a page's socket that nobody has logged in for. */
  readonly sessionId: string | null
  readonly realm: RealmName
  /** As it came, query and percent signs included. */
  readonly url: string
  readonly protocol: 'ws' | 'wss'
  /** The chosen one; empty when there is none. */
  readonly subprotocol: string
  /** The accepted ones, such as `permessage-deflate`; empty when there are none. */
  readonly extensions: string
  /** Of the handshake: names and values in turn, in the client's own spelling. */
  readonly rawHeaders: readonly string[]
  /** Bytes that wait to leave, because the client does not take them. */
  readonly bufferedAmount: number
}

export interface SocketMessage {
  readonly binary?: boolean
  /** Only to the sockets of this session; to all when absent. */
  readonly session?: string
}

export type MessageListener = (data: Buffer, isBinary: boolean, connection: SocketConnection) => void
export type CloseListener = (code: number, reason: string, connection: SocketConnection) => void
/** What a socket answers to a message by itself; null where it answers nothing. */
export type SocketReply = ((data: Buffer, isBinary: boolean) => string) | null

export class Sockets {
  /** Every message comes back as it was, and is no command, while this is true. */
  echo = false
  readonly #pingIntervalMs: number
  readonly #connections = new Map<WebSocket, SocketConnection>()
  readonly #messageListeners = new Set<MessageListener>()
  readonly #closeListeners = new Set<CloseListener>()

  constructor(pingIntervalMs: number) {
    this.#pingIntervalMs = pingIntervalMs
  }

  get open(): number {
    return this.#live().length
  }

  get connections(): SocketConnection[] {
    return this.#live().map(([, connection]) => connection)
  }

  /** Sends a message to all, or to one session's; binary when it is bytes, unless said otherwise. */
  emit(data: Buffer | string, { binary = typeof data !== 'string', session }: SocketMessage = {}): void {
    for (const [socket, { sessionId }] of this.#live()) {
      if (session === undefined || session === sessionId) socket.send(data, { binary })
    }
  }

  /** Calls back with each message as it came; gives what ends that. */
  onMessage(listener: MessageListener): () => void {
    this.#messageListeners.add(listener)
    return () => this.#messageListeners.delete(listener)
  }

  /** Calls back with the client's close code, 1005 without one, 1006 without a close frame; gives what ends that. */
  onClose(listener: CloseListener): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  ping(payload?: Buffer | string): void {
    for (const [socket] of this.#live()) socket.ping(payload)
  }

  closeAll(code: number, reason = ''): void {
    for (const [socket] of this.#live()) socket.close(code, reason)
  }

  /** Ends the connections without a close frame. */
  terminateAll(): void {
    for (const socket of this.#connections.keys()) socket.terminate()
  }

  /** Keeps a socket that has just opened, until it closes. */
  add(socket: WebSocket, connection: SocketConnection, reply: SocketReply): void {
    this.#connections.set(socket, connection)
    const pings = setInterval(() => socket.ping(), this.#pingIntervalMs).unref()
    socket.on('message', (data, isBinary) => {
      // A Buffer always: nobody changes `binaryType`.
      const bytes = data as Buffer
      for (const listener of this.#messageListeners) listener(bytes, isBinary, connection)
      if (this.echo) socket.send(bytes, { binary: isBinary })
      else if (reply !== null) socket.send(reply(bytes, isBinary))
    })
    // What a client did wrong ends its connection, and 'close' tells of that.
    socket.on('error', () => {})
    socket.once('close', (code, reason) => {
      clearInterval(pings)
      this.#connections.delete(socket)
      for (const listener of this.#closeListeners) listener(code, reason.toString(), connection)
    })
  }

  #live(): [WebSocket, SocketConnection][] {
    return [...this.#connections].filter(([socket]) => socket.readyState === socket.OPEN)
  }
}
