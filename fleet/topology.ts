/**
 * The topology of docker-compose.yml as plain processes on free ports: HAProxy as the one address, two gateways, Redis
 * and two simulated systems; and what can be done to each of them. No process outlives whoever started it.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createCrew } from '../bench/children.ts'
import { createCommander } from '../soak/stage.ts'
import { createGateway, type Shared } from './gateways.ts'
import { startHaproxy } from './haproxy.ts'
import { freePorts } from './ports.ts'
import { createProcesses, type Processes } from './processes.ts'
import { startRedis } from './redis.ts'

export interface FleetOptions {
  readonly customers: number
  readonly seed: number
  /** How long a system keeps an idle connection, ms. */
  readonly idleMs: number
  readonly gateways?: number
  /** Processes of each gateway. */
  readonly workers?: number
  /** More for the gateways' environment, by which docker/dispatcher.yaml takes its values. */
  readonly env?: Readonly<Record<string, string>>
}

/** The programs that are not to be had, one of each of which a fleet needs; empty when it can be started. */
export const missingPrograms = (): string[] =>
  ['haproxy', 'redis-server'].filter((name) => {
    const flag = name === 'haproxy' ? '-v' : '--version'
    return spawnSync(name, [flag], { stdio: 'ignore' }).error !== undefined
  })

async function startSystems({ customers, seed, idleMs }: FleetOptions) {
  const crew = createCrew()
  try {
    const flags = Object.entries({ customers, seed, idleMs }).map(([name, value]) => `--${name}=${value}`)
    const systems = await crew.start('../soak/systems.ts', flags)
    const command = createCommander(systems)
    return { ports: systems.ports, command, about: await command('about'), close: () => crew.dismiss() }
  } catch (error) {
    await crew.dismiss()
    throw error
  }
}

type Systems = Awaited<ReturnType<typeof startSystems>>

async function assemble(processes: Processes, systems: Systems, options: FleetOptions) {
  const { gateways: count = 2, workers = 1, env = {} } = options
  const [port = 0, statisticsPort = 0, redisPort = 0, ...rest] = await freePorts(3 + 2 * count)
  const places = Array.from({ length: count }, (_none, at) => ({
    name: `gateway-${at + 1}`,
    port: rest[2 * at] ?? 0,
    opsPort: rest[2 * at + 1] ?? 0
  }))
  const [redis, haproxy] = await Promise.all([
    startRedis(processes, redisPort),
    startHaproxy(processes, { port, statisticsPort, gateways: places })
  ])
  const token = randomBytes(16).toString('hex')
  const shared: Shared = {
    secret: randomBytes(32).toString('hex'),
    token,
    systemPorts: systems.ports,
    env: { WEBDISPATCHER_WORKERS: String(workers), WEBDISPATCHER_STORE: redis.url, ...env }
  }
  const gateways = places.map((place) =>
    createGateway(processes, place, shared, async () => (await haproxy.statusOf(place.name)) === 'UP')
  )
  await Promise.all(gateways.map((gateway) => gateway.start()))
  return {
    /** HAProxy's. */
    origin: `http://127.0.0.1:${port}`,
    statisticsUrl: `http://127.0.0.1:${statisticsPort}`,
    gateways,
    redis,
    haproxy,
    token,
    command: systems.command,
    about: systems.about,
    /** Past the gateways, by `system.realm`. */
    systemPorts: systems.ports,
    /** What `haproxy`, `redis` or a gateway has written. */
    log: processes.log
  }
}

export async function startFleet(options: FleetOptions) {
  const processes = createProcesses()
  let systems: Systems | null = null
  const close = async () => {
    await processes.end()
    await systems?.close()
  }
  try {
    systems = await startSystems(options)
    return { ...(await assemble(processes, systems, options)), close }
  } catch (error) {
    await close()
    throw error
  }
}

export type Fleet = Awaited<ReturnType<typeof startFleet>>
