/**
 * The night's flags.
 */
import { parseArgs } from 'node:util'
import { BadOption, integer } from '../soak/options.ts'

export const help = `Usage: npm run night [-- --customers N --writes N --batch N --seed N --gateways N --store NAME]

Moves customers in batches from one system to the other, while everybody goes on writing for them: administrators by REST,
SOAP and GraphQL, customers and accounts in sessions of their own. Clients who are told to come again do so, and those whose
session has ended log in again. Then compares what clients were told with the systems' own journals and records.

  --customers N   who are moved; 2000
  --writes N      per second, whatever the answers do; 200
  --batch N       customers of one batch; 100
  --seed N        of everything that is left to chance; a random one when absent
  --gateways N    2. They are told of each batch in turn
  --workers N     processes of each gateway; 1
  --store NAME    redis (default), or memory, for one gateway
  --wait N        most that a client waits before it comes again, ms, whatever Retry-After says; 30000
  --help          this text

Exit code 1: a write was lost, doubled, or is on the wrong system, and the output says why. 130: ended by Ctrl-C.
`

export interface NightOptions {
  readonly customers: number
  readonly writes: number
  readonly batch: number
  readonly seed: number
  readonly gateways: number
  readonly workers: number
  readonly store: 'redis' | 'memory'
  readonly waitMs: number
}

const flags = {
  customers: { type: 'string', default: '2000' },
  writes: { type: 'string', default: '200' },
  batch: { type: 'string', default: '100' },
  seed: { type: 'string' },
  gateways: { type: 'string', default: '2' },
  workers: { type: 'string', default: '1' },
  store: { type: 'string', default: 'redis' },
  wait: { type: 'string', default: '30000' },
  help: { type: 'boolean', short: 'h' }
} as const

function storeOf(name: string, gateways: number): NightOptions['store'] {
  if (name !== 'redis' && name !== 'memory') throw new BadOption(`--store: "${name}" is neither redis nor memory`)
  if (name === 'memory' && gateways > 1) throw new BadOption('--store memory: gateways that share nothing are no fleet')
  return name
}

/** Null for --help. */
export function parseNight(args: readonly string[]): NightOptions | null {
  const { values } = parseArgs({ args: [...args], options: flags })
  if (values.help) return null
  const gateways = integer('gateways', values.gateways, 1)
  return {
    customers: integer('customers', values.customers, 10),
    writes: integer('writes', values.writes, 1),
    batch: integer('batch', values.batch, 1),
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : integer('seed', values.seed, 0),
    gateways,
    workers: integer('workers', values.workers, 1),
    store: storeOf(values.store, gateways),
    waitMs: integer('wait', values.wait, 1)
  }
}
