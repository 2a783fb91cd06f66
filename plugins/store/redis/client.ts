/**
 * What every connection to Redis has in common, whichever form the place has, and what a line to it does: one connection
 * for commands and one that hears. They end together, and a line that has ended is replaced by a new one
 * (`redis-keeper.ts`), so nothing connects again by itself but the nodes of a Cluster.
 */
import { createClient } from 'redis'
import type { Host, RedisPlace } from '../place.ts'

export type Command = readonly [name: string, key: string, ...rest: string[]]

export interface Line {
  send(command: Command): Promise<unknown>
  /** These commands on one key as one; gives the answers in order. */
  sendTogether(commands: readonly Command[]): Promise<unknown[]>
  /** All of it or nothing, and then the message; in a Cluster each command stands alone. */
  write(commands: readonly Command[], channel: string, message: () => string): Promise<void>
  publish(channel: string, message: () => string): Promise<void>
  /** Pages of keys, of every master. */
  scan(pattern: string): AsyncIterable<readonly string[]>
  /** Why it has ended. */
  readonly ended: Promise<Error>
  end(reason: Error): void
}

export interface LineOptions {
  readonly place: RedisPlace
  readonly channel: string
  onMessage(text: string): void
  onTrouble(error: Error): void
}

export const connectMs = 1000
/** Keys of a page, to go by: a fraction of a millisecond's work for the server. */
const scanCount = '500'

/** What both connections of a line have in common. */
export const clientOptions = ({ username, password, isTls }: RedisPlace) => ({
  ...(username !== undefined && { username }),
  ...(password !== undefined && { password }),
  socket: { connectTimeout: connectMs, ...(isTls && { tls: true as const }) },
  // What cannot be sent now fails now.
  disableOfflineQueue: true,
  // Theirs counts until a command is sent, not until it is answered; `within` does both.
  commandOptions: { timeout: 0 },
  maintNotifications: 'disabled' as const,
  disableClientInfo: true
})

/** One server, without any reconnecting. */
export function createSingle(place: RedisPlace, { host, port }: Host) {
  const { socket, ...options } = clientOptions(place)
  return createClient({ ...options, socket: { ...socket, host, port, reconnectStrategy: false } })
}

export type Single = ReturnType<typeof createSingle>

const firstRetryMs = 50
const lastRetryMs = 1000

/** Until the next try: at most a second, and not the same for everybody. */
export const backoffMs = (tries: number): number =>
  Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(tries, 10)) * (0.5 + Math.random() / 2)

/** Rejects when it takes longer; what it waits for goes on unheard. */
export async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`Redis has not answered within ${ms} ms`)), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Pages of keys. */
export async function* scanClient(client: Pick<Single, 'sendCommand'>, pattern: string) {
  let cursor = '0'
  do {
    const command = ['SCAN', cursor, 'MATCH', pattern, 'COUNT', scanCount]
    const [next, keys] = (await client.sendCommand(command)) as unknown as [string, string[]]
    yield keys
    cursor = next
  } while (cursor !== '0')
}
