/**
 * What no schema can see of a config: plugins and files that must exist, keys that depend on each other.
 */
import { resolve } from 'node:path'
import { hostName } from '../core/hosts.ts'
import { realmNames, systemNames } from '../core/words.ts'
import { readKnownQueries } from '../graphql/known-queries.ts'
import { usualPath } from '../graphql/options.ts'
import { storePlace, storePlaceMistake } from '../plugins/store/place.ts'
import { choosePlugins, isTeamName, switchable } from './catalogue.ts'
import type { Surroundings } from './config.ts'
import type { Checked, Config } from './config-schema.ts'
import { isMapping, unknownKey } from './mistakes.ts'
import { checkRedirects } from './redirect-checks.ts'
import { findTeamPlugin } from './team-plugins.ts'
import { checkListenerTls, checkSystemTls, publicKeyMistakes } from './tls-checks.ts'
import { isSupervised } from './workers/count.ts'

/** Plugins that are unknown, or without what they need. */
export function pluginMistakes(value: unknown, { directory }: Surroundings): string[] {
  const wishes = isMapping(value) && isMapping(value.plugins) ? value.plugins : {}
  const lines: string[] = []
  for (const [name, wish] of Object.entries(wishes)) {
    const path = `plugins.${name}`
    if (isTeamName(name)) {
      if (typeof wish !== 'boolean' && !isMapping(wish)) {
        lines.push(`${path}: ${JSON.stringify(wish)} is not true or false, or a mapping`)
      }
      if (findTeamPlugin(name, directory) === undefined) {
        const known = switchable.map((entry) => entry.name)
        lines.push(/^[./]/.test(name) ? `${path}: there is no such file` : unknownKey(path, name, known))
      }
    } else if (!switchable.some((entry) => entry.name === name))
      lines.push(`${path}: is always on and takes no options`)
  }
  choosePlugins(switchable, wishes as Record<string, boolean>, (name, need) =>
    lines.push(`plugins.${name}: needs ${need}, which is off; turn ${need} on or ${name} off`)
  )
  return lines
}

export type Check = (config: Checked, directory: string) => string[]

const isAnyAddress = (host: string) => host === '0.0.0.0' || host === '::'

const checkPorts: Check = ({ listen, ops }) => {
  const places = [...listen.map((one, at) => ({ path: `listen[${at}]`, ...one })), { path: 'ops', ...ops }]
  return places.flatMap(({ path, host, port }, at) => {
    const other = places
      .slice(0, at)
      .find((one) => one.port === port && (one.host === host || isAnyAddress(one.host) || isAnyAddress(host)))
    return port === 0 || other === undefined ? [] : [`${path}: ${host}:${port} is taken by ${other.path}`]
  })
}

const checkKeys: Check = ({ systems }, directory) =>
  systemNames.flatMap((system) => {
    const own = systems[system]
    const keys = [own.keys].flat()
    own.keys = keys
    return keys.flatMap((key, at) =>
      /^https?:/i.test(key) ? [] : publicKeyMistakes(`systems.${system}.keys[${at}]`, keys, at, directory)
    )
  })

const checkInFlight: Check = ({ systems }) =>
  systemNames.flatMap((system) => {
    const { limits, connections } = systems[system]
    const most = Math.max(connections - 1, 1)
    if (limits.inFlight === undefined || limits.inFlight <= most) return []
    return [`systems.${system}.limits.inFlight: ${limits.inFlight} is not below connections, which is ${connections}`]
  })

const checkStore: Check = (config, directory) => {
  const mistake = storePlaceMistake(config.store)
  if (mistake !== null) return [`store: ${mistake}`]
  // From here on it says where, whatever the working directory.
  const place = storePlace(config.store, directory)
  if (place.kind === 'file') config.store = `file:${place.path}`
  return []
}

const checkWorkers: Check = ({ workers, store }) =>
  isSupervised(workers) && store === 'memory'
    ? [
        `workers: ${workers} need a store that they share, and memory is each one's own; set store to file:./dispatcher.db, or workers to 1`
      ]
    : []

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127(?:\.\d+){3}$/.test(host)

const checkToken: Check = ({ ops: { host, token } }) => {
  if (token === '' && !isLoopback(host)) {
    return [`ops.token: is missing; it is required because ops.host ${host} is not loopback`]
  }
  const isShort = token !== '' && token.length < 16
  return isShort ? ['ops.token: the value is not a text of at least 16 characters'] : []
}

const checkHosts: Check = ({ realms }) => {
  const owners = new Map<string, string>()
  return realmNames.flatMap((realm) =>
    ((realms as Config['realms'])[realm]?.hosts ?? []).flatMap((host) => {
      const owner = owners.get(hostName(host))
      owners.set(hostName(host), realm)
      return owner === undefined ? [] : [`realms.${realm}.hosts: ${host} belongs to ${owner} already`]
    })
  )
}

const checkDefaultRealm: Check = ({ plugins, defaultRealm }) =>
  plugins['realm-detection'] === false && defaultRealm === undefined
    ? ['defaultRealm: is missing; with plugins.realm-detection off every request is in it']
    : []

const methodName = /^[A-Za-z]\w*\/[A-Za-z]\w*$/

const checkMethods: Check = ({ plugins }) => {
  const lists = plugins['list-aggregation']
  const methods = isMapping(lists) && isMapping(lists.methods) ? Object.keys(lists.methods) : []
  return methods
    .filter((name) => !methodName.test(name))
    .map((name) => `plugins.list-aggregation.methods.${name}: is not a method such as Customer/get_customer_list`)
}

const checkGraphql: Check = ({ plugins, apis }, directory) => {
  const choices = choosePlugins(switchable, plugins as Record<string, boolean>, () => {})
  if (!choices.some(({ name, options }) => name === 'graphql' && options !== null)) return []
  const options = (isMapping(plugins.graphql) ? plugins.graphql : {}) as { path?: string; persistedQueries?: string }
  const { path = usualPath } = options
  const api = Object.values(apis)
    .flat()
    .find((prefix) => path === prefix || path.startsWith(`${prefix}/`))
  const lines = api === undefined ? [] : [`plugins.graphql.path: ${path} belongs to the API at ${api}`]
  if (options.persistedQueries === undefined) return lines
  options.persistedQueries = resolve(directory, options.persistedQueries)
  try {
    readKnownQueries(options.persistedQueries)
  } catch (error) {
    lines.push(`plugins.graphql.persistedQueries: ${(error as Error).message}`)
  }
  return lines
}

/** Each check with the sections that must be sound before it can look at them. */
const checks: readonly [sections: readonly string[], check: Check][] = [
  [['listen'], checkListenerTls],
  [['listen', 'ops'], checkPorts],
  [['systems'], checkSystemTls],
  [['systems'], checkKeys],
  [['systems'], checkInFlight],
  [['store'], checkStore],
  [['workers', 'store'], checkWorkers],
  [['ops'], checkToken],
  [['realms'], checkHosts],
  [['plugins', 'defaultRealm'], checkDefaultRealm],
  [['plugins'], checkMethods],
  [['plugins', 'apis'], checkGraphql],
  [['plugins', 'realms', 'systems', 'defaultRealm', 'listen'], checkRedirects]
]

/** Keys that depend on each other, and files; `known` are the mistakes that the schema has found. */
export function crossMistakes(config: Checked, { directory }: Surroundings, known: readonly string[]): string[] {
  const isSound = (section: string) => !known.some((line) => new RegExp(`^${section}\\b`).test(line))
  return checks.flatMap(([sections, check]) => (sections.every(isSound) ? check(config, directory) : []))
}
