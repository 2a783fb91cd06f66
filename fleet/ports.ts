/**
 * Free ports, and waiting until something is there: no process tells when its neighbour has noticed it.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from './processes.ts'

const patienceMs = 20_000
const lookEveryMs = 25

/** Below those that systems give to connections, and to who listens on port 0: until it is used, nobody else is given one. */
const [lowest, highest] = [10_000, 32_000]

/** A server on a port that was free. */
async function listenSomewhere(): Promise<Server> {
  for (;;) {
    const server = createServer()
    try {
      server.listen(randomInt(lowest, highest), '127.0.0.1')
      await once(server, 'listening')
      return server
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    }
  }
}

/** Ports that nobody listens on, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenSomewhere))
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
