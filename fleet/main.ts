/**
 * The command: starts a fleet, shows where it is, and ends it.
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { bannerOf } from './banner.ts'
import { missingPrograms, startFleet } from './topology.ts'

const help = `Usage: npm run fleet

The topology of docker-compose.yml as plain processes on free ports: HAProxy, two gateways, Redis and two simulated
systems, with the files in docker/. It needs haproxy and redis-server.

  --help   this text
`

const options = { help: { type: 'boolean', short: 'h' } } as const
const fleetOptions = { customers: 1200, seed: 1, idleMs: 5000 } as const

const print = (text: string) => {
  process.stdout.write(text)
}

async function run(): Promise<number> {
  const missing = missingPrograms()
  if (missing.length > 0) {
    process.stderr.write(`${missing.join(' and ')} cannot be found: apt-get install haproxy redis-server\n`)
    return 1
  }
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const fleet = await startFleet(fleetOptions)
  try {
    print(bannerOf(fleet, await fleet.command('people', { count: 1 })))
    await stopped
    return 0
  } finally {
    await fleet.close()
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options, strict: true })
  if (!values.help) return run()
  print(help)
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const { code, message, stack } = error as NodeJS.ErrnoException
  // A mistake of whoever typed it needs no stack.
  process.stderr.write(`${code?.startsWith('ERR_PARSE_ARGS') ? `${message}\nTry --help.` : stack}\n`)
  process.exitCode = 1
}
