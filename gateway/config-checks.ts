/**
 * What no schema can see of a config: plugins and files that must exist, keys that depend on each other.
 */
import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'
import { hostName } from '../core/hosts.ts'
import { realmNames, systemNames } from '../core/words.ts'
import { choosePlugins, comingPlugins, isTeamName, switchable } from './catalogue.ts'
import type { Surroundings } from './config.ts'
import type { Config } from './config-schema.ts'
import { isMapping, unknownKey } from './mistakes.ts'
import { findTeamPlugin } from './team-plugins.ts'

/** Plugins that are unknown, not there yet, or without what they need. */
export function pluginMistakes(value: unknown, { directory }: Surroundings): string[] {
  const wishes = isMapping(value) && isMapping(value.plugins) ? value.plugins : {}
  const lines: string[] = []
  for (const [name, wish] of Object.entries(wishes)) {
    const path = `plugins.${name}`
    if (comingPlugins.includes(name)) {
      if (wish !== false) lines.push(`${path}: this release does not have it yet; leave it out, or set it to false`)
    } else if (isTeamName(name)) {
      if (findTeamPlugin(name, directory) === undefined) {
        const known = [...switchable.map((entry) => entry.name), ...comingPlugins]
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

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127(?:\.\d+){3}$/.test(host)

/** What no schema can see: keys that depend on each other, and files. */
export function crossMistakes(config: Config, { directory }: Surroundings): string[] {
  const { listen, ops, realms, defaultRealm, plugins, systems } = config
  const lines: string[] = []
  const needsFile = (path: string, holder: Record<string, unknown>, key: string) => {
    if (holder[key] === undefined) return
    holder[key] = resolve(directory, holder[key] as string)
    try {
      accessSync(holder[key] as string, constants.R_OK)
    } catch {
      lines.push(`${path}.${key}: ${holder[key]} cannot be read`)
    }
  }

  const bound = new Map<string, string>()
  for (const [path, { host, port }] of [
    ...listen.map((one, at) => [`listen[${at}]`, one] as const),
    ['ops', ops] as const
  ]) {
    const other = bound.get(`${host}:${port}`)
    if (port !== 0 && other !== undefined) lines.push(`${path}: ${host}:${port} is taken by ${other}`)
    bound.set(`${host}:${port}`, path)
  }
  for (const [at, { tls }] of listen.entries()) {
    for (const key of ['cert', 'key']) if (tls !== undefined) needsFile(`listen[${at}].tls`, tls, key)
  }
  for (const system of systemNames) {
    const own = systems[system]
    needsFile(`systems.${system}.tls`, own.tls, 'ca')
    own.keys = [own.keys].flat()
    for (const [at, key] of own.keys.entries()) {
      if (!/^https?:/i.test(key))
        needsFile(`systems.${system}.keys`, own.keys as unknown as Record<string, unknown>, String(at))
    }
  }
  if (ops.token === '' && !isLoopback(ops.host)) {
    lines.push(`ops.token: is missing; it is required because ops.host ${ops.host} is not loopback`)
  }
  if (ops.token !== '' && ops.token.length < 16)
    lines.push('ops.token: the value is not a text of at least 16 characters')

  const owners = new Map<string, string>()
  for (const realm of realmNames) {
    for (const host of realms[realm]?.hosts ?? []) {
      const owner = owners.get(hostName(host))
      if (owner !== undefined) lines.push(`realms.${realm}.hosts: ${host} belongs to ${owner} already`)
      owners.set(hostName(host), realm)
    }
  }
  const detects = plugins.some(({ name, options }) => name === 'realm-detection' && options !== null)
  if (!detects && defaultRealm === undefined) {
    lines.push('defaultRealm: is missing; with plugins.realm-detection off every request is in it')
  }
  return lines
}
