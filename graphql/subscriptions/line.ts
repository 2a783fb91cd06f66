/**
 * One client's WebSocket as graphql-ws uses it: what waits to be sent is bounded, a client that is gone is noticed, and
 * whoever ends it first says why.
 */
import type { FastifyBaseLogger } from 'fastify'
import { CloseCode } from 'graphql-ws'
import type { WebSocket } from 'ws'

/** A client that has not answered a ping before the next one is gone, ms. */
const pingEveryMs = 12_000
/** What may wait for a client that does not read. */
const unreadBytes = 1 << 20

/** RFC 6455 section 7.4.1, and the registry of its close codes. */
export const goingAway = [1001, 'Going away'] as const
export const tryAgainLater = [1013, 'Try again later'] as const
const tooSlow = [1013, 'Too slow'] as const

export type Line = ReturnType<typeof createLine>

/** Messages that only a server sends: graphql-ws throws at them. */
const isUnexpected = (error: unknown) =>
  error instanceof Error && error.message.startsWith('Unexpected message of type')

/** `onOver` is called when it ends, or has; more than once. */
export function createLine(ws: WebSocket, log: FastifyBaseLogger, onOver: () => void) {
  const isOpen = () => ws.readyState === ws.OPEN

  function close(code: number, reason: string) {
    if (!isOpen()) return
    onOver()
    ws.close(code, reason)
  }

  /** For one that cannot be told as fast as events come. */
  function giveUp() {
    if (isOpen()) log.warn('a client of subscriptions cannot keep up: its connection is closed')
    close(...tooSlow)
  }

  let isAnswered = true
  const pings = setInterval(function ping() {
    if (!isAnswered) {
      ws.terminate()
      return
    }
    isAnswered = false
    ws.ping()
  }, pingEveryMs)
  ws.on('pong', () => {
    isAnswered = true
  })
  // What is wrong with a frame is told to the client by ws, with the close code.
  ws.on('error', (error) => log.debug({ code: (error as NodeJS.ErrnoException).code }, 'a WebSocket failed'))
  ws.once('close', () => {
    clearInterval(pings)
    onOver()
  })

  return {
    protocol: ws.protocol,
    async send(text: string) {
      if (!isOpen()) return
      if (ws.bufferedAmount > unreadBytes) {
        giveUp()
        return
      }
      // Whoever has many events waits here until one has left.
      await new Promise<void>((resolve) => ws.send(text, () => resolve()))
    },
    close,
    giveUp,
    onMessage(read: (text: string) => Promise<void>) {
      ws.on('message', (data) => {
        if (!isOpen()) return
        read(String(data)).catch((err: unknown) => {
          if (isUnexpected(err)) {
            close(CloseCode.BadRequest, 'Unexpected message received')
            return
          }
          log.error({ err }, 'a message of a WebSocket failed')
          close(CloseCode.InternalServerError, 'Internal server error')
        })
      })
    }
  }
}
