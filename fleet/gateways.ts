/**
 * The gateways: the command itself with docker-compose.yml's own config, what differs given by the environment.
 */
import { fileURLToPath } from 'node:url'
import { systemNames } from '../core/words.ts'
import { waitUntil } from './ports.ts'
import type { Processes, Running } from './processes.ts'

const main = fileURLToPath(new URL('../gateway/main.ts', import.meta.url))
const gatewayFile = fileURLToPath(new URL('../docker/dispatcher.yaml', import.meta.url))

/** The realms that docker/dispatcher.yaml names a URL for. */
const realms = ['admin', 'reseller', 'customer', 'account'] as const

export interface GatewayPlace {
  readonly name: string
  readonly port: number
  readonly opsPort: number
}

/** What all gateways of a fleet are given. */
export interface Shared {
  readonly secret: string
  readonly token: string
  /** The systems' ports, by `system.realm`. */
  readonly systemPorts: Readonly<Record<string, number>>
  readonly env: Readonly<Record<string, string>>
}

function environmentOf({ port, opsPort }: GatewayPlace, { secret, token, systemPorts, env }: Shared) {
  const urls = systemNames.flatMap((system) =>
    realms.map((realm) => [
      `${system}_${realm}`.toUpperCase(),
      `http://127.0.0.1:${systemPorts[`${system}.${realm}`] ?? 0}`
    ])
  )
  return {
    ...Object.fromEntries(urls),
    WEBDISPATCHER_HOST: '127.0.0.1',
    WEBDISPATCHER_PORT: String(port),
    WEBDISPATCHER_PROXY: '127.0.0.1/32',
    WEBDISPATCHER_SECRET: secret,
    OPS_PORT: String(opsPort),
    OPS_TOKEN: token,
    ...env
  }
}

export interface FleetGateway {
  readonly name: string
  readonly origin: string
  readonly opsUrl: string
  pid(): number
  /** Until it is ready, and HAProxy has noticed. */
  start(): Promise<void>
  /** Asks it to stop, and waits until it has; its exit code. */
  stop(): Promise<number | NodeJS.Signals>
  /** Ends it at once, with its workers. */
  kill(): Promise<void>
  signal(name: NodeJS.Signals): void
}

export function createGateway(
  processes: Processes,
  place: GatewayPlace,
  shared: Shared,
  isNoticed: () => Promise<boolean>
): FleetGateway {
  const { name, port, opsPort } = place
  const opsUrl = `http://127.0.0.1:${opsPort}`
  const command = {
    program: process.execPath,
    args: [main, '--config', gatewayFile],
    env: environmentOf(place, shared)
  }
  let running: Running | null = null
  const current = () => {
    if (running === null) throw new Error(`${name} was never started`)
    return running
  }
  return {
    name,
    opsUrl,
    origin: `http://127.0.0.1:${port}`,
    pid: () => current().pid,
    async start() {
      if (running?.isRunning()) throw new Error(`${name} is running`)
      running = await processes.start(name, command)
      await waitUntil(`${name} is ready`, async () => (await fetch(`${opsUrl}/health/ready`)).ok, running)
      await waitUntil(`HAProxy has noticed ${name}`, isNoticed, running)
    },
    async stop() {
      current().signal('SIGTERM')
      return current().ended
    },
    kill: () => current().kill(),
    signal: (signal) => current().signal(signal)
  }
}
