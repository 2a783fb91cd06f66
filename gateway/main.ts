/**
 * The command: flags, signals, exit codes. Nothing else may end the process, workers (workers/worker.ts) apart.
 */
import './runtime.ts'
import { parseArgs } from 'node:util'
import type { Config } from './config-schema.ts'
import { explainFailure } from './failures.ts'
import { type StopSignals, takeReloadSignals, takeStopSignals } from './signals.ts'
import { versionOf } from './version.ts'
import { isSupervised, readWorkers } from './workers/count.ts'

const help = `Usage: webdispatcher [--config FILE] [--check] [--workers N]
       webdispatcher COMMAND ...

One API entry point in front of two releases of a billing system.

  --config FILE   YAML config (or WEBDISPATCHER_CONFIG); without it the demonstration runs
  --check         validates the config, prints what it gives, and exits 0 or 1
  --workers N     processes that share the listeners, or auto: one per core; overrides the config's workers
  --help          this text
  --version       the version

Commands ask a running gateway, by its ops address; each has its own --help.

  where           on which system a customer, an account or a login is
  explain         where a request would go and why
  migrate         tells that customers begin to move, have moved, or stay
  status          both systems, the store, who is being moved, faults
`

const flags = {
  config: { type: 'string' },
  check: { type: 'boolean' },
  workers: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' }
} as const

type Reloads = ReturnType<typeof takeReloadSignals>

async function runConfigured(config: Config, signals: StopSignals, onReload: Reloads): Promise<number> {
  const [{ createLog }, { startGateway }] = await Promise.all([import('./log.ts'), import('./running.ts')])
  const log = createLog(config)
  const { logger, flush } = log
  // A crash must not take the last lines with it.
  process.once('uncaughtExceptionMonitor', (err) => {
    logger.fatal({ err }, 'the process ends: an error that nobody caught')
    flush()
  })
  try {
    const gateway = await startGateway(config, log)
    logger.info({ addresses: gateway.addresses.map(({ url }) => url), ops: gateway.opsUrl }, 'listening')
    flush()
    onReload(() => {
      logger.info('certificates are read again; a changed config needs a restart, or several workers')
      gateway.reloadCertificates()
    })
    await signals.asked
    if (config.notice > 0) {
      gateway.giveNotice()
      await signals.patience(config.notice)
    }
    await gateway.stop()
    return 0
  } finally {
    flush()
  }
}

async function run(config: Config, read: () => Config, onReload: Reloads): Promise<number> {
  const signals = takeStopSignals()
  if (!isSupervised(config.workers)) return runConfigured(config, signals, onReload)
  const { supervise } = await import('./workers/supervisor.ts')
  return supervise({ config, read, signals, onReload, complain: (why) => process.stderr.write(`${why}\n`) })
}

async function runDemonstration(): Promise<number> {
  const { asked } = takeStopSignals()
  const { startDemonstration } = await import('./demo.ts')
  try {
    const demonstration = await startDemonstration(process.env)
    process.stdout.write(demonstration.banner)
    await asked
    await demonstration.stop()
    return 0
  } catch (error) {
    const { code, port } = error as NodeJS.ErrnoException & { port?: number }
    if (code !== 'EADDRINUSE') throw error
    process.stderr.write(`port ${port} is in use; for other ports: WEBDISPATCHER_DEMO_PORT=9080 npm start\n`)
    return 1
  }
}

/** A first Ctrl-C lets a command say what it has done; a second one ends it. */
async function runCli(name: string, args: readonly string[]): Promise<number> {
  const [{ runCommand }, { ofProcess }] = await Promise.all([
    import('../cli/index.ts'),
    import('../cli/surroundings.ts')
  ])
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  return runCommand(name, args, ofProcess(stop.signal))
}

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv
  // Every flag of the gateway begins with a dash.
  if (command !== undefined && !command.startsWith('-')) return runCli(command, rest)
  const { values } = parseArgs({ args: [...argv], options: flags, strict: true })
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  if (values.version) {
    process.stdout.write(`${versionOf()}\n`)
    return 0
  }
  const file = values.config ?? process.env.WEBDISPATCHER_CONFIG
  const onReload = file === undefined ? null : takeReloadSignals()
  // Only now: a look at the help should not load a gateway.
  const { ConfigError, loadConfig } = await import('./config.ts')
  const workers = values.workers === undefined ? undefined : readWorkers(values.workers)
  if (workers === null) {
    const given = JSON.stringify(values.workers)
    throw new ConfigError([`--workers: ${given} is not a whole number from 1 to 999, or auto`])
  }
  if (file === undefined || onReload === null) {
    if (values.check) throw new ConfigError(['--check: there is no config to check; name one with --config FILE'])
    if (workers !== undefined && workers !== 1) {
      throw new ConfigError(['--workers: the demonstration is one process; name a config with --config FILE'])
    }
    return runDemonstration()
  }
  const read = () => loadConfig(file, process.env, workers === undefined ? {} : { workers })
  const config = read()
  if (!values.check) return run(config, read, onReload)
  const { describe } = await import('./describe.ts')
  process.stdout.write(`${file} is valid\n${describe(config)}\n`)
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${explainFailure(error)}\n`)
  process.exitCode = 1
}
