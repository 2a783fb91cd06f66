/**
 * The command: flags, signals, exit codes. Nothing else may end the process.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ConfigError, loadConfig } from './config.ts'
import type { Config } from './config-schema.ts'
import { createLog } from './log.ts'
import { startGateway } from './running.ts'

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

/** What a config gives, for people. */
function describe({ listen, realms, defaultRealm, systems, plugins, teamPlugins }: Config): string {
  const on = plugins.filter(({ options }) => options !== null).map(({ name }) => name)
  const off = plugins.filter(({ options }) => options === null).map(({ name }) => name)
  const hosts = Object.entries(realms).map(([realm, { hosts: names }]) => `  ${realm}: ${names.join(', ')}`)
  return [
    'listen:',
    ...listen.map(
      ({ host, port, realm, tls }) => `  ${tls ? 'https' : 'http'}://${host}:${port}${realm ? ` (${realm})` : ''}`
    ),
    `realms (default ${defaultRealm ?? 'none: an unknown host gets 421'}):`,
    ...hosts,
    'systems:',
    ...Object.entries(systems).map(([name, { release, url }]) => `  ${name}: ${release} at ${url}`),
    `plugins on: ${[...on, ...teamPlugins.map(({ name }) => name)].join(', ')}`,
    `plugins off: ${off.join(', ') || 'none'}`
  ].join('\n')
}

/** Runs until a signal; gives the exit code. */
async function untilStopped(stop: () => Promise<void>): Promise<number> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  await stop()
  return 0
}

async function runConfigured(config: Config): Promise<number> {
  const { logger, flush } = createLog(config)
  try {
    const gateway = await startGateway(config, logger)
    logger.info({ addresses: gateway.addresses.map(({ url }) => url), ops: gateway.opsUrl }, 'listening')
    flush()
    return await untilStopped(gateway.stop)
  } finally {
    flush()
  }
}

/** Boot errors in one line: what, and what to do. */
function explainFailure(error: unknown): string {
  const { code, address, port, message } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (code === 'EADDRINUSE') return `${address}:${port} is in use: stop what listens there, or choose another port`
  if (code === 'EACCES' && port !== undefined) return `${address}:${port} may not be bound by this user`
  return error instanceof ConfigError ? message : ((error as Error).stack ?? String(error))
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
  if (values.workers !== undefined && values.workers !== '1') {
    throw new ConfigError([`--workers: ${JSON.stringify(values.workers)} is not 1; this release runs one process`])
  }
  const file = values.config ?? process.env.WEBDISPATCHER_CONFIG
  if (file === undefined) {
    if (values.check) throw new ConfigError(['--check: there is no config to check; name one with --config FILE'])
    const { startDemonstration } = await import('./demo.ts')
    const demonstration = await startDemonstration(process.env)
    process.stdout.write(demonstration.banner)
    return untilStopped(demonstration.stop)
  }
  const config = loadConfig(file)
  if (values.check) {
    process.stdout.write(`${file} is valid\n${describe(config)}\n`)
    return 0
  }
  return runConfigured(config)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isUsage = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${isUsage ? `${(error as Error).message}\nTry --help.` : explainFailure(error)}\n`)
  process.exitCode = 1
}
