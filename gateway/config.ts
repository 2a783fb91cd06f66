/**
 * YAML and environment to a frozen Config, or all mistakes at once (contract section 2).
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Type from 'typebox'
import Value from 'typebox/value'
import { parseDocument } from 'yaml'
import type { RealmName } from '../core/words.ts'
import { choosePlugins, isTeamName, switchable } from './catalogue.ts'
import { crossMistakes, pluginMistakes } from './config-checks.ts'
import { BaseSchema, type Checked, type Config, type PluginOptions, type TeamPlugin } from './config-schema.ts'
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

/** All mistakes of a config; the message has a line for each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.mistakes = mistakes
  }
}

export interface Surroundings {
  /** What relative file names are relative to. */
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export function loadConfig(file: string, env: Surroundings['env'] = process.env): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
  const document = parseDocument(text)
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map(({ message }) => `${file}: ${message.split('\n', 1)[0]}`))
  }
  return parseConfig(document.toJS(), { directory: dirname(resolve(file)), env })
}

/** Checks and completes a config; the caller's object is never changed, the result is frozen. */
export function parseConfig(raw: unknown, surroundings: Surroundings): Config {
  const lines: string[] = []
  const filled = new Set<string>()
  const value = fillIn(structuredClone(raw), '', surroundings.env, filled, lines)
  const complete = Value.Default(ConfigSchema, value)
  // What the environment gives is text; where the schema wants a number or a flag, it is read as one.
  for (const { pointer, type } of mistakesOf(ConfigSchema, complete).wrongTypes) {
    if (filled.has(pointer)) convert(complete, pointer, type)
  }
  lines.push(...mistakesOf(ConfigSchema, complete).lines)
  if (lines.length > 0) {
    // What can be seen beside the schema's mistakes is told with them.
    throw new ConfigError([...lines, ...pluginMistakes(complete, surroundings)])
  }
  const checked = complete as Checked
  const wishes = checked.plugins as Record<string, boolean | PluginOptions>
  const config: Config = {
    ...checked,
    realms: checked.realms as Config['realms'],
    defaultRealm: checked.defaultRealm as RealmName | undefined,
    trustProxy: checked.trustProxy as Config['trustProxy'],
    plugins: choosePlugins(switchable, withDefaults(wishes), () => {}),
    teamPlugins: teamPluginsOf(wishes, surroundings)
  }
  const wrong = [...pluginMistakes(complete, surroundings), ...crossMistakes(config, surroundings)]
  if (wrong.length > 0) throw new ConfigError(wrong)
  return deepFreeze(config)
}

const escapePointer = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')

/** Puts the environment into every text; notes which values came from it. */
function fillIn(
  value: unknown,
  pointer: string,
  env: Surroundings['env'],
  filled: Set<string>,
  lines: string[]
): unknown {
  if (Array.isArray(value)) return value.map((one, index) => fillIn(one, `${pointer}/${index}`, env, filled, lines))
  if (isMapping(value)) {
    const entries = Object.entries(value).map(
      ([key, one]) => [key, fillIn(one, `${pointer}/${escapePointer(key)}`, env, filled, lines)] as const
    )
    return Object.fromEntries(entries)
  }
  if (typeof value !== 'string' || !value.includes('${')) return value
  filled.add(pointer)
  return value.replaceAll(/\$\{(\w+)(?::-([^}]*))?\}/g, (_all, name: string, otherwise: string | undefined) => {
    const given = env[name]
    if (given !== undefined && (given !== '' || otherwise === undefined)) return given
    if (otherwise === undefined) lines.push(`${pathOf(pointer)}: the environment has no ${name}`)
    return otherwise ?? ''
  })
}

function convert(root: unknown, pointer: string, type: string) {
  const parts = pointer.split('/').slice(1)
  const key = parts.pop() as string
  const holder = parts.reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], root)
  const text = (holder as Record<string, unknown>)[key] as string
  if (type === 'integer' && /^-?\d+$/.test(text)) (holder as Record<string, unknown>)[key] = Number(text)
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) (holder as Record<string, unknown>)[key] = text === 'true'
}

/** `true` takes every default of the plugin's options. */
function withDefaults(wishes: Readonly<Record<string, boolean | PluginOptions>>) {
  return Object.fromEntries(
    switchable.map(({ name, options }) => {
      const wish = wishes[name]
      if (wish === false) return [name, wish]
      return [name, Value.Default(options, wish === undefined || wish === true ? {} : wish) as PluginOptions]
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
