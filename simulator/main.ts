/**
 * The simulator as a command: one system, its URLs and logins in a banner, until SIGTERM or SIGINT.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Control, startControl } from './control.ts'
import { realmNames, type Simulator, type SimulatorOptions, startSimulator } from './index.ts'

const usage = `One simulated system, for trying and testing the gateway.

  node simulator/main.ts --release MR100 --role source --port 8101

  --release NAME      such as MR100 (default) or MR115
  --role ROLE         source (default): everybody, the moved customers exported; target: the moved ones
  --port N            the admin realm's; the other six follow. 0 (default): any free ones
  --host ADDRESS      127.0.0.1 (default)
  --customers N       1200 (default), up to 1000000
  --accounts N        two and a half per customer (default)
  --seed N            1 (default); the same seed gives both systems the same data
  --token-lifetime N  seconds; 900 (default)
  --database FILE     keeps the data; in memory (default)
  --cookie-domain D   Domain of its cookies; none (default)
  --tls-key FILE, --tls-cert FILE   PEM; https on every listener
  --control PORT      fault switches, the journal and moving over HTTP, on 127.0.0.1; off (default)
  --help              this
`

const optionTypes = {
  release: { type: 'string', default: 'MR100' },
  role: { type: 'string', default: 'source' },
  port: { type: 'string', default: '0' },
  host: { type: 'string', default: '127.0.0.1' },
  customers: { type: 'string', default: '1200' },
  accounts: { type: 'string' },
  seed: { type: 'string', default: '1' },
  'token-lifetime': { type: 'string', default: '900' },
  database: { type: 'string', default: ':memory:' },
  'cookie-domain': { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-cert': { type: 'string' },
  control: { type: 'string' },
  help: { type: 'boolean', default: false }
} as const

type Flags = ReturnType<typeof parseFlags>

function parseFlags() {
  return parseArgs({ options: optionTypes }).values
}

function integer(flag: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${flag}: "${text}" is not a number from ${least} up`)
  return value
}

function optionsOf(flags: Flags): SimulatorOptions {
  const { release, role, host, database, accounts } = flags
  if (role !== 'source' && role !== 'target') throw new Error(`--role: "${role}" is neither source nor target`)
  const key = flags['tls-key']
  const cert = flags['tls-cert']
  if ((key === undefined) !== (cert === undefined)) throw new Error('--tls-key and --tls-cert go together')
  const domain = flags['cookie-domain']
  return {
    release,
    role,
    host,
    database,
    port: integer('port', flags.port, 0),
    customers: integer('customers', flags.customers, 1),
    seed: integer('seed', flags.seed, 0),
    tokenLifetimeSeconds: integer('token-lifetime', flags['token-lifetime'], 1),
    ...(accounts === undefined ? {} : { accounts: integer('accounts', accounts, 0) }),
    ...(domain === undefined ? {} : { cookieDomain: domain }),
    ...(key === undefined || cert === undefined
      ? {}
      : { tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } }),
    log: (line) => console.error(line)
  }
}

function bannerOf({ release, role, urls, users }: Simulator, control: Control | null): string {
  const logins: [string, { login: string; password: string }][] = [
    ['admin', users.admin()],
    ['reseller', users.reseller()],
    ['cc_staff', users.ccStaff()],
    ...users.activeCustomers(2).map((user): [string, typeof user] => ['customer', user])
  ]
  return [
    `${release}, the ${role} system`,
    ...realmNames.map((realm) => `  ${realm.padEnd(16)}${urls[realm]}`),
    ...(control === null ? [] : [`  ${'control'.padEnd(16)}${control.url}`]),
    'Logins',
    ...logins.map(([realm, { login, password }]) => `  ${realm.padEnd(16)}${login.padEnd(16)}${password}`),
    ''
  ].join('\n')
}

async function main(): Promise<void> {
  const flags = parseFlags()
  if (flags.help) {
    process.stdout.write(usage)
    return
  }
  const simulator = await startSimulator(optionsOf(flags))
  const port = flags.control === undefined ? null : integer('control', flags.control, 0)
  const control = port === null ? null : await startControl(simulator, '127.0.0.1', port)
  const stop = async () => {
    await control?.close()
    await simulator.close()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  process.stdout.write(bannerOf(simulator, control))
}

main().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})
