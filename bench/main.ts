/**
 * The benchmarks' command: flags, parts, exit code.
 */
import { parseArgs } from 'node:util'
import { benchConsoles } from './consoles.ts'
import { benchForward } from './forward.ts'
import { benchGraphql } from './graphql/index.ts'
import { benchLayers } from './layers.ts'
import { benchLists } from './lists/index.ts'
import { benchMemory } from './memory.ts'
import { benchStores } from './stores.ts'
import { benchWorkers } from './workers/index.ts'

const help = `Usage: npm run bench -- [PART...] [--seconds N] [--rounds N] [--connections N] [--megabytes N]
                        [--customers N] [--sessions N] [--consoles N]

Parts; all of them when none is named:
  forward          CPU per request, requests per second and p99: the gateway, bare @fastify/http-proxy, nginx
                   fails where a call costs more than 0.7 of bare @fastify/http-proxy
  layers           the same for gateways that lack one layer each: circuit-breaker, metrics, console, load-shedding,
                   access line
  memory           resident memory while large files pass; fails at a rise of 30 MB
  lists            pages of a list that two systems share, at any depth, and what merging costs; fails beyond the
                   contract's calls and rows, and where merging takes more than half of parsing
  graphql          GraphQL queries beside the equal calls made directly: the gateway's CPU and the client's time; fails
                   where their answers differ
  workers          requests per second of two workers against one, by wrk and haproxy, and what the machine's two cores
                   are worth; fails below 1.7 times
  stores           sessions in memory, in a file and in Redis: bytes, writes, lookups, and what their expiry costs
  consoles         what open consoles cost the gateway; fails at 5% of one core, and where its memory grows

  --seconds N      forward, layers, workers: how long a peer is measured in one round; 1
                   consoles: how long they are open; 600
  --rounds N       forward, layers, lists, graphql, workers: rounds that count, after one that warms up; 15
  --connections N  forward, layers, workers: keep-alive connections; 50
  --megabytes N    memory: the size of each file; 200
  --customers N    lists: how many both systems have together; 1000000
  --sessions N     stores: how many are remembered; 1000000
  --consoles N     consoles: how many are open at once; 50
  --help           this text

Exit code 1: an answer was not as it should be, or a part found its limit passed.
`

const flags = {
  seconds: { type: 'string' },
  rounds: { type: 'string', default: '15' },
  connections: { type: 'string', default: '50' },
  megabytes: { type: 'string', default: '200' },
  customers: { type: 'string', default: '1000000' },
  sessions: { type: 'string', default: '1000000' },
  consoles: { type: 'string', default: '50' },
  help: { type: 'boolean', short: 'h' }
} as const

const parts = ['forward', 'layers', 'memory', 'lists', 'graphql', 'workers', 'stores', 'consoles'] as const

function numberOf(flag: string, text: string, isWhole: boolean): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value) || (isWhole && !Number.isInteger(value))) {
    throw new Error(`--${flag}: ${JSON.stringify(text)} is not a ${isWhole ? 'whole number' : 'number'} above 0`)
  }
  return value
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, options: flags, allowPositionals: true })
  const print = (text: string) => {
    process.stdout.write(`${text}\n`)
  }
  if (values.help) {
    print(help)
    return 0
  }
  const unknown = positionals.find((name) => !parts.some((part) => part === name))
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)} is no part; there are ${parts.join(', ')}`)
  const forwardOptions = {
    seconds: numberOf('seconds', values.seconds ?? '1', false),
    rounds: numberOf('rounds', values.rounds, true),
    connections: numberOf('connections', values.connections, true)
  }
  const memoryOptions = { megabytes: numberOf('megabytes', values.megabytes, true) }
  const listsOptions = {
    customers: numberOf('customers', values.customers, true),
    rounds: numberOf('rounds', values.rounds, true)
  }
  const storesOptions = { sessions: numberOf('sessions', values.sessions, true) }
  const consolesOptions = {
    consoles: numberOf('consoles', values.consoles, true),
    seconds: numberOf('seconds', values.seconds ?? '600', false)
  }
  const isChosen = (part: (typeof parts)[number]) => positionals.length === 0 || positionals.includes(part)
  let isFine = true
  if (isChosen('forward')) isFine = await benchForward(forwardOptions, print)
  if (isChosen('layers')) isFine = (await benchLayers(forwardOptions, print)) && isFine
  if (isChosen('memory')) isFine = (await benchMemory(memoryOptions, print)) && isFine
  if (isChosen('lists')) isFine = (await benchLists(listsOptions, print)) && isFine
  if (isChosen('graphql')) await benchGraphql({ rounds: listsOptions.rounds }, print)
  if (isChosen('workers')) isFine = (await benchWorkers(forwardOptions, print)) && isFine
  if (isChosen('stores')) await benchStores(storesOptions, print)
  if (isChosen('consoles')) isFine = (await benchConsoles(consolesOptions, print)) && isFine
  return isFine ? 0 : 1
}

// The children are killed when this process exits; a signal alone would not let it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
