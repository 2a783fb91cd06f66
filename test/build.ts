/**
 * A running gateway for a test, in front of simulated systems; all of it is closed with the test.
 */
import type { TestContext } from 'node:test'
import pino from 'pino'
import { type RealmName, realmNames } from '../core/words.ts'
import { parseConfig } from '../gateway/config.ts'
import type { Config } from '../gateway/config-schema.ts'
import { type Gateway, startGateway } from '../gateway/running.ts'
import type { Simulator, SimulatorOptions } from '../simulator/index.ts'
import { startTestSystem } from './test-system.ts'

export const secret = 'a secret that is only good for tests'

/** Hosts of the test gateway, by realm. */
export const hosts = Object.fromEntries(
  realmNames.map((realm) => [realm, `www.${realm.replace('_', '-')}.test`])
) as Record<RealmName, string>

/** A config for two systems that answer at these URLs; `overrides` replaces top-level keys. */
export function testConfig(
  urls: { source: SystemUrls; target: SystemUrls },
  overrides: Record<string, unknown> = {}
): Config {
  return parseConfig(
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      ops: { port: 0 },
      secret,
      drain: 2000,
      debugHeaders: true,
      // Tests share their process with the simulated systems: how late it runs tells nothing of the gateway.
      limits: { eventLoopDelay: 0 },
      realms: Object.fromEntries(realmNames.map((realm) => [realm, { hosts: [hosts[realm]] }])),
      systems: { source: systemConfig('MR100', urls.source), target: systemConfig('MR115', urls.target) },
      ...overrides
    },
    { directory: import.meta.dirname, env: {} }
  )
}

export type SystemUrls = Readonly<Partial<Record<RealmName, string>>> & { readonly admin: string }

export function systemConfig(release: string, urls: SystemUrls, more: Record<string, unknown> = {}) {
  return { release, url: urls.admin, realms: { ...urls }, health: false, ...more }
}

export interface LoggedLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Running extends Gateway {
  /** Where clients come in. */
  readonly url: string
  /** Everything that was logged, at every level. */
  readonly lines: LoggedLine[]
  readonly logText: () => string
}

/** Starts a gateway with this config; its log is kept. */
export async function startTestGateway(t: Pick<TestContext, 'after'>, config: Config): Promise<Running> {
  const lines: LoggedLine[] = []
  let text = ''
  const keep = {
    write(line: string) {
      text += line
      lines.push(JSON.parse(line) as LoggedLine)
    }
  }
  const log = { logger: pino({ level: 'trace' }, keep), writeLine: (line: string) => keep.write(line) }
  const gateway = await startGateway(config, log)
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= gateway.stop()
    return stopped
  }
  t.after(stop)
  return { ...gateway, stop, url: gateway.addresses[0]?.url ?? '', lines, logText: () => text }
}

/** Starts a gateway that keeps no log: of very many requests it would be long, and cost more than they do. */
export async function startSilentGateway(t: Pick<TestContext, 'after'>, config: Config): Promise<Gateway> {
  const gateway = await startGateway(config, { logger: pino({ level: 'silent' }), writeLine: () => {} })
  t.after(() => gateway.stop())
  return gateway
}

export interface World extends Running {
  readonly source: Simulator
  readonly target: Simulator
}

/** Two small systems and a gateway before them. */
export async function startWorld(
  t: Pick<TestContext, 'after'>,
  overrides: Record<string, unknown> = {},
  systems: Partial<SimulatorOptions> = {}
): Promise<World> {
  const small = { customers: 60, ...systems }
  const [source, target] = await Promise.all([
    startTestSystem({ ...small, release: 'MR100', role: 'source' }),
    startTestSystem({ ...small, release: 'MR115', role: 'target' })
  ])
  t.after(() => Promise.all([source.close(), target.close()]))
  const gateway = await startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, overrides))
  return { ...gateway, source, target }
}
