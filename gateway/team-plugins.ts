/**
 * A team's own Fastify plugins, named in the config by path or package.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { ConfigError } from './config-error.ts'
import type { TeamPlugin } from './config-schema.ts'

/** The file behind a plugin's name, as seen from the config file; undefined when there is none. */
export function findTeamPlugin(name: string, directory: string): string | undefined {
  if (/^\.{0,2}\//.test(name)) {
    const file = resolve(directory, name)
    return existsSync(file) ? file : undefined
  }
  try {
    return createRequire(join(directory, 'config')).resolve(name)
  } catch {
    return undefined
  }
}

/** Imports a team's plugin and registers it after all of ours. */
export async function registerTeamPlugin(app: FastifyInstance, { name, file, options }: TeamPlugin): Promise<void> {
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown }
  } catch (cause) {
    throw new ConfigError([`plugins.${name}: ${file} cannot be imported: ${(cause as Error).message}`], { cause })
  }
  if (typeof module.default !== 'function') {
    throw new ConfigError([`plugins.${name}: the default export of ${file} is not a Fastify plugin`])
  }
  await app.register(module.default as FastifyPluginAsync, options)
}
