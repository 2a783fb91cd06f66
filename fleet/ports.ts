/**
 * Free ports, and waiting until something is there: no process tells when its neighbour has noticed it.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from './processes.ts'

const patienceMs = 20_000
const lookEveryMs = 25

/** Ports that nobody listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port as number
}

/** Looks again until it is so; gives up when it cannot become so any more, because a process has ended. */
export async function waitUntil(what: string, isSo: () => Promise<boolean>, running?: Running): Promise<void> {
  const by = performance.now() + patienceMs
  while (!(await isSo().catch(() => false))) {
    if (running?.isRunning() === false) throw new Error(`${running.name} has ended: ${running.lastWords()}`)
    if (performance.now() > by) throw new Error(`not within ${patienceMs / 1000} s: ${what}`)
    await delay(lookEveryMs)
  }
}
