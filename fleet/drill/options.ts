/**
 * The drill's flags, and how its time is divided.
 */
import { parseArgs } from 'node:util'
import { fewestCustomers, integer } from '../../soak/options.ts'

export const drillHelp = `Usage: npm run fleet -- --drill [--seconds N] [--seed N] [--rate N] [--customers N] [--workers N]

Runs the fleet under a mixed load with WebSockets, while its gateways are restarted and killed, Redis is stopped, comes
back empty and hangs, and HAProxy reads its file again; then compares what clients saw with the systems' own journals.

  --seconds N    about how long it takes; 150. Below that Redis is away for less than 20 s
  --seed N       of everything that is left to chance; a random one when absent
  --rate N       requests per second, whatever the answers do; 80
  --customers N  of both systems together; 600
  --workers N    processes of each gateway; 1. From 2 up they are exchanged by SIGHUP and SIGUSR2 too

Exit code 1: a limit was passed, and the output names it. 130: ended by Ctrl-C.
`

export interface DrillOptions {
  readonly seconds: number
  readonly seed: number
  readonly rate: number
  readonly customers: number
  readonly workers: number
}

const flags = {
  drill: { type: 'boolean' },
  seconds: { type: 'string', default: '150' },
  seed: { type: 'string' },
  rate: { type: 'string', default: '80' },
  customers: { type: 'string', default: '600' },
  workers: { type: 'string', default: '1' },
  help: { type: 'boolean', short: 'h' }
} as const

/** Null for --help. */
export function parseDrill(args: readonly string[]): DrillOptions | null {
  const { values } = parseArgs({ args: [...args], options: flags })
  if (values.help) return null
  return {
    seconds: integer('seconds', values.seconds, 1),
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : integer('seed', values.seed, 0),
    rate: integer('rate', values.rate, 20),
    customers: integer('customers', values.customers, fewestCustomers),
    workers: integer('workers', values.workers, 1)
  }
}

export interface DrillTimes {
  /** With nothing done to anything. */
  readonly steadyMs: number
  /** Between what is done and what is done next. */
  readonly restMs: number
  /** A killed gateway stays away for so long. */
  readonly killedMs: number
  readonly redisAwayMs: number
  readonly redisHangsMs: number
  readonly reloads: number
  readonly reloadEveryMs: number
  /** A request may have been on its way for so long when what a gateway was told counts everywhere. */
  readonly graceMs: number
  /** Between two moves of customers. */
  readonly moveEveryMs: number
}

const asPlannedSeconds = 150

export function drillTimes({ seconds }: Pick<DrillOptions, 'seconds'>): DrillTimes {
  const share = Math.min(1, seconds / asPlannedSeconds)
  const scaled = (ms: number, least: number) => Math.round(Math.max(ms * share, least))
  return {
    steadyMs: scaled(25_000, 400),
    restMs: scaled(5000, 200),
    killedMs: scaled(5000, 300),
    redisAwayMs: scaled(20_000, 700),
    redisHangsMs: scaled(5000, 500),
    reloads: share < 0.5 ? 2 : 5,
    reloadEveryMs: scaled(2000, 200),
    // A short run is for a machine that does other things besides.
    graceMs: share < 0.5 ? 1000 : 150,
    moveEveryMs: scaled(500, 150)
  }
}
