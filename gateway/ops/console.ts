/**
 * The console's place on the ops listener: whoever comes this far may see it.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config-schema.ts'
import { registerPage } from './console-files.ts'
import { createEvents } from './events.ts'
import type { AskAll } from './reports.ts'

export const isConsoleOn = ({ plugins }: Config): boolean =>
  (plugins.find(({ name }) => name === 'console')?.options ?? null) !== null

export interface ConsoleHelpers {
  /** What the page's requests must show in `X-CSRF-Token`; empty where there is no session. */
  csrfOf(request: FastifyRequest): string
  readonly config: Config
  readonly askAll: AskAll | null
}

/** The page, its files and its events. */
export function registerConsole(scope: FastifyInstance, app: FastifyInstance, helpers: ConsoleHelpers): void {
  registerPage(scope, helpers)
  const events = createEvents(app, helpers.config, helpers.askAll)
  // A HEAD of its own would open a stream that nobody reads.
  scope.get('/console/events', { exposeHeadRoute: false }, (_request, reply) => events.open(reply))
  scope.addHook('preClose', async function endEvents() {
    events.close()
  })
}
