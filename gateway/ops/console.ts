/**
 * The console's place on the ops listener: whoever comes this far may see it.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config-schema.ts'

export const isConsoleOn = ({ plugins }: Config): boolean =>
  (plugins.find(({ name }) => name === 'console')?.options ?? null) !== null

export interface ConsoleHelpers {
  /** What the page's requests must show in `X-CSRF-Token`; empty where there is no session. */
  csrfOf(request: FastifyRequest): string
}

export type RegisterConsole = (scope: FastifyInstance, app: FastifyInstance, helpers: ConsoleHelpers) => unknown

/** The page, its files and its events. */
export const registerConsole: RegisterConsole = () => {}
