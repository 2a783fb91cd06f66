/**
 * The gateway under soak, in a process of its own, with every plugin that is on by default.
 * Argument: the systems' ports, by `system.realm`, as JSON. It answers `usage`, and `idle`, which collects garbage first.
 */
import '../gateway/runtime.ts'
import { readdirSync, readlinkSync } from 'node:fs'
import { devNull } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { reportReady } from '../bench/peers/reporting.ts'
import { systemNames } from '../core/words.ts'
import { switchable } from '../gateway/catalogue.ts'
import { parseConfig } from '../gateway/config.ts'
import { createLog } from '../gateway/log.ts'
import { startGateway } from '../gateway/running.ts'
import { healthMs, hosts, locationMs } from './settings.ts'

const ports = JSON.parse(process.argv[2] ?? '{}') as Readonly<Record<string, number>>
const releases = { source: 'MR100', target: 'MR115' }

function systemConfig(system: 'source' | 'target') {
  const urlOf = (realm: string) => `http://127.0.0.1:${ports[`${system}.${realm}`]}`
  return {
    release: releases[system],
    url: urlOf('admin'),
    realms: Object.fromEntries(Object.keys(hosts).map((realm) => [realm, urlOf(realm)])),
    // A hang must end while the soak still watches.
    timeouts: { connect: 1000, headers: 1000, body: 5000 },
    health: { interval: healthMs }
  }
}

/** Options of plugins that this release may not have yet. */
const later: Readonly<Record<string, object>> = { 'circuit-breaker': { resetTimeout: 2000 } }
const known = Object.entries(later).filter(([name]) => switchable.some((plugin) => plugin.name === name))

const config = parseConfig(
  {
    listen: [{ host: '127.0.0.1', port: 0 }],
    ops: { port: 0 },
    secret: 'only for a soak, on loopback alone',
    drain: 2000,
    debugHeaders: true,
    realms: Object.fromEntries(Object.entries(hosts).map(([realm, host]) => [realm, { hosts: [host] }])),
    systems: Object.fromEntries(systemNames.map((system) => [system, systemConfig(system)])),
    plugins: {
      ...Object.fromEntries(known),
      'entity-location': { ttl: locationMs },
      // All of the soak's people come from one address and log in far more often than people do.
      'login-forwarding': { rateLimit: { max: 10_000, window: 60_000 } }
    }
  },
  { directory: import.meta.dirname, env: {} }
)

/** Any other collection keeps the pages that it has emptied, tens of megabytes of them, for later. */
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as NodeJS.GCFunction
setFlagsFromString('--no-expose-gc')

/** Undici's idle sockets do not keep a process alive, so Node does not name them; the kernel does. */
function openSockets(): number {
  try {
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        // The descriptor of the listing itself.
        return ''
      }
    })
    return open.filter((name) => name.startsWith('socket:')).length
  } catch {
    return process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length
  }
}

function footprint() {
  const { rss, heapUsed, external } = process.memoryUsage()
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  return { residentBytes: rss, heapBytes: heapUsed, externalBytes: external, sockets: openSockets(), timers }
}

export type Footprint = ReturnType<typeof footprint>

// The terminal's Ctrl-C is for the soak, which ends its children.
process.on('SIGINT', () => {})

const gateway = await startGateway(config, createLog(config, { file: devNull }))
reportReady(
  { http: gateway.addresses[0]?.port ?? 0, ops: Number(new URL(gateway.opsUrl).port) },
  {
    footprint,
    idle() {
      collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
      return footprint()
    }
  }
)
