/**
 * The command: starts a fleet, shows where it is, and ends it.
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { runCommand, type Terminal } from '../soak/command.ts'
import { bannerOf } from './banner.ts'
import { isComplete } from './complete.ts'
import { drillCommand } from './drill/main.ts'
import { startFleet } from './topology.ts'

const help = `Usage: npm run fleet [-- --drill ...]

The topology of docker-compose.yml as plain processes on free ports: HAProxy, two gateways, Redis and two simulated
systems, with the files in docker/. It needs haproxy and redis-server.

  --drill  loads the fleet, restarts and stops its parts, and judges what clients saw; --drill --help tells more
  --help   this text
`

const options = { help: { type: 'boolean', short: 'h' } } as const
const fleetOptions = { customers: 1200, seed: 1, idleMs: 5000 } as const

async function run({ print, stopped }: Terminal): Promise<number> {
  const fleet = await startFleet(fleetOptions)
  try {
    print(bannerOf(fleet, await fleet.command('people', { count: 1 })))
    if (!stopped.aborted) await once(stopped, 'abort')
    return 0
  } finally {
    await fleet.close()
  }
}

async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args.includes('--drill')) return drillCommand(args, terminal)
  const { values } = parseArgs({ args: [...args], options, strict: true })
  if (values.help) {
    terminal.print(help)
    return 0
  }
  return isComplete() ? run(terminal) : 1
}

await runCommand(main)
