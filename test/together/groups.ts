/**
 * Which test files share a process under `npm test`. To load the gateway and to warm it up costs a process more than most
 * files' tests do.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** By the name of the file here that runs them: patterns of paths below `test/`. Whatever else there is runs alone. */
const patterns = {
  core: ['core/*.test.ts'],
  simulator: ['simulator/*.test.ts'],
  'contract-a-f': ['contract/[a-f]*.test.ts', 'regressions/*.test.ts'],
  'contract-g-l': ['contract/[g-l]*.test.ts'],
  'contract-m-r': ['contract/[m-r]*.test.ts'],
  'contract-s-z': ['contract/[s-z]*.test.ts'],
  'graphql-a-o': ['graphql/[a-o]*.test.ts'],
  'graphql-p-z': ['graphql/[p-z]*.test.ts'],
  'gateway-and-plugins': ['gateway/*.test.ts', 'plugins/*.test.ts']
} as const

export type GroupName = keyof typeof patterns

export const groupNames = Object.keys(patterns) as GroupName[]

/**
 * Alone too: long ones, which would end last if they waited for others, and those whose time is short: what a process has
 * run before stays in its memory, and the collector stops it for longer.
 */
export const aloneByName = [
  'contract/moves.test.ts',
  'contract/portal-browser.test.ts',
  'contract/retries.test.ts',
  'contract/web-sockets-dual.test.ts',
  'graphql/calls.test.ts',
  'graphql/limits-http.test.ts',
  'graphql/partial.test.ts',
  'gateway/main.test.ts',
  'gateway/slow-clients.test.ts',
  'gateway/workers.test.ts',
  'plugins/load-shedding.test.ts',
  'simulator/socket-faults.test.ts'
]

/**
 * Alone, and beside all others, one after the other: they wait most of the time, for processes, browsers and clocks. The
 * longest come first.
 */
export const waiting = [
  'gateway/workers.test.ts',
  'fleet/drill.test.ts',
  'soak/smoke.test.ts',
  'gateway/slow-clients.test.ts',
  'night/night.test.ts',
  'fleet/topology.test.ts',
  'fleet/haproxy.test.ts',
  'console/page.test.ts',
  'migration-night.test.ts',
  'readme.test.ts',
  'bench/consoles.test.ts',
  'bench/workers.test.ts'
]

/**
 * What a test does to its whole process, or asks of it: timers, environment, memory, who listens, what is open. A date alone
 * is put right when its test ends; a timer that was begun under a mocked clock never comes.
 */
export const ownsProcess =
  /apis: \[(?!'Date'\])|startClock|process\.(?:on|chdir|env\.\w+ =)|getActiveResources|memoryUsage/

const isAlone = (path: string) => aloneByName.includes(path) || ownsProcess.test(readFileSync(join(root, path), 'utf8'))

const find = (pattern: string | readonly string[]) =>
  globSync(pattern, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()

/** The files that run in this group's process, one after the other. */
export const membersOf = (name: GroupName): string[] => find(patterns[name]).filter((path) => !isAlone(path))

/** The files that have a process each. */
export function loners(): string[] {
  const members = new Set(groupNames.flatMap(membersOf))
  return find('**/*.test.ts').filter((path) => !members.has(path))
}
