/**
 * The supervisor of several workers: it takes the connections and hands them round, starts and replaces workers, and has
 * the only log. It serves no request itself.
 *
 * node:cluster's round robin, not `reusePort`: with that each process has a queue of its own in the kernel, and the
 * connections that wait in it are reset when the process closes its listener. Here one process alone listens, and a
 * connection that a worker does not take any more goes to another.
 */
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../config-error.ts'
import type { Config } from '../config-schema.ts'
import { createLog, type Log } from '../log.ts'
import { v8Flag } from '../runtime.ts'
import type { StopSignals } from '../signals.ts'
import { countOf } from './count.ts'
import { type Crew, createCrew } from './crew.ts'

/** As this file: TypeScript, or what is made of it. */
const workerFile = fileURLToPath(new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

export interface Supervised {
  readonly config: Config
  /** Reads the config anew. */
  readonly read: () => Config
  readonly signals: StopSignals
  readonly onReload: (reload: () => void) => void
  /** Takes the one line that says why everything ends. */
  readonly complain: (why: string) => void
}

function readAnew(read: () => Config, { logger }: Log): Config | null {
  try {
    return read()
  } catch (error) {
    const mistakes = error instanceof ConfigError ? error.mistakes : [String(error)]
    for (const mistake of mistakes) logger.error({ mistake }, 'the config cannot be used; the one before it stays')
    return null
  }
}

/** Rolls one at a time: however many are asked for during one, another one follows. */
function createRolls(crew: Crew, read: () => Config, log: Log) {
  let isRolling = false
  let isAskedAgain = false

  async function roll() {
    const config = readAnew(read, log)
    if (config === null) return
    const startedAt = performance.now()
    log.logger.info('the config was read again: workers are exchanged one by one')
    try {
      await crew.roll(config)
      log.logger.level = config.logLevel
      log.logger.info({ ms: Math.round(performance.now() - startedAt) }, 'all workers have the new config')
    } catch (error) {
      const why = (error as Error).message
      log.logger.error({ why }, 'a new worker does not come up: the old ones that are left stay')
    }
  }

  return async function ask() {
    isAskedAgain = true
    if (isRolling) return
    isRolling = true
    while (isAskedAgain) {
      isAskedAgain = false
      await roll()
    }
    isRolling = false
  }
}

/** Runs until it is told to stop, or until that is no use; gives the exit code. */
export async function supervise({ config, read, signals, onReload, complain }: Supervised): Promise<number> {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: workerFile, args: [], execArgv: [...process.execArgv, v8Flag], silent: true })
  const log = createLog(config)
  const { logger, flush } = log
  process.once('uncaughtExceptionMonitor', (err) => {
    logger.fatal({ err }, 'the process ends: an error that nobody caught')
    flush()
  })
  const crew = createCrew(config, log)
  const stop = signals.asked.then(() => null)
  try {
    const place = await Promise.race([crew.start(), stop])
    if (place !== null) {
      logger.info({ ...place, workers: countOf(config.workers) }, 'listening')
      flush()
      onReload(createRolls(crew, read, log))
    }
    const why = await Promise.race([crew.given, stop])
    if (why !== null) throw new Error(why)
    const { notice } = crew.config()
    if (notice > 0) {
      crew.giveNotice()
      await signals.patience(notice)
    }
    await crew.stop()
    return 0
  } catch (error) {
    complain((error as Error).message)
    await crew.stop()
    return 1
  } finally {
    flush()
  }
}
