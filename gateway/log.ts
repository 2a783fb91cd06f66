/**
 * The log: JSON lines, buffered, without secrets.
 */
import pino from 'pino'
import type { Config } from './config-schema.ts'

/** Lines wait for each other until they are this many characters, or this old: a write for each would cost more than a request. */
const batchLength = 32_768
const batchMs = 1000
/** Largest write to the file; a batch passes in one. */
const writeLimitBytes = 131_072

/** Where a careless line could hold a secret; nothing of ours logs a request whole. */
const redact = ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie', 'body']

export interface Log {
  readonly logger: pino.Logger
  /** Takes a finished line, newline included. */
  writeLine(line: string): void
  /** Writes what is buffered; for the end of the process. */
  flush(): void
  /** Drops what is buffered: nobody reads any more. Else the end of the process would try to write it for ever. */
  abandon(): void
}

export function createLog(
  { logLevel }: Pick<Config, 'logLevel'>,
  to: { readonly fd: number } | { readonly file: string } = { fd: 1 }
): Log {
  const dest = 'fd' in to ? to.fd : to.file
  const destination = pino.destination({
    dest,
    minLength: 4096,
    sync: false,
    maxWrite: writeLimitBytes,
    periodicFlush: batchMs
  })
  let batch = ''
  const handOver = () => {
    if (batch !== '') destination.write(batch)
    batch = ''
  }
  setInterval(handOver, batchMs).unref()
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
  return {
    logger,
    writeLine(line) {
      batch += line
      if (batch.length >= batchLength) handOver()
    },
    flush() {
      handOver()
      destination.flushSync()
    },
    abandon: () => destination.destroy()
  }
}
