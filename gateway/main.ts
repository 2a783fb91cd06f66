/**
 * The command: flags, signals, exit codes. Nothing else may end the process.
 */
import './runtime.ts'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Config } from './config-schema.ts'

const help = `Usage: webdispatcher [--config FILE] [--check] [--workers N]

One API entry point in front of two releases of a billing system.

  --config FILE   YAML config (or WEBDISPATCHER_CONFIG); without it the demonstration runs
  --check         validates the config, prints what it gives, and exits 0 or 1
  --workers N     processes that share the listeners; overrides the config's workers
  --help          this text
  --version       the version
`

const flags = {
  config: { type: 'string' },
  check: { type: 'boolean' },
  workers: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' }
} as const

function versionOf(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** The first signal to stop; it is waited for from the start, so that none kills a gateway that is just coming up. */
const stopSignal = () =>
  new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })

/**
 * SIGHUP asks for the certificates to be read again. It is listened to from the start, since it ends a process that does
 * not; one that comes before there is a gateway to ask is not forgotten.
 */
function onHangUp(): (reload: () => void) => void {
  let isWaiting = false
  let answer = () => {
    isWaiting = true
  }
  process.on('SIGHUP', () => answer())
  return (reload) => {
    answer = reload
    if (isWaiting) reload()
  }
}

async function runConfigured(config: Config, reloadBy: ReturnType<typeof onHangUp>): Promise<number> {
  const stopped = stopSignal()
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
    reloadBy(gateway.reloadCertificates)
    await stopped
    await gateway.stop()
    return 0
  } finally {
    flush()
  }
}

async function runDemonstration(): Promise<number> {
  const stopped = stopSignal()
  const { startDemonstration } = await import('./demo.ts')
  try {
    const demonstration = await startDemonstration(process.env)
    process.stdout.write(demonstration.banner)
    await stopped
    await demonstration.stop()
    return 0
  } catch (error) {
    const { code, port } = error as NodeJS.ErrnoException & { port?: number }
    if (code !== 'EADDRINUSE') throw error
    process.stderr.write(`port ${port} is in use; for other ports: WEBDISPATCHER_DEMO_PORT=9080 npm start\n`)
    return 1
  }
}

/** Boot errors in one line: what, and what to do. */
function explainFailure(error: unknown): string {
  const { code, name, address, port, message, stack } = error as NodeJS.ErrnoException & {
    address?: string
    port?: number
  }
  if (code === 'EADDRINUSE') return `${address}:${port} is in use: stop what listens there, or choose another port`
  if (code === 'EACCES' && port !== undefined) return `${address}:${port} may not be bound by this user`
  if (code?.startsWith('ERR_PARSE_ARGS')) return `${message}\nTry --help.`
  return name === 'ConfigError' ? message : (stack ?? String(error))
}

async function main(argv: readonly string[]): Promise<number> {
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
  const reloadBy = file === undefined ? () => {} : onHangUp()
  // Only now: a look at the help should not load a gateway.
  const { ConfigError, loadConfig } = await import('./config.ts')
  if (values.workers !== undefined && values.workers !== '1') {
    throw new ConfigError([`--workers: ${JSON.stringify(values.workers)} is not 1; this release runs one process`])
  }
  if (file === undefined) {
    if (values.check) throw new ConfigError(['--check: there is no config to check; name one with --config FILE'])
    return runDemonstration()
  }
  const config = loadConfig(file)
  if (!values.check) return runConfigured(config, reloadBy)
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
