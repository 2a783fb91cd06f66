/**
 * YAML and environment to a frozen Config, or all mistakes at once (contract section 2).
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { Type } from '../core/schema.ts'
import { choosePlugins, isTeamName, switchable } from './catalogue.ts'
import { crossMistakes, pluginMistakes } from './config-checks.ts'
import { ConfigError } from './config-error.ts'
import { BaseSchema, type Checked, type Config, type PluginOptions, type TeamPlugin } from './config-schema.ts'
import { fillDefaults } from './defaults.ts'
import { isMapping, mistakesOf, pathOf } from './mistakes.ts'
import { findTeamPlugin } from './team-plugins.ts'

/** The base schema with each switchable plugin's own options. */
const ConfigSchema = Type.Object(
  {
    ...BaseSchema.properties,
    plugins: Type.Object(
      Object.fromEntries(
        switchable.map(({ name, options }) => [name, Type.Optional(Type.Union([Type.Boolean(), options]))])
      ),
      // A team's own plugins are named by path or package: config-checks.ts looks for them.
      { default: {}, additionalProperties: true }
    )
  },
  { additionalProperties: false }
)

export { ConfigError }

export interface Surroundings {
  /** What relative file names are relative to. */
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** `overrides`: what the command line says of keys, which comes before the file. */
export function loadConfig(
  file: string,
  env: Surroundings['env'] = process.env,
  overrides: Readonly<Partial<Pick<Config, 'workers'>>> = {}
): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
  // `${NAME:-}` is no YAML where a mapping stands on one line: it is put aside while YAML is read.
  const references: string[] = []
  const readable = text.replaceAll(reference, (all) => `${aside[0]}${references.push(all) - 1}${aside[1]}`)
  const document = parseDocument(readable)
  const [error] = document.errors
  // What follows the first mistake is mostly its echo.
  if (error !== undefined) throw new ConfigError([`${file}: ${error.message.split('\n', 1)[0]}`])
  const raw = mapTexts(document.toJS(), (one) => one.replaceAll(putAside, (_all, at) => references[Number(at)] ?? ''))
  const asked = isMapping(raw) ? { ...raw, ...overrides } : raw
  return parseConfig(asked, { directory: dirname(resolve(file)), env })
}

/** `${NAME}` and `${NAME:-default}`. */
const reference = /\$\{(\w+)(?::-([^}]*))?\}/g
/** Private characters that no config holds. */
const aside = ['\ue000', '\ue001'] as const
const putAside = /\ue000(\d+)\ue001/g

/** The value with each of its texts, keys too, replaced; `pointer` tells where a text stands. */
function mapTexts(value: unknown, replace: (text: string, pointer: string) => string, pointer = ''): unknown {
  if (typeof value === 'string') return replace(value, pointer)
  if (Array.isArray(value)) return value.map((one, at) => mapTexts(one, replace, `${pointer}/${at}`))
  if (!isMapping(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, mapTexts(one, replace, `${pointer}/${escapePointer(key)}`)])
  )
}

/** Checks and completes a config; the caller's object is never changed, the result is frozen. */
export function parseConfig(raw: unknown, surroundings: Surroundings): Config {
  const { value, filled, missing } = fillIn(raw, surroundings.env)
  let complete = fillDefaults(ConfigSchema, value)
  // What the environment gives is text; where the schema wants a number or a flag, it is read as one.
  for (const { pointer, type } of mistakesOf(ConfigSchema, complete).wrongTypes) {
    if (filled.has(pointer)) convert(complete, pointer, type)
  }
  complete = fillDefaults(ConfigSchema, complete)
  const ofSchema = mistakesOf(ConfigSchema, complete).lines.filter(({ pointer }) => !missing.has(pointer))
  const lines = [...missing.values(), ...ofSchema.map(({ line }) => line)]
  const checked = complete as Checked
  if (isMapping(checked))
    lines.push(...pluginMistakes(checked, surroundings), ...crossMistakes(checked, surroundings, lines))
  if (lines.length > 0) throw new ConfigError(lines)

  const wishes = checked.plugins as Record<string, boolean | PluginOptions>
  return deepFreeze({
    ...checked,
    realms: checked.realms as Config['realms'],
    trustProxy: checked.trustProxy as Config['trustProxy'],
    defaultRealm: checked.defaultRealm,
    plugins: choosePlugins(switchable, withDefaults(wishes), () => {}),
    teamPlugins: teamPluginsOf(wishes, surroundings)
  })
}

const escapePointer = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')

/** Puts the environment into every text; notes which values came from it, and which could not. */
function fillIn(raw: unknown, env: Surroundings['env']) {
  const filled = new Set<string>()
  const missing = new Map<string, string>()
  const value = mapTexts(structuredClone(raw), (text, pointer) =>
    text.replaceAll(reference, (_all, name: string, otherwise: string | undefined) => {
      filled.add(pointer)
      const given = env[name]
      if (given !== undefined && (given !== '' || otherwise === undefined)) return given
      if (otherwise === undefined) missing.set(pointer, `${pathOf(pointer)}: the environment has no ${name}`)
      return otherwise ?? ''
    })
  )
  return { value, filled, missing }
}

function convert(root: unknown, pointer: string, type: string) {
  const parts = pointer.split('/').slice(1)
  const key = parts.pop() as string
  const holder = parts.reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], root)
  const text = (holder as Record<string, unknown>)[key] as string
  if (/^(?:integer|number)$/.test(type) && /^-?\d+$/.test(text)) (holder as Record<string, unknown>)[key] = Number(text)
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) (holder as Record<string, unknown>)[key] = text === 'true'
}

/** `true` takes every default of the plugin's options. */
function withDefaults(wishes: Readonly<Record<string, boolean | PluginOptions>>) {
  return Object.fromEntries(
    switchable.map(({ name, options }) => {
      const wish = wishes[name]
      if (wish === false) return [name, wish]
      return [name, fillDefaults(options, wish === undefined || wish === true ? {} : wish) as PluginOptions]
    })
  )
}

function teamPluginsOf(wishes: Readonly<Record<string, unknown>>, { directory }: Surroundings): TeamPlugin[] {
  return Object.entries(wishes).flatMap(([name, wish]) => {
    const file = isTeamName(name) && wish !== false ? findTeamPlugin(name, directory) : undefined
    return file === undefined ? [] : [{ name, file, options: isMapping(wish) ? wish : {} }]
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const one of Object.values(value)) deepFreeze(one)
  }
  return value
}
