/**
 * webdispatcher status: both systems, the store, who is being moved, and the faults since the start.
 */
import { exitCodes } from './errors.ts'
import { readArguments } from './flags.ts'
import { table } from './lines.ts'
import { createOpsClient, type OpsClient, refusalOf } from './ops-client.ts'
import type { Surroundings } from './surroundings.ts'

export const statusHelp = `Usage: webdispatcher status

Both systems, the store, who is being moved now, and the gateway's own faults since its start.
`

interface SystemNow {
  readonly release: string
  readonly state: string
  readonly breaker: string
  readonly latencyMs: { readonly p50: number; readonly p99: number } | null
  readonly inFlight: number
  readonly queued: number
}

type Systems = Readonly<Record<'source' | 'target', SystemNow>>

interface Migrations {
  readonly moving: readonly { readonly i_customer: number; readonly to: string | null; readonly until: string }[]
  readonly counts: Readonly<Record<string, number>>
}

/** Customers that are named; of more the number tells. */
const namedCustomers = 10

function systemsTable({ source, target }: Systems): string {
  const row = (name: string, { release, state, breaker, latencyMs, inFlight, queued }: SystemNow) => [
    name,
    release,
    state,
    breaker,
    latencyMs === null ? '-' : `${latencyMs.p50}`,
    latencyMs === null ? '-' : `${latencyMs.p99}`,
    `${inFlight}`,
    `${queued}`
  ]
  const head = ['system', 'release', 'state', 'breaker', 'p50 ms', 'p99 ms', 'in flight', 'queued']
  return table([head, row('source', source), row('target', target)])
}

function movingLine({ moving }: Migrations): string {
  if (moving.length === 0) return 'moving: nobody\n'
  const named = moving
    .slice(0, namedCustomers)
    .map(({ i_customer: id, to }) => (to === null ? `${id}` : `${id} to the ${to}`))
  const more = moving.length > named.length ? `, and ${moving.length - named.length} more` : ''
  return `moving: ${moving.length} (${named.join(', ')}${more})\n`
}

/** Of Prometheus's text: the samples of one metric, by the value of one label. */
export function samplesOf(text: string, metric: string, label: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, labels, value] = new RegExp(`^${metric}(?:\\{([^}]*)\\})? (\\S+)`).exec(line) ?? []
    if (value === undefined) continue
    const [, name = ''] = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(labels ?? '') ?? []
    found.set(name, (found.get(name) ?? 0) + Number(value))
  }
  return found
}

function numbersIn(text: string): string {
  const isUp = samplesOf(text, 'webdispatcher_store_up', '').get('')
  const faults = [...samplesOf(text, 'webdispatcher_faults_total', 'fault')].filter(([, count]) => count > 0)
  const named = faults.toSorted(([, a], [, b]) => b - a).map(([fault, count]) => `${count} ${fault}`)
  const store = isUp === undefined ? '' : `store: ${isUp === 1 ? 'up' : 'away'}\n`
  return `${store}faults since the start: ${named.join(', ') || 'none'}\n`
}

/** Null where the plugin of that path is off. */
async function optional(client: OpsClient, path: string) {
  const answer = await client.ask('GET', path)
  if (answer.status === 404) return null
  if (answer.status !== 200) throw refusalOf(answer)
  return answer
}

export async function status(args: readonly string[], surroundings: Surroundings) {
  const { values } = readArguments(args, {})
  const client = createOpsClient(values, surroundings)
  const systems = await client.get('/systems')
  const migrations = await optional(client, '/migrations')
  const { out } = surroundings
  if (values.json) {
    out.write(`${systems.text}\n`)
    if (migrations !== null) out.write(`${migrations.text}\n`)
    return exitCodes.done
  }
  const metrics = await optional(client, '/metrics')
  out.write(systemsTable(systems.json as Systems))
  out.write(migrations === null ? '' : movingLine(migrations.json as Migrations))
  out.write(metrics === null ? '' : numbersIn(metrics.text))
  return exitCodes.done
}
