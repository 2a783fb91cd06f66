/**
 * The connections of a server, and how each of them comes to its end without losing a request.
 */
import type http from 'node:http'
import type { ServerResponse } from 'node:http'
import type https from 'node:https'
import type { Socket } from 'node:net'
import { newConnection, type Watched } from './slow-clients.ts'

/**
 * Connections of one server, and the answers that each still owes. Nothing but connections comes and goes in the map: a
 * Set of all open answers was measured to keep a third of the young heap alive, by the chain of its outgrown tables.
 */
export function trackConnections(server: http.Server | https.Server, ownHeaders: string) {
  const connections = new Map<Socket, Watched>()
  let isSayingLast = false
  let closing = false
  function track(socket: Socket): Watched {
    const known = connections.get(socket)
    if (known !== undefined) return known
    const connection = newConnection(ownHeaders)
    connections.set(socket, connection)
    socket.once('close', () => connections.delete(socket))
    return connection
  }
  // A TLS server tells of both the TCP connection and the TLS one; each must be let go.
  server.on('connection', track).on('secureConnection', track)
  function begin(connection: Watched, socket: Socket, response: ServerResponse) {
    const { responses } = connection
    responses.push(response)
    if (isSayingLast) response.shouldKeepAlive = false
    response.once('close', () => {
      responses.splice(responses.indexOf(response), 1)
      const isOver = (closing || connection.refusedAt !== 0) && responses.length === 0
      // The rest of a body that nobody reads any more would keep the connection for as long as the client likes.
      if (isOver || !response.req.complete) socket.destroySoon()
    })
  }
  /** An answer whose head is not out yet says that it is the last; one that has not said so is followed by another. */
  function sayLast() {
    isSayingLast = true
    for (const { responses } of connections.values()) {
      for (const response of responses) if (!response.headersSent) response.shouldKeepAlive = false
    }
  }
  return {
    connections,
    track,
    begin,
    sayLast,
    isFree(socket: Socket) {
      const { responses, refusedAt } = track(socket)
      return responses.length === 0 && refusedAt === 0
    },
    /** Idle ones go at once, also those that never sent a request; the others after their last answer. */
    letGo() {
      closing = true
      sayLast()
      const busy = [...connections].filter(([, { responses }]) => responses.length > 0)
      for (const socket of connections.keys()) {
        const isBusy = busy.some(
          ([one]) => one === socket || ('encrypted' in one && one.remotePort === socket.remotePort)
        )
        if (!isBusy) socket.destroy()
      }
    },
    cut() {
      for (const socket of connections.keys()) socket.destroy()
    }
  }
}
