/**
 * The log: JSON lines, buffered, without secrets.
 */
import pino from 'pino'
import type { Config } from './config-schema.ts'

/** Lines wait for this many bytes, or a second: a write for each request would cost more than the request. */
const bufferBytes = 16_000
const flushMs = 1000

/** Where a careless line could hold a secret; nothing of ours logs a request whole. */
const redact = ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie', 'body']

export interface Log {
  readonly logger: pino.Logger
  /** Takes a finished line, newline included. */
  writeLine(line: string): void
  /** Writes what is buffered; for the end of the process. */
  flush(): void
}

export function createLog(
  { logLevel }: Pick<Config, 'logLevel'>,
  to: { readonly fd: number } | { readonly file: string } = { fd: 1 }
): Log {
  const dest = 'fd' in to ? to.fd : to.file
  const destination = pino.destination({ dest, minLength: bufferBytes, sync: false, periodicFlush: flushMs })
  const logger = pino(
    {
      level: logLevel,
      redact,
      serializers: {
        // The URL may be a URL-path call with a password in it.
        req: ({ id, method }: { id: unknown; method: unknown }) => ({ id, method }),
        err: pino.stdSerializers.err
      }
    },
    destination
  )
  return { logger, writeLine: (line) => void destination.write(line), flush: () => destination.flushSync() }
}
