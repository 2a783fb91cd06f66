/**
 * What connect-redis needs of a client, over whichever line to Redis there is: lines come and go, its client stays. One
 * key at a time, so that it is the same in a Cluster.
 */
import type { Command } from './client.ts'

export type WebClient = ReturnType<typeof createWebClient>

interface Expiration {
  readonly expiration: { readonly value: number }
}

export function createWebClient(
  send: (command: Command) => Promise<unknown>,
  scan: (pattern: string) => AsyncIterable<readonly string[]>
) {
  return {
    get: (key: string) => send(['GET', key]),
    set: (key: string, value: string, { expiration }: Expiration) =>
      send(['SET', key, value, 'EX', String(expiration.value)]),
    expire: (key: string, seconds: number) => send(['EXPIRE', key, String(seconds)]),
    del: (keys: readonly string[]) => Promise.all(keys.map((key) => send(['DEL', key]))),
    mGet: (keys: readonly string[]) => Promise.all(keys.map((key) => send(['GET', key]))),
    scanIterator: ({ MATCH }: { readonly MATCH: string }) => scan(MATCH)
  }
}
