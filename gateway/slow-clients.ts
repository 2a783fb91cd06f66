/**
 * Clients that send or take their bytes so slowly that they only hold the gateway, and through it a system, busy.
 *
 * One timer per server looks at all of its connections. Nothing is noted, armed or counted per request: what a client
 * has sent and taken is known by its socket.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Config } from './config-schema.ts'
import { type Connection, refuse, slowBody, unfinishedRequest } from './refusals.ts'

export type Limits = Config['limits']

/** What the last looks at a connection have seen. */
export interface Watched extends Connection {
  /** The request whose body is on its way: since when, ms, and how many bytes the socket had received before it. */
  receiving: IncomingMessage | null
  receivingSince: number
  receivedBefore: number
  /** Bytes that the socket had received at the last look. */
  received: number
  /** While an answer's bytes wait to be taken: a number that changes when some are, and since when it has not, ms. */
  taken: number
  takenSince: number
}

export const newConnection = (ownHeaders: string): Watched => ({
  ownHeaders,
  responses: [],
  refusedAt: 0,
  receiving: null,
  receivingSince: 0,
  receivedBefore: 0,
  received: 0,
  taken: 0,
  takenSince: 0
})

/** A limit is kept within a quarter of it. */
export const lookEveryMs = (...limitsMs: number[]) => Math.min(...limitsMs, 20_000) / 4

/** How many bytes of a body give a client one more second. */
const bytesPerSecond = 500
/** How long a connection that was refused may stay half open, at most, ms. */
const longestLingerMs = 5000

/**
 * Whether a body comes too slowly: it has `limitMs`, and more with every byte that comes, so that an honest upload of any
 * size is never cut. A body that the gateway itself holds back, because a system takes it slowly, is judged likewise: it
 * has sent what the buffers between here and the system hold, and with the first 64 KiB alone two minutes were gained.
 */
function isLateBody(socket: Socket, connection: Watched, now: number, limitMs: number): boolean {
  const request = unfinishedRequest(connection)
  if (request !== connection.receiving) {
    connection.receiving = request
    connection.receivingSince = now
    connection.receivedBefore = connection.received
  }
  connection.received = socket.bytesRead
  if (request === null) return false
  const gainedMs = ((connection.received - connection.receivedBefore) / bytesPerSecond) * 1000
  return now - connection.receivingSince > limitMs + gainedMs
}

/** What the operating system has not taken of the writes that it was given; Node tells it in no other way. */
const queuedBytes = (socket: Socket) =>
  (socket as unknown as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0

/**
 * Whether a client has taken nothing for too long of an answer that waits for it. It is seen at the TCP connection: a TLS
 * connection has one beneath it, and takes a large write whole, long before its client does.
 */
function isStalled(socket: Socket, connection: Watched, now: number, limitMs: number): boolean {
  if ('encrypted' in socket) return false
  const queued = queuedBytes(socket)
  if (queued === 0 && socket.writableLength === 0) {
    connection.takenSince = 0
    return false
  }
  // What has left this process: whole writes, and the part of a large one, such as a list, that is under way.
  const taken = socket.bytesWritten - socket.writableLength - queued
  if (connection.takenSince !== 0 && taken === connection.taken) return now - connection.takenSince > limitMs
  connection.taken = taken
  connection.takenSince = now
  return false
}

/** Looks after a server's connections from when it listens until it is closed. */
export function watchSlowClients(server: Server, connections: ReadonlyMap<Socket, Watched>, limits: Limits): void {
  const lingerMs = Math.min(limits.head, longestLingerMs)
  let timer: NodeJS.Timeout | undefined

  function look(socket: Socket, connection: Watched, now: number) {
    const { refusedAt, responses } = connection
    const hasLingered = refusedAt !== 0 && responses.length === 0 && now - refusedAt > lingerMs
    if (hasLingered || isStalled(socket, connection, now, limits.stalled)) socket.destroy()
    else if (isLateBody(socket, connection, now, limits.body)) {
      // One that was refused, and did not even take that, has had its time.
      if (refusedAt === 0) refuse(socket, connection, slowBody)
      else socket.destroy()
    }
  }

  server.once('listening', () => {
    timer = setInterval(
      function lookAtAll() {
        const now = performance.now()
        for (const [socket, connection] of connections) look(socket, connection, now)
      },
      lookEveryMs(limits.body, limits.stalled, limits.head)
    ).unref()
  })
  server.once('close', () => clearInterval(timer))
}
