/**
 * The one address: HAProxy with the very file that docker-compose.yml mounts.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { waitUntil } from './ports.ts'
import type { Processes } from './processes.ts'

export const haproxyFile = fileURLToPath(new URL('../docker/haproxy.cfg', import.meta.url))

/** A signal that comes as soon as the new process answers is lost every other time, ms. */
const tellAgainMs = 3000

/** A row of HAProxy's statistics, by the names of its columns. */
export type StatisticsRow = Readonly<Record<string, string>>

export interface HaproxyPlace {
  readonly port: number
  readonly statisticsPort: number
  readonly gateways: readonly { readonly port: number; readonly opsPort: number }[]
}

function environmentOf({ port, statisticsPort, gateways }: HaproxyPlace, socket: string) {
  const each = gateways.flatMap((gateway, at) => [
    [`GATEWAY_${at + 1}`, `127.0.0.1:${gateway.port}`],
    [`GATEWAY_${at + 1}_OPS_PORT`, String(gateway.opsPort)]
  ])
  return {
    ...Object.fromEntries(each),
    ADDRESS: `127.0.0.1:${port}`,
    STATISTICS_ADDRESS: `127.0.0.1:${statisticsPort}`,
    STATISTICS_SOCKET: socket,
    MAX_CONNECTIONS: '4000'
  }
}

/** The table as HAProxy writes it: names in the first line behind a hash, commas in no value that is of use here. */
function rowsOf(csv: string): StatisticsRow[] {
  const [head = '', ...lines] = csv.trim().split('\n')
  const names = head.replace(/^# /, '').split(',')
  return lines.map((line) => {
    const values = line.split(',')
    return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']))
  })
}

export async function startHaproxy(processes: Processes, place: HaproxyPlace) {
  const socket = join(processes.folder, 'haproxy.sock')
  const env = environmentOf(place, socket)
  const running = await processes.start('haproxy', { program: 'haproxy', args: ['-W', '-db', '-f', haproxyFile], env })

  /** Asks the worker that has the socket now. */
  async function ask(command: string): Promise<string> {
    const connection = connect(socket)
    await once(connection, 'connect')
    connection.end(`${command}\n`)
    return text(connection)
  }
  const workerPid = async () => Number(/^Pid: (\d+)$/m.exec(await ask('show info'))?.[1] ?? 0)
  const stats = async () => rowsOf(await ask('show stat'))
  const statusOf = async (server: string) =>
    (await stats()).find((row) => row.pxname === 'reads' && row.svname === server)?.status ?? ''

  await waitUntil('HAProxy listens', async () => (await workerPid()) > 0, running)
  return {
    pid: () => running.pid,
    workerPid,
    stats,
    /** What it thinks of a gateway, such as `UP` or `DOWN`. */
    statusOf,
    /** Reads its file again; done when the new process has the address. */
    async reload() {
      const before = await workerPid()
      let toldAt = -Infinity
      const hasNew = async () => {
        if (performance.now() - toldAt > tellAgainMs) {
          running.signal('SIGUSR2')
          toldAt = performance.now()
        }
        return ![before, 0].includes(await workerPid())
      }
      await waitUntil('HAProxy has a new process', hasNew, running)
    },
    signal: running.signal
  }
}

export type Haproxy = Awaited<ReturnType<typeof startHaproxy>>
