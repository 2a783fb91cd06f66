/** Configs for tests: the least that is valid, and what is wrong with one that is not. */
import { parseConfig } from '../../gateway/config.ts'
import type { Config } from '../../gateway/config-schema.ts'

export type Env = Readonly<Record<string, string>>

const system = (release: string, url: string) => ({ release, url })

export const least = {
  listen: [{ port: 0 }],
  secret: 'not a secret, and 32 characters or more',
  systems: { source: system('MR100', 'https://10.0.0.2'), target: system('MR115', 'https://10.0.0.3') }
}

/** The least config with the source's keys changed. */
export const withSource = (keys: object) => ({
  systems: { ...least.systems, source: { ...least.systems.source, ...keys } }
})

export const parse = (keys: object, env: Env = {}, directory = import.meta.dirname): Config =>
  parseConfig({ ...least, ...keys }, { directory, env })

/** The mistakes of the least config with these keys; none for a valid one. */
export function mistakesIn(keys: object, env: Env = {}, directory = import.meta.dirname): readonly string[] {
  try {
    parse(keys, env, directory)
    return []
  } catch (error) {
    return (error as { mistakes: readonly string[] }).mistakes
  }
}
